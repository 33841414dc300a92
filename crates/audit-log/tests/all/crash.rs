//! A crash at every step of a log's life: what was acknowledged is there, and nothing else.

use dataspace_audit_log::{
    Log, append::AppendError, error::ArchiveError, open::OpenError, reader::ReadError,
};
use dataspace_tlog::{Event, LeafIndex, Record};

use crate::disk::Fault;
use crate::support::{Disk, Random, is_long, key, number, numbers, origin, small, time};

/// What a record should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Small(u64),
    Archived,
}

/// What was asked of a log, and how far it said yes.
#[derive(Clone, Debug, Default)]
struct Story {
    attempted: Vec<Kind>,
    /// Sizes that the log may have: ends of batches.
    sizes: Vec<usize>,
    acknowledged: usize,
    signed: usize,
    archived: u64,
    created: bool,
}

impl Story {
    fn attempt(&mut self, kinds: impl IntoIterator<Item = Kind>) {
        self.attempted.extend(kinds);
        self.sizes.push(self.attempted.len());
    }

    fn append(&mut self, log: &Log, many: u64) -> Result<(), AppendError> {
        let first = u64::try_from(self.attempted.len()).unwrap();
        self.attempt((first..first + many).map(Kind::Small));
        log.append_batch(&numbers(first..first + many))?;
        self.acknowledged = self.attempted.len();
        Ok(())
    }

    fn archive(&mut self, log: &Log, before: u64) -> Result<(), ArchiveError> {
        self.attempt([Kind::Archived]);
        self.archived = self.archived.max(before);
        log.archive(LeafIndex::new(before), time(0), &key(1))?;
        self.acknowledged = self.attempted.len();
        Ok(())
    }

    fn checkpoint(&mut self, log: &Log) -> Option<()> {
        let checkpoint = log.checkpoint(&key(1)).ok()?;
        self.signed = usize::try_from(checkpoint.size().as_u64()).unwrap();
        Some(())
    }

    /// Creates and fills a log until something fails; whether it came to the end.
    fn live(&mut self, disk: &Disk) -> bool {
        self.try_live(disk).is_some()
    }

    fn try_live(&mut self, disk: &Disk) -> Option<()> {
        self.sizes.push(0);
        let log = Log::create_on(Box::new(disk.clone()), origin()).ok()?;
        self.created = true;
        self.fill(&log)
    }

    /// Fills a log as far as it goes. After an error only a log that is not poisoned goes on.
    fn go_on(mut self, log: &Log) -> Self {
        self.created = true;
        if self.fill(log).is_some() {
            return self;
        }
        let is_poisoned = log.check().is_err();
        let first = u64::try_from(self.attempted.len()).unwrap();
        match log.append_batch(&numbers(first..first + 2)) {
            Ok(appended) => {
                assert!(!is_poisoned, "a poisoned log goes on");
                // A record that was not written is none that was attempted.
                let index = appended[0].index().as_u64();
                self.attempted.truncate(usize::try_from(index).unwrap());
                self.attempt((first..first + 2).map(Kind::Small));
                self.acknowledged = self.attempted.len();
            }
            Err(_) => assert!(is_poisoned, "a log that is not poisoned takes nothing"),
        }
        self
    }

    fn fill(&mut self, log: &Log) -> Option<()> {
        self.append(log, 1).ok()?;
        self.append(log, 3).ok()?;
        self.checkpoint(log)?;
        for many in [1, 1, 2, 6, 1] {
            self.append(log, many).ok()?;
        }
        self.checkpoint(log)?;
        self.append(log, 2).ok()?;
        self.archive(log, 6).ok()?;
        self.append(log, 1).ok()?;
        self.append(log, 4).ok()?;
        self.archive(log, 15).ok()?;
        self.append(log, 1).ok()?;
        self.checkpoint(log)?;
        self.append(log, 1).ok()
    }

