//! A publisher that stops at any step, and one that loses what was not synced.

use std::ops::ControlFlow;

use dataspace_audit_log::published::PublishError;
use dataspace_tlog::{
    LeafIndex, StaticLog, TreeSize,
    published::{Depth, verify_static},
};

use crate::site::{Site, checkpoint, entry, publish, site, tree};
use crate::support::origin;

/// From where to where, so that tiles of three kinds are new: grown, completed, begun.
const CASES: [(u64, u64); 6] =
    [(0, 5), (3, 4), (200, 300), (250, 1_000), (512, 769), (65_500, 66_100)];

fn assert_readable(site: &Site, entries: u64) {
    let log = StaticLog::open(site.clone(), &origin()).unwrap();
    assert_eq!(log.size(), TreeSize::new(entries));
    for index in [0, entries / 2, entries - 1] {
        assert_eq!(log.entry(LeafIndex::new(index)).unwrap(), entry(index));
        log.inclusion_proof(LeafIndex::new(index), TreeSize::new(entries)).unwrap();
    }
}

/// Steps that a whole publication takes.
fn steps(from: u64, to: u64) -> usize {
    let (site, tree) = (begin(from), tree(to));
    let mut publisher = site.publisher();
    site.get().steps = 0;
    publish(&mut publisher, &checkpoint(&tree, to)).unwrap();
    site.get().steps
}

fn begin(from: u64) -> Site {
    if from == 0 { Site::default() } else { site(&[from]) }
}

/// What a power failure keeps of names that were not synced: none, all, or every other one.
fn keeps(kind: usize) -> impl FnMut(&str) -> bool {
    let mut count = 0;
    move |_| {
        count += 1;
        kind == 1 || (kind == 2 && count % 2 == 0)
    }
}

#[test]
fn a_publisher_that_stops_at_any_step_leaves_the_old_log_whole_and_is_resumed() {
    for (from, to) in CASES {
        let (all, tree) = (steps(from, to), tree(to));
        let expected = {
            let site = begin(from);
            publish(&mut site.publisher(), &checkpoint(&tree, to)).unwrap();
            site.files()
        };
        let start = begin(from).files();
        for step in 0..all {
            // One kind of loss is enough where every check reads a large log.
            for kind in if from > 10_000 { 0..1 } else { 0..3 } {
                let site = Site::of(start.clone());
                let mut publisher = site.publisher();
                site.get().fail_after = Some(step);
                let error = publish(&mut publisher, &checkpoint(&tree, to)).unwrap_err();
                assert!(matches!(error, PublishError::Io { .. }), "{error}");
                drop(publisher);
                site.crash(keeps(kind));
                if from > 0 {
                    assert_readable(&site, from);
                    let report = verify_static(&site, &origin(), Depth::Hashes, &mut |_| {
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                    assert!(report.is_sound());
                }
                let mut publisher = site.publisher();
                assert_eq!(publisher.size(), TreeSize::new(from));
                publish(&mut publisher, &checkpoint(&tree, to)).unwrap();
                // Nothing hangs on a name that could still get lost.
                site.crash(|_| false);
                assert_eq!(site.files(), expected, "{from} to {to}, step {step}");
            }
        }
    }
}

#[test]
fn a_publisher_goes_on_after_a_failure_without_being_opened_again() {
    let tree = tree(1_000);
    let site = site(&[200]);
    let mut publisher = site.publisher();
    site.get().steps = 0;
    for step in 0.. {
        site.get().steps = 0;
        site.get().fail_after = Some(step);
        match publish(&mut publisher, &checkpoint(&tree, 1_000)) {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, PublishError::Io { .. })),
        }
        assert_readable(&site, 200);
        assert_eq!(publisher.size(), TreeSize::new(200));
    }
    site.crash(|_| false);
    assert_readable(&site, 1_000);
}

#[test]
fn a_publication_that_was_interrupted_can_be_overtaken_by_a_later_one() {
    let tree = tree(2_000);
    for step in 0..20 {
        let site = site(&[200]);
        let mut publisher = site.publisher();
        site.get().steps = 0;
        site.get().fail_after = Some(step);
        let interrupted = publish(&mut publisher, &checkpoint(&tree, 1_000)).is_err();
        site.get().fail_after = None;
        let mut publisher = site.publisher();
        assert_eq!(publisher.size(), TreeSize::new(if interrupted { 200 } else { 1_000 }));
        publish(&mut publisher, &checkpoint(&tree, 2_000)).unwrap();
        site.crash(|_| false);
        assert_readable(&site, 2_000);
    }
}

#[test]
fn the_checkpoint_comes_after_a_sync_and_after_all_it_names() {
    let site = site(&[10, 300, 70_000]);
    let history = site.get().history.clone();
    let mut unsynced = 0;
    for (at, step) in history.iter().enumerate() {
        match step.as_str() {
            "sync" => unsynced = 0,
            "checkpoint" => {
                assert_eq!(unsynced, 0);
                assert_eq!(history[at - 1], "sync");
            }
            _ => unsynced += 1,
        }
    }
    assert_eq!(unsynced, 0);
}
