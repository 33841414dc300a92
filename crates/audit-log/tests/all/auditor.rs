//! What auditors, witnesses and clients of published logs ask for.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;

use dataspace_audit_log::{
    Log, Publisher,
    published::{PublishCosignaturesError, Published},
};
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, LeafIndex, StaticFiles as _, StaticLog, TreeSize, Witness,
    compare::{CompareError, Comparison, compare},
    note::{NoteKey, WitnessKey, note_key},
    published::{Depth, StaticDir, how_to_deliver, verify_static, verify_static_entries},
    tree::ConsistencyProof,
    witness::{AddCheckpoint, SeenDirectory, WitnessPolicy},
};

use crate::site::{self, Site, checkpoint, entry, site, tree};
use crate::support::{Branch, Disk, key, numbers, origin, small, time};
use crate::tlog_support::records;

#[test]
fn every_file_is_fetched_once_to_verify_and_to_look_at_the_entries() {
    let site = site(&[66_000]);
    site.get().reads.lock().unwrap().clear();
    let mut entries = Vec::new();
    let report = verify_static_entries(
        &site,
        &origin(),
        Depth::Hashes,
        &mut |_| ControlFlow::Continue(()),
        &mut |index, bytes| entries.push((index.as_u64(), bytes.to_vec())),
    );
    let report = report.unwrap();
    assert!(report.is_sound());
    assert!(entries == (0..66_000).map(|n| (n, entry(n))).collect::<Vec<_>>());
    let state = site.get();
    let reads = state.reads.lock().unwrap().clone();
    let once: BTreeSet<_> = reads.iter().collect();
    assert_eq!(reads.len(), once.len(), "a file was read twice");
    assert_eq!(
        once.into_iter().cloned().collect::<Vec<_>>(),
        state.files.keys().cloned().collect::<Vec<_>>()
    );
}

#[test]
fn entries_that_are_not_those_of_their_tile_are_not_handed_over() {
    let good = site(&[300]).files();
    let mut files = good.clone();
    *files.get_mut("tile/entries/000").unwrap().last_mut().unwrap() ^= 1;
    let mut seen = Vec::new();
    let report = verify_static_entries(
        &Site::of(files),
        &origin(),
        Depth::Hashes,
        &mut |_| ControlFlow::Continue(()),
        &mut |index, _| seen.push(index.as_u64()),
    );
    assert!(!report.unwrap().is_sound());
    assert_eq!(seen, (0..300).filter(|index| *index != 255).collect::<Vec<_>>());
}

/// A log of which a checkpoint was signed at each of these sizes.
fn signed_at(sizes: &[u64]) -> (Log, Vec<Checkpoint>) {
    let log = Disk::default().create();
    let mut checkpoints = Vec::new();
    for size in sizes {
        let before = log.size().unwrap().as_u64();
        for first in (before..*size).step_by(4_000) {
            log.append_batch(&numbers(first..(first + 4_000).min(*size))).unwrap();
        }
        checkpoints.push(log.checkpoint(&key(1)).unwrap());
    }
    (log, checkpoints)
}

#[test]
fn whoever_has_any_checkpoint_that_was_signed_finds_its_tiles() {
    let sizes = [1, 7, 255, 256, 257, 700, 1_000, 1_010, 1_023, 66_000, 66_001, 66_040, 66_300];
    let (log, checkpoints) = signed_at(&sizes);
    let dir = tempfile::tempdir().unwrap();
    let mut publisher =
        Publisher::open(dataspace_audit_log::PublishDir::open(dir.path()).unwrap(), origin())
            .unwrap();
    // Published at some of them alone.
    for published in [8, 12] {
        publisher.publish_log(&log, &checkpoints[published]).unwrap();
        publisher.remove_partial().unwrap();
        for kept in &checkpoints[..=published] {
            let shown = StaticLog::open_at(StaticDir::new(dir.path()), kept.clone()).unwrap();
            let last = kept.size().as_u64() - 1;
            assert_eq!(shown.entry(LeafIndex::new(last)).unwrap(), small(last).to_bytes().unwrap());
        }
        let files = StaticDir::new(dir.path());
        let tell = &mut |_| ControlFlow::Continue(());
        assert!(verify_static(&files, &origin(), Depth::Records, tell).unwrap().is_sound());
        assert!(files.foreign(9).unwrap().is_empty());
    }
    // Those of exactly their size, where no full one is there yet: 66,040 is one of them.
    let full = |path: &str| dir.path().join(path).exists();
    assert!(full("tile/0/x000/257") || !full("tile/0/x000/257.p"));
    let (log, checkpoints) = signed_at(&[1_000, 1_010, 1_020]);
    let site = Site::default();
    site.publisher().publish_log(&log, &checkpoints[2]).unwrap();
    let files = site.files();
    for path in ["tile/0/003.p/232", "tile/0/003.p/242", "tile/0/003.p/252", "tile/1/000.p/1"] {
        assert!(files.contains_key(path), "{path}");
    }
    for width in [232, 242, 252] {
        assert!(files.contains_key(&format!("tile/entries/003.p/{width}")));
    }
    // What was published once is not published again.
    let again = site.publisher().publish_log(&log, &checkpoints[2]).unwrap();
    assert_eq!(again, Published::default());
}

