//! One log in its two forms, read through one trait; and whose fault it is if it is not read.

use std::io;
use std::ops::ControlFlow;

use dataspace_audit_log::{Log, ReadOnlyStorage, open::OpenError};
use dataspace_tlog::{
    Fault, LeafIndex, LogReader, StaticLog, TreeSize,
    log_reader::{ExtendsError, LogReaderError},
    published::{Depth, FnFiles, OpenStaticError, StaticReadError, verify_static},
    tree::{Tree, leaf_hash},
};

use crate::site::{Site, signed, site};
use crate::support::{Disk, key, number, numbers, origin, small, time};

const RECORDS: u64 = 600;

fn visited(log: &dyn LogReader, range: std::ops::Range<u64>, most: usize) -> Vec<u64> {
    let mut found = Vec::new();
    log.visit(range, &mut |index, record| {
        assert_eq!(index.as_u64(), number(record));
        found.push(number(record));
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .unwrap();
    found
}

#[test]
fn a_nodes_log_and_its_published_form_read_the_same() {
    let disk = Disk::default();
    let (node, public) = (disk.create(), Site::default());
    node.append_batch(&numbers(0..RECORDS)).unwrap();
    let checkpoint = node.checkpoint(&key(1)).unwrap();
    public.publisher().publish_log(&node, &checkpoint).unwrap();
    let published = StaticLog::open(public, &origin()).unwrap();

    let size = TreeSize::new(RECORDS);
    let mut tree = Tree::new();
    (0..RECORDS).for_each(|n| tree.push(leaf_hash(&small(n).to_bytes().unwrap())));
    let readers: [&dyn LogReader; 2] = [&node, &published];
    for log in readers {
        assert_eq!(log.origin(), &origin());
        assert_eq!(log.latest_checkpoint().unwrap().unwrap(), checkpoint);
        assert_eq!((log.size().unwrap(), log.first().unwrap()), (size, LeafIndex::default()));
        for n in [0, 255, 256, RECORDS - 1] {
            let index = LeafIndex::new(n);
            assert_eq!(number(&log.record(index).unwrap()), n);
            let proof = log.inclusion_proof(index, size).unwrap();
            assert_eq!(proof, tree.inclusion_proof(index, size).unwrap());
            let from = TreeSize::new(n);
            assert_eq!(log.root_at(from).unwrap(), tree.root_at(from).unwrap());
            let proof = log.consistency_proof(from, size).unwrap();
            assert_eq!(proof, tree.consistency_proof(from, size).unwrap());
        }
        assert!(visited(log, 0..RECORDS, usize::MAX).into_iter().eq(0..RECORDS));
        assert!(visited(log, 250..300, usize::MAX).into_iter().eq(250..300));
        assert!(visited(log, 250..300, 3).into_iter().eq(250..253));
        assert!(visited(log, RECORDS..RECORDS, 1).is_empty());
        // What is asked for, and not there.
        let (beyond, larger) = (LeafIndex::new(RECORDS), TreeSize::new(RECORDS + 1));
        for error in [
            log.record(beyond).unwrap_err(),
            log.root_at(larger).unwrap_err(),
            log.inclusion_proof(beyond, size).unwrap_err(),
            log.consistency_proof(size, larger).unwrap_err(),
            log.visit(0..RECORDS + 1, &mut |_, _| panic!("nothing to visit")).unwrap_err(),
        ] {
            assert_eq!(error.fault(), Fault::Caller, "{error}");
        }
        // Kept checkpoints: of this log, of a longer one, of another history, of another log.
        let kept = |size: u64| signed(&origin(), size, &tree.root_at(TreeSize::new(size)).unwrap());
        log.verify_extends(&kept(0)).unwrap();
        log.verify_extends(&kept(300)).unwrap();
        log.verify_extends(&kept(RECORDS)).unwrap();
        let longer = log.verify_extends(&signed(&origin(), RECORDS + 1, &tree.root()));
        assert!(matches!(longer, Err(ExtendsError::RolledBack { found, .. }) if found == size));
        let forked = log.verify_extends(&signed(&origin(), 300, &tree.root())).unwrap_err();
        assert!(matches!(forked, ExtendsError::Forked { .. }));
        assert_eq!(forked.fault(), Fault::Evidence);
        let named = dataspace_identity::Origin::named(key(1).did(), "other").unwrap();
        let other = log.verify_extends(&signed(&named, RECORDS, &tree.root())).unwrap_err();
        assert!(matches!(other, ExtendsError::Origin { .. }));
        assert_eq!(other.fault(), Fault::Caller);
    }
}

#[test]
fn an_archived_record_is_told_from_a_damaged_one() {
    let disk = Disk::segmented(600);
    let log = disk.create();
    log.append_batch(&numbers(0..30)).unwrap();
    log.checkpoint(&key(1)).unwrap();
    (30..60).for_each(|n| drop(log.append(&small(n)).unwrap()));
    let first = log.archive(LeafIndex::new(40), time(0), &key(1)).unwrap();
    let log: &dyn LogReader = &log;
    assert_eq!(log.first().unwrap(), first);
    let index = LeafIndex::new(first.as_u64() - 1);
    let error = log.record(index).unwrap_err();
    assert!(matches!(error, LogReaderError::Archived { index: found } if found == index));
    assert_eq!(error.fault(), Fault::Caller);
}

#[test]
fn damage_is_the_evidences_fault_and_a_missing_or_busy_log_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let absent = OpenError::from(ReadOnlyStorage::open(&path).unwrap_err());
    assert_eq!(absent.fault(), Fault::Environment);
    let log = Log::create(&path, origin()).unwrap();
    log.append_batch(&numbers(0..9)).unwrap();
    log.checkpoint(&key(1)).unwrap();
    let busy = OpenError::from(ReadOnlyStorage::open(&path).unwrap_err());
    assert_eq!(busy.fault(), Fault::Environment);
    drop(log);
    std::fs::write(path.join("checkpoint"), "nothing").unwrap();
    let storage = ReadOnlyStorage::open(&path).unwrap();
    let damaged = Log::open_on(Box::new(storage), origin()).unwrap_err();
    assert_eq!(damaged.fault(), Fault::Evidence, "{damaged}");
}

#[test]
fn what_cannot_be_had_is_not_damaged() {
    let files = site(&[RECORDS]).files();
    let failing = |bad: &'static str, kind: io::ErrorKind| {
        let files = files.clone();
        FnFiles(move |path: &str, _: usize| match files.get(path) {
            _ if path == bad => Err(kind.into()),
            found => Ok(found.cloned()),
        })
    };
    let paths = ["checkpoint", "tile/1/000.p/2", "tile/0/000", "tile/entries/001"];
    for path in paths {
        let verify = |kind| {
            verify_static(&failing(path, kind), &origin(), Depth::Hashes, &mut |_| {
                ControlFlow::Continue(())
            })
        };
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::HostUnreachable] {
            let error = verify(kind).unwrap_err();
            assert_eq!(error.fault(), Fault::Environment, "{path}: {error}");
            let OpenStaticError::Read(StaticReadError::Unavailable { path: found, .. }) = error
            else {
                panic!("{path}: {error}");
            };
            assert_eq!(found, path);
        }
        // A link, a directory, a file that its owner alone may read: whoever made the log made that.
        match verify(io::ErrorKind::InvalidData) {
            Ok(report) => assert!(!report.is_sound(), "{path}"),
            Err(error) => assert_eq!(error.fault(), Fault::Evidence, "{path}: {error}"),
        }
    }
    let log = StaticLog::open(failing("tile/entries/001", io::ErrorKind::TimedOut), &origin());
    let log = log.unwrap();
    let error = LogReader::record(&log, LeafIndex::new(300)).unwrap_err();
    assert!(matches!(error, LogReaderError::Unavailable(_)), "{error}");
    assert_eq!(error.fault(), Fault::Environment);
    LogReader::record(&log, LeafIndex::new(3)).unwrap();
}
