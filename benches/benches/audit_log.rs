//! What the audit log costs, beside a bare loop that only hashes, writes and syncs, and beside a
//! log that syncs each record.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dataspace_audit_log::{FileStorage, Log, append::AppendError};
use dataspace_benches::{Effort, Report, median, mix, target_dir, time};
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Checkpoint, Event, Fact, LeafIndex, Record, TreeSize, Verdict,
    record::EncodedRecord, tree::leaf_hash,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const BATCH: usize = 4_096;
/// Bytes of a record, about.
const RECORD_LEN: usize = 300;

type Part = fn(Effort, &mut Report) -> Result<()>;

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("audit_log", effort);
    let parts: [(&str, Part); 3] = [("append", appends), ("batch", batches), ("length", lengths)];
    for (part, measure) in parts {
        if Effort::selects(part) {
            measure(effort, &mut report)?;
        }
    }
    report.finish()
}

/// Rates of durable records: of many tasks, run by one thread or by one for each processor, and of
/// many threads, of a bare loop with groups of as many, and of a log that syncs each; and how often
/// as many threads can be woken, without any log.
fn appends(effort: Effort, report: &mut Report) -> Result<()> {
    let each = if effort.is_full() { 400 } else { 2 };
    let dir = tempfile::tempdir_in(target_dir()?)?;
    // Each its own, since the thread that writes for tasks goes on to write.
    let log = Arc::new(Log::create(&dir.path().join("tasks"), origin()?)?);
    let spread = Arc::new(Log::create(&dir.path().join("spread"), origin()?)?);
    let threaded = Log::create(&dir.path().join("threads"), origin()?)?;
    let records = records(CALLERS)?;
    let bare = Bare::new(dir.path(), "bare", effort)?;
    let naive = Bare::new(dir.path(), "naive", effort)?;
    let (one, all) = (runtime(1)?, runtime(thread::available_parallelism()?.get())?);
    let (mut tasks, mut all_tasks, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ceiling, mut single, mut woken) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does meets all of them.
    for round in 0..effort.samples.min(15) {
        tasks.push(one.block_on(many_tasks(&log, &records, each))?);
        all_tasks.push(all.block_on(many_tasks(&spread, &records, each))?);
        ceiling.push(bare.groups(&records, each, round)?);
        threads.push(many_threads(&threaded, &records, each)?);
        woken.push(wake(each)?);
        let few = records.get(..8.min(records.len())).context("records")?;
        single.push(naive.each(few, each.div_ceil(8), round)?);
    }
    let bare = Some("append/bare-64");
    report.row("append/callers-64", median(tasks), "records/s", bare);
    report.row("append/bare-64", median(ceiling), "records/s", None);
    report.row("append/sync-each", median(single), "records/s", Some("append/callers-64"));
    report.row("append/spread-64", median(all_tasks), "records/s", bare);
    report.row("append/threads-64", median(threads), "records/s", bare);
    report.row("append/wake-64", median(woken), "wakes/s", bare);
    let record = record(7)?;
    let micros = effort.micros(|| {
        black_box(EncodedRecord::try_from(black_box(&record)).is_ok());
    });
    report.row("record/encode", micros, "µs", None);
    Ok(())
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build()?)
}

