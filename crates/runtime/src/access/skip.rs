//! What is left out of a release that is resumed.

use dataspace_data_plane::Piece;
use dataspace_primitives::Digest;
use ring::digest::{Context, SHA256};

use crate::access::turns::finish;

/// What the consumer has, and is left out.
pub(crate) struct Skip {
    bytes: u64,
    /// Of what was left out so far.
    content: Context,
    /// SHA-256 of what the consumer has.
    has: Digest,
}

/// The data are not those that the consumer has.
pub(crate) struct Changed;

impl Skip {
    /// So many bytes, with this digest.
    pub(crate) fn new(bytes: u64, has: Digest) -> Result<Self, Changed> {
        let skip = Self { bytes, content: Context::new(&SHA256), has };
        if bytes == 0 { skip.check().map(|()| skip) } else { Ok(skip) }
    }

    /// Leaves the rest of a piece, which is nothing until all was left out. The texts are those of rows.
    pub(crate) fn cut(
        &mut self,
        piece: &mut Piece,
        texts: &mut Vec<Vec<u8>>,
    ) -> Result<(), Changed> {
        if self.bytes == 0 {
            return Ok(());
        }
        for text in &mut *texts {
            let skipped = self.count(text);
            text.drain(..skipped);
        }
        texts.retain(|text| !text.is_empty());
        if let Piece::Bytes { at, bytes } = piece {
            let skipped = bytes.split_to(self.count(bytes));
            *at = at.saturating_add(u64::try_from(skipped.len()).unwrap_or(u64::MAX));
        }
        if self.bytes == 0 { self.check() } else { Ok(()) }
    }

    /// How many of these bytes are left out.
    fn count(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(usize::try_from(self.bytes).unwrap_or(usize::MAX));
        let (skipped, _) = bytes.split_at(len);
        self.content.update(skipped);
        self.bytes = self.bytes.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        len
    }

    /// At the end of the data, or of what is left out.
    pub(crate) fn check(&self) -> Result<(), Changed> {
        let is_same = self.bytes == 0 && finish(self.content.clone()) == self.has;
        if is_same { Ok(()) } else { Err(Changed) }
    }
}
