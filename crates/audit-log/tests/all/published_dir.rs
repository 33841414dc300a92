//! A published log in a real directory: what a file system can hold besides plain files.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use dataspace_audit_log::{
    PublishDir, Publisher,
    published::{PublishError, StaticStore},
};
use dataspace_tlog::{
    LeafIndex, StaticFiles, StaticLog,
    published::{DamageKind, Depth, StaticDir, StaticReadError, verify_static},
};
use tempfile::TempDir;

use crate::site::{checkpoint, entry, publish, tree};
use crate::support::origin;

fn published(sizes: &[u64]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let tree = tree(*sizes.last().unwrap());
    let mut publisher = open(dir.path());
    for size in sizes {
        publish(&mut publisher, &checkpoint(&tree, *size)).unwrap();
    }
    dir
}

fn open(dir: &Path) -> Publisher<PublishDir> {
    Publisher::open(PublishDir::open(dir).unwrap(), origin()).unwrap()
}

fn assert_sound(dir: &Path, size: u64) {
    let files = StaticDir::new(dir);
    let report =
        verify_static(&files, &origin(), Depth::Hashes, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!((report.damages(), report.entries()), (0, size), "{:?}", report.first());
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_directory_holds_the_files_of_the_specification() {
    let dir = published(&[300, 600]);
    assert_sound(dir.path(), 600);
    assert_eq!(names(dir.path()), ["checkpoint", "tile"]);
    assert_eq!(names(&dir.path().join("tile")), ["0", "1", "entries"]);
    assert_eq!(names(&dir.path().join("tile/0")), ["000", "001", "001.p", "002.p"]);
    assert_eq!(names(&dir.path().join("tile/1/000.p")), ["1", "2"]);
    let log = StaticLog::open(StaticDir::new(dir.path()), &origin()).unwrap();
    assert_eq!(log.entry(LeafIndex::new(599)).unwrap(), entry(599));
}

#[test]
fn partial_files_are_removed_with_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    let tree = tree(600);
    let mut publisher = open(dir.path());
    for size in [100, 200, 600] {
        publish(&mut publisher, &checkpoint(&tree, size)).unwrap();
    }
    publisher.remove_partial().unwrap();
    publisher.remove_partial().unwrap();
    assert_eq!(names(&dir.path().join("tile/0")), ["000", "001", "002.p"]);
    assert_eq!(names(&dir.path().join("tile/entries")), ["000", "001", "002.p"]);
    assert_sound(dir.path(), 600);
    StaticLog::open_at(StaticDir::new(dir.path()), checkpoint(&tree, 200)).unwrap();
}

#[test]
fn two_publishers_do_not_share_a_directory() {
    let dir = published(&[5]);
    let _first = PublishDir::open(dir.path()).unwrap();
    let error = PublishDir::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn no_path_leads_out_of_the_directory() {
    let dir = published(&[300]);
    fs::write(dir.path().join("secret"), b"secret").unwrap();
    let inner = dir.path().join("tile");
    let mut bytes = Vec::new();
    let bad = [
        "secret",
        "../secret",
        "../checkpoint",
        "/etc/passwd",
        "",
        ".",
        "..",
        "tile",
        "tile/0",
        "tile/../secret",
        "tile/0/../../secret",
        "tile/0/000.p/../../../secret",
        "tile//0/000",
        "tile/0/000\0",
        "tile/entries/../../secret",
        ".publisher.lock",
        "checkpoint/",
        "./checkpoint",
        "tile/./0/000",
    ];
    for path in bad {
        for root in [dir.path(), &inner] {
            let error = StaticDir::new(root).read_into(path, 100, &mut bytes).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
        let mut store = PublishDir::open(dir.path()).unwrap();
        assert!(store.put(path, b"x").is_err());
        if let Err(error) = store.remove_partial(path) {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        } else {
            panic!("{path} was removed");
        }
    }
    assert_sound(dir.path(), 300);
}

#[test]
fn a_read_is_bounded() {
    let dir = published(&[300]);
    let mut bytes = Vec::new();
    let files = StaticDir::new(dir.path());
    assert!(files.read_into("tile/0/000", 100, &mut bytes).unwrap());
    assert_eq!(bytes.len(), 101);
    assert!(!files.read_into("tile/0/007", 100, &mut bytes).unwrap());
    assert!(!files.read_into("tile/5/x001/007.p/3", 100, &mut bytes).unwrap());
}

/// Replaces what is at `path` by what `make` makes there.
fn replace(dir: &TempDir, path: &str, make: impl FnOnce(&Path, &Path)) {
    let (place, kept) = (dir.path().join(path), dir.path().join("kept"));
    fs::rename(&place, &kept).unwrap();
    make(&place, &kept);
}

#[test]
fn links_pipes_and_directories_are_not_files() {
    let pipe = |place: &Path, _: &Path| {
        assert!(Command::new("mkfifo").arg(place).status().unwrap().success());
    };
    for path in ["tile/0/000", "tile/entries/000", "tile/0/001.p/44"] {
        for kind in 0..4 {
            let dir = published(&[300]);
            // Even a link to the very file is not followed: the next reader may find another.
            replace(&dir, path, |place, kept| match kind {
                0 => symlink(kept, place).unwrap(),
                1 => symlink("/dev/zero", place).unwrap(),
                2 => pipe(place, kept),
                _ => fs::create_dir(place).unwrap(),
            });
            let files = StaticDir::new(dir.path());
            let report =
                verify_static(&files, &origin(), Depth::Hashes, &mut |_| ControlFlow::Continue(()))
                    .unwrap();
            let damage = report.first().unwrap();
            assert_eq!(damage.path, path);
            assert!(matches!(damage.kind, DamageKind::File(StaticReadError::Io { .. })));
        }
    }
    for path in ["tile", "tile/0", "tile/0/001.p"] {
        let dir = published(&[300]);
        replace(&dir, path, |place, kept| symlink(kept, place).unwrap());
        assert!(StaticLog::open(StaticDir::new(dir.path()), &origin()).is_err(), "{path}");
    }
}

#[test]
fn a_publisher_writes_through_no_link() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    let tree = tree(600);
    // As a temporary file, the checkpoint, a new file, and a directory on the way.
    let temp = ".publisher.0123456789abcdef.tmp";
    for (path, is_dir) in
        [(temp, false), ("checkpoint", false), ("tile/0/001", false), ("tile/0/002.p", true)]
    {
        let dir = published(&[300]);
        if is_dir {
            fs::create_dir_all(&target).unwrap();
        } else {
            fs::write(&target, b"outside").unwrap();
        }
        let mut publisher = open(dir.path());
        if path == "checkpoint" {
            fs::remove_file(dir.path().join(path)).unwrap();
        }
        symlink(&target, dir.path().join(path)).unwrap();
        let done = publish(&mut publisher, &checkpoint(&tree, 600));
        assert_eq!(done.is_ok(), path == temp || path == "checkpoint", "{path}");
        if is_dir {
            assert!(names(&target).is_empty());
            fs::remove_dir(&target).unwrap();
        } else {
            assert_eq!(fs::read(&target).unwrap(), b"outside");
            fs::remove_file(&target).unwrap();
        }
        assert_sound(dir.path(), if done.is_ok() { 600 } else { 300 });
    }
}

#[test]
fn what_a_crash_left_beside_the_log_is_no_obstacle() {
    let dir = published(&[300]);
    let temp = dir.path().join(".publisher.0123456789abcdef.tmp");
    fs::write(&temp, vec![1; 100_000]).unwrap();
    fs::create_dir_all(dir.path().join("tile/0/002.p")).unwrap();
    publish(&mut open(dir.path()), &checkpoint(&tree(600), 600)).unwrap();
    assert_sound(dir.path(), 600);
    assert!(!temp.exists());
}

/// Stops after so many changes, as a process does that is killed.
struct Stops(PublishDir, usize);

impl Stops {
    fn step(&mut self) -> io::Result<&mut PublishDir> {
        self.1 = self.1.checked_sub(1).ok_or_else(|| io::Error::other("planned"))?;
        Ok(&mut self.0)
    }
}

impl StaticFiles for Stops {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        self.0.read_into(path, len_max, bytes)
    }
}

impl StaticStore for Stops {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.step()?.put(path, bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.step()?.sync()
    }
    fn replace_checkpoint(&mut self, note: &[u8]) -> io::Result<()> {
        self.step()?.replace_checkpoint(note)
    }
    fn remove_partial(&mut self, path: &str) -> io::Result<()> {
        self.step()?.remove_partial(path)
    }
}

#[test]
fn a_publisher_killed_at_any_step_leaves_the_old_log_whole_and_is_resumed() {
    let tree = tree(1_100);
    for step in 0.. {
        let dir = published(&[300]);
        let store = Stops(PublishDir::open(dir.path()).unwrap(), step);
        let mut publisher = Publisher::open(store, origin()).unwrap();
        let done = publish(&mut publisher, &checkpoint(&tree, 1_100));
        drop(publisher);
        match done {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, PublishError::Io { .. })),
        }
        assert_sound(dir.path(), 300);
        publish(&mut open(dir.path()), &checkpoint(&tree, 1_100)).unwrap();
        assert_sound(dir.path(), 1_100);
    }
}

