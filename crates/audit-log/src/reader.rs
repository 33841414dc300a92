//! Reading records and proving them: nothing is handed out that does not lead to the root.

use std::io;

use dataspace_primitives::Digest;
use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{
    Fault, LeafIndex, TreeSize,
    record::RECORD_LEN_MAX,
    tree::{ConsistencyProof, InclusionProof, Tree, TreeError, empty_root, leaf_hash},
};
use thiserror::Error;

use crate::medium::hashes::{Edge, NodeError, Stored, TILE_HEIGHT, TILE_WIDTH, offset_at};
use crate::medium::segment::{RECORD_PREFIX_LEN, segment_of, split_record};
use crate::medium::storage::{Storage, StoredFile};
use crate::state::State;

/// Why a record cannot be read back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The medium failed.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
    /// There is no such record.
    #[error("there is no record {index}; the log has {size}")]
    Index {
        /// The record asked for.
        index: LeafIndex,
        /// Records in the log.
        size: TreeSize,
    },
    /// The bytes on the medium are no longer those that were written.
    #[error("record {index} is no longer the one that was written")]
    Corrupt {
        /// The record.
        index: LeafIndex,
    },
    /// The record was archived; what is left of it is its hash.
    #[error("record {index} was archived: its segment is no longer here")]
    Archived {
        /// The record asked for.
        index: LeafIndex,
    },
    /// A file derived from the records no longer matches them.
    #[error(
        "`{file}` is damaged; rebuild it with `Log::rebuild_on` (`dataspace audit fsck --rebuild`)"
    )]
    Derived {
        /// The file.
        file: StoredFile,
    },
    /// A thread panicked while it changed the tree; open the log again.
    #[error("the log is poisoned until it is opened again")]
    Poisoned,
}

/// Why a proof is not given.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The tree has no such root or proof.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ReadError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Index { .. } | Self::Archived { .. } => Fault::Caller,
            Self::Corrupt { .. } | Self::Derived { .. } => Fault::Evidence,
            Self::Io(_) | Self::Poisoned => Fault::Environment,
        }
    }
}

impl ProveError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Tree(_) => Fault::Caller,
            Self::Read(error) => error.fault(),
        }
    }
}

/// The tree, and the root to which everything must lead.
pub(crate) struct Verified<'a> {
    pub(crate) tree: Stored<'a>,
    pub(crate) root: &'a Digest,
}

impl Verified<'_> {
    pub(crate) fn root_at(&self, size: TreeSize) -> Result<Digest, ProveError> {
        let root = self.ask(self.tree.root_at(size))?;
        let all = self.tree.size();
        let proof = self.ask(self.tree.consistency_proof(size, all))?;
        proof.verify(&root, self.root).map_err(|_| self.damaged(&[size, all]))?;
        Ok(root)
    }

    pub(crate) fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, ProveError> {
        let proof = self.ask(self.tree.inclusion_proof(index, size))?;
        let root = self.root_at(size)?;
        let leaf = self.ask(self.tree.leaf(index))?;
        let after = TreeSize::new(index.as_u64() + 1);
        proof.verify(&leaf, &root).map_err(|_| self.damaged(&[after, size]))?;
        Ok(proof)
    }

    pub(crate) fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        let proof = self.ask(self.tree.consistency_proof(from, to))?;
        let (from_root, to_root) = (self.root_at(from)?, self.root_at(to)?);
        proof.verify(&from_root, &to_root).map_err(|_| self.damaged(&[from, to]))?;
        Ok(proof)
    }

    fn ask<T>(&self, answer: Result<T, NodeError>) -> Result<T, ProveError> {
        answer.map_err(|error| match error {
            NodeError::Tree(error) => error.into(),
            NodeError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.damaged(&[self.tree.size()])
            }
            NodeError::Io(error) => ReadError::Io(error).into(),
        })
    }

    /// Names the file that is wrong, if one of the tiles at the right edge of these trees is.
    fn damaged(&self, sizes: &[TreeSize]) -> ProveError {
        let last = sizes.iter().filter_map(|size| size.as_u64().checked_sub(1));
        let file = last.map(|index| self.tree.damaged(index)).find_map(|file| file);
        ReadError::Derived { file: file.unwrap_or(StoredFile::Hashes(0)) }.into()
    }
}

