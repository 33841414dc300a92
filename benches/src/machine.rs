use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

/// Cargo's target directory, wherever it lies: the folder above this program that cargo marked as
/// one. Its file system is a disk, not a `tmpfs`, where a sync costs nothing.
///
/// # Errors
/// If the program's own path is not known, or the directory cannot be made.
pub fn target_dir() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let marked = program.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    let workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
    let dir = marked.map_or_else(workspace, Path::to_path_buf);
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// How long `work` takes, and what it gives.
#[expect(clippy::disallowed_methods, reason = "a bench measures")]
pub fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let done = work();
    (begin.elapsed(), done)
}

/// Memory of this process, in KiB; `None` where Linux does not tell.
#[must_use]
pub fn resident() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A number that looks random, another one for each number (`SplitMix64`).
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
