use std::error::Error;
use std::io;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::engine::{Edge, tile_bytes};
use dataspace_tlog::{
    Checkpoint, LeafIndex, StaticLog, TreeSize,
    log_reader::ExtendsError,
    note::{CosignatureError, WitnessKey},
    published::{BundleBuilder, BundleError, CHECKPOINT_PATH, OpenStaticError},
    tree::{BundleId, TileId, leaf_hash},
};
use thiserror::Error;

use crate::log::Log;
use crate::medium::signed_sizes;
use crate::published::static_store::StaticStore;
use crate::reader::ReadError;

/// Writes a log in its published form (C2SP tlog-tiles): immutable tiles and bundles first, and
/// when they are durable the checkpoint that names them.
///
/// The cost of a publication depends on the number of new entries. It holds one bundle and the
/// edge of the tree in memory. After a crash the earlier checkpoint and all its files are there,
/// and the next publication goes on from it.
#[derive(Debug)]
pub struct Publisher<S> {
    store: S,
    origin: Origin,
    published: Option<Checkpoint>,
    edge: Edge,
    /// Full tiles and bundles whose partial forms are no longer needed.
    obsolete: Vec<String>,
}

/// Result of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Hash tiles, full and partial.
    pub tiles: u64,
    /// Entry bundles, full and partial.
    pub bundles: u64,
}

/// Why a log is not published up to a checkpoint. The checkpoint that was published before is
/// still there, with all that it names.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError<E: Error + 'static> {
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log `{found}`")]
    Origin {
        /// The log of the checkpoint.
        found: Origin,
    },
    /// More is published already: what others have seen is not taken back.
    #[error("{published} entries are published, the checkpoint covers {size}")]
    Older {
        /// Entries published.
        published: TreeSize,
        /// Entries under the checkpoint.
        size: TreeSize,
    },
    /// The source's entry is not the one that was published.
    #[error("entry {index} is not the one that was published")]
    Changed {
        /// The entry.
        index: LeafIndex,
    },
    /// The entries do not have the checkpoint's root.
    #[error("what is published and the new entries do not have the checkpoint's root")]
    Root,
    /// The log itself does not hold what the checkpoint covers.
    #[error("the checkpoint is not of this log")]
    Log(#[source] ExtendsError),
    /// The source cannot give an entry.
    #[error("entry {index} cannot be read")]
    Source {
        /// The entry.
        index: LeafIndex,
        /// The error of the source.
        #[source]
        source: E,
    },
    /// The entry cannot be published.
    #[error("entry {index} cannot be put into a bundle")]
    Entry {
        /// The entry.
        index: LeafIndex,
        /// Why.
        #[source]
        source: BundleError,
    },
    /// There is such a file with other bytes; it is left alone.
    #[error("`{path}` is there already, with other bytes")]
    Conflict {
        /// The file.
        path: String,
    },
    /// The medium failed.
    #[error("`{path}` cannot be written")]
    Io {
        /// The file, or the last of those that were to be made durable.
        path: String,
        /// The error of the medium.
        #[source]
        source: io::Error,
    },
}

