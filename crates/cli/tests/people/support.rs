use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

pub(crate) fn dataspace(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    command.current_dir(dir).stdin(Stdio::null());
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    dataspace(dir).args(args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// All that was said. It never panicked, and it never steers a terminal.
pub(crate) fn said(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    let steers = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!text.contains(steers), "{text:?}");
    text
}

static DEMO: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--dir", "demo"]);
    assert!(output.status.success(), "{}", said(&output));
    dir
});

/// The demo's directory, for looking at.
pub(crate) fn demo() -> &'static Path {
    DEMO.path()
}

/// A copy of the demo's small files.
pub(crate) fn files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["authority.did", "evidence.cbor"] {
        fs::copy(demo().join("demo").join(name), dir.path().join(name)).unwrap();
    }
    dir
}
