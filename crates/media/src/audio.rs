//! Recordings whose copies bear traces, in whole, in ranges, or from the beginning for some seconds.

use std::fmt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use dataspace_data_plane::errors::{PartError, PlanError, RunError};
use dataspace_data_plane::media::{MEDIA_PIECE_LEN, OpenMediaError};
use dataspace_data_plane::product::{ProductError, Recipient, Version};
use dataspace_data_plane::{Delivery, MediaFile, Piece, Product};
use dataspace_policy::{Duty, duty::MarkMethod};
use dataspace_primitives::{Digest, Name, Part, Secrets};
use thiserror::Error;

use crate::alignment;
use crate::bytes_of;
use crate::chips::Chips;
use crate::compared::Compared;
use crate::marks::Marks;
use crate::modulation::{BLOCKS_MIN, Modulation};
use crate::number::{size, wide};
use crate::wav::{HEAD_LEN, Wav, WavError};

/// Seconds of a preview, if nothing else is agreed: who hears more has played the recording.
pub const PREVIEW_SECS: u32 = 30;

/// Most frames of a recording in which a copy is looked for, and of a copy: 25 minutes at 44,100 a second.
pub const COMPARED_FRAMES_MAX: u64 = 1 << 26;

/// A recording: WAV, whole numbers of 16 or 24 bits. What leaves is a WAV file of the same samples with a head
/// of its own, and nothing else of what stood in the file beside them. Under a contract that asks for a trace
/// ([`Duty::Mark`]), the samples bear it. In both cases a range has the same bytes as the whole.
pub struct WavAudio {
    file: MediaFile,
    wav: Wav,
    /// Frames that leave.
    frames: u64,
    has_room: bool,
}

