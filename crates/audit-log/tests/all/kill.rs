use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dataspace_audit_log::{Log, reader::ReadError};
use dataspace_tlog::{Event, LeafIndex, Record, record::EncodedRecord};
use tokio::runtime::Builder;

use crate::small_segments::SmallSegments;
use crate::support::{key, number, small, time};

const DIR: &str = "DATASPACE_KILL_TEST_DIR";
/// How often a process is killed, if not as often as usual.
const ROUNDS: &str = "DATASPACE_KILL_ROUNDS";
const WRITERS: u64 = 64;

/// Not a test of its own: the process that is killed. It appends from many threads and tasks and
/// prints each acknowledged index with its number; it signs, settles and archives meanwhile.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let log = Arc::new(SmallSegments::open(Path::new(&dir)).unwrap().0);
    let start = log.size().unwrap().as_u64();
    let (tasks, runtime) = (WRITERS / 4, Builder::new_multi_thread().build().unwrap());
    for task in 0..tasks {
        let log = Arc::clone(&log);
        runtime.spawn(async move {
            for n in 0.. {
                let number = start + n * WRITERS + task;
                let record = EncodedRecord::try_from(&small(number)).unwrap();
                let appended = log.append_async(&record).await.unwrap();
                assert!(log.size().unwrap().contains(appended.index()));
                println!("ack {} {number}", appended.index());
            }
        });
    }
    std::thread::scope(|scope| {
        for thread in tasks..WRITERS {
            let log = &log;
            scope.spawn(move || {
                for n in 0.. {
                    let number = start + n * WRITERS + thread;
                    let appended = log.append(&small(number)).unwrap();
                    println!("ack {} {number}", appended.index());
                    if (n + thread) % 64 == 0 {
                        log.checkpoint(&key(1)).unwrap();
                    }
                    if thread == tasks && n % 8 == 7 {
                        let before = log.size().unwrap().as_u64().saturating_sub(3_000);
                        log.archive(LeafIndex::new(before), time(0), &key(1)).unwrap();
                    }
                }
            });
        }
    });
}

/// Index and number of an acknowledgement; the test harness prints on the same stream.
fn parse(line: &str) -> Option<(u64, u64)> {
    let (_, ack) = line.split_once("ack ")?;
    let (index, number) = ack.split_once(' ').unwrap();
    Some((index.parse().unwrap(), number.parse().unwrap()))
}

/// The numbers of the records that are not archived, and the index of the first; none for a record
/// that says that others were archived.
fn kept(log: &Log) -> (u64, Vec<Option<u64>>) {
    let (first, mut found) = (log.first().unwrap(), Vec::new());
    log.replay_from(first, |_, bytes| {
        let is_archive =
            || matches!(Record::from_bytes(bytes).unwrap().event, Event::Archived { .. });
        found.push(if is_archive() { None } else { Some(number(bytes)) });
        Ok::<(), ReadError>(())
    })
    .unwrap();
    (first.as_u64(), found)
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    drop(SmallSegments::create(&path));
    let rounds = std::env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let (mut acknowledged, mut archived, mut count) = (Vec::new(), 0, 0);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::helper", "--nocapture"])
            .env(DIR, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // However busy the machine is, it is killed while it appends, not before.
        let first = lines.by_ref().map(Result::unwrap).find_map(|line| parse(&line));
        let before = acknowledged.len();
        acknowledged.push(first.expect("the helper ended by itself"));
        // The pipe is read meanwhile, or the writers would wait for it.
        let reading = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis((round * 37) % 90));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        // The last line may be cut short, so it may name another number: leave it out.
        let mut complete = reading.join().unwrap();
        complete.pop();
        acknowledged.extend(complete.iter().filter_map(|line| parse(line)));
        count += acknowledged.len() - before;
        let (log, _) = SmallSegments::open(&path).unwrap();
        let (first, found) = kept(&log);
        acknowledged.retain(|(index, _)| *index >= first);
        for (index, number) in &acknowledged {
            let at = usize::try_from(index - first).unwrap();
            assert_eq!(found.get(at), Some(&Some(*number)), "round {round}");
        }
        drop(log);
        SmallSegments::check(&path).unwrap();
        archived = first;
    }
    println!("{rounds} kills, {count} acknowledged records, {archived} archived");
}