    /// Opens what is left and holds it against what should be.
    fn assert_recovers(&self, disk: &Disk, when: &str) {
        let log = match disk.open() {
            Ok((log, _)) => log,
            // Nobody was told that there is a log.
            Err(OpenError::Unfinished) if !self.created => disk.create(),
            Err(error) => panic!("{when}: {error:?}"),
        };
        self.assert_holds(&log, when);
        // It goes on, and again.
        let size = log.size().unwrap().as_u64();
        for n in 0..2 {
            assert_eq!(log.append(&small(900 + n)).unwrap().index(), LeafIndex::new(size + n));
        }
        let checkpoint = log.checkpoint(&key(1)).unwrap();
        drop(log);
        disk.crash();
        let (log, recovery) = disk.open().unwrap_or_else(|error| panic!("{when}: {error:?}"));
        assert_eq!((recovery.size().as_u64(), recovery.bytes_cut()), (size + 2, 0), "{when}");
        log.verify_extends(&checkpoint).unwrap();
        assert_eq!(number(&log.read(LeafIndex::new(size + 1)).unwrap()), 901, "{when}");
        drop(log);
        disk.check().unwrap_or_else(|error| panic!("{when}: {error:?}"));
    }

    fn assert_holds(&self, log: &Log, when: &str) {
        let (size, first) = (log.size().unwrap().as_u64(), log.first().unwrap());
        let len = usize::try_from(size).unwrap();
        assert!(len >= self.acknowledged.max(self.signed), "{when}: {len}, {self:?}");
        assert!(self.sizes.contains(&len), "{when}: half a batch, {len}, {self:?}");
        assert!(first.as_u64() <= self.archived, "{when}: {first} is the first, {self:?}");
        let mut at = usize::try_from(first.as_u64()).unwrap();
        log.replay_from(first, |_, bytes| {
            let kind = match Record::from_bytes(bytes).unwrap().event {
                Event::Archived { .. } => Kind::Archived,
                _ => Kind::Small(number(bytes)),
            };
            assert_eq!(kind, self.attempted[at], "{when}");
            at += 1;
            Ok::<(), ReadError>(())
        })
        .unwrap_or_else(|error| panic!("{when}: {error:?}"));
        assert_eq!(at, len);
        for index in 0..size {
            let proof = log.inclusion_proof(LeafIndex::new(index), log.size().unwrap());
            proof.unwrap_or_else(|error| panic!("{when}: {error:?}"));
        }
    }
}

/// What is left after a process or a machine ended: the page cache, what was synced, or that with
/// some of the sectors that were not: all subsets of so many, those of segments first, and of the
/// others any.
fn remains(disk: &Disk, random: &mut Random, varied: usize) -> Vec<(String, Disk)> {
    let mut all = Vec::new();
    let restarted = disk.copy();
    restarted.restart();
    all.push(("restart".to_owned(), restarted));
    let mut crash = |name: String, keeps: &mut dyn FnMut(usize) -> bool| {
        let crashed = disk.copy();
        crashed.crash_keeping(keeps);
        all.push((name, crashed));
    };
    crash("crash".to_owned(), &mut |_| false);
    let sectors = disk.unsynced();
    let varied = sectors.min(varied);
    for subset in 0..1_usize << varied {
        let keeps =
            &mut |at: usize| if at < varied { subset >> at & 1 == 1 } else { random.coin() };
        crash(format!("subset {subset:b} of {sectors} sectors"), keeps);
    }
    all
}

/// How much of the write or other call at which the process ended was done.
const KEEPS: [usize; 4] = [0, 90, 200, usize::MAX];

#[test]
fn a_crash_at_every_step_loses_nothing_that_was_acknowledged() {
    for reserves in [true, false] {
        if !reserves && !is_long() {
            continue;
        }
        let mut random = Random(7);
        let mut steps = 0;
        for after in 0.. {
            let mut came_to_the_end = false;
            for keep in KEEPS {
                let disk = Disk::segmented(600);
                disk.get().reserves = reserves;
                disk.get().fault = Some(Fault::end(after, keep));
                let mut story = Story::default();
                came_to_the_end |= story.live(&disk);
                let varied = if is_long() && keep == usize::MAX { 12 } else { 3 };
                for (how, left) in remains(&disk, &mut random, varied) {
                    let when = format!("step {after}, {keep} bytes kept, {how}");
                    story.assert_recovers(&left, &when);
                }
            }
            if came_to_the_end {
                steps = after;
                break;
            }
        }
        assert!(steps > 60, "{steps} steps");
    }
}

