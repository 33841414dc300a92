//! A small real process whose system calls fail, or are its last.

use std::path::Path;
use std::process::{Command, Stdio};

use dataspace_audit_log::reader::ReadError;
use dataspace_tlog::{Event, LeafIndex, Record};

use crate::small_segments::SmallSegments;
use crate::support::{is_long, key, number, numbers, time};

const DIR: &str = "DATASPACE_STRACE_TEST_DIR";

/// Not a test of its own: the process whose calls fail. It prints how many records it was told are
/// durable, and ends at the first error.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let Ok((log, _)) = SmallSegments::open(Path::new(&dir)) else { return };
    for round in 0_u64..12 {
        let size = log.size().unwrap().as_u64();
        if log.append_batch(&numbers(size..size + 40)).is_err() {
            return;
        }
        println!("ack {}", size + 40);
        if round % 3 == 2 && log.checkpoint(&key(1)).is_err() {
            return;
        }
        if round % 5 == 4 {
            let before = LeafIndex::new(size.saturating_sub(60));
            if log.archive(before, time(0), &key(1)).is_err() {
                return;
            }
        }
    }
    println!("came to the end");
}

/// Runs the helper with one fault; whether it came to the end in spite of it.
fn assert_survives(call: &str, fault: &str, when: usize) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    drop(SmallSegments::create(&path));
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:{fault}:when={when}"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "strace::helper", "--nocapture", "--test-threads", "1"])
        .env(DIR, &path)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut acknowledged = text.lines().filter_map(|line| line.split_once("ack ")?.1.parse().ok());
    let acknowledged: u64 = acknowledged.next_back().unwrap_or(0);
    let what = format!("{call}, {fault}, number {when}");
    let (log, _) = SmallSegments::open(&path).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let size = log.size().unwrap().as_u64();
    assert!(size >= acknowledged, "{what}: {size} of {acknowledged}");
    let first = log.first().unwrap();
    log.replay_from(first, |index, bytes| {
        if !matches!(Record::from_bytes(bytes).unwrap().event, Event::Archived { .. }) {
            assert_eq!(number(bytes), index.as_u64(), "{what}");
        }
        Ok::<(), ReadError>(())
    })
    .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let appended = log.append_batch(&numbers(size..size + 3)).unwrap();
    assert_eq!(appended[0].index().as_u64(), size);
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    SmallSegments::check(&path).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    text.contains("came to the end")
}

fn has_strace() -> bool {
    let run = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    run.is_ok_and(|status| status.success())
}

#[test]
fn a_process_whose_system_calls_fail_loses_nothing_that_it_acknowledged() {
    if !has_strace() {
        println!("skipped: there is no strace that may trace");
        return;
    }
    let (mut runs, stride) = (0, if is_long() { 1 } else { 17 });
    for (call, faults) in [
        ("pwrite64", &["error=EIO", "error=ENOSPC", "signal=KILL"][..]),
        ("fdatasync", &["error=EIO", "error=ENOSPC", "signal=KILL"]),
        ("fsync", &["error=EIO", "signal=KILL"]),
        ("renameat", &["error=EIO", "signal=KILL"]),
        ("unlinkat", &["error=EIO", "signal=KILL"]),
    ] {
        for fault in faults {
            for when in (1..).step_by(stride) {
                runs += 1;
                if assert_survives(call, fault, when) || when > 400 {
                    break;
                }
            }
        }
    }
    assert!(runs > 20, "{runs}");
    println!("{runs} runs");
}
