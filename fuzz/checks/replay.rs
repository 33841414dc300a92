//! Replays a committed corpus. A test that takes this file in names its target and its check.

/// Runs the check on every file of `corpus/<target>`.
pub(crate) fn replay(target: &str, check: fn(&[u8])) {
    replay_named(target, |_, input| check(input));
}

/// Runs the check on the name and the content of every file of `corpus/<target>`.
pub(crate) fn replay_named(target: &str, mut check: impl FnMut(&str, &[u8])) {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let files = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap()).collect();
    assert!(files.len() >= 10, "a corpus of {} files", files.len());
    for file in files {
        check(&file.file_name().to_string_lossy(), &std::fs::read(file.path()).unwrap());
    }
}
