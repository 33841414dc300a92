//! Pictures from bytes and back, within limits.

use std::io::Cursor;

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{PngDecoder, PngEncoder};
use image::{DynamicImage, ImageDecoder, ImageEncoder as _, ImageError, Limits};
use thiserror::Error;

use crate::number::{size, wide};

/// Most bytes of a picture's file.
pub const PICTURE_LEN_MAX: u64 = 64 << 20;

/// Most pixels along a side.
pub const SIDE_MAX: u32 = 16_384;

/// Most pixels in all.
pub const PIXELS_MAX: u64 = 1 << 25;

/// Most bytes of a colour profile that a copy keeps.
const PROFILE_LEN_MAX: usize = 4 << 20;

/// The quality of JPEG copies, of 100.
const QUALITY: u8 = 92;

/// Why bytes are no picture that is taken here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More than [`PICTURE_LEN_MAX`] bytes.
    #[error("the file has {len} bytes, {PICTURE_LEN_MAX} are possible")]
    TooLong {
        /// Bytes of the file.
        len: u64,
    },
    /// Neither of the two formats.
    #[error("byte 0: it begins neither as PNG nor as JPEG")]
    Format,
    /// More than [`SIDE_MAX`] pixels along a side or [`PIXELS_MAX`] in all, or none.
    #[error(
        "in its header: the picture has {width} by {height} pixels; {SIDE_MAX} along a side and {PIXELS_MAX} in all are possible"
    )]
    Dimensions {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// A PNG of several pictures: the copy would lack all but the first.
    #[error("in its header: the picture is animated, and copies of such are not made")]
    Animated,
    /// The file ends within the picture.
    #[error("byte {len}: the file ends before the picture does")]
    Cut {
        /// Bytes of the file.
        len: u64,
    },
    /// The decoder refuses it.
    #[error("within its first {read} bytes: the decoder refuses the picture")]
    Decoder {
        /// Bytes that it had read.
        read: u64,
        /// What it says.
        source: ImageError,
    },
}

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
}

/// A picture of 8 bits a channel, upright.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    pub(crate) format: Format,
    profile: Option<Vec<u8>>,
}

impl Decoded {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, DecodeError> {
        let len = wide(bytes.len());
        if len > PICTURE_LEN_MAX {
            return Err(DecodeError::TooLong { len });
        }
        let mut cursor = Cursor::new(bytes);
        let format = match bytes {
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
            _ => return Err(DecodeError::Format),
        };
        let decoded = match format {
            Format::Png => {
                let decoder = PngDecoder::with_limits(&mut cursor, limits());
                decoder.map_err(Failed::Decoder).and_then(|decoder| {
                    if decoder.is_apng().map_err(Failed::Decoder)? {
                        return Err(Failed::Known(DecodeError::Animated));
                    }
                    Self::read(decoder, format)
                })
            }
            Format::Jpeg => {
                let decoder = JpegDecoder::new(&mut cursor);
                decoder.map_err(Failed::Decoder).and_then(|decoder| Self::read(decoder, format))
            }
        };
        let read = cursor.position();
        let decoded = decoded.map_err(|failed| match failed {
            Failed::Known(error) => error,
            Failed::Decoder(source) => DecodeError::Decoder { read, source },
        })?;
        // WHY here: the decoder fills with gray what is missing of a JPEG.
        if format == Format::Jpeg && !is_ended(bytes) {
            return Err(DecodeError::Cut { len });
        }
        Ok(decoded)
    }

    fn read(mut decoder: impl ImageDecoder, format: Format) -> Result<Self, Failed> {
        let (width, height) = decoder.dimensions();
        let is_small = width <= SIDE_MAX
            && height <= SIDE_MAX
            && u64::from(width).saturating_mul(u64::from(height)) <= PIXELS_MAX;
        if !is_small || width == 0 || height == 0 {
            return Err(Failed::Known(DecodeError::Dimensions { width, height }));
        }
        decoder.set_limits(limits())?;
        let orientation = decoder.orientation()?;
        let profile = decoder.icc_profile()?.filter(|one| one.len() <= PROFILE_LEN_MAX);
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        let color = image.color();
        let image = match (color.has_color(), color.has_alpha()) {
            (false, false) => DynamicImage::ImageLuma8(image.into_luma8()),
            (false, true) => DynamicImage::ImageLumaA8(image.into_luma_alpha8()),
            (true, false) => DynamicImage::ImageRgb8(image.into_rgb8()),
            (true, true) => DynamicImage::ImageRgba8(image.into_rgba8()),
        };
        // WHY: a picture that was not of these colours is now, and its profile is for others.
        let colours: &[u8] = if color.has_color() { b"RGB " } else { b"GRAY" };
        let profile = profile.filter(|profile| profile.get(16..20) == Some(colours));
        Ok(Self { image, format, profile })
    }

    /// The file of this picture with other pixels. It has the colour profile, and nothing else that stood in
    /// the file beside them: no place, no camera, no name.
    pub(crate) fn encode(&self, image: &DynamicImage) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        match self.format {
            Format::Png => {
                let mut encoder = PngEncoder::new(&mut bytes);
                if let Some(profile) = &self.profile {
                    encoder.set_icc_profile(profile.clone()).map_err(ImageError::Unsupported)?;
                }
                image.write_with_encoder(encoder)?;
            }
            Format::Jpeg => {
                let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
                if let Some(profile) = &self.profile {
                    encoder.set_icc_profile(profile.clone()).map_err(ImageError::Unsupported)?;
                }
                image.write_with_encoder(encoder)?;
            }
        }
        Ok(bytes)
    }
}

/// What went wrong, before it has a place.
enum Failed {
    Known(DecodeError),
    Decoder(ImageError),
}

impl From<ImageError> for Failed {
    fn from(error: ImageError) -> Self {
        Self::Decoder(error)
    }
}

/// Of what a decoder takes from the allocator: the largest picture with 16 bits in four channels, and a half
/// of that for what lies beside it.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(PIXELS_MAX * 12);
    limits
}

/// Returns true if the picture's end is marked after its last scan (ITU-T T.81: SOS, EOI).
fn is_ended(jpeg: &[u8]) -> bool {
    let is = |marker: [u8; 2]| move |pair: &[u8]| pair == marker;
    let scan = jpeg.windows(2).rposition(is([0xff, 0xda])).unwrap_or_default();
    jpeg.get(scan..).unwrap_or_default().windows(2).any(is([0xff, 0xd9]))
}

/// Pixels of a picture.
pub(crate) fn dimensions(image: &DynamicImage) -> (usize, usize) {
    (size(image.width().into()), size(image.height().into()))
}
