use std::fmt;

use crate::note::checkpoint::Checkpoint;
use crate::published::fetch::StaticReadError;
use crate::record::RecordError;
use crate::tree::hash::{LeafIndex, TreeSize};

/// Damages after which [`verify_static`](crate::published::verify_static) goes no further. It may find some
/// more than that, in the bundle that it is at.
pub const DAMAGES_MAX: u64 = 65_536;

/// How far [`verify_static`](crate::published::verify_static) looks into the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Entries are bytes: each is hashed.
    Hashes,
    /// Each is also decoded as a [`Record`](crate::Record), which costs several times as much.
    Records,
}

/// How far [`verify_static`](crate::published::verify_static) has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries that were looked at.
    pub entries: TreeSize,
    /// Entries under the checkpoint.
    pub size: TreeSize,
    /// Damages so far.
    pub damages: u64,
}

/// Why [`verify_static`](crate::published::verify_static) did not come to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was told to.
    Asked {
        /// Entries that were looked at.
        entries: TreeSize,
    },
    /// There were [`DAMAGES_MAX`] damages.
    Damages {
        /// Entries that were looked at.
        entries: TreeSize,
    },
}

/// What [`verify_static`](crate::published::verify_static) found.
#[derive(Debug)]
#[must_use]
pub struct StaticReport {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) entries: u64,
    pub(crate) tiles: u64,
    pub(crate) damages: u64,
    pub(crate) first: Option<Damage>,
    pub(crate) stop: Option<Stop>,
}

/// A place where a published log is not what its operator signed.
#[derive(Debug)]
pub struct Damage {
    /// The file.
    pub path: String,
    /// The entry, where it is known; of a range of entries the first.
    pub entry: Option<LeafIndex>,
    /// The problem there.
    pub kind: DamageKind,
}

/// What is wrong with a file of a published log, or with an entry in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum DamageKind {
    /// The file is missing, unreadable, of the wrong length, or not a bundle.
    File(StaticReadError),
    /// The entry is not the one of the signed tree.
    Entry,
    /// Hashes in the tile are not those of the entries under it.
    Tile,
    /// Entries and tiles under this one agree, but are not those of the signed tree.
    Subtree,
    /// Entries and tiles agree up to the root, but it is not the one that the operator signed.
    Root,
    /// The entry is the one of the signed tree, but is not a record.
    Record(RecordError),
}

impl StaticReport {
    pub(crate) fn new(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, entries: 0, tiles: 0, damages: 0, first: None, stop: None }
    }

    pub(crate) fn add(&mut self, path: String, entry: Option<u64>, kind: DamageKind) {
        self.damages += 1;
        let entry = entry.map(LeafIndex::new);
        self.first.get_or_insert(Damage { path, entry, kind });
    }

    /// The state that the operator signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Entries that were hashed.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Tiles that were compared.
    #[must_use]
    pub fn tiles(&self) -> u64 {
        self.tiles
    }

    /// Damages found: entries, tiles and files. One damage may show in several places.
    #[must_use]
    pub fn damages(&self) -> u64 {
        self.damages
    }

    /// The damage that was found first, going through the entries in order.
    #[must_use]
    pub fn first(&self) -> Option<&Damage> {
        self.first.as_ref()
    }

    /// Where and why the check ended early; `None` if it came to the end.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Returns true if every entry and every tile is what the operator signed. Never if not all of them
    /// were looked at.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages == 0 && self.stop.is_none()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, entry, kind } = self;
        write!(f, "`{path}`")?;
        if let Some(entry) = entry {
            write!(f, ", entry {entry}")?;
        }
        match kind {
            DamageKind::File(StaticReadError::Io { source, .. }) => write!(f, ": {source}"),
            DamageKind::File(StaticReadError::Bundle { source, .. }) => write!(f, ": {source}"),
            DamageKind::File(error) => write!(f, ": {error}"),
            DamageKind::Entry => f.write_str(": not the entry that the operator signed"),
            DamageKind::Tile => f.write_str(": not the hashes of what is under the tile"),
            DamageKind::Subtree => f.write_str(": not what the operator signed, though it agrees"),
            DamageKind::Root => {
                f.write_str(": not the root of entries and tiles, though they agree")
            }
            DamageKind::Record(error) => write!(f, ": {error}"),
        }
    }
}
