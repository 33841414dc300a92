//! Replays a committed corpus. A test that takes this file in names its target and its check.

/// Runs the check on every file of `corpus/<target>`.
pub(crate) fn replay(target: &str, check: fn(&[u8])) {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let files = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
    let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path())).collect();
    assert!(inputs.len() >= 10, "a corpus of {} files", inputs.len());
    for input in inputs {
        check(&input.unwrap());
    }
}
