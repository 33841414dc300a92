use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dataspace_audit_log::Log;

use crate::support::{all_numbers, key, origin, small};

const DIR: &str = "DATASPACE_KILL_TEST_DIR";

/// Not a test of its own: the process that is killed. It appends from four threads and prints
/// each acknowledged index with its number.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (log, _) = Log::open(Path::new(&dir), origin()).unwrap();
    let start = log.size().unwrap().as_u64();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for n in 0.. {
                    let number = start + n * 4 + thread;
                    let appended = log.append(&small(number)).unwrap();
                    println!("ack {} {number}", appended.index());
                    if n % 16 == 0 {
                        log.checkpoint(&key(1)).unwrap();
                    }
                }
            });
        }
    });
}

/// Index and number of an acknowledgement; the test harness prints on the same stream.
fn parse(line: &str) -> Option<(usize, u64)> {
    let (_, ack) = line.split_once("ack ")?;
    let (index, number) = ack.split_once(' ').unwrap();
    Some((index.parse().unwrap(), number.parse().unwrap()))
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    drop(Log::create(&path, origin()).unwrap());
    let mut acknowledged: Vec<(usize, u64)> = Vec::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::helper", "--nocapture"])
            .env(DIR, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // However busy the machine is, it is killed while it appends, not before.
        let first = lines.by_ref().map(Result::unwrap).find_map(|line| parse(&line));
        acknowledged.push(first.expect("the helper ended by itself"));
        std::thread::sleep(Duration::from_millis((round * 37) % 90));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        // The last line may be cut short, so it may name another number: leave it out.
        let mut complete: Vec<_> = lines.map_while(Result::ok).collect();
        complete.pop();
        acknowledged.extend(complete.iter().filter_map(|line| parse(line)));
        let (log, _) = Log::open(&path, origin()).unwrap();
        let found = all_numbers(&log);
        for (index, number) in &acknowledged {
            assert_eq!(found.get(*index), Some(number), "round {round}");
        }
    }
}
