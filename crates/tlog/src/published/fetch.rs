//! Tiles and bundles as they are read from files that anybody may have made.

use std::io;

use thiserror::Error;

use crate::fault::Fault;
use crate::published::bundle::{Bundle, BundleError, bundle_len_max};
use crate::published::static_files::StaticFiles;
use crate::tree::tile::{BundleId, TileId};

/// Why a file of a published log is not usable.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StaticReadError {
    /// The medium does not answer, which says nothing about the log.
    #[error("{error}")]
    Unavailable {
        /// The file.
        path: String,
        /// What the medium said, which is all that there is to say.
        error: io::Error,
    },
    /// The medium gives no such file, but something else, or fails.
    #[error("`{path}` cannot be read")]
    Io {
        /// The file.
        path: String,
        /// The error of the medium.
        #[source]
        source: io::Error,
    },
    /// Neither the file nor the full one that may have replaced it is there.
    #[error("`{path}` is not there")]
    Missing {
        /// The file.
        path: String,
    },
    /// The file is not as long as a tile of its width.
    #[error("`{path}` does not have the {expected} bytes of its tile")]
    TileLen {
        /// The file.
        path: String,
        /// Bytes it should have.
        expected: usize,
    },
    /// The file is not a bundle of so many entries.
    #[error("`{path}` is not an entry bundle")]
    Bundle {
        /// The file.
        path: String,
        /// The problem.
        #[source]
        source: BundleError,
    },
}

impl StaticReadError {
    pub(crate) fn medium(path: &str, error: io::Error) -> Self {
        let path = path.to_owned();
        if is_unavailable(error.kind()) {
            Self::Unavailable { path, error }
        } else {
            Self::Io { path, source: error }
        }
    }

    /// Whose fault it is: that of the files, unless the medium does not answer.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } => Fault::Environment,
            _ => Fault::Evidence,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Unavailable { path, .. }
            | Self::Io { path, .. }
            | Self::Missing { path }
            | Self::TileLen { path, .. }
            | Self::Bundle { path, .. } => path,
        }
    }
}

/// What was read: a file that is at least as wide as the one asked for.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) path: String,
    pub(crate) width: u16,
}

/// Reads the tile into `bytes`, just its hashes. Where a partial tile is gone, the beginning of
/// the full one is it (C2SP tlog-tiles, "Partial Tiles").
pub(crate) fn fetch_tile(
    files: &impl StaticFiles,
    id: TileId,
    bytes: &mut Vec<u8>,
) -> Result<Fetched, StaticReadError> {
    let read = |id: TileId, bytes: &mut Vec<u8>| {
        let (path, expected) = (id.to_string(), id.len_bytes());
        if !read(files, &path, expected, bytes)? {
            return Ok(Err(path));
        }
        if bytes.len() != expected {
            return Err(StaticReadError::TileLen { path, expected });
        }
        Ok(Ok(Fetched { path, width: id.width() }))
    };
    let fetched = match (read(id, bytes)?, id.to_full()) {
        (Ok(fetched), _) => fetched,
        (Err(path), Some(full)) if !id.is_full() => {
            read(full, bytes)?.map_err(|_| StaticReadError::Missing { path })?
        }
        (Err(path), _) => return Err(StaticReadError::Missing { path }),
    };
    bytes.truncate(id.len_bytes());
    Ok(fetched)
}

/// Reads the bundle into `bytes`, or the full one that begins with it.
pub(crate) fn fetch_bundle(
    files: &impl StaticFiles,
    id: BundleId,
    bytes: &mut Vec<u8>,
) -> Result<Fetched, StaticReadError> {
    let read = |id: BundleId, bytes: &mut Vec<u8>| {
        let path = id.to_string();
        let found = read(files, &path, bundle_len_max(id.width()), bytes)?;
        Ok(if found { Ok(Fetched { path, width: id.width() }) } else { Err(path) })
    };
    match (read(id, bytes)?, id.to_full()) {
        (Ok(fetched), _) => Ok(fetched),
        (Err(path), Some(full)) if !id.is_full() => {
            read(full, bytes)?.map_err(|_| StaticReadError::Missing { path })
        }
        (Err(path), _) => Err(StaticReadError::Missing { path }),
    }
}

/// Bundles that are announced before they are read.
const AHEAD: usize = 8;

/// Bundles and their tiles that are read one after the other, announced some steps before.
pub(crate) struct Ahead<I> {
    ids: I,
    is_tile_read: fn(BundleId) -> bool,
}

impl<I: Iterator<Item = BundleId>> Ahead<I> {
    /// Announces the first ones. `is_tile_read` says for which bundles the tile is read too.
    pub(crate) fn new(
        files: &impl StaticFiles,
        ids: I,
        is_tile_read: fn(BundleId) -> bool,
    ) -> Self {
        let mut this = Self { ids, is_tile_read };
        (0..AHEAD).for_each(|_| this.step(files));
        this
    }

    /// To be called after each bundle.
    pub(crate) fn step(&mut self, files: &impl StaticFiles) {
        let Some(id) = self.ids.next() else { return };
        files.expect(&id.to_string(), bundle_len_max(id.width()));
        if (self.is_tile_read)(id) {
            files.expect(&id.tile().to_string(), id.tile().len_bytes());
        }
    }
}

impl Fetched {
    /// The bundle that was fetched; its first entries are those asked for.
    pub(crate) fn bundle<'a>(&self, bytes: &'a [u8]) -> Result<Bundle<'a>, StaticReadError> {
        Bundle::parse(bytes, self.width)
            .map_err(|source| StaticReadError::Bundle { path: self.path.clone(), source })
    }
}

fn read(
    files: &impl StaticFiles,
    path: &str,
    len_max: usize,
    bytes: &mut Vec<u8>,
) -> Result<bool, StaticReadError> {
    files.read_into(path, len_max, bytes).map_err(|error| StaticReadError::medium(path, error))
}

/// Returns true if a medium that fails so was not there to answer: see [`StaticFiles::read_into`].
fn is_unavailable(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::ConnectionAborted
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::NotConnected
            | Kind::TimedOut
    )
}
