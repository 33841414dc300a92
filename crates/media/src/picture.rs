//! Pictures whose copies are marked.

use std::fmt;
use std::path::Path;

use bytes::Bytes;
use dataspace_data_plane::errors::{PartError, PlanError, RunError};
use dataspace_data_plane::media::{MEDIA_PIECE_LEN, OpenMediaError};
use dataspace_data_plane::product::{ProductError, Recipient, Version};
use dataspace_data_plane::{Delivery, MediaFile, Piece, Product};
use dataspace_policy::{Duty, duty::MarkMethod};
use dataspace_primitives::{Digest, Name, Part, Secrets};
use image::DynamicImage;
use thiserror::Error;

use crate::bytes_of;
use crate::cells::{CELLS_MIN, Cells};
use crate::chips::Chips;
use crate::compared::Compared;
use crate::decoded::{DecodeError, Decoded, PICTURE_LEN_MAX, dimensions};
use crate::label::Label;
use crate::marks::Marks;
use crate::number::{level, wide};
use crate::overlay::Overlay;
use crate::plane::Plane;

/// Most characters of the text of visible marks, without the name of the contract.
pub const TEXT_CHARS_MAX: usize = 32;

/// Hexadecimal digits of a contract's identifier that a visible mark shows: its first ones.
pub const CONTRACT_DIGITS: usize = 12;

/// A picture, PNG or JPEG. Under a contract without duties it leaves as the file that it is, in whole or in
/// ranges. Under one that asks for marks ([`Duty::Mark`]), a copy leaves, in whole, which bears them: of the same
/// format, upright, with 8 bits a channel and the same colour profile, and nothing else of what stood in
/// the file beside the pixels.
pub struct Picture {
    file: MediaFile,
    text: Option<Name>,
    has_room: bool,
    size: (usize, usize),
}

/// Why a file is not opened as a picture. For the provider's operator.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenPictureError {
    /// It cannot be read, or is no file.
    #[error(transparent)]
    File(#[from] OpenMediaError),
    /// It cannot be read to its end.
    #[error("the file cannot be read to its end")]
    Read(#[source] ProductError),
    /// It is no picture that is taken here.
    #[error("it is no picture that can be copied")]
    Decode(#[from] DecodeError),
    /// The text of visible marks is too long, or has a character that cannot be drawn.
    #[error(
        "a text has 1 to {TEXT_CHARS_MAX} Latin letters, digits and signs; `{text}` cannot be drawn"
    )]
    Text {
        /// The text.
        text: Name,
    },
}

