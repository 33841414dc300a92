//! The brightness of a picture.

use image::{DynamicImage, ImageBuffer, Luma, imageops};

use crate::number::{float, size};

/// Brightness from 0 to 255, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    values: Vec<f32>,
}

impl Plane {
    /// Of a picture with 8 bits a channel. The same weights as for JPEG (ITU-R BT.601).
    pub(crate) fn of(image: &DynamicImage) -> Self {
        let (width, height) = (size(image.width().into()), size(image.height().into()));
        let channels = usize::from(image.color().channel_count());
        let values = image.as_bytes().chunks_exact(channels.max(1)).map(|pixel| match pixel {
            [red, green, blue, ..] => {
                let [red, green, blue] = [*red, *green, *blue].map(f32::from);
                0.299 * red + 0.587 * green + 0.114 * blue
            }
            [gray, ..] => f32::from(*gray),
            [] => 0.0,
        });
        Self { width, height, values: values.collect() }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// What of it lies in a rectangle; empty where nothing does.
    pub(crate) fn rows_in(
        &self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> impl Iterator<Item = &[f32]> {
        let right = left.saturating_add(width);
        self.rows().skip(top).take(height).map(move |row| row.get(left..right).unwrap_or_default())
    }

    /// In another size, smoothly.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let dimension = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (from_width, from_height) = (dimension(self.width), dimension(self.height));
        // Floats of pictures go from 0 to 1, and beyond that they are cut off.
        let values: Vec<f32> = self.values.iter().map(|value| value / 255.0).collect();
        let buffer = ImageBuffer::<Luma<f32>, _>::from_raw(from_width, from_height, values);
        let Some(buffer) = buffer else { return self.clone() };
        let filter = imageops::FilterType::CatmullRom;
        let resized = imageops::resize(&buffer, dimension(width), dimension(height), filter);
        let values = resized.into_raw().into_iter().map(|value| value * 255.0).collect();
        Self { width, height, values }
    }

    /// Each value is the mean of a square of `factor` pixels; what is left over at the edges is left out.
    pub(crate) fn shrunk(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        let (width, height) = (self.width / factor, self.height / factor);
        let mut values = vec![0.0_f32; width.saturating_mul(height)];
        let area = float(factor) * float(factor);
        for (y, row) in self.rows().enumerate().take(height * factor) {
            let from = y / factor * width;
            let sums = values.get_mut(from..from + width).unwrap_or_default();
            for (sum, square) in sums.iter_mut().zip(row.chunks_exact(factor)) {
                *sum += square.iter().sum::<f32>() / area;
            }
        }
        Self { width, height, values }
    }
}
