//! Small programs, given to the compiler with one library of this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Asserts what the compiler says about each of the programs `tests/compile/{case}.rs`, which use `library` alone: one
/// line for each error, as in the file `.stderr` beside it, which is missing where there is none. `UPDATE_GOLDEN=1`
/// writes these files.
pub(crate) fn assert_errors(library: &str, cases: &[&str]) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for case in cases {
        let errors = errors(package, library, case);
        let golden = package.join(format!("tests/compile/{case}.stderr"));
        if env::var_os("UPDATE_GOLDEN").is_some() && !errors.is_empty() {
            fs::write(&golden, &errors).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(errors, expected, "{case}");
    }
}

fn errors(package: &Path, library: &str, case: &str) -> String {
    let built = env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(package).arg(format!("tests/compile/{case}.rs"));
    rustc.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--cap-lints=allow"]);
    rustc.args(["--error-format=short", "--color=never"]);
    rustc.arg("--out-dir").arg(env!("CARGO_TARGET_TMPDIR")).arg("-L").arg(&built);
    rustc.arg("--extern").arg(format!("{library}={}", newest(&built, library).display()));
    let output = rustc.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let is_error = |line: &&str| !line.starts_with("error: aborting");
    let errors: String = said.lines().filter(is_error).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(output.status.success(), errors.is_empty(), "{case}: {said}");
    errors
}

/// The library of that name that was built last: of the sources that this test was built of, or it would have been
/// built again.
fn newest(built: &Path, library: &str) -> PathBuf {
    let files = fs::read_dir(built).unwrap().map(|file| file.unwrap().path());
    let start = format!("lib{library}-");
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&start) && name.ends_with(".rlib")
    };
    let modified = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).unwrap();
    files.filter(is_library).max_by_key(modified).expect("a library beside its test")
}