/// Why a file is not opened as a recording. For the provider's operator.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenWavError {
    /// It cannot be read, or is no file.
    #[error(transparent)]
    File(#[from] OpenMediaError),
    /// It cannot be read to its end.
    #[error("the file cannot be read to its end")]
    Read(#[from] ProductError),
    /// It is no recording that is taken here.
    #[error("it is no recording that is taken here")]
    Wav(#[from] WavError),
    /// There is no sound in it, or in what would be left.
    #[error("no frame would leave")]
    Empty,
}

impl From<RunError> for OpenWavError {
    fn from(error: RunError) -> Self {
        Self::Read(error.into())
    }
}

/// Why a copy is not compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompareWavError {
    /// The product's own file cannot be read.
    #[error("the product cannot be read")]
    Product(#[from] ProductError),
    /// The copy is no recording that is taken here.
    #[error("the copy cannot be read")]
    Copy(#[from] WavError),
    /// The copy was made slower or faster, or is another recording.
    #[error("the copy has {found} frames a second, the product {expected}; convert the copy first")]
    Rate {
        /// Of the copy.
        found: u32,
        /// Of the product.
        expected: u32,
    },
    /// More than [`COMPARED_FRAMES_MAX`] frames in the copy.
    #[error("the copy has {frames} frames; cut out {COMPARED_FRAMES_MAX} of them")]
    TooLong {
        /// Frames of the copy.
        frames: u64,
    },
}

impl From<RunError> for CompareWavError {
    fn from(error: RunError) -> Self {
        Self::Product(error.into())
    }
}

impl WavAudio {
    /// Opens a file, and reads it twice in full: for its digest, and to see whether it can bear a trace.
    ///
    /// # Errors
    /// [`OpenWavError`] if it is no such recording.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenWavError> {
        let path = path.as_ref();
        let media_type = "audio/wav".parse::<Name>().map_err(|_| OpenWavError::Empty)?;
        let file = MediaFile::open(path, media_type)?;
        let wav = head(&file)?;
        let (frames, at) = (wav.frames, wav.at);
        if wav.is_float || !matches!(wav.bits, 16 | 24) {
            let format = if wav.is_float { "floats" } else { "whole numbers" };
            let (bits, stored, expected) = (wav.bits, wav.bits / 8, "16 or 24");
            return Err(WavError::Samples { at, bits, format, stored, expected }.into());
        }
        let mut audio = Self { file, wav, frames, has_room: false };
        audio.look()?;
        Ok(audio)
    }

    /// The first seconds of it alone, as a product of its own: a preview. [`PREVIEW_SECS`] are usual. All of
    /// a recording that is no longer. A preview of a preview is the shorter of both.
    ///
    /// # Errors
    /// [`OpenWavError::Empty`] of no second, and [`OpenWavError::Read`] if the file cannot be read.
    pub fn first_seconds(mut self, secs: u32) -> Result<Self, OpenWavError> {
        let most = u64::from(secs).saturating_mul(self.wav.rate.into());
        self.frames = self.frames.min(most);
        self.look()?;
        Ok(self)
    }

    /// The SHA-256 of the provider's file.
    #[must_use]
    pub fn content(&self) -> Digest {
        self.file.content()
    }

    /// Milliseconds that leave, rounded up.
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.frames.saturating_mul(1000).div_ceil(self.wav.rate.into())
    }

    /// Bytes of what leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        let (head, pad) = self.wav.head(self.frames);
        wide(head.len()).saturating_add(self.wav.data_len(self.frames)).saturating_add(pad)
    }

    /// Returns true if nothing leaves, which is never so.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Compares a copy, from wherever it came, with this recording: finds the place where its loudest part
    /// was, and measures how much louder or softer each block is. The copy is a WAV file of any coding that
    /// `hound` reads, with the same number of frames a second; it may be cut out of this recording, or have
    /// something before it.
    ///
    /// # Errors
    /// [`CompareWavError`] if one of the two cannot be read. Another recording altogether is none; see
    /// [`Compared::likeness`].
    pub fn compare(&self, copy: &[u8]) -> Result<Compared, CompareWavError> {
        let other = Wav::read(copy, wide(copy.len()))?;
        let (found, expected) = (other.rate, self.wav.rate);
        if found != expected {
            return Err(CompareWavError::Rate { found, expected });
        }
        if other.frames > COMPARED_FRAMES_MAX {
            return Err(CompareWavError::TooLong { frames: other.frames });
        }
        let samples = copy.get(size(other.at)..).unwrap_or_default();
        let samples = samples.get(..size(other.data_len(other.frames))).unwrap_or_default();
        let copy = other.mixed(samples);
        let mut sound = Vec::new();
        self.each(self.wav.frames.min(COMPARED_FRAMES_MAX), |wav, bytes| {
            sound.extend(wav.mixed(bytes));
            true
        })?;
        let modulation = Modulation::of(&self.wav);
        let (offset, likeness) = alignment::find(&modulation, &sound, &copy);
        let evidence = modulation.evidence(&sound, &copy, offset);
        Ok(Compared::new(self.content(), evidence, likeness))
    }

    /// Sees whether what leaves is enough for a trace: in how many blocks it changes any sample.
    fn look(&mut self) -> Result<(), OpenWavError> {
        if self.frames == 0 {
            return Err(OpenWavError::Empty);
        }
        let modulation = Modulation::of(&self.wav);
        let channels = usize::from(self.wav.channels);
        let (mut frame, mut last, mut blocks) = (0_u64, None, 0_usize);
        self.each(self.frames, |wav, bytes| {
            let samples: Vec<i32> = wav.samples(bytes).collect();
            for one in samples.chunks_exact(channels) {
                let (block, hump) = modulation.place(frame);
                let changes = |one: &i32| modulation.marked(*one, 1.0, hump) != *one;
                if last != Some(block) && one.iter().any(changes) {
                    last = Some(block);
                    blocks += 1;
                }
                frame += 1;
            }
            blocks < BLOCKS_MIN
        })?;
        self.has_room = blocks >= BLOCKS_MIN;
        Ok(())
    }

    /// Whole frames of the file, one piece after the other, as long as they are wanted.
    fn each(
        &self,
        frames: u64,
        mut is_wanted: impl FnMut(&Wav, &[u8]) -> bool,
    ) -> Result<(), ProductError> {
        let mut frames = Frames::open(&self.file, self.wav, (0, frames))?;
        while let Some(bytes) = frames.next()? {
            if !is_wanted(&self.wav, &bytes) {
                break;
            }
        }
        Ok(())
    }

    fn marks(&self, duties: &[Duty]) -> Result<Marks, PlanError> {
        Marks::of(duties, |method, clause| match method {
            MarkMethod::Trace if !self.has_room => Err(PlanError::TooLittle { clause }),
            MarkMethod::Trace => Ok(()),
            MarkMethod::Visible => Err(PlanError::Unmarked { clause }),
        })
    }
}

fn head(file: &MediaFile) -> Result<Wav, OpenWavError> {
    let reader = Reader { delivery: bytes_of::open(file, None)?, ready: Bytes::new() };
    Ok(Wav::read(reader, file.len())?)
}

/// A delivery as a stream of bytes.
struct Reader {
    delivery: Box<dyn Delivery>,
    ready: Bytes,
}

impl std::io::Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ready.is_empty() {
            let next = bytes_of::next(&mut *self.delivery).map_err(std::io::Error::other)?;
            self.ready = next.unwrap_or_default();
        }
        let bytes = self.ready.split_to(buffer.len().min(self.ready.len()));
        for (to, from) in buffer.iter_mut().zip(&bytes) {
            *to = *from;
        }
        Ok(bytes.len())
    }
}

/// Samples of the file, in pieces of whole frames.
struct Frames {
    delivery: Option<Box<dyn Delivery>>,
    frame_len: usize,
    /// The beginning of a frame.
    rest: BytesMut,
}

impl Frames {
    /// From one frame until, but not including another.
    fn open(file: &MediaFile, wav: Wav, (from, until): (u64, u64)) -> Result<Self, ProductError> {
        let at = |frame: u64| wav.at.saturating_add(wav.data_len(frame));
        let part = Part::bytes(at(from), at(until)).ok();
        let delivery = part.map(|part| bytes_of::open(file, Some(&part))).transpose()?;
        Ok(Self { delivery, frame_len: wav.frame_len(), rest: BytesMut::new() })
    }

