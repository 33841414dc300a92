//! Directories to audit: the demo's, and logs of any length.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard};

use dataspace_audit_log::{FileStorage, Log, Storage, medium::StoredFile};
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{Event, LeafIndex, Record};
use tempfile::TempDir;

/// What one run of the binary gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// All that was said, after a check of the exit code.
    pub(crate) fn ends(&self, code: i32) -> String {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        assert!(!self.err.contains("panicked"), "{all}");
        all
    }
}

pub(crate) fn audit(dir: &Path, args: &[&str]) -> Ran {
    ran(output(&mut command(dir, args)))
}

/// Any verb of the binary.
pub(crate) fn dataspace(dir: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    ran(output(command.args(args).current_dir(dir)))
}

/// As [`audit`], for which servers are those whose certificates this authority signed.
#[cfg(feature = "tls")]
pub(crate) fn audit_trusting(authority: &Path, dir: &Path, args: &[&str]) -> Ran {
    ran(output(command(dir, args).env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR")))
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    // A proxy of the machine has nothing to do with servers of the tests.
    for name in ["all_proxy", "http_proxy", "https_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.arg("audit").args(args).current_dir(dir);
    command
}

// WHY: a child holds the locks of all logs that are open here, from its fork until it runs.
static OPEN: RwLock<()> = RwLock::new(());

/// To be held while this process has a log open, and while it runs no command.
pub(crate) fn with_open_log() -> RwLockReadGuard<'static, ()> {
    OPEN.read().unwrap_or_else(PoisonError::into_inner)
}

/// What the command gives.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = {
        let _no_open_log = OPEN.write().unwrap_or_else(PoisonError::into_inner);
        command.spawn().unwrap()
    };
    child.wait_with_output().unwrap()
}

fn ran(output: Output) -> Ran {
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

static DEMO: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    let output = output(command.args(["demo", "--dir", "demo"]).current_dir(dir.path()));
    assert!(output.status.success());
    dir
});

/// A directory with the demo's directory `demo` in it.
pub(crate) fn demo() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&DEMO.path().join("demo"), &dir.path().join("demo"));
    dir
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// All files under `dir`, with their bytes.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}

/// Whether a file of a published log is a partial tile or bundle of a tree that was signed before the
/// published one: there for those who have that checkpoint, and no part of the published tree.
pub(crate) fn is_earlier_form(file: &Path) -> bool {
    let width = |file: &Path| file.file_name()?.to_str()?.parse::<u16>().ok();
    let dir = file.parent().unwrap();
    if dir.extension().is_none_or(|end| end != "p") {
        return false;
    }
    let forms = fs::read_dir(dir).unwrap().map(|entry| width(&entry.unwrap().path()));
    forms.max().unwrap() > width(file)
}

pub(crate) fn operator() -> SecretKey {
    SecretKey::from_seed(&mut [0x21; 32]).unwrap()
}

/// The operator's key as a file `key` in `dir`.
pub(crate) fn write_key(dir: &Path) {
    fs::write(dir.join("key"), format!("{}\n", "21".repeat(32))).unwrap();
    fs::set_permissions(dir.join("key"), fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn origin() -> Origin {
    Origin::new(operator().did()).unwrap()
}

/// A record; another one for each number.
pub(crate) fn small(number: u64) -> Record {
    let id = format!("product-{number}").parse().unwrap();
    let (class, descriptor) = ("tests".parse().unwrap(), Digest::of(&number.to_be_bytes()));
    let time = UnixMillis::new(1_790_000_000_000 + number).unwrap();
    Record::new(time, Event::Product { id, class, descriptor, forbids: Vec::new() })
}

/// Appends `numbers` to the log in `dir`, which is made if it is not there, and signs.
pub(crate) fn append(dir: &Path, numbers: std::ops::Range<u64>) {
    let _open = with_open_log();
    let log = if dir.exists() {
        Log::open(dir, origin()).unwrap().0
    } else {
        Log::create(dir, origin()).unwrap()
    };
    let records: Vec<_> = numbers.map(small).collect();
    for some in records.chunks(500) {
        drop(log.append_batch(some).unwrap());
    }
    log.checkpoint(&operator()).unwrap();
}

/// A directory whose segments are small.
#[derive(Debug)]
pub(crate) struct SmallSegments(pub(crate) FileStorage);

impl Storage for SmallSegments {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        self.0.segments()
    }
    fn len(&self, file: StoredFile) -> io::Result<u64> {
        self.0.len(file)
    }
    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(file, offset, buffer)
    }
    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(file, offset, bytes)
    }
    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        self.0.sync_data(file)
    }
    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.0.truncate(file, len)
    }
    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.0.remove(file)
    }
    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.read_checkpoint()
    }
    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.0.write_checkpoint(note)
    }
    fn nonce(&self) -> io::Result<[u8; 16]> {
        self.0.nonce()
    }
    fn segment_len_max(&self) -> u64 {
        2_000
    }
}

/// A log of 60 records in many segments.
pub(crate) fn in_segments(dir: &Path) {
    let _open = with_open_log();
    let storage = SmallSegments(FileStorage::create(dir).unwrap());
    let log = Log::create_on(Box::new(storage), origin()).unwrap();
    for number in 0..60 {
        drop(log.append(&small(number)).unwrap());
    }
    log.checkpoint(&operator()).unwrap();
}
