//! Copies of a node from which it can be opened again.

use std::io;
use std::path::{Path, PathBuf};

use dataspace_audit_log::{
    Log, Recovery,
    backup::{Backup, BackupError},
    reader::ReadError,
};
use dataspace_ledger::evidence::EVIDENCE_LEN_MAX;
use dataspace_primitives::envelope::DOCUMENT_LEN_MAX;
use dataspace_tlog::{Directory, TreeSize, witness::FORK_LEN_MAX};
use thiserror::Error;

use crate::consumer::setup::{EVIDENCE, SEEN};
use crate::error::WriteError;
use crate::index::Index;
use crate::index::error::Unusable;
use crate::index::snapshots::{self, DirectorySnapshots};
use crate::kept::Kept;
use crate::offers::FOLDER;
use crate::registers;
use crate::space::DataSpace;

/// How often a copy is begun again that does not fit together, since the node archived or wrote its
/// index meanwhile.
const TRIES: usize = 8;

/// A copy of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeBackup {
    /// Records in the copy; all of them are under its checkpoint, unless the node was stopped.
    pub size: TreeSize,
    /// True if it has an index; without one, opening it reads the whole log once.
    pub has_index: bool,
}

/// Why a node is not copied. Nothing is left of the copy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeBackupError {
    /// The log cannot be copied, or the copy not be made.
    #[error(transparent)]
    Log(#[from] BackupError),
    /// A checkpoint cannot be signed before.
    #[error("the log cannot be signed")]
    Sign(#[from] WriteError),
    /// The log's beginning was archived, and there is no index that stands for it.
    #[error(
        "the log in `{}` has no beginning, and no index in its place; copy the archived segments \
         back, or let the node write its index", dir.display()
    )]
    Archived {
        /// The node's directory.
        dir: PathBuf,
        /// The problem with the index.
        #[source]
        why: Option<Unusable>,
    },
    /// The copy cannot be read.
    #[error("the copy cannot be read")]
    Read(#[from] ReadError),
}

/// Copies the node in `dir` to the new directory `to`, whether it runs or not: of one that runs, what
/// its last checkpoint covers. The copy was opened once, and its index is good or left out.
///
/// Registers of persons are copied as they are: persons who left later are not in the copy, and a node that is restored from it
/// would count them again.
///
/// To restore a node, stop it, move its directory away, and move the copy to its place. What the node
/// recorded after the copy was made is not in it; a node that is opened from the copy while the first
/// one goes on makes a second history under one name, which everybody sees who compares checkpoints.
///
/// # Errors
/// [`NodeBackupError`].
pub fn backup_node(dir: &Path, to: &Path) -> Result<NodeBackup, NodeBackupError> {
    let copied = |backup: &Backup| {
        // WHY first: an index that covers more than the log would look like a rollback.
        let to = DirectorySnapshots::new(backup.directory().path());
        let index = snapshots::copy(&DirectorySnapshots::new(dir), &to);
        index.map_err(BackupError::from)?;
        let copied = backup.copy_log(dir)?;
        // WHY last: what the log lacks by now was kept before.
        copy_rest(dir, backup.directory())?;
        Ok(copied)
    };
    copy(dir, to, copied)
}

impl DataSpace {
    /// Copies the node to the new directory `to` while it goes on: everything that is recorded now,
    /// under a checkpoint that is signed for it. See [`backup_node`] for how to restore it.
    ///
    /// # Errors
    /// [`NodeBackupError`].
    pub fn backup(&self, to: &Path) -> Result<NodeBackup, NodeBackupError> {
        let (index, log) = (&self.inner.index, &self.inner.log);
        self.checkpoint()?;
        let copied = |backup: &Backup| {
            let to = DirectorySnapshots::new(backup.directory().path());
            index.copy_to(&to).map_err(BackupError::from)?;
            let copied = log.backup_into(backup)?;
            copy_rest(self.inner.contracts.kept().dir(), backup.directory())?;
            Ok(copied)
        };
        copy(self.inner.contracts.kept().dir(), to, copied)
    }
}

/// What is neither log nor index: documents of archived contracts, registers of persons, published offers, and of a consumer's
/// node its evidence and what it has seen of other logs.
fn copy_rest(dir: &Path, to: &Directory) -> io::Result<()> {
    Kept::copy(dir, to)?;
    registers::copy(dir, to)?;
    let dir = Directory::open(dir)?;
    let folders = [(FOLDER, DOCUMENT_LEN_MAX), (EVIDENCE, EVIDENCE_LEN_MAX), (SEEN, FORK_LEN_MAX)];
    for (folder, len_max) in folders {
        if !dir.has(folder)? {
            continue;
        }
        let (from, to) = (dir.inner(folder)?, to.make_inner(folder)?);
        for name in from.names()? {
            let Some(name) = name.to_str() else { continue };
            if let Some(bytes) = from.read_all(name, len_max)? {
                to.replace(name, &bytes)?;
            }
        }
    }
    Ok(())
}

fn copy(
    dir: &Path,
    to: &Path,
    copied: impl Fn(&Backup) -> Result<(Log, Recovery), BackupError>,
) -> Result<NodeBackup, NodeBackupError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let backup = Backup::begin(to)?;
        let (log, recovery) = copied(&backup)?;
        let copy = DirectorySnapshots::new(backup.directory().path());
        let covered = Index::read(&copy, &log, &mut |_| Ok(()));
        let (covered, unusable) = match covered {
            Ok(base) => (base.size, None),
            Err(why) => (0, Some(why)),
        };
        let is_archived = log.first()?.as_u64() > covered;
        let is_absent = matches!(unusable, Some(Unusable::Missing));
        if tries < TRIES && (is_archived || (unusable.is_some() && !is_absent)) {
            continue;
        }
        if is_archived {
            return Err(NodeBackupError::Archived { dir: dir.to_owned(), why: unusable });
        }
        if unusable.is_some() && !is_absent {
            copy.remove().map_err(BackupError::from)?;
        }
        drop(log);
        backup.finish()?;
        return Ok(NodeBackup { size: recovery.size(), has_index: unusable.is_none() });
    }
}