/// Why cosignatures are not put under the published checkpoint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishCosignaturesError {
    /// There is no checkpoint to put them under.
    #[error("nothing is published yet")]
    NothingPublished,
    /// A cosignature of one of the witnesses does not verify, or there are too many.
    #[error("the cosignatures are not put under the checkpoint")]
    Cosignature(#[from] CosignatureError),
    /// The medium failed.
    #[error("`{CHECKPOINT_PATH}` cannot be written")]
    Io(#[from] io::Error),
}

impl<S: StaticStore> Publisher<S> {
    /// Publishes the log `origin` into `store`; what is there must be a beginning of it, or
    /// nothing. Reads the published checkpoint and the edge of its tree, and writes nothing.
    ///
    /// # Errors
    /// [`OpenStaticError`] if what is there does not verify.
    pub fn open(store: S, origin: Origin) -> Result<Self, OpenStaticError> {
        let (published, edge) = match StaticLog::open(&store, &origin) {
            Ok(log) => (Some(log.checkpoint().clone()), log.to_edge()),
            Err(OpenStaticError::NoCheckpoint) => (None, Edge::default()),
            Err(error) => return Err(error),
        };
        Ok(Self { store, origin, published, edge, obsolete: Vec::new() })
    }

    /// The checkpoint that is published, if there is one.
    #[must_use]
    pub fn published(&self) -> Option<&Checkpoint> {
        self.published.as_ref()
    }

    /// Entries that are published.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.edge.size()
    }

    /// Publishes all that `checkpoint` covers, from the records of `log`.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish_log(
        &mut self,
        log: &Log,
        checkpoint: &Checkpoint,
    ) -> Result<Published, PublishError<ReadError>> {
        log.verify_extends(checkpoint).map_err(PublishError::Log)?;
        if self.is_up_to_date(checkpoint)? {
            return Ok(Published::default());
        }
        let end = checkpoint.size();
        // If they cannot be read, nobody knows that other checkpoints were signed.
        let signed = signed_sizes::read(&*log.writer.storage, end).unwrap_or_default();
        self.write(checkpoint, &signed, |first, take| {
            let mut next = first;
            let visited = log.replay_range((first, end), |index, bytes| {
                next = LeafIndex::new(index.as_u64().saturating_add(1));
                take(index, bytes).map_err(Stop::Publish)
            });
            visited.map_err(|error| match error {
                Stop::Read(source) => PublishError::Source { index: next, source },
                Stop::Publish(error) => error,
            })
        })
    }

    /// Publishes all that `checkpoint` covers. `entry` gives the entries that are not published
    /// yet, and those of the last partial bundle again. It is asked for each of them twice: nothing
    /// is written before they are known to have the checkpoint's root.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish<E: Error + 'static>(
        &mut self,
        checkpoint: &Checkpoint,
        mut entry: impl FnMut(LeafIndex) -> Result<Vec<u8>, E>,
    ) -> Result<Published, PublishError<E>> {
        if self.is_up_to_date(checkpoint)? {
            return Ok(Published::default());
        }
        let (mut edge, known) = self.start();
        let mut known = known.into_iter();
        for index in (edge.size().as_u64()..checkpoint.size().as_u64()).map(LeafIndex::new) {
            let bytes = entry(index).map_err(|source| PublishError::Source { index, source })?;
            edge.push(leaf_of(index, &bytes, known.next())?, |_, _| Ok(()))?;
        }
        if edge.root() != checkpoint.root() {
            return Err(PublishError::Root);
        }
        let end = checkpoint.size().as_u64();
        self.write(checkpoint, &[], |first, take| {
            (first.as_u64()..end).map(LeafIndex::new).try_for_each(|index| {
                let bytes =
                    entry(index).map_err(|source| PublishError::Source { index, source })?;
                take(index, &bytes)
            })
        })
    }

    /// Removes the partial tiles and bundles whose full forms this publisher has published. Who
    /// still reads under an earlier checkpoint falls back to the full ones.
    ///
    /// # Errors
    /// Whatever the medium says; what is left is tried again at the next call.
    pub fn remove_partial(&mut self) -> io::Result<()> {
        while let Some(path) = self.obsolete.last() {
            self.store.remove_partial(path)?;
            self.obsolete.pop();
        }
        Ok(())
    }

    /// Returns true if there is nothing to do for a checkpoint of this log.
    fn is_up_to_date<E: Error + 'static>(
        &self,
        checkpoint: &Checkpoint,
    ) -> Result<bool, PublishError<E>> {
        if *checkpoint.origin() != self.origin {
            return Err(PublishError::Origin { found: checkpoint.origin().clone() });
        }
        let (published, size) = (self.size(), checkpoint.size());
        if size < published {
            return Err(PublishError::Older { published, size });
        }
        if size == published && checkpoint.root() != self.edge.root() {
            return Err(PublishError::Root);
        }
        let is_there = |one: &Checkpoint| {
            one.text() == checkpoint.text() && one.with_signatures_of(checkpoint) == *one
        };
        Ok(self.published.as_ref().is_some_and(is_there))
    }

    /// Puts those of `lines` under the published checkpoint that are cosignatures of `witnesses`: what
    /// a witness answers to [`AddCheckpoint::body`](dataspace_tlog::witness::AddCheckpoint::body). Returns the checkpoint
    /// that is published now. They stay there until a checkpoint of more entries is published.
    ///
    /// # Errors
    /// [`PublishCosignaturesError`]; then nothing is changed.
    pub fn add_cosignatures(
        &mut self,
        lines: &str,
        witnesses: &[WitnessKey],
    ) -> Result<&Checkpoint, PublishCosignaturesError> {
        let published = self.published.as_ref();
        let published = published.ok_or(PublishCosignaturesError::NothingPublished)?;
        let cosigned = published.with_cosignatures(lines, witnesses)?;
        if cosigned != *published {
            self.store.replace_checkpoint(cosigned.as_note().as_bytes())?;
        }
        Ok(self.published.insert(cosigned))
    }

    /// The edge before the last partial bundle, and the leaf hashes of the entries in that.
    fn start(&self) -> (Edge, Vec<Digest>) {
        let mut edge = self.edge.clone();
        let known = edge.unfinish();
        (edge, known)
    }

    /// `feed` is given the first entry to publish, and hands it and all that follow over. `signed`
    /// are sizes at which other checkpoints were signed: who has one of those asks for its partial
    /// tiles, as long as there are no full ones in their place.
    fn write<E: Error + 'static>(
        &mut self,
        checkpoint: &Checkpoint,
        signed: &[TreeSize],
        feed: impl FnOnce(LeafIndex, &mut Take<'_, E>) -> Result<(), PublishError<E>>,
    ) -> Result<Published, PublishError<E>> {
        let (mut edge, known) = self.start();
        let mut known = known.into_iter();
        let mut out = Output::new(&mut self.store, self.edge.size());
        let mut bundle = BundleBuilder::new();
        feed(LeafIndex::new(edge.size().as_u64()), &mut |index, bytes| {
            let leaf = leaf_of(index, bytes, known.next())?;
            bundle.push(bytes).map_err(|source| PublishError::Entry { index, source })?;
            edge.push(leaf, |tile, hashes| {
                if tile.level() == 0 {
                    out.bundle(tile.into(), bundle.as_bytes())?;
                    bundle.clear();
                }
                out.tile(tile, hashes)
            })
        })?;
        if edge.root() != checkpoint.root() {
            return Err(PublishError::Root);
        }
        for (tile, hashes) in edge.partial() {
            for earlier in earlier(tile, signed, self.edge.size()) {
                if earlier.level() == 0 {
                    out.bundle(earlier.into(), bundle.first(earlier.width()))?;
                }
                out.tile(earlier, hashes.get(..usize::from(earlier.width())).unwrap_or_default())?;
            }
            if tile.level() == 0 {
                out.bundle(tile.into(), bundle.as_bytes())?;
            }
            out.tile(tile, hashes)?;
        }
        let done = out.done;
        let io = |source| PublishError::Io { path: out.last.clone(), source };
        out.store.sync().map_err(io)?;
        // Cosignatures of the same state stay.
        let published = self.published.as_ref();
        let checkpoint =
            &published.map_or_else(|| checkpoint.clone(), |one| checkpoint.with_signatures_of(one));
        let note = checkpoint.as_note().as_bytes();
        let path = CHECKPOINT_PATH.to_owned();
        self.store.replace_checkpoint(note).map_err(|source| PublishError::Io { path, source })?;
        let before = std::mem::replace(&mut self.edge, edge).size();
        self.obsolete.extend(replaced(before, checkpoint.size()));
        self.published = Some(checkpoint.clone());
        Ok(done)
    }
}

