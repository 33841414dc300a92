//! Copies of a node that runs, and the node that is restored from one.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use dataspace_audit_log::backup::BackupError;
use dataspace_runtime::{backup_node, index::IndexState, space::NodeBackupError};

use crate::support::{Files, Node, counted};

/// Says so when dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A node whose directory is a copy.
fn restored(node: &Node, to: &std::path::Path) -> Node {
    let files = Files { clock: node.files.clock.clone(), ..Files::new() };
    fs::rename(to, files.path()).unwrap();
    files.reopen()
}

#[test]
fn copies_of_a_node_that_four_threads_ask_open_with_all_that_was_answered_before() {
    let node = Node::new();
    let contract = node.contract(counted(1_000_000));
    let (ends, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    drop(node.released(contract));
                    answered.fetch_add(1, Ordering::Release);
                }
            });
        }
        // Also if a copy is not as it should be.
        let ends = Ends(&ends);
        for round in 0..6 {
            let to = node.files.dir.path().join(format!("copy {round}"));
            let before = answered.load(Ordering::Acquire);
            // From inside, and as somebody does who has the directory alone.
            let copied = if round % 2 == 0 {
                node.space.backup(&to).unwrap()
            } else {
                node.space.checkpoint().unwrap();
                backup_node(&node.files.path(), &to).unwrap()
            };
            let copy = restored(&node, &to);
            assert!(copy.space.uses(contract).unwrap().0 >= before);
            assert!(copy.len() >= copied.size.as_u64());
            drop(copy.released(contract));
        }
        drop(ends);
    });
}

#[test]
fn a_copy_has_the_index_and_a_stopped_node_is_copied_whole() {
    let node = Node::new();
    let contract = node.contract(counted(10));
    drop(node.released(contract));
    node.space.write_index().unwrap();
    drop(node.released(contract));
    let to = node.files.dir.path().join("copy");
    let copied = node.space.backup(&to).unwrap();
    assert!(copied.has_index);
    let copy = restored(&node, &to);
    assert!(matches!(copy.space.index_state(), Some(IndexState::Used { .. })));
    assert_eq!(copy.space.uses(contract), Some((2, Some(10))));
    drop(copy.released(contract));
    let files = copy.close();
    let again = files.dir.path().join("again");
    backup_node(&files.path(), &again).unwrap();
    let copy = restored(&node, &again);
    assert_eq!(copy.space.uses(contract), Some((3, Some(10))));
}

#[test]
fn a_damaged_index_is_left_out_and_nothing_is_put_over_what_is_there() {
    let node = Node::new();
    let contract = node.contract(counted(10));
    drop(node.released(contract));
    let files = node.close();
    fs::write(files.path().join("index"), b"no index at all").unwrap();
    let to = files.dir.path().join("copy");
    assert!(!backup_node(&files.path(), &to).unwrap().has_index);
    assert!(!to.join("index").exists());
    let error = backup_node(&files.path(), &to).unwrap_err();
    assert!(matches!(error, NodeBackupError::Log(BackupError::Exists { .. })), "{error:?}");
    assert_eq!(fs::read_dir(files.dir.path()).unwrap().count(), 2);
}

#[test]
fn two_nodes_cannot_have_one_directory_whatever_is_removed_from_it() {
    let node = Node::new();
    node.space.write_index().unwrap();
    for name in ["lock", "index", "mark", "offsets"] {
        let _absent = fs::remove_file(node.files.path().join(name));
        assert!(node.files.open().is_err(), "{name}");
    }
}