/// The bytes of one record.
pub(crate) fn record(
    state: &State,
    storage: &dyn Storage,
    index: LeafIndex,
) -> Result<Vec<u8>, ReadError> {
    let size = state.edge.size();
    if !size.contains(index) {
        return Err(ReadError::Index { index, size });
    }
    let segment = state.segment_of(index).ok_or(ReadError::Archived { index })?;
    let corrupt = ReadError::Corrupt { index };
    let record = match read_record(storage, segment, index) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(corrupt),
        record => record?,
    };
    let tree = Verified { tree: state.tree(storage), root: &state.root };
    let proof = match tree.inclusion_proof(index, size) {
        Err(ProveError::Read(error)) => return Err(error),
        proof => proof.map_err(|_| ReadError::Index { index, size })?,
    };
    let is_whole = proof.verify(&leaf_hash(&record), &state.root).is_ok();
    if is_whole { Ok(record) } else { Err(corrupt) }
}

/// What stands in the segment where the record should.
pub(crate) fn read_record(
    storage: &dyn Storage,
    segment: LeafIndex,
    index: LeafIndex,
) -> io::Result<Vec<u8>> {
    let (mut start, mut len) = ([0; 8], [0; RECORD_PREFIX_LEN]);
    storage.read_at(StoredFile::Offsets, offset_at(index.as_u64()), &mut start)?;
    let (start, file) = (u64::from_be_bytes(start), StoredFile::Segment(segment));
    storage.read_at(file, start, &mut len)?;
    let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
    if len > RECORD_LEN_MAX {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut record = vec![0; len];
    storage.read_at(file, start.saturating_add(to_u64(RECORD_PREFIX_LEN)), &mut record)?;
    Ok(record)
}

/// The records of a log as it was at one moment, read in order.
pub(crate) struct Records<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) edge: Edge,
    pub(crate) root: Digest,
    pub(crate) segments: Vec<LeafIndex>,
}

impl<'a> Records<'a> {
    pub(crate) fn of(state: &State, storage: &'a dyn Storage) -> Self {
        let (edge, root, segments) = (state.edge.clone(), state.root, state.segments.clone());
        Self { storage, edge, root, segments }
    }