/// The narrower forms of a partial tile in the trees of `signed` leaves, and above level 0 in all trees
/// that are larger than the published one, since it is not known which of them were signed.
fn earlier(tile: TileId, signed: &[TreeSize], published: TreeSize) -> Vec<TileId> {
    let (level, index) = (tile.level(), tile.index());
    if level == 0 {
        let forms = signed.iter().filter_map(|size| TileId::in_tree(level, index, *size));
        return forms.filter(|form| form.width() < tile.width()).collect();
    }
    if signed.is_empty() {
        return Vec::new();
    }
    let known = TileId::in_tree(level, index, published).map_or(0, TileId::width);
    let widths = known.saturating_add(1)..tile.width();
    widths.filter_map(|width| TileId::new(level, index, width).ok()).collect()
}

/// Full tiles and bundles of the tree of `to` leaves that were partial in the one of `from`.
fn replaced(from: TreeSize, to: TreeSize) -> impl Iterator<Item = String> {
    let full =
        move |id: &TileId| TileId::in_tree(id.level(), id.index(), to).is_some_and(TileId::is_full);
    TileId::edge(from).filter(full).filter_map(TileId::to_full).flat_map(|tile| {
        let bundle = (tile.level() == 0).then(|| BundleId::from(tile).to_string());
        bundle.into_iter().chain([tile.to_string()])
    })
}

