//! Whoever serves a published log changes it: verification finds each change and its place, and a
//! reader believes none.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use dataspace_tlog::{
    LeafIndex, StaticLog, TreeSize,
    published::{
        BundleError, DAMAGES_MAX, Damage, DamageKind, Depth, OpenStaticError, StaticReadError,
        StaticReport, Stop, verify_static,
    },
    tree::{Tree, leaf_hash},
};

use dataspace_primitives::Digest;

use crate::site::{Files, Site, checkpoint, entry, signed, site, tree};
use crate::support::origin;

const SIZE: u64 = 258;

fn verify(files: Files) -> Result<StaticReport, OpenStaticError> {
    verify_static(&Site::of(files), &origin(), Depth::Hashes, &mut |_| ControlFlow::Continue(()))
}

fn first(report: &StaticReport) -> &Damage {
    report.first().expect("a damage")
}

/// The place in an entry bundle of byte `at`: the entry, and whether it is part of a length.
fn place(bundle: &[u8], at: usize) -> (u64, bool) {
    let mut start = 0;
    for index in 0.. {
        let len = usize::from(u16::from_be_bytes([bundle[start], bundle[start + 1]]));
        if at < start + 2 + len {
            return (index, at < start + 2);
        }
        start += 2 + len;
    }
    panic!("there is no byte {at}")
}

