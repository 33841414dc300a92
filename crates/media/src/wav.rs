//! What stands at the beginning of a WAV file.

use std::io::{self, Read};

use hound::{SampleFormat, WavReader, WavSpec};
use thiserror::Error;

/// Most channels of a recording.
pub const CHANNELS_MAX: u16 = 32;

/// Least and most frames of a recording in a second.
pub const RATES: (u32, u32) = (1_000, 768_000);

/// Most bytes before the samples: what a file says of itself.
pub const HEAD_LEN_MAX: u64 = 1 << 20;

/// Bytes before the samples of what leaves.
pub(crate) const HEAD_LEN: usize = 44;

/// Why a file is no recording that is taken here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WavError {
    /// Its head is none, or of a coding that is not known.
    #[error("byte {at}: the head of the file is refused")]
    Head {
        /// Bytes that had been read.
        at: u64,
        /// What is wrong.
        source: hound::Error,
    },
    /// Samples of another kind.
    #[error(
        "byte {at}: samples of {bits} bits, {format}, in {stored} bytes; whole numbers of {expected} bits are taken"
    )]
    Samples {
        /// Where the samples begin.
        at: u64,
        /// Bits of a sample.
        bits: u16,
        /// Whole numbers or floats.
        format: &'static str,
        /// Bytes in which a sample is stored.
        stored: u16,
        /// What is taken.
        expected: &'static str,
    },
    /// Too many channels, or a rate that is none.
    #[error("byte {at}: {channels} channels at {rate} frames a second")]
    Shape {
        /// Where the samples begin.
        at: u64,
        /// Channels.
        channels: u16,
        /// Frames a second.
        rate: u32,
    },
    /// The samples that the head states are not all there, or not in whole frames.
    #[error(
        "byte {at}: the head states {stated} bytes of samples, {found} are there; frames have {frame}"
    )]
    Length {
        /// Where the samples begin.
        at: u64,
        /// Bytes of samples by the head.
        stated: u64,
        /// Bytes of the file from there on.
        found: u64,
        /// Bytes of a frame.
        frame: u64,
    },
}

/// What a recording is, and where its samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wav {
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    pub(crate) bits: u16,
    pub(crate) is_float: bool,
    /// The first byte of the samples.
    pub(crate) at: u64,
    /// Frames: one sample of each channel.
    pub(crate) frames: u64,
}

impl Wav {
    /// Reads the head of a file of `len` bytes, of a coding that hound knows.
    pub(crate) fn read(reader: impl Read, len: u64) -> Result<Self, WavError> {
        let mut counted = Counted { reader: reader.take(HEAD_LEN_MAX), at: 0, last: [0; 4] };
        let head = WavReader::new(&mut counted).map(|head| (head.spec(), head.len()));
        let (at, stated) = (counted.at, u32::from_le_bytes(counted.last));
        let (spec, samples) = head.map_err(|source| WavError::Head { at, source })?;
        let WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format } = spec;
        // The length of the samples is the last that stands before them.
        let stored = stated.checked_div(samples).unwrap_or_else(|| u32::from(bits / 8));
        let stored = u16::try_from(stored).unwrap_or(u16::MAX);
        let is_float = sample_format == SampleFormat::Float;
        let is_known = if is_float { bits == 32 } else { matches!(bits, 8 | 16 | 24 | 32) };
        if !is_known || stored.checked_mul(8) != Some(bits) {
            let format = if is_float { "floats" } else { "whole numbers" };
            let expected = "8, 16, 24 or 32";
            return Err(WavError::Samples { at, bits, format, stored, expected });
        }
        if !(1..=CHANNELS_MAX).contains(&channels) || !(RATES.0..=RATES.1).contains(&rate) {
            return Err(WavError::Shape { at, channels, rate });
        }
        let (frame, stated) = (u64::from(channels) * u64::from(stored), u64::from(stated));
        let found = len.saturating_sub(at);
        // WHY: what leaves has a head that states some bytes more, in 32 bits.
        let is_short = u32::try_from(stated.saturating_add(64)).is_ok();
        if stated > found || !stated.is_multiple_of(frame) || !is_short {
            return Err(WavError::Length { at, stated, found, frame });
        }
        Ok(Self { channels, rate, bits, is_float, at, frames: stated / frame })
    }

    /// Bytes of a sample.
    pub(crate) fn sample_len(&self) -> usize {
        usize::from(self.bits / 8)
    }

    /// Bytes of a frame.
    pub(crate) fn frame_len(&self) -> usize {
        usize::from(self.channels) * self.sample_len()
    }

    /// Bytes of that many frames, without the one that makes their number even.
    pub(crate) fn data_len(&self, frames: u64) -> u64 {
        // INVARIANT: no more than the head of the file states in 32 bits.
        frames.saturating_mul(u64::try_from(self.frame_len()).unwrap_or(u64::MAX))
    }

    /// The head of a file with that many frames of whole numbers, and the bytes after its samples (RIFF:
    /// chunks begin at even places).
    pub(crate) fn head(&self, frames: u64) -> ([u8; HEAD_LEN], u64) {
        let data = self.data_len(frames);
        let pad = data % 2;
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let frame = u16::try_from(self.frame_len()).unwrap_or(u16::MAX);
        let parts: [&[u8]; 13] = [
            b"RIFF",
            &short(data + pad + 36),
            b"WAVE",
            b"fmt ",
            &16_u32.to_le_bytes(),
            &1_u16.to_le_bytes(),
            &self.channels.to_le_bytes(),
            &self.rate.to_le_bytes(),
            &short(u64::from(self.rate) * u64::from(frame)),
            &frame.to_le_bytes(),
            &self.bits.to_le_bytes(),
            b"data",
            &short(data),
        ];
        let mut head = [0; HEAD_LEN];
        for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        (head, pad)
    }

    /// The samples in these bytes, as they are: whole numbers, with the sign that they have.
    pub(crate) fn samples(&self, bytes: &[u8]) -> impl Iterator<Item = i32> {
        bytes.chunks_exact(self.sample_len().max(1)).map(|sample| match *sample {
            [one] => i32::from(one) - 128,
            [low, high] => i16::from_le_bytes([low, high]).into(),
            [low, middle, high] => i32::from_le_bytes([0, low, middle, high]) >> 8,
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]),
            _ => 0,
        })
    }

    /// Each frame in these bytes as one number from −1 to 1: the mean of its channels.
    pub(crate) fn mixed(&self, bytes: &[u8]) -> Vec<f32> {
        let scale =
            f64::from(1_u32 << (u32::from(self.bits).clamp(1, 32) - 1)) * f64::from(self.channels);
        let of_frame = |frame: &[u8]| {
            let sum: f64 = if self.is_float {
                let float = |one: &[u8]| match *one {
                    [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                    _ => 0.0,
                };
                frame.chunks_exact(4).map(float).sum::<f64>() / f64::from(self.channels)
            } else {
                self.samples(frame).map(f64::from).sum::<f64>() / scale
            };
            // What is no number, or beyond all bounds, tells nothing.
            if sum.abs() <= 16.0 { crate::number::single(sum) } else { 0.0 }
        };
        bytes.chunks_exact(self.frame_len().max(1)).map(of_frame).collect()
    }
}

/// Counts what was read.
struct Counted<R> {
    reader: R,
    at: u64,
    /// The last bytes of it.
    last: [u8; 4],
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        for byte in buffer.iter().take(read) {
            self.last = [self.last[1], self.last[2], self.last[3], *byte];
        }
        self.at = self.at.saturating_add(crate::number::wide(read));
        Ok(read)
    }
}
