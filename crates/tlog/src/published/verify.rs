//! The whole of a published log, entry by entry and hash by hash.

use std::ops::ControlFlow;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;

use crate::fault::Fault;
use crate::len::to_u64;
use crate::published::bundle::BundleError;
use crate::published::fetch::{Ahead, Fetched, StaticReadError, fetch_bundle, fetch_tile};
use crate::published::report::{DAMAGES_MAX, DamageKind, Depth, Progress, StaticReport, Stop};
use crate::published::static_files::{CHECKPOINT_PATH, StaticFiles};
use crate::published::static_log::{OpenStaticError, StaticLog, read_checkpoint};
use crate::record::Record;
use crate::tree::hash::{LeafIndex, TreeSize, leaf_hash};
use crate::tree::hash_tile::{edge_root, fold};
use crate::tree::tile::{BundleId, TILE_LEVEL_MAX, TILE_WIDTH, TileId};

const LEVELS: usize = TILE_LEVEL_MAX as usize + 1;
const UNKNOWN: Digest = Digest::from_bytes([0; Digest::LEN]);

/// Checks the whole published log `origin`: hashes every entry, computes every tile and the root
/// from the entries, and compares all of it with the files and with the signed root. Goes on after
/// a damage, and counts. Holds one bundle and a tile of each level in memory.
///
/// The operator may have signed any size, and a missing file costs a look: `progress` is called
/// after each bundle, and ends the check by [`ControlFlow::Break`]. It also ends after
/// [`DAMAGES_MAX`] damages. What ended early is not sound; see [`StaticReport::stop`].
///
/// # Errors
/// [`OpenStaticError`] if there is no checkpoint of this log to check it against, or a file cannot be
/// fetched ([`StaticReadError::Unavailable`]): unread files are not damaged files.
pub fn verify_static(
    files: &impl StaticFiles,
    origin: &Origin,
    depth: Depth,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<StaticReport, OpenStaticError> {
    verify_static_entries(files, origin, depth, progress, &mut |_, _| {})
}

/// As [`verify_static`], and hands each entry to `visit` that agrees with its tile, so that nothing
/// has to be fetched again to look at it. What `visit` made of them says something about the log only
/// if the report [is sound](StaticReport::is_sound): the root is known at the end.
///
/// # Errors
/// [`OpenStaticError`] as for [`verify_static`].
pub fn verify_static_entries(
    files: &impl StaticFiles,
    origin: &Origin,
    depth: Depth,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    visit: &mut dyn FnMut(LeafIndex, &[u8]),
) -> Result<StaticReport, OpenStaticError> {
    let checkpoint = read_checkpoint(files, origin)?;
    let size = checkpoint.size();
    let edge = match StaticLog::open_at(files, checkpoint.clone()) {
        Err(error) if error.fault() == Fault::Environment => return Err(error),
        opened => opened.ok(),
    };
    // The partial tiles were read just now, if they are those that were signed.
    let is_tile_read = if edge.is_some() { BundleId::is_full } else { |_: BundleId| true };
    let mut walk = Walk {
        files,
        size,
        edge,
        levels: Default::default(),
        is_edge_lost: false,
        unavailable: None,
        tile_bytes: Vec::new(),
        report: StaticReport::new(checkpoint),
    };
    let (mut bytes, mut leaves) = (Vec::new(), Vec::new());
    let mut ahead = Ahead::new(files, BundleId::all(size), is_tile_read);
    for id in BundleId::all(size) {
        let fetched = walk.hash_entries(id, &mut bytes, &mut leaves);
        walk.tile(id.tile(), fetched.is_some().then_some(leaves.as_slice()));
        if let Some(error) = walk.unavailable {
            return Err(error.into());
        }
        if let Some(fetched) = fetched {
            walk.visit_entries(id, (&fetched, &bytes, &leaves), depth, visit);
        }
        let entries = TreeSize::new(id.leaves().end);
        let damages = walk.report.damages;
        let told = progress(Progress { entries, size, damages });
        // After the last bundle there is nothing left to stop.
        walk.report.stop = match told {
            _ if entries == size => None,
            ControlFlow::Break(()) => Some(Stop::Asked { entries }),
            ControlFlow::Continue(()) => {
                (damages >= DAMAGES_MAX).then_some(Stop::Damages { entries })
            }
        };
        if walk.report.stop.is_some() {
            return Ok(walk.report);
        }
        ahead.step(files);
    }
    Ok(walk.finish())
}

/// One level of the tree, at the tile that is being filled.
#[derive(Debug, Default)]
struct Level {
    /// The tile that `file` holds.
    id: Option<TileId>,
    /// Its hashes as published; `None` if they cannot be read.
    file: Option<Vec<Digest>>,
    /// Its hashes as they come from below, so far; of a partial tile, what is believed in the end.
    below: Vec<Digest>,
}

struct Walk<'f, F> {
    files: &'f F,
    size: TreeSize,
    /// The published partial tiles, if they lead to the signed root.
    edge: Option<StaticLog<&'f F>>,
    levels: [Level; LEVELS],
    /// True if neither file nor entries of a partial tile of level 0 are there.
    is_edge_lost: bool,
    /// Why a file could not be fetched, which ends the check.
    unavailable: Option<StaticReadError>,
    tile_bytes: Vec<u8>,
    report: StaticReport,
}