/// Takes the next entry.
type Take<'t, E> = dyn FnMut(LeafIndex, &[u8]) -> Result<(), PublishError<E>> + 't;

/// Why the reading of a log ends.
enum Stop {
    Read(ReadError),
    Publish(PublishError<ReadError>),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// The leaf hash of an entry, which must be the known one if it was published before, as those of
/// the last partial bundle were.
fn leaf_of<E: Error>(
    index: LeafIndex,
    bytes: &[u8],
    known: Option<Digest>,
) -> Result<Digest, PublishError<E>> {
    let leaf = leaf_hash(bytes);
    match known {
        Some(known) if known != leaf => Err(PublishError::Changed { index }),
        _ => Ok(leaf),
    }
}

/// Puts files, and counts them.
struct Output<'s, S> {
    store: &'s mut S,
    /// What is published already.
    from: TreeSize,
    done: Published,
    last: String,
    buffer: Vec<u8>,
}

impl<'s, S: StaticStore> Output<'s, S> {
    fn new(store: &'s mut S, from: TreeSize) -> Self {
        Self { store, from, done: Published::default(), last: String::new(), buffer: Vec::new() }
    }

    fn tile<E: Error>(&mut self, id: TileId, hashes: &[Digest]) -> Result<(), PublishError<E>> {
        if self.is_published(id) {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        tile_bytes(hashes, &mut bytes);
        self.done.tiles += u64::from(self.put(id.to_string(), &bytes)?);
        self.buffer = bytes;
        Ok(())
    }

    fn bundle<E: Error>(&mut self, id: BundleId, bytes: &[u8]) -> Result<(), PublishError<E>> {
        if !self.is_published(id.tile()) {
            self.done.bundles += u64::from(self.put(id.to_string(), bytes)?);
        }
        Ok(())
    }

    fn is_published(&self, id: TileId) -> bool {
        TileId::in_tree(id.level(), id.index(), self.from) == Some(id)
    }

    /// Returns true if the file is new. One that an interrupted publication left must have these bytes.
    fn put<E: Error>(&mut self, path: String, bytes: &[u8]) -> Result<bool, PublishError<E>> {
        self.last = path;
        let path = || self.last.clone();
        let io = |source| PublishError::Io { path: path(), source };
        match self.store.put(&self.last, bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| true).map_err(io),
        }
        let mut found = Vec::new();
        let is_there = self.store.read_into(&self.last, bytes.len(), &mut found).map_err(io)?;
        let is_same = is_there && found == bytes;
        if is_same { Ok(false) } else { Err(PublishError::Conflict { path: path() }) }
    }
}
