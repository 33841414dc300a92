//! Somebody changes the files.

use std::fs;

use dataspace_audit_log::open::OpenError;
use dataspace_runtime::{
    index::{IndexState, Unusable},
    setup::SetupError,
};

use crate::support::{
    Files, Node, counted, provider, rival, signed_credential, signed_profile, terms,
};

/// A node with a signed history: three uses, then a checkpoint.
fn written() -> Files {
    let node = Node::new();
    let contract = node.contract(counted(10));
    for _ in 0..3 {
        drop(node.released(contract));
    }
    node.space.checkpoint().unwrap();
    node.close()
}

#[test]
fn no_flipped_bit_under_the_checkpoint_goes_unnoticed() {
    let files = written();
    let whole = files.written();
    for at in (0..whole.len()).step_by(101) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(files.segment(), bytes).unwrap();
        assert!(files.open().is_err(), "byte {at}");
    }
    fs::write(files.segment(), &whole).unwrap();
    drop(files.open().unwrap());
}

#[test]
fn a_segment_cut_below_the_checkpoint_is_not_opened() {
    let files = written();
    let whole = files.written();
    for len in (0..whole.len()).step_by(97) {
        fs::write(files.segment(), &whole[..len]).unwrap();
        assert!(files.open().is_err(), "{len} bytes");
    }
}

#[test]
fn a_log_without_its_checkpoint_is_not_opened() {
    // Without it, uses could be cut off the end.
    let files = written();
    fs::remove_file(files.path().join("checkpoint")).unwrap();
    assert!(matches!(files.open(), Err(SetupError::NoCheckpoint { .. })));
}

#[test]
fn a_changed_checkpoint_is_not_believed() {
    let files = written();
    let path = files.path().join("checkpoint");
    let note = fs::read(&path).unwrap();
    for at in 0..note.len() {
        let mut forged = note.clone();
        forged[at] ^= 1;
        fs::write(&path, forged).unwrap();
        assert!(files.open().is_err(), "byte {at}");
    }
}

#[test]
fn the_log_of_another_node_is_not_opened() {
    let files = written();
    let theirs = Files::new();
    let space = theirs.setup(rival()).create(signed_profile(|_| {})).unwrap();
    space.admit(signed_credential(&provider(), |_| {})).unwrap();
    drop(space);
    for file in ["segment-00000000000000000000", "checkpoint"] {
        fs::copy(theirs.path().join(file), files.path().join(file)).unwrap();
    }
    let refused = files.open();
    assert!(
        matches!(
            refused,
            Err(SetupError::Open(OpenError::Checkpoint(_) | OpenError::Origin { .. }))
        ),
        "{refused:?}"
    );
}

#[test]
fn the_checkpoint_of_another_history_of_the_same_key_does_not_fit() {
    let checkpoint = |from: &Files, to: &Files| {
        fs::copy(from.path().join("checkpoint"), to.path().join("checkpoint")).unwrap();
    };
    let node = Node::new();
    let (one, other) = (node.files.copy().reopen(), node.files.copy().reopen());
    one.contract(counted(1));
    other.contract(counted(2));
    let (one, other) = (one.close(), other.close());
    checkpoint(&other, &one);
    assert!(matches!(one.open(), Err(SetupError::Open(OpenError::Tampered { .. }))));
    // Of another node of the same key.
    let (files, other) = (written(), Node::new());
    other.contract(terms());
    checkpoint(&other.close(), &files);
    assert!(matches!(files.open(), Err(SetupError::Open(OpenError::Origin { .. }))));
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let files = written();
    let whole = files.written();
    // The last byte of a checksum can be zero, as what stands behind it.
    let opened = (0..4).find_map(|zeros| {
        let len = whole.len() + zeros;
        let torn = [&whole[..], &[0; 4][..zeros], b"DSGR torn"].concat();
        fs::write(files.segment(), torn).unwrap();
        files.open().ok().map(|space| (space, len))
    });
    let (space, len) = opened.unwrap();
    assert_eq!(space.recovery().unwrap().bytes_cut(), 9);
    // Where it stood, the opening is recorded.
    drop(space);
    let after = files.written();
    assert!(after.starts_with(&whole) && after.len() > len && !after.ends_with(b"torn"));
}

#[test]
fn only_an_outside_checkpoint_shows_that_the_whole_directory_was_rolled_back() {
    // Documented: this is what outside checkpoints are for.
    let node = Node::new();
    let contract = node.contract(counted(3));
    let files = node.close();
    let old = files.copy();
    let node = files.reopen();
    drop((node.released(contract), node.released(contract)));
    let outside = node.space.checkpoint().unwrap();
    let files = node.close();
    let space = old.open().unwrap();
    assert_eq!(space.uses(contract), Some((0, Some(3))));
    assert!(matches!(space.index_state(), Some(IndexState::Used { .. })));
    assert!(space.log().verify_extends(&outside).is_err());
    drop(space);
    // But an index that was not rolled back with it shows it too.
    fs::copy(files.path().join("index"), old.path().join("index")).unwrap();
    let space = old.open().unwrap();
    let state = space.index_state().unwrap();
    let is_ahead = matches!(state, IndexState::Rebuilt { why: Unusable::Ahead { .. }, .. });
    assert!(is_ahead, "{state:?}");
    assert_eq!(space.uses(contract), Some((0, Some(3))));
}

#[test]
fn after_a_crash_uses_since_the_last_checkpoint_can_be_cut_by_whoever_can_write_the_files() {
    // Documented: sign a checkpoint, and give it away, as often as a loss would hurt.
    let node = Node::new();
    let contract = node.contract(counted(3));
    let before = fs::read(node.files.segment()).unwrap();
    drop((node.released(contract), node.released(contract)));
    let files = node.files.copy();
    fs::write(files.segment(), &before).unwrap();
    let space = files.open().unwrap();
    assert_eq!(space.uses(contract), Some((0, Some(3))));
}

#[test]
fn a_node_that_was_closed_in_order_has_signed_all_its_uses() {
    let node = Node::new();
    let contract = node.contract(counted(3));
    let before = fs::read(node.files.segment()).unwrap();
    drop((node.released(contract), node.released(contract)));
    let files = node.close();
    fs::write(files.segment(), &before).unwrap();
    let refused = files.open();
    assert!(matches!(refused, Err(SetupError::Open(OpenError::Truncated { .. }))));
}

#[test]
fn a_running_node_signs_its_uses_from_time_to_time() {
    let node = Node::new();
    let contract = node.contract(terms());
    let before = fs::read(node.files.segment()).unwrap();
    for _ in 0..1_100 {
        drop(node.released(contract));
    }
    let files = node.files.copy();
    fs::write(files.segment(), &before).unwrap();
    let refused = files.open();
    assert!(matches!(refused, Err(SetupError::Open(OpenError::Truncated { .. }))));
}