/// Why a copy is not compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The product's own file cannot be read.
    #[error("the product cannot be read")]
    Product(#[from] ProductError),
    /// The product's own file is no longer what it was.
    #[error("the product cannot be decoded")]
    Changed(#[source] DecodeError),
    /// The copy is no picture that is taken here.
    #[error("the copy cannot be decoded")]
    Copy(#[source] DecodeError),
}

impl From<RunError> for CompareError {
    fn from(error: RunError) -> Self {
        Self::Product(error.into())
    }
}

impl Picture {
    /// Opens a file, reads it once in full, and decodes it.
    ///
    /// # Errors
    /// [`OpenPictureError`] if it is no picture within the limits.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenPictureError> {
        let path = path.as_ref();
        // INVARIANT: a name. What the file is follows from its content, which the descriptor has anyway.
        let media_type = "image".parse::<Name>().map_err(|_| DecodeError::Format)?;
        let file = MediaFile::open(path, media_type)?;
        let decoded = decode(&file)?;
        let (width, height) = dimensions(&decoded.image);
        let has_room = Cells::count(width, height) >= CELLS_MIN;
        Ok(Self { file, text: None, has_room, size: (width, height) })
    }

    /// Puts a text before the name of the contract in visible marks: the archive's name, for instance. It is
    /// part of what contracts rely on.
    ///
    /// # Errors
    /// [`OpenPictureError::Text`] if it cannot be drawn.
    pub fn with_text(mut self, text: Name) -> Result<Self, OpenPictureError> {
        let len = text.as_str().chars().count();
        if len > TEXT_CHARS_MAX || Label::new(text.as_str()).is_none() {
            return Err(OpenPictureError::Text { text });
        }
        self.text = Some(text);
        Ok(self)
    }

    /// The SHA-256 of the file.
    #[must_use]
    pub fn content(&self) -> Digest {
        self.file.content()
    }

    /// Compares a copy, from wherever it came, with this picture: lays it over the picture in the size that
    /// fits, whole or as a piece of it, and measures what differs in each cell.
    ///
    /// # Errors
    /// [`CompareError`] if one of the two cannot be decoded. What is another picture altogether is none; see
    /// [`Compared::likeness`].
    pub fn compare(&self, copy: &[u8]) -> Result<Compared, CompareError> {
        let copy = Plane::of(&Decoded::new(copy).map_err(CompareError::Copy)?.image);
        let mut delivery = bytes_of::open(&self.file, None)?;
        let bytes = bytes_of::rest(&mut *delivery)?;
        let picture = Decoded::new(&bytes).map_err(CompareError::Changed)?;
        let picture = Plane::of(&picture.image);
        let Overlay { copy, at, likeness } = Overlay::find(&picture, &copy);
        let evidence = Cells::of(&picture).evidence(&picture, &copy, at);
        Ok(Compared::new(self.content(), evidence, likeness))
    }

    fn marks(&self, duties: &[Duty]) -> Result<Marks, PlanError> {
        Marks::of(duties, |method, clause| match method {
            MarkMethod::Trace if !self.has_room => Err(PlanError::TooLittle { clause }),
            MarkMethod::Visible if !self.fits_label() => Err(PlanError::TooLittle { clause }),
            MarkMethod::Trace | MarkMethod::Visible => Ok(()),
        })
    }

    /// Returns true if at least one whole line of a visible mark fits.
    fn fits_label(&self) -> bool {
        let text = self.text.as_ref().map_or(0, |text| text.as_str().chars().count() + 1);
        Label::fits(text + CONTRACT_DIGITS, self.size)
    }

    /// What a visible mark says.
    fn label(&self, contract: &[u8]) -> Option<Label> {
        let digits = contract.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(CONTRACT_DIGITS);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        let mut text = self.text.as_ref().map(|text| format!("{text} ")).unwrap_or_default();
        text.extend(digits);
        Label::new(&text)
    }
}

fn decode(file: &MediaFile) -> Result<Decoded, OpenPictureError> {
    if file.len() > PICTURE_LEN_MAX {
        return Err(DecodeError::TooLong { len: file.len() }.into());
    }
    let mut delivery = bytes_of::open(file, None).map_err(OpenPictureError::Read)?;
    let bytes = bytes_of::rest(&mut *delivery);
    Ok(Decoded::new(&bytes.map_err(|error| OpenPictureError::Read(error.into()))?)?)
}

impl Product for Picture {
    fn descriptor_digest(&self) -> Digest {
        let mut bytes = b"dataspace/picture-descriptor/v1\0".to_vec();
        bytes.extend_from_slice(self.content().as_bytes());
        bytes.extend_from_slice(self.text.as_ref().map_or("", |text| text.as_str()).as_bytes());
        Digest::of(&bytes)
    }

    fn file_digest(&self) -> Option<Digest> {
        Some(self.content())
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        self.marks(duties).map(drop)
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        let marks = self.marks(duties)?;
        if marks == Marks::default() {
            return bytes_of::open(&self.file, part);
        }
        match part {
            None => {}
            Some(Part::Rows { .. }) => return Err(PartError::Kind { asked: "rows" }.into()),
            // Of a file that is made again for each release, and has no length before.
            Some(Part::Bytes { .. }) => {
                return Err(PartError::Kind { asked: "ranges of bytes" }.into());
            }
        }
        let chips = || Chips::derive(secrets, recipient.contract, self.content());
        let chips = marks.trace.then(chips).transpose();
        let chips = chips.map_err(|source| PlanError::Secret { source })?;
        let label = if marks.visible { self.label(recipient.contract) } else { None };
        // WHY: it is checked that the text can be drawn, and digits can.
        if marks.visible && label.is_none() {
            return Err(PlanError::Unmarked { clause: 0 }.into());
        }
        let file = bytes_of::open(&self.file, None)?;
        let copy = Some(Job { file, chips, label });
        Ok(Box::new(CopyDelivery { copy, content: self.content(), at: 0, bytes: Bytes::new() }))
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("content", &self.content()).finish_non_exhaustive()
    }
}

/// A copy that is still to be made.
struct Job {
    file: Box<dyn Delivery>,
    chips: Option<Chips>,
    label: Option<Label>,
}

impl Job {
    fn make(mut self) -> Result<Vec<u8>, RunError> {
        let bytes = bytes_of::rest(&mut *self.file)?;
        let mut decoded = Decoded::new(&bytes).map_err(|error| RunError::Decode(error.into()))?;
        drop(bytes);
        let mut image = std::mem::take(&mut decoded.image);
        if let Some(chips) = &mut self.chips {
            trace(&mut image, chips);
        }
        if let Some(label) = &self.label {
            draw(&mut image, label);
        }
        decoded.encode(&image).map_err(|error| RunError::Decode(error.into()))
    }
}

/// Channels of a pixel, and how many of them are colours.
fn channels(image: &DynamicImage) -> (usize, usize) {
    let all = usize::from(image.color().channel_count());
    (all, all - usize::from(image.color().has_alpha()))
}

/// The values of a picture of 8 bits a channel.
fn values(image: &mut DynamicImage) -> &mut [u8] {
    match image {
        DynamicImage::ImageLuma8(image) => image,
        DynamicImage::ImageLumaA8(image) => image,
        DynamicImage::ImageRgb8(image) => image,
        DynamicImage::ImageRgba8(image) => image,
        // INVARIANT: decoded as one of these.
        _ => &mut [],
    }
}

fn trace(image: &mut DynamicImage, chips: &mut Chips) {
    let plane = Plane::of(image);
    let cells = Cells::of(&plane);
    let mut signs = Vec::new();
    for number in 0..cells.len() {
        signs.push(chips.sign(wide(number)));
    }
    let (all, colours) = channels(image);
    let rows = values(image).chunks_exact_mut(plane.width.saturating_mul(all).max(1));
    for (y, row) in rows.enumerate() {
        for (pixel, (cell, change)) in row.chunks_exact_mut(all).zip(cells.row(y, 0)) {
            let change = signs.get(cell).copied().unwrap_or_default() * change;
            for value in pixel.iter_mut().take(colours) {
                *value = level(f32::from(*value) + change);
            }
        }
    }
}

fn draw(image: &mut DynamicImage, label: &Label) {
    let plane = Plane::of(image);
    let part = label.over(plane.width, plane.height);
    let (all, colours) = channels(image);
    let rows = values(image).chunks_exact_mut(plane.width.saturating_mul(all).max(1));
    for ((y, row), brightness) in rows.enumerate().zip(plane.rows()) {
        for ((x, pixel), brightness) in row.chunks_exact_mut(all).enumerate().zip(brightness) {
            let part = part(x, y);
            // Away from what is there.
            let to = if *brightness < 128.0 { 255.0 } else { 0.0 };
            for value in pixel.iter_mut().take(colours) {
                let value_now = f32::from(*value);
                *value = level(value_now + (to - value_now) * part);
            }
        }
    }
}

/// A copy on its way; it is made when the first piece is asked for.
struct CopyDelivery {
    copy: Option<Job>,
    content: Digest,
    at: u64,
    bytes: Bytes,
}

impl Delivery for CopyDelivery {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        if let Some(job) = self.copy.take() {
            self.bytes = Bytes::from(job.make()?);
        }
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let (at, len) = (self.at, self.bytes.len().min(MEDIA_PIECE_LEN));
        self.at = at.saturating_add(wide(len));
        Ok(Some(Piece::Bytes { at, bytes: self.bytes.split_to(len) }))
    }

    fn version(&self) -> Option<Version> {
        // Not what leaves.
        Some(Version::State(self.content))
    }
}