#[test]
fn a_publication_of_many_files_killed_between_them_is_resumed_and_leaves_nothing_beside_the_log() {
    // 2 files for each 256 entries: one batch that is synced as a whole, and one and a part.
    for (size, steps) in [(20_000, &[1, 31, 32, 33, 64, 150, 156][..]), (70_000, &[511, 512, 513])]
    {
        let tree = tree(size);
        for step in steps {
            let dir = published(&[300]);
            let store = Stops(PublishDir::open(dir.path()).unwrap(), *step);
            let mut publisher = Publisher::open(store, origin()).unwrap();
            let error = publish(&mut publisher, &checkpoint(&tree, size)).unwrap_err();
            assert!(matches!(error, PublishError::Io { .. }));
            // As a process that is killed: what is beside the log stays there.
            drop(publisher);
            assert_sound(dir.path(), 300);
            publish(&mut open(dir.path()), &checkpoint(&tree, size)).unwrap();
            assert_sound(dir.path(), size);
            assert_eq!(names(dir.path()), ["checkpoint", "tile"]);
        }
    }
}

#[test]
fn a_file_that_was_put_is_not_put_again_before_or_after_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = PublishDir::open(dir.path()).unwrap();
    store.put("tile/0/000", b"one").unwrap();
    for _ in 0..2 {
        let error = store.put("tile/0/000", b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        store.sync().unwrap();
    }
    let mut bytes = Vec::new();
    assert!(store.read_into("tile/0/000", 100, &mut bytes).unwrap());
    assert_eq!(bytes, b"one");
}

#[test]
fn a_reader_keeps_its_checkpoint_while_a_publisher_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let tree = tree(3_000);
    let path = dir.path();
    publish(&mut open(path), &checkpoint(&tree, 1)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut publisher = open(path);
            for size in (1..3_000).step_by(37) {
                publish(&mut publisher, &checkpoint(&tree, size)).unwrap();
                publisher.remove_partial().unwrap();
            }
        });
        while !writer.is_finished() {
            let log = StaticLog::open(StaticDir::new(path), &origin()).unwrap();
            let last = LeafIndex::new(log.size().as_u64() - 1);
            assert_eq!(log.entry(last).unwrap(), entry(last.as_u64()));
            log.inclusion_proof(last, log.size()).unwrap();
        }
        writer.join().unwrap();
    });
}