#[test]
fn a_crash_at_every_step_of_a_recovery_loses_nothing() {
    let (mut random, mut recoveries) = (Random(8), 0);
    let stride = if is_long() { 1 } else { 5 };
    for after in (0..200).step_by(stride) {
        let disk = Disk::segmented(600);
        disk.get().fault = Some(Fault::end(after, 90));
        let mut story = Story::default();
        if story.live(&disk) {
            break;
        }
        if !story.created {
            continue;
        }
        for (how, left) in remains(&disk, &mut random, 3) {
            for again in 0.. {
                let second = left.copy();
                second.get().fault = Some(Fault::end(again, 90));
                let is_open = second.open().is_ok();
                second.get().fault = None;
                for (then, third) in remains(&second, &mut Random(9), 1) {
                    let when = format!("step {after}, {how}, step {again} of opening, {then}");
                    story.assert_recovers(&third, &when);
                    recoveries += 1;
                }
                if is_open {
                    break;
                }
            }
        }
    }
    assert!(recoveries > 500, "{recoveries}");
}

#[test]
fn a_crash_at_every_step_of_settling_loses_nothing() {
    let base = Disk::segmented(40_000);
    let log = base.create();
    for first in (0..4_000).step_by(250) {
        log.append_batch(&numbers(first..first + 250)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    log.append_batch(&numbers(4_000..4_090)).unwrap();
    drop(log);
    let attempted: Vec<_> = (0..4_090).map(Kind::Small).collect();
    let base_story = Story {
        attempted,
        sizes: vec![4_090],
        acknowledged: 4_090,
        signed: 4_000,
        created: true,
        ..Story::default()
    };
    let live = |story: &mut Story, disk: &Disk| {
        let log = disk.open().ok()?.0;
        story.append(&log, 7).ok()?;
        story.checkpoint(&log)?;
        story.append(&log, 300).ok()?;
        story.checkpoint(&log)?;
        story.append(&log, 1).ok()
    };
    let (mut random, stride) = (Random(10), if is_long() { 1 } else { 4 });
    for after in (0..).step_by(stride) {
        let disk = base.copy();
        disk.get().fault = Some(Fault::end(after, KEEPS[after / stride % 4]));
        let mut story = base_story.clone();
        let came_to_the_end = live(&mut story, &disk).is_some();
        let all = remains(&disk, &mut random, 3);
        let few = if is_long() { all.len() } else { 3 };
        for (how, left) in all.into_iter().take(few) {
            let when = format!("step {after}, {how}");
            let (log, _) = left.open().unwrap_or_else(|error| panic!("{when}: {error:?}"));
            let size = log.size().unwrap().as_u64();
            assert!(size >= story.acknowledged as u64, "{when}");
            assert!(story.sizes.contains(&usize::try_from(size).unwrap()), "{when}");
            for index in [0, 255, 256, 3_999, 4_000, 4_089, size - 1] {
                assert_eq!(number(&log.read(LeafIndex::new(index)).unwrap()), index, "{when}");
            }
            drop(log);
            left.crash();
            left.check().unwrap_or_else(|error| panic!("{when}: {error:?}"));
            assert_eq!(left.open().unwrap().1.size().as_u64(), size, "{when}");
        }
        if came_to_the_end {
            assert!(after > 20);
            return;
        }
    }
}

#[test]
fn an_error_at_every_step_loses_nothing_and_poisons_what_it_must() {
    use std::io::ErrorKind;
    let mut random = Random(14);
    for after in 0.. {
        let mut came_to_the_end = false;
        for (kind, keep) in [
            (ErrorKind::Other, 0),
            (ErrorKind::StorageFull, 0),
            (ErrorKind::StorageFull, 90),
            (ErrorKind::Other, usize::MAX),
        ] {
            let disk = Disk::segmented(600);
            disk.get().reserves = true;
            disk.get().fault = Some(Fault { after, keep, is_end: false, kind });
            let mut story = Story { sizes: vec![0], ..Story::default() };
            let log = Log::create_on(Box::new(disk.clone()), origin()).ok();
            if let Some(log) = &log {
                story = story.go_on(log);
            }
            drop(log);
            // The fault came, or the story went on without one to its end.
            came_to_the_end |= disk.get().fault.is_some();
            for (how, left) in remains(&disk, &mut random, 3).into_iter().take(4) {
                story.assert_recovers(&left, &format!("step {after}, {kind}, {keep}, {how}"));
            }
        }
        if came_to_the_end {
            assert!(after > 60, "{after} steps");
            return;
        }
    }
}
