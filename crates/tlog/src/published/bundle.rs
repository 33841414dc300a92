//! Entry bundles (C2SP tlog-tiles, "Log entries"): `(length:u16 entry)*`, big-endian.

use thiserror::Error;

use crate::record::RECORD_LEN_MAX;
use crate::tree::tile::TILE_WIDTH;

/// Longest bundle, in bytes: [`TILE_WIDTH`] entries of [`RECORD_LEN_MAX`] bytes.
pub const BUNDLE_LEN_MAX: usize = bundle_len_max(TILE_WIDTH);

const PREFIX_LEN: usize = 2;

/// The bytes of a bundle that is not full yet, or of a full one.
#[derive(Clone, Debug, Default)]
pub struct BundleBuilder {
    bytes: Vec<u8>,
    width: u16,
}

/// A bundle whose bytes are just as many entries as were asked for. Says nothing about the
/// entries until their leaf hashes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle<'a> {
    bytes: &'a [u8],
    width: u16,
}

/// Why bytes are not a bundle, or an entry cannot be put into one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes end within an entry, or before it.
    #[error("the bundle ends before the end of its entry {slot}")]
    CutOff {
        /// The entry, counted from 0 within the bundle.
        slot: u16,
    },
    /// There are bytes after the last entry.
    #[error("{len} bytes follow the {width} entries of the bundle")]
    Trailing {
        /// Entries asked for.
        width: u16,
        /// Bytes after them.
        len: usize,
    },
    /// No bundle has so many entries.
    #[error("a bundle has 1 to {TILE_WIDTH} entries, not {width}")]
    Width {
        /// Entries asked for.
        width: u16,
    },
    /// The entry is longer than its length prefix can say.
    #[error("an entry has at most {RECORD_LEN_MAX} bytes, this one has {len}")]
    EntryLen {
        /// Bytes of the entry.
        len: usize,
    },
    /// The bundle has [`TILE_WIDTH`] entries already.
    #[error("the bundle has {TILE_WIDTH} entries already")]
    Full,
}

impl BundleBuilder {
    /// A bundle without entries, which is not published.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `entry`.
    ///
    /// # Errors
    /// [`BundleError::EntryLen`] or [`BundleError::Full`].
    pub fn push(&mut self, entry: &[u8]) -> Result<(), BundleError> {
        let len =
            u16::try_from(entry.len()).map_err(|_| BundleError::EntryLen { len: entry.len() })?;
        if self.width == TILE_WIDTH {
            return Err(BundleError::Full);
        }
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(entry);
        self.width += 1;
        Ok(())
    }

    /// Entries so far, at most [`TILE_WIDTH`].
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The bytes to publish.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the bundle that has the first `width` entries alone; all if there are fewer.
    #[doc(hidden)]
    #[must_use]
    pub fn first(&self, width: u16) -> &[u8] {
        let mut rest = self.bytes.as_slice();
        for _ in 0..width {
            let Some((_, after)) = split_entry(rest) else { break };
            rest = after;
        }
        self.bytes.get(..self.bytes.len() - rest.len()).unwrap_or_default()
    }

    /// Takes all entries out; the memory stays.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.width = 0;
    }
}

impl<'a> Bundle<'a> {
    /// Reads `bytes` as exactly `width` entries, without copying any.
    ///
    /// # Errors
    /// [`BundleError`] if they are anything else.
    pub fn parse(bytes: &'a [u8], width: u16) -> Result<Self, BundleError> {
        if width == 0 || width > TILE_WIDTH {
            return Err(BundleError::Width { width });
        }
        let mut rest = bytes;
        for slot in 0..width {
            (_, rest) = split_entry(rest).ok_or(BundleError::CutOff { slot })?;
        }
        match rest.len() {
            0 => Ok(Self { bytes, width }),
            len => Err(BundleError::Trailing { width, len }),
        }
    }

    /// Entries in it.
    #[must_use]
    pub fn width(self) -> u16 {
        self.width
    }

    /// The entries, in order.
    pub fn entries(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (entry, after) = split_entry(rest)?;
            rest = after;
            Some(entry)
        })
    }

    /// The entry at `slot`, counted from 0.
    #[must_use]
    pub fn entry(self, slot: u16) -> Option<&'a [u8]> {
        self.entries().nth(usize::from(slot))
    }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// Longest bundle of so many entries.
pub(crate) const fn bundle_len_max(width: u16) -> usize {
    // No platform has a `usize` narrower than 16 bits; `From` is not const.
    width as usize * (PREFIX_LEN + RECORD_LEN_MAX)
}