    fn next(&mut self) -> Result<Option<BytesMut>, RunError> {
        while let Some(delivery) = &mut self.delivery {
            let Some(bytes) = bytes_of::next(&mut **delivery)? else { break };
            self.rest.extend_from_slice(&bytes);
            let whole = self.rest.len() - self.rest.len() % self.frame_len.max(1);
            if whole > 0 {
                return Ok(Some(self.rest.split_to(whole)));
            }
        }
        Ok(None)
    }
}

impl Product for WavAudio {
    fn descriptor_digest(&self) -> Digest {
        let mut bytes = b"dataspace/wav-descriptor/v1\0".to_vec();
        bytes.extend_from_slice(self.content().as_bytes());
        bytes.extend_from_slice(&self.frames.to_be_bytes());
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
        let len = self.len();
        let (from, until) = match part {
            None => (0, len),
            Some(Part::Bytes { from, until }) if *until <= len => (*from, *until),
            Some(Part::Bytes { from, until }) => {
                return Err(PartError::Range { from: *from, until: *until, len }.into());
            }
            Some(Part::Rows { .. }) => return Err(PartError::Kind { asked: "rows" }.into()),
        };
        let chips = || Chips::derive(secrets, recipient.contract, self.content());
        let chips = marks.trace.then(chips).transpose();
        let chips = chips.map_err(|source| PlanError::Secret { source })?;
        let (head, _) = self.wav.head(self.frames);
        let head_len = wide(HEAD_LEN);
        // The frames in which the range lies, as far as there are some.
        let frame = wide(self.wav.frame_len());
        let first = (from.saturating_sub(head_len) / frame).min(self.frames);
        let last = until.saturating_sub(head_len).div_ceil(frame).min(self.frames);
        let frames = Frames::open(&self.file, self.wav, (first, last))?;
        let mut ready = BytesMut::new();
        if from < head_len {
            ready.extend_from_slice(head.get(size(from)..).unwrap_or_default());
        }
        let begin = head_len.saturating_add(first.saturating_mul(frame));
        let delivery = WavDelivery {
            frames: Some(frames),
            wav: self.wav,
            modulation: Modulation::of(&self.wav),
            chips,
            frame: first,
            skip: from.saturating_sub(begin),
            ready,
            at: from,
            until,
            content: self.content(),
        };
        Ok(Box::new(delivery))
    }
}

impl fmt::Debug for WavAudio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WavAudio")
            .field("content", &self.content())
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// A recording on its way.
struct WavDelivery {
    /// `None` after an error.
    frames: Option<Frames>,
    wav: Wav,
    modulation: Modulation,
    chips: Option<Chips>,
    /// The next one.
    frame: u64,
    /// Bytes of it that were not asked for.
    skip: u64,
    ready: BytesMut,
    at: u64,
    until: u64,
    content: Digest,
}

impl WavDelivery {
    /// Whole frames, with their mark.
    fn mark(&mut self, bytes: &mut [u8]) {
        let Some(chips) = &mut self.chips else { return };
        let sample_len = self.wav.sample_len();
        for frame in bytes.chunks_exact_mut(self.wav.frame_len().max(1)) {
            let (block, hump) = self.modulation.place(self.frame);
            let sign = chips.sign(block);
            for sample in frame.chunks_exact_mut(sample_len.max(1)) {
                let value = self.wav.samples(sample).next().unwrap_or_default();
                let value = self.modulation.marked(value, sign, hump).to_le_bytes();
                for (to, from) in sample.iter_mut().zip(value) {
                    *to = from;
                }
            }
            self.frame += 1;
        }
    }

    /// More bytes that are ready; false at the end.
    fn fill(&mut self) -> Result<bool, RunError> {
        let Some(frames) = &mut self.frames else { return Ok(false) };
        let next = frames.next();
        match next {
            Ok(Some(mut bytes)) => {
                self.mark(&mut bytes);
                let skip = size(self.skip).min(bytes.len());
                self.skip -= wide(skip);
                self.ready.extend_from_slice(bytes.get(skip..).unwrap_or_default());
                Ok(true)
            }
            Ok(None) => {
                self.frames = None;
                // The byte that makes their number even.
                self.ready.extend_from_slice(&[0]);
                Ok(true)
            }
            Err(error) => {
                (self.frames, self.at) = (None, self.until);
                Err(error)
            }
        }
    }
}

impl Delivery for WavDelivery {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        loop {
            let left = size(self.until.saturating_sub(self.at));
            let len = left.min(self.ready.len()).min(MEDIA_PIECE_LEN);
            if left == 0 {
                return Ok(None);
            }
            if len > 0 {
                let (at, bytes) = (self.at, self.ready.split_to(len).freeze());
                self.at = at.saturating_add(wide(len));
                return Ok(Some(Piece::Bytes { at, bytes }));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn version(&self) -> Option<Version> {
        // Not what leaves, which has a head of its own.
        Some(Version::State(self.content))
    }
}