impl<F: StaticFiles> Walk<'_, F> {
    /// Reads the bundle and hashes its entries; `None` if it cannot be read.
    fn hash_entries(
        &mut self,
        id: BundleId,
        bytes: &mut Vec<u8>,
        leaves: &mut Vec<Digest>,
    ) -> Option<Fetched> {
        leaves.clear();
        let hashed = fetch_bundle(self.files, id, bytes).and_then(|fetched| {
            // Of a full bundle in place of a partial one, just the first entries.
            let entries = fetched.bundle(bytes)?.entries().take(usize::from(id.width()));
            leaves.extend(entries.map(leaf_hash));
            Ok(fetched)
        });
        match hashed {
            Ok(fetched) => {
                self.report.entries += u64::from(id.width());
                Some(fetched)
            }
            Err(error) => {
                let slot = match &error {
                    StaticReadError::Bundle { source: BundleError::CutOff { slot }, .. } => *slot,
                    _ => 0,
                };
                let entry = id.leaves().start + u64::from(slot);
                self.not_read(entry, error);
                None
            }
        }
    }

    /// A file that holds this entry, or is over it, is damaged or cannot be fetched.
    fn not_read(&mut self, entry: u64, error: StaticReadError) {
        if error.fault() == Fault::Environment {
            self.unavailable.get_or_insert(error);
        } else {
            self.report.add(error.path().to_owned(), Some(entry), DamageKind::File(error));
        }
    }

    /// Decodes those entries of the bundle that are the ones of its tile, and hands them over.
    fn visit_entries(
        &mut self,
        id: BundleId,
        (fetched, bytes, leaves): (&Fetched, &[u8], &[Digest]),
        depth: Depth,
        visit: &mut dyn FnMut(LeafIndex, &[u8]),
    ) {
        let Self { levels, report, .. } = self;
        let file = levels.first().and_then(|level| level.file.as_deref()).unwrap_or(leaves);
        let Ok(bundle) = fetched.bundle(bytes) else { return };
        let entries = bundle.entries().zip(leaves.iter().zip(file));
        for (index, (entry, (leaf, file))) in id.leaves().zip(entries) {
            if leaf != file {
                continue;
            }
            if depth == Depth::Records
                && let Err(error) = Record::from_bytes(entry)
            {
                report.add(fetched.path.clone(), Some(index), DamageKind::Record(error));
            }
            visit(LeafIndex::new(index), entry);
        }
    }

    /// Compares the tile with the hashes that come from below it, if they are known, and hands the
    /// hash of a full one to the level above.
    fn tile(&mut self, id: TileId, below: Option<&[Digest]>) {
        self.load(id);
        let above = self.above(id);
        let level = usize::from(id.level());
        let file = self.levels.get(level).and_then(|level| level.file.as_deref());
        // Of two that differ, the one is right that the tree above agrees with.
        let is_right = |file: &[Digest]| {
            if id.is_full() { above == Some(fold(file)) } else { self.edge.is_some() }
        };
        let believed = match (below, file) {
            (Some(below), Some(file)) if below != file => {
                let report = &mut self.report;
                if is_right(file) {
                    report_below(report, id, below, file);
                    file.to_vec()
                } else {
                    let same = below.iter().zip(file).take_while(|(below, file)| below == file);
                    let (entry, _) = under(id, same.count());
                    report.add(id.to_string(), Some(entry), DamageKind::Tile);
                    below.to_vec()
                }
            }
            (Some(hashes), _) | (None, Some(hashes)) => hashes.to_vec(),
            (None, None) => Vec::new(),
        };
        if !id.is_full() {
            self.is_edge_lost |= believed.is_empty();
            if let Some(level) = self.levels.get_mut(level) {
                level.below = believed;
            }
            return;
        }
        let known = (!believed.is_empty()).then(|| fold(&believed));
        self.push(id, known.or(above).unwrap_or(UNKNOWN));
    }

    /// Hands the hash of a full tile to the level above, and compares the tile there when that was
    /// its last hash.
    fn push(&mut self, id: TileId, hash: Digest) {
        let Some((parent, slot)) = id.parent(self.size) else { return };
        let Some(level) = self.levels.get_mut(usize::from(parent.level())) else { return };
        level.below.push(hash);
        if slot + 1 == parent.width() {
            let below = std::mem::take(&mut level.below);
            self.tile(parent, Some(&below));
        }
    }

    /// What the tile above says that the root of the full tile is.
    fn above(&mut self, id: TileId) -> Option<Digest> {
        let (parent, slot) = id.parent(self.size)?;
        self.load(parent);
        let level = self.levels.get(usize::from(parent.level()))?;
        level.file.as_deref()?.get(usize::from(slot)).copied()
    }

    /// Reads the tile, unless it was the last one that was read at its level.
    fn load(&mut self, id: TileId) {
        let Some(level) = self.levels.get_mut(usize::from(id.level())) else { return };
        if level.id == Some(id) {
            return;
        }
        level.id = Some(id);
        let mut hashes = level.file.take().unwrap_or_default();
        hashes.clear();
        let signed = self.edge.as_ref().filter(|_| !id.is_full());
        if let Some(known) = signed.and_then(|edge| edge.partial(id)) {
            hashes.extend_from_slice(known);
            level.file = Some(hashes);
            self.report.tiles += 1;
            return;
        }
        match fetch_tile(self.files, id, &mut self.tile_bytes) {
            Ok(_) => {
                let (found, _) = self.tile_bytes.as_chunks();
                hashes.extend(found.iter().copied().map(Digest::from_bytes));
                level.file = Some(hashes);
                self.report.tiles += 1;
            }
            Err(error) => {
                self.not_read(id.leaves().start, error);
            }
        }
    }

    fn finish(mut self) -> StaticReport {
        let root = edge_root(self.levels.iter().map(|level| level.below.as_slice()));
        if root != self.report.checkpoint.root() && !self.is_edge_lost {
            self.report.add(CHECKPOINT_PATH.to_owned(), None, DamageKind::Root);
        }
        self.report
    }
}

/// Reports what is under a tile that is the signed one, and differs from it.
fn report_below(report: &mut StaticReport, id: TileId, below: &[Digest], file: &[Digest]) {
    let pairs = below.iter().zip(file).enumerate();
    for (slot, _) in pairs.filter(|(_, (below, file))| below != file) {
        let (start, child) = under(id, slot);
        let (path, fault) = match child {
            None => (BundleId::from(id).to_string(), DamageKind::Entry),
            Some(child) if child.level() == 0 => {
                (BundleId::from(child).to_string(), DamageKind::Subtree)
            }
            Some(child) => (child.to_string(), DamageKind::Subtree),
        };
        report.add(path, Some(start), fault);
    }
}

/// The first entry under the hash of the tile at `slot`, and the tile that it is the root of.
fn under(id: TileId, slot: usize) -> (u64, Option<TileId>) {
    let below = id.level().checked_sub(1);
    let index = id.index().saturating_mul(u64::from(TILE_WIDTH)).saturating_add(to_u64(slot));
    match below.and_then(|level| TileId::new(level, index, TILE_WIDTH).ok()) {
        Some(child) => (child.leaves().start, Some(child)),
        None => (index, None),
    }
}