#[test]
fn foreign_files_in_a_published_directory_are_named_and_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = dataspace_audit_log::PublishDir::open(dir.path()).unwrap();
    let mut publisher = Publisher::open(store, origin()).unwrap();
    site::publish(&mut publisher, &checkpoint(&tree(300), 300)).unwrap();
    drop(publisher);
    for name in [".htaccess", "index.html", "segment-00000000000000000000", "tile/0/notes", "lock"]
    {
        fs::write(dir.path().join(name), b"somebody's").unwrap();
    }
    fs::create_dir(dir.path().join("backup")).unwrap();
    std::os::unix::fs::symlink("/", dir.path().join("tile/root")).unwrap();
    let files = StaticDir::new(dir.path());
    let report =
        verify_static(&files, &origin(), Depth::Hashes, &mut |_| ControlFlow::Continue(()));
    assert!(report.unwrap().is_sound());
    let mut foreign: Vec<_> =
        files.foreign(99).unwrap().iter().map(|path| path.display().to_string()).collect();
    foreign.sort();
    let expected = [".htaccess", "backup", "index.html", "lock", "segment-00000000000000000000"];
    assert_eq!(foreign, [&expected[..], &["tile/0/notes", "tile/root"]].concat());
    assert_eq!(files.foreign(2).unwrap().len(), 2);
    // Nor do they keep anybody from publishing more.
    let store = dataspace_audit_log::PublishDir::open(dir.path()).unwrap();
    let mut publisher = Publisher::open(store, origin()).unwrap();
    site::publish(&mut publisher, &checkpoint(&tree(600), 600)).unwrap();
    publisher.remove_partial().unwrap();
    assert!(dir.path().join("tile/0/notes").exists());
}

#[test]
fn a_web_server_is_told_types_and_ages() {
    let checkpoint = how_to_deliver("checkpoint");
    assert_eq!(checkpoint.content_type, "text/plain; charset=utf-8");
    assert!(checkpoint.cache_control.contains("max-age=5"));
    for path in ["tile/0/000", "tile/entries/x001/234.p/7"] {
        let tile = how_to_deliver(path);
        assert_eq!(tile.content_type, "application/octet-stream");
        assert!(tile.cache_control.contains("immutable"));
    }
}

fn witness(dir: &std::path::Path) -> (Witness, WitnessKey) {
    let witness_key =
        WitnessKey::new("witness.example/w1", key(21).did().public_key().unwrap()).unwrap();
    let store = Box::new(SeenDirectory::open(dir).unwrap());
    let witness = Witness::open(witness_key.clone(), Box::new(key(21)), &[origin()], store);
    (witness.unwrap(), witness_key)
}