    /// Hands the records from `first` on that come before `end` to `visit`. `is_archived` is asked
    /// where a segment is gone that was here at that moment.
    pub(crate) fn visit<E: From<ReadError>>(
        &self,
        (first, end): (LeafIndex, TreeSize),
        is_archived: impl Fn(LeafIndex) -> bool,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = self.edge.size().min(end).as_u64();
        let kept = self.segments.first().copied().unwrap_or_default();
        if first < kept && first.as_u64() < end {
            return Err(ReadError::Archived { index: first }.into());
        }
        let (mut at, mut bytes) = (first.as_u64(), Vec::new());
        while at < end {
            let tile = at / TILE_WIDTH;
            let leaves = self.leaves(tile)?;
            let tile_end = (tile * TILE_WIDTH).saturating_add(to_u64(leaves.row(0).len())).min(end);
            while at < tile_end {
                let starts = self.starts(at, tile_end)?;
                self.read_span(at, &starts, &mut bytes).map_err(|error| match error {
                    ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                        let index = LeafIndex::new(at);
                        if is_archived(index) {
                            ReadError::Archived { index }
                        } else {
                            error.into()
                        }
                    }
                    error => error,
                })?;
                let from = starts.first().copied().unwrap_or(0);
                for start in &starts {
                    let index = LeafIndex::new(at);
                    let record = record_in(&bytes, start.saturating_sub(from));
                    let leaf = leaves.leaf(LeafIndex::new(at % TILE_WIDTH));
                    match record.filter(|record| Some(&leaf_hash(record)) == leaf) {
                        Some(record) => visit(index, record)?,
                        None => return Err(ReadError::Corrupt { index }.into()),
                    }
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// The leaves of a tile, verified.
    fn leaves(&self, tile: u64) -> Result<Tree, ReadError> {
        let stored = Stored { edge: &self.edge, storage: self.storage };
        let damaged = |error: NodeError| match error {
            NodeError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                ReadError::Io(error)
            }
            _ => ReadError::Derived { file: StoredFile::Hashes(0) },
        };
        let leaves = stored.tile(0, tile).map_err(|error| damaged(error.into()))?;
        if leaves.size().as_u64() < TILE_WIDTH {
            // Of the edge.
            return Ok(leaves);
        }
        // The way from the first leaf to the root leads by everything else in the tile.
        let (first, size) = (LeafIndex::new(tile * TILE_WIDTH), stored.size());
        let mut proof = stored.inclusion_proof(first, size).map_err(damaged)?;
        let within = leaves.inclusion_proof(LeafIndex::default(), leaves.size());
        let within = within.map_err(|error| damaged(error.into()))?;
        let height = usize::try_from(TILE_HEIGHT).unwrap_or(usize::MAX);
        proof.path.splice(..height.min(proof.path.len()), within.path);
        let leaf = leaves.row(0).first().copied().unwrap_or_else(empty_root);
        if proof.verify(&leaf, &self.root).is_ok() {
            return Ok(leaves);
        }
        let file = stored.damaged(first.as_u64()).unwrap_or(StoredFile::Hashes(0));
        Err(ReadError::Derived { file })
    }

    /// Where the records `at .. end` stand that are in one segment.
    fn starts(&self, at: u64, end: u64) -> Result<Vec<u64>, ReadError> {
        let after = self.segments.partition_point(|first| first.as_u64() <= at);
        let end = self.segments.get(after).map_or(end, |next| next.as_u64().min(end));
        let count = usize::try_from(end - at).unwrap_or(0);
        let mut bytes = vec![0; count * size_of::<u64>()];
        match self.storage.read_at(StoredFile::Offsets, offset_at(at), &mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ReadError::Derived { file: StoredFile::Offsets })
            }
            Err(error) => Err(error.into()),
            Ok(()) => {
                Ok(bytes.as_chunks().0.iter().map(|start| u64::from_be_bytes(*start)).collect())
            }
        }
    }

    /// Reads all from the first start to the end of the record at the last one.
    fn read_span(&self, at: u64, starts: &[u64], bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        let index = LeafIndex::new(at);
        let file = StoredFile::Segment(segment_of(&self.segments, index).unwrap_or_default());
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return Ok(()) };
        let damaged = ReadError::Derived { file: StoredFile::Offsets };
        let Some(span) = last.checked_sub(*first).filter(|span| *span <= SPAN_MAX) else {
            return Err(damaged);
        };
        let short = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Corrupt { index },
            _ => error.into(),
        };
        let before = usize::try_from(span).unwrap_or(0);
        bytes.resize(before + RECORD_PREFIX_LEN, 0);
        self.storage.read_at(file, *first, bytes).map_err(short)?;
        let len = bytes.last_chunk().map_or(0, |len| u32::from_be_bytes(*len));
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > RECORD_LEN_MAX {
            let last = index.as_u64() + to_u64(starts.len()) - 1;
            return Err(ReadError::Corrupt { index: LeafIndex::new(last) });
        }
        let read = bytes.len();
        bytes.resize(read + len, 0);
        let rest = bytes.get_mut(read..).unwrap_or_default();
        self.storage.read_at(file, first.saturating_add(to_u64(read)), rest).map_err(short)
    }
}

/// Bytes that the records of one tile can take, with what stands between them.
const SPAN_MAX: u64 = TILE_WIDTH * (RECORD_LEN_MAX as u64 + 256);

fn record_in(bytes: &[u8], at: u64) -> Option<&[u8]> {
    let (record, _) = split_record(bytes.get(usize::try_from(at).ok()?..)?)?;
    Some(record)
}