#[test]
fn a_flipped_byte_is_found_in_its_place() {
    let good = site(&[SIZE]).files();
    assert_eq!(good.len(), 6);
    for (path, bytes) in &good {
        // Of the full tile every third byte, which are some of each hash: it is the longest file.
        for at in (0..bytes.len()).step_by(if path == "tile/0/000" { 3 } else { 1 }) {
            let mut files = good.clone();
            files.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
            let report = match verify(files) {
                Ok(report) => report,
                Err(error) => {
                    assert!(path == "checkpoint", "{path}: {error}");
                    continue;
                }
            };
            let Damage { path: found, entry, kind } = first(&report);
            assert_eq!(found, path, "byte {at}: {kind:?}");
            let entry = entry.unwrap().as_u64();
            let start = if path.ends_with("001.p/2") { 256 } else { 0 };
            if path.starts_with("tile/entries/") {
                let (index, is_len) = place(bytes, at);
                if is_len {
                    // The bytes may still be as many entries, but not these.
                    assert!(entry >= start, "byte {at}");
                } else {
                    assert_eq!((entry, report.damages()), (start + index, 1));
                    assert!(matches!(kind, DamageKind::Entry));
                }
            } else {
                assert_eq!((entry, report.damages()), (start + at as u64 / 32, 1));
                assert!(matches!(kind, DamageKind::Tile), "{kind:?}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_small_log_is_found() {
    let good = site(&[3]).files();
    for (path, bytes) in &good {
        for bit in 0..8 * bytes.len() {
            let mut files = good.clone();
            files.get_mut(path).unwrap()[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(files).map_or(true, |report| !report.is_sound()), "{path}: {bit}");
        }
    }
}

#[test]
fn every_file_that_is_gone_cut_or_longer_is_found() {
    for size in [SIZE, 70_000] {
        let good = site(&[size]).files();
        let sample =
            good.keys().filter(|path| size == SIZE || path.ends_with('7') || path.contains(".p/"));
        for path in
            sample.filter(|path| *path != "checkpoint").step_by(if size == SIZE { 1 } else { 5 })
        {
            let mut files = good.clone();
            files.remove(path);
            let report = verify(files).unwrap();
            assert_eq!((report.damages(), &first(&report).path), (1, path));
            assert!(matches!(
                first(&report).kind,
                DamageKind::File(StaticReadError::Missing { .. })
            ));
            let len = good[path].len();
            for bytes in [&good[path][..len - 1], &[&good[path][..], &[0]].concat(), &[]] {
                let mut files = good.clone();
                files.insert(path.clone(), bytes.to_vec());
                let report = verify(files).unwrap();
                assert_eq!((report.damages(), &first(&report).path), (1, path));
                assert!(matches!(
                    first(&report).kind,
                    DamageKind::File(
                        StaticReadError::TileLen { .. } | StaticReadError::Bundle { .. }
                    )
                ));
            }
        }
    }
}

#[test]
fn a_cut_bundle_is_reported_with_the_entry_where_it_ends() {
    let mut files = site(&[600]).files();
    let path = "tile/entries/001";
    let cut: usize = (256..300).map(|n| 2 + entry(n).len()).sum();
    files.get_mut(path).unwrap().truncate(cut + 5);
    let report = verify(files).unwrap();
    let damage = first(&report);
    assert_eq!((damage.path.as_str(), damage.entry), (path, Some(LeafIndex::new(300))));
    let DamageKind::File(StaticReadError::Bundle { source, .. }) = &damage.kind else { panic!() };
    assert_eq!(*source, BundleError::CutOff { slot: 44 });
    // The others are still looked at.
    assert_eq!(report.entries(), 600 - 256);
    assert_eq!(
        damage.to_string(),
        "`tile/entries/001`, entry 300: the bundle ends before the end of its entry 44"
    );
}

#[test]
fn all_damages_are_counted_and_the_first_is_named() {
    let mut files = site(&[70_000]).files();
    // Two entries, a tile of each level, and a bundle that is gone.
    let at = |n: u64| (0..n).map(|n| 2 + entry(n).len()).sum::<usize>();
    files.get_mut("tile/entries/000").unwrap()[at(7) + 2] ^= 1;
    files.get_mut("tile/entries/000").unwrap()[at(9) + 2] ^= 1;
    files.get_mut("tile/0/100").unwrap()[32 * 5] ^= 1;
    files.get_mut("tile/1/000").unwrap()[32 * 200] ^= 1;
    files.remove("tile/entries/272");
    let report = verify(files).unwrap();
    assert_eq!(first(&report).path, "tile/entries/000");
    assert_eq!(first(&report).entry, Some(LeafIndex::new(7)));
    assert_eq!(report.damages(), 5);
    assert_eq!(report.entries(), 70_000 - 256);
}

#[test]
fn swapped_files_are_found() {
    let good = site(&[1_000]).files();
    let swap = |pairs: &[(&str, &str)]| {
        let mut files = good.clone();
        for (a, b) in pairs {
            let (of_a, of_b) = (files[*a].clone(), files[*b].clone());
            files.insert((*a).to_owned(), of_b);
            files.insert((*b).to_owned(), of_a);
        }
        verify(files).unwrap()
    };
    let tiles = ("tile/0/000", "tile/0/002");
    let bundles = ("tile/entries/000", "tile/entries/002");
    let report = swap(&[tiles]);
    assert_eq!((report.damages(), first(&report).path.as_str()), (2, "tile/0/000"));
    let report = swap(&[bundles]);
    assert_eq!((report.damages(), first(&report).path.as_str()), (512, "tile/entries/000"));
    // Each pair agrees with itself, but not with the tree.
    let report = swap(&[tiles, bundles]);
    assert_eq!((report.damages(), first(&report).path.as_str()), (2, "tile/entries/000"));
    assert!(matches!(first(&report).kind, DamageKind::Subtree));
    assert_eq!(first(&report).entry, Some(LeafIndex::new(0)));
}

#[test]
fn a_log_that_is_rewritten_throughout_is_found() {
    // All files of another log of the same size, under the signed checkpoint.
    for size in [3, 300, 70_000] {
        let mut forged = Tree::new();
        (0..size).for_each(|n| forged.push(leaf_hash(&entry(n.max(1)))));
        let files = Site::default();
        let mut publisher = files.publisher();
        publisher
            .publish(&signed(&origin(), size, &forged.root()), |index| {
                Ok::<_, std::convert::Infallible>(entry(index.as_u64().max(1)))
            })
            .unwrap();
        let mut files = files.files();
        let real = checkpoint(&tree(size), size);
        files.insert("checkpoint".to_owned(), real.as_note().as_bytes().to_vec());
        assert!(matches!(
            StaticLog::open(Site::of(files.clone()), &origin()),
            Err(OpenStaticError::Root)
        ));
        let report = verify(files).unwrap();
        assert_eq!((report.damages(), first(&report).path.as_str()), (1, "checkpoint"));
        assert!(matches!(first(&report).kind, DamageKind::Root));
    }
}

#[test]
fn an_entry_rewritten_with_its_tile_is_found() {
    let mut files = site(&[70_000]).files();
    let forged = b"forged entry".to_vec();
    let bundle: Vec<u8> = (0..256)
        .map(|n| if n == 9 { forged.clone() } else { entry(n) })
        .flat_map(|entry| [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], &entry].concat())
        .collect();
    files.insert("tile/entries/000".to_owned(), bundle);
    files.get_mut("tile/0/000").unwrap()[9 * 32..10 * 32]
        .copy_from_slice(leaf_hash(&forged).as_bytes());
    let report = verify(files.clone()).unwrap();
    assert_eq!((report.damages(), first(&report).path.as_str()), (1, "tile/entries/000"));
    let log = StaticLog::open(Site::of(files), &origin()).unwrap();
    log.entry(LeafIndex::new(9)).unwrap_err();
    log.entry(LeafIndex::new(10)).unwrap_err();
    assert_eq!(log.entry(LeafIndex::new(300)).unwrap(), entry(300));
}

#[test]
fn an_entry_that_is_no_record_is_found_if_asked_for() {
    let site = site(&[300]);
    let report =
        verify_static(&site, &origin(), Depth::Records, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!(report.damages(), 300);
    assert!(matches!(first(&report).kind, DamageKind::Record(_)));
    assert_eq!(first(&report).entry, Some(LeafIndex::new(0)));
}

#[test]
fn progress_is_told_after_every_bundle() {
    let mut told = Vec::new();
    let site = site(&[600]);
    let report = verify_static(&site, &origin(), Depth::Hashes, &mut |progress| {
        assert_eq!((progress.size, progress.damages), (TreeSize::new(600), 0));
        told.push(progress.entries.as_u64());
        ControlFlow::Continue(())
    });
    assert!(report.unwrap().is_sound());
    assert_eq!(told, [256, 512, 600]);
    // Each file is read once, the edge and the checkpoint twice at most.
    let mut counts = BTreeMap::new();
    for path in site.get().reads.lock().unwrap().iter() {
        *counts.entry(path.clone()).or_insert(0) += 1;
    }
    assert!(
        counts
            .iter()
            .all(|(path, count)| *count <= if path.contains("tile/entries") { 1 } else { 2 })
    );
}

#[test]
fn a_check_can_be_stopped_and_then_says_so_and_is_not_sound() {
    let site = site(&[600]);
    for at in [256, 512, 600] {
        let report = verify_static(&site, &origin(), Depth::Hashes, &mut |progress| {
            if progress.entries.as_u64() < at {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        })
        .unwrap();
        let entries = TreeSize::new(at);
        assert_eq!((report.entries(), report.damages()), (at, 0));
        assert_eq!(report.stop(), (at < 600).then_some(Stop::Asked { entries }));
        assert_eq!(report.is_sound(), at == 600);
    }
}

#[test]
fn an_absurd_size_ends_the_check_after_a_bounded_number_of_damages() {
    for size in [1 << 40, u64::MAX - 1, u64::MAX] {
        let mut files = site(&[300]).files();
        let note = signed(&origin(), size, &Digest::of(b"root"));
        files.insert("checkpoint".to_owned(), note.as_note().as_bytes().to_vec());
        let report = verify(files).unwrap();
        assert!((DAMAGES_MAX..DAMAGES_MAX + 1_000).contains(&report.damages()));
        assert!(matches!(report.stop(), Some(Stop::Damages { .. })));
        assert!(!report.is_sound());
        assert!(report.first().is_some());
    }
}

#[test]
fn a_reader_gives_the_truth_or_an_error_whatever_is_changed() {
    let size = 600;
    let (good, tree) = (site(&[size]).files(), tree(size));
    let indices = [0, 1, 255, 256, 300, 511, 512, 599];
    for (path, bytes) in &good {
        for at in (0..bytes.len()).step_by(if bytes.len() > 1_000 { 97 } else { 11 }) {
            let mut files = good.clone();
            files.get_mut(path).unwrap()[at] ^= 0x20;
            let Ok(log) = StaticLog::open(Site::of(files), &origin()) else { continue };
            for index in indices.map(LeafIndex::new) {
                if let Ok(found) = log.entry(index) {
                    assert_eq!(found, entry(index.as_u64()), "{path}, byte {at}");
                }
                if let Ok(proof) = log.inclusion_proof(index, TreeSize::new(size)) {
                    assert_eq!(proof, tree.inclusion_proof(index, TreeSize::new(size)).unwrap());
                }
                let (from, to) = (TreeSize::new(index.as_u64()), TreeSize::new(size));
                if let Ok(proof) = log.consistency_proof(from, to) {
                    assert_eq!(proof, tree.consistency_proof(from, to).unwrap());
                }
            }
        }
    }
}