#[test]
fn answers_of_witnesses_go_under_the_published_checkpoint_and_stay_there() {
    let dir = tempfile::tempdir().unwrap();
    let (witness, witness_key) = witness(dir.path());
    let (log, checkpoints) = signed_at(&[20, 50]);
    let site = Site::default();
    let mut publisher = site.publisher();
    let nothing = publisher.add_cosignatures("\u{2014} x AAAAAAA=\n", &[]).unwrap_err();
    assert!(matches!(nothing, PublishCosignaturesError::NothingPublished));
    publisher.publish_log(&log, &checkpoints[0]).unwrap();
    let proof = ConsistencyProof { from: TreeSize::EMPTY, to: TreeSize::new(20), path: vec![] };
    let answer =
        witness.add_checkpoint(AddCheckpoint::body(&proof, &checkpoints[0]).as_bytes(), time(0));
    let answer = answer.unwrap();
    let keys = std::slice::from_ref(&witness_key);
    let forged = answer.as_line().replace("w1 ", "w1 x");
    assert!(publisher.add_cosignatures(&forged, keys).is_err());
    publisher.add_cosignatures(answer.as_line(), keys).unwrap();
    let policy = WitnessPolicy::new(1, keys.to_vec()).unwrap();
    let witnessed = |site: &Site| {
        let log = StaticLog::open(site.clone(), &origin()).unwrap();
        policy.examine(log.checkpoint()).unwrap().is_quorum()
    };
    assert!(witnessed(&site));
    // Publishing the same state again takes none away; a larger one has none yet.
    assert_eq!(publisher.publish_log(&log, &checkpoints[0]).unwrap(), Published::default());
    site.publisher().publish_log(&log, &checkpoints[0]).unwrap();
    assert!(witnessed(&site));
    publisher.publish_log(&log, &checkpoints[1]).unwrap();
    assert!(!witnessed(&site));
}

#[test]
fn two_checkpoints_are_the_same_extend_each_other_or_are_a_fork_that_is_proved() {
    let (one, other) = (Branch::new(9, 1), Branch::new(9, 2));
    let site = |branch: u64| {
        let site = Site::default();
        let (checkpoint, records) = (Branch::new(9, branch).checkpoint(18), records(9, branch));
        let mut publisher = site.publisher();
        let entries = |index: LeafIndex| {
            let index = usize::try_from(index.as_u64()).unwrap();
            Ok::<_, std::convert::Infallible>(records[index].clone())
        };
        publisher.publish(&checkpoint, entries).unwrap();
        StaticLog::open(site, &origin()).unwrap()
    };
    for (a, b, is_fork) in
        [(5, 9, false), (9, 9, false), (10, 15, true), (15, 15, true), (5, 15, false)]
    {
        let (first, second) = (one.checkpoint(a), other.checkpoint(b));
        let log = site(2);
        for (left, right) in [(&first, &second), (&second, &first)] {
            match compare(left, right, &log).unwrap() {
                Comparison::Same => assert!(a == b && !is_fork),
                Comparison::Extends(proof) => {
                    assert!(!is_fork && a != b);
                    proof.verify(&first.root(), &second.root()).unwrap();
                }
                Comparison::Forked(proof) => {
                    assert!(is_fork, "{a} {b}");
                    proof.verify(&origin()).unwrap();
                }
            }
        }
    }
    // The log under the earlier one shows nothing of the later one.
    let error = compare(&one.checkpoint(10), &other.checkpoint(15), &site(1));
    assert!(matches!(error, Err(CompareError::OtherHistory { .. })), "{error:?}");
    let elsewhere = Origin::new(key(3).did()).unwrap();
    let text = format!("{elsewhere}\n{}", one.checkpoint(5).text().split_once('\n').unwrap().1);
    let note = note_key(&elsewhere).unwrap().sign(&text, &key(3)).unwrap();
    let foreign = Checkpoint::verify(&note, &elsewhere).unwrap();
    let error = compare(&one.checkpoint(5), &foreign, &site(1));
    assert!(matches!(error, Err(CompareError::Origins { .. })), "{error:?}");
}

#[test]
fn the_verifier_key_of_a_log_follows_from_its_origin() {
    let text = note_key(&origin()).unwrap().to_string();
    assert!(text.starts_with(&format!("{}+", origin())));
    let parsed: NoteKey = text.parse().unwrap();
    assert_eq!(parsed.key(), &origin().operator().public_key().unwrap());
    // Extension lines are a part of what is signed, and whatever else signed the note is not read.
    let branch = Branch::new(5, 1);
    let plain = branch.checkpoint(3);
    let extended = format!("{}an extension\nanother one\n", plain.text());
    let note = parsed.sign(&extended, &key(1)).unwrap();
    let others = "\u{2014} somebody.example/else AAAAAAAAAAAA\n";
    let found = Checkpoint::verify(&format!("{note}{others}"), &origin()).unwrap();
    assert_eq!(found.extensions().collect::<Vec<_>>(), ["an extension", "another one"]);
    assert_eq!(found.text(), extended);
    let mut bytes = Vec::new();
    assert!(
        !StaticDir::new(std::path::Path::new("/nowhere"))
            .read_into("checkpoint", 9, &mut bytes)
            .unwrap()
    );
}