async fn many_tasks(log: &Arc<Log>, records: &[EncodedRecord], each: usize) -> Result<f64> {
    let begin = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for record in records {
        let (log, record) = (Arc::clone(log), record.clone());
        callers.spawn(async move {
            for _ in 0..each {
                let _durable = log.append_async(&record).await?;
            }
            Ok::<_, AppendError>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    rate(records.len() * each, begin.elapsed())
}

fn many_threads(log: &Log, records: &[EncodedRecord], each: usize) -> Result<f64> {
    let (took, good) = time(|| {
        thread::scope(|scope| {
            let callers: Vec<_> = records
                .iter()
                .map(|record| {
                    scope.spawn(move || (0..each).all(|_| log.append_encoded(record).is_ok()))
                })
                .collect();
            callers.into_iter().all(|caller| caller.join().unwrap_or(false))
        })
    });
    ensure!(good, "a record was not appended");
    rate(records.len() * each, took)
}

/// How often threads are woken that wait for one thing, and say so: no log that lets so many
/// threads wait tells them faster.
fn wake(rounds: usize) -> Result<f64> {
    let (told, heard) = (Mutex::new(0), AtomicUsize::new(0));
    let (told_changed, all_heard) = (Condvar::new(), Condvar::new());
    let listen = || {
        for round in 1..=rounds {
            let heard_of = told.lock().ok()?;
            drop(told_changed.wait_while(heard_of, |told| *told < round).ok()?);
            if heard.fetch_add(1, Ordering::AcqRel) + 1 == CALLERS * round {
                drop(told.lock().ok()?);
                all_heard.notify_one();
            }
        }
        Some(())
    };
    let tell = || {
        for round in 1..=rounds {
            *told.lock().ok()? = round;
            told_changed.notify_all();
            let heard_of = told.lock().ok()?;
            let waits = |_: &mut usize| heard.load(Ordering::Acquire) < CALLERS * round;
            drop(all_heard.wait_while(heard_of, waits).ok()?);
        }
        Some(())
    };
    let (took, good) = time(|| {
        thread::scope(|scope| {
            let listeners: Vec<_> = (0..CALLERS).map(|_| scope.spawn(listen)).collect();
            tell().is_some() && listeners.into_iter().all(|one| matches!(one.join(), Ok(Some(()))))
        })
    });
    ensure!(good, "a thread was not woken");
    rate(CALLERS * rounds, took)
}

/// A file that is written and synced, and nothing else; its room is taken before.
struct Bare {
    file: File,
    room: u64,
}

impl Bare {
    fn new(dir: &Path, name: &str, effort: Effort) -> Result<Self> {
        let mut file = File::create_new(dir.join(name))?;
        let room: u64 = if effort.is_full() { 64 << 20 } else { 4 << 20 };
        let zeros = vec![0; 1 << 20];
        for _ in 0..room >> 20 {
            file.write_all(&zeros)?;
        }
        file.sync_all()?;
        Ok(Self { file, room })
    }

    /// So many groups, each of all records: hashed, written, synced.
    fn groups(&self, records: &[EncodedRecord], groups: usize, round: usize) -> Result<f64> {
        let len: usize = records.iter().map(|record| record.as_bytes().len()).sum();
        let (len, mut bytes) = (u64::try_from(len)?, Vec::new());
        let (took, good) = time(|| {
            (0..groups).all(|group| {
                bytes.clear();
                for record in records {
                    black_box(leaf_hash(record.as_bytes()));
                    bytes.extend_from_slice(record.as_bytes());
                }
                let at = self.offset(round * groups + group, len);
                self.file.write_all_at(&bytes, at).and_then(|()| self.file.sync_data()).is_ok()
            })
        });
        ensure!(good, "the disk is full");
        rate(records.len() * groups, took)
    }

    fn each(&self, records: &[EncodedRecord], times: usize, round: usize) -> Result<f64> {
        let rates = records.iter().map(|record| {
            let record = std::slice::from_ref(record);
            self.groups(record, times, round)
        });
        Ok(median(rates.collect::<Result<Vec<_>>>()?))
    }

    fn offset(&self, group: usize, len: u64) -> u64 {
        let groups = (self.room / len.max(1)).saturating_sub(1).max(1);
        u64::try_from(group).unwrap_or(0) % groups * len
    }
}

fn batches(effort: Effort, report: &mut Report) -> Result<()> {
    let count = if effort.is_full() { BATCH } else { 16 };
    let dir = tempfile::tempdir_in(target_dir()?)?;
    let log = Log::create(&dir.path().join("log"), origin()?)?;
    let (records, bare) = (records(count)?, Bare::new(dir.path(), "bare", effort)?);
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..effort.samples.min(15) {
        let (took, good) = time(|| {
            (0..8).all(|_| log.append_encoded_batch(&records).is_ok_and(|all| !all.is_empty()))
        });
        ensure!(good, "a batch was not appended");
        ours.push(rate(count * 8, took)?);
        ceiling.push(bare.groups(&records, 8, round)?);
    }
    report.row("batch/4096", median(ours), "records/s", Some("batch/bare-4096"));
    report.row("batch/bare-4096", median(ceiling), "records/s", None);
    Ok(())
}

/// What depends on how long a log is, or should not.
fn lengths(effort: Effort, report: &mut Report) -> Result<()> {
    let great = if effort.is_full() { 10_000_000 } else { 10_000 };
    let (few, many) = (Node::new(1_000)?, Node::new(great)?);
    for (name, node) in [("open/1000", &few), ("open/10000000", &many)] {
        let times = (0..effort.samples.min(9)).map(|_| {
            let (took, log) = time(|| node.open());
            log.map(|_| took.as_secs_f64() * 1e6)
        });
        let times = times.collect::<Result<Vec<_>>>()?;
        report.row(name, median(times), "µs", (name != "open/1000").then_some("open/1000"));
    }
    let mut opened = None;
    let taken = allocation_counter::measure(|| {
        opened = many.open().and_then(|log| used(log, great)).ok();
    });
    let log = opened.context("the log cannot be opened, or read")?;
    // The most there was at once.
    let kibibytes = u32::try_from(taken.bytes_max >> 10)?;
    report.row("memory/10000000", f64::from(kibibytes) / 1024.0, "MiB", None);
    proofs(effort, report, &log, great)?;
    drop(log);
    let storage = FileStorage::open(&many.dir.path().join("log"))?;
    let (took, checked) = time(|| Log::check_on(&storage, &many.origin, &|_| {}));
    ensure!(checked?.size() == TreeSize::new(great), "records are missing");
    report.row("verify/log", rate(usize::try_from(great)?, took)?, "records/s", None);
    Ok(())
}

/// The log after it has read and proved records all over, and signed.
fn used(log: Log, size: u64) -> Result<Log> {
    for turn in 0..1_000 {
        let index = LeafIndex::new(mix(turn) % size);
        log.inclusion_proof(index, TreeSize::new(size))?;
        log.read(index)?;
    }
    log.checkpoint(&operator()?)?;
    Ok(log)
}

fn proofs(effort: Effort, report: &mut Report, log: &Log, size: u64) -> Result<()> {
    let size = TreeSize::new(size);
    let mut places = (0_u64..).map(|turn| mix(turn) % size.as_u64()).map(LeafIndex::new);
    // Once, so that the files are in memory.
    for index in places.by_ref().take(if effort.is_full() { 200_000 } else { 100 }) {
        log.inclusion_proof(index, size)?;
    }
    let micros = effort.micros(|| {
        let proof = places.next().map(|index| log.inclusion_proof(index, size));
        black_box(proof.is_some_and(|proof| proof.is_ok()));
    });
    report.row("prove/10000000", micros, "µs", None);
    let root = log.root_at(size)?;
    let index = LeafIndex::new(size.as_u64() / 3);
    let (proof, leaf) = (log.inclusion_proof(index, size)?, leaf_hash(&log.read(index)?));
    proof.verify(&leaf, &root)?;
    let micros = effort.micros(|| {
        black_box(black_box(&proof).verify(&leaf, &root).is_ok());
    });
    report.row("verify/proof", micros, "µs", None);
    let note = log.checkpoint(&operator()?)?.as_note().to_owned();
    let micros = effort.micros(|| {
        black_box(Checkpoint::verify(black_box(&note), log.origin()).is_ok());
    });
    report.row("verify/checkpoint", micros, "µs", None);
    let micros = effort.micros(|| {
        let record = places.next().map(|index| log.read(index));
        black_box(record.is_some_and(|record| record.is_ok()));
    });
    report.row("read/10000000", micros, "µs", None);
    Ok(())
}

/// A log of so many records on disk, under a checkpoint.
struct Node {
    dir: TempDir,
    origin: Origin,
}

impl Node {
    fn new(size: u64) -> Result<Self> {
        let (dir, origin) = (tempfile::tempdir_in(target_dir()?)?, origin()?);
        let log = Log::create(&dir.path().join("log"), origin.clone())?;
        let records = records(BATCH)?;
        let mut left = usize::try_from(size)?;
        while left > 0 {
            let batch = records.get(..left.min(BATCH)).context("a batch")?;
            left -= log.append_encoded_batch(batch)?.len();
        }
        log.checkpoint(&operator()?)?;
        Ok(Self { dir, origin })
    }

    fn open(&self) -> Result<Log> {
        Ok(Log::open(&self.dir.path().join("log"), self.origin.clone())?.0)
    }
}

fn operator() -> Result<SecretKey> {
    Ok(SecretKey::from_seed(&mut [7; 32])?)
}

fn origin() -> Result<Origin> {
    Ok(Origin::new(operator()?.did())?)
}

fn records(count: usize) -> Result<Vec<EncodedRecord>> {
    (0..u64::try_from(count)?)
        .map(|number| Ok(EncodedRecord::try_from(&record(number)?)?))
        .collect()
}

/// The decision on an access, with the facts that a usual contract looks at.
fn record(number: u64) -> Result<Record> {
    let text = |text: &str| Fact::Text(text.to_owned());
    let access = AccessRecord {
        contract: Digest::of(&number.to_le_bytes()),
        program: Digest::of(b"program"),
        profile: 3,
        request: Digest::of(b"request"),
        part: None,
        facts: [
            ("purpose".to_owned(), text("research")),
            ("region".to_owned(), text("DE")),
            ("uses".to_owned(), Fact::Number(number)),
            ("class".to_owned(), text("test-results")),
        ]
        .into(),
        verdict: Verdict::Permit { uses: number, duties: vec!["duty-1".to_owned()] },
    };
    let time = UnixMillis::new(1_790_000_000_000 + number).context("a time")?;
    let record = Record::new(time, Event::Access(access));
    let len = record.to_bytes()?.len();
    ensure!(len.abs_diff(RECORD_LEN) < 40, "a record has {len} bytes");
    Ok(record)
}

fn rate(count: usize, took: Duration) -> Result<f64> {
    Ok(f64::from(u32::try_from(count)?) / took.as_secs_f64())
}
