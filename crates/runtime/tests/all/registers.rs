//! Files of registers: what a machine that stops leaves of them, and what others make of them.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::thread;

use dataspace_data_plane::subjects::SubjectId;
use dataspace_primitives::Name;
use dataspace_runtime::conformance;
use dataspace_runtime::registers::{
    Admitted, DirectoryRegisters, MemoryRegisters, Register, RegisterError, Registers,
};
use tempfile::TempDir;

use crate::support::name;

const SECRET: [u8; 32] = [5; 32];
/// Where the persons begin, and the two seals before.
const PERSONS_AT: usize = 1536;

fn persons(range: std::ops::Range<u32>) -> HashSet<SubjectId> {
    range.map(|n| (u128::from(n) * 7_777_777_777_777_777_777).to_be_bytes()).collect()
}

struct Place {
    dir: TempDir,
    name: Name,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), name: name("出境") }
    }

    fn of(&self, year: u16) -> Register<'_> {
        Register { name: &self.name, year, secret: &SECRET }
    }

    /// As after a restart.
    fn open(&self) -> DirectoryRegisters {
        DirectoryRegisters::new(self.dir.path())
    }

    fn path(&self) -> PathBuf {
        self.open().path(&self.of(2026))
    }

    fn admit(&self, range: std::ops::Range<u32>, at_most: u32) -> Admitted {
        self.open().admit(&self.of(2026), &persons(range), at_most).unwrap()
    }

    fn count(&self) -> Result<u64, RegisterError> {
        self.open().count(&self.of(2026))
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn is_in(&self, range: std::ops::Range<u32>) -> bool {
        let before = self.count().unwrap();
        let most = u32::try_from(before).unwrap();
        self.admit(range, most) == Admitted::Yes
    }

    /// Five persons, and seven more, with the file after each.
    fn filled() -> (Self, Vec<u8>, Vec<u8>) {
        let place = Self::new();
        assert_eq!(place.admit(0..5, 100), Admitted::Yes);
        let first = place.bytes();
        assert_eq!(place.admit(3..12, 100), Admitted::Yes);
        let second = place.bytes();
        assert_eq!((first.len(), second.len()), (PERSONS_AT + 5 * 16, PERSONS_AT + 12 * 16));
        (place, first, second)
    }
}

#[test]
fn registers_of_this_library_are_as_they_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::registers(&mut || {
        number += 1;
        let place = dir.path().join(number.to_string());
        fs::create_dir(&place)?;
        Ok(Box::new(DirectoryRegisters::new(place)))
    })
    .unwrap();
    conformance::registers(&mut || Ok(Box::new(MemoryRegisters::default()))).unwrap();
}

#[test]
fn what_is_counted_is_there_after_a_restart_and_its_year_alone() {
    let (place, ..) = Place::filled();
    assert_eq!(place.count().unwrap(), 12);
    assert!(place.is_in(0..12) && !place.is_in(11..13));
    assert_eq!(place.open().count(&place.of(2027)).unwrap(), 0);
    let other = name("出境 2");
    let other = Register { name: &other, ..place.of(2026) };
    assert_eq!(place.open().count(&other).unwrap(), 0);
    // To look makes no file.
    assert_eq!(fs::read_dir(place.path().parent().unwrap()).unwrap().count(), 1);
    let names = format!("{:?}", place.of(2026));
    assert!(!names.contains("5, 5"), "{names}");
}

#[test]
fn of_several_at_once_no_more_get_in_than_may() {
    for round in 0..8 {
        let place = Place::new();
        let registers = place.open();
        let taken: usize = thread::scope(|scope| {
            let all: Vec<_> = (0..8_u32)
                .map(|n| {
                    let (registers, place) = (&registers, &place);
                    let persons = persons(round * 100 + n * 5..round * 100 + n * 5 + 5);
                    scope.spawn(move || registers.admit(&place.of(2026), &persons, 17).unwrap())
                })
                .collect();
            all.into_iter()
                .filter_map(|one| one.join().ok())
                .filter(|a| *a == Admitted::Yes)
                .count()
        });
        assert_eq!((taken, registers.count(&place.of(2026)).unwrap()), (3, 15));
        drop(registers);
        assert_eq!(place.count().unwrap(), 15);
    }
}

#[test]
fn a_machine_that_stops_at_any_write_leaves_nobody_out_who_was_counted() {
    let (place, first, second) = Place::filled();
    // Some of the new persons are on the disk, and no seal over them.
    for end in PERSONS_AT + 5 * 16..=second.len() {
        let torn = [&first[..], &second[first.len()..end]].concat();
        fs::write(place.path(), &torn).unwrap();
        assert_eq!(place.count().unwrap(), 5, "those were not acknowledged");
        assert_eq!(place.bytes().len(), PERSONS_AT + 5 * 16, "and are cut off");
        assert!(place.is_in(0..5));
        assert_eq!(place.admit(0..12, 12), Admitted::Yes);
        assert_eq!(place.count().unwrap(), 12);
    }
    // They all are, and half of the seal.
    let changed: Vec<usize> = (0..PERSONS_AT).filter(|at| first[*at] != second[*at]).collect();
    assert!(
        changed.iter().all(|at| (512..512 + 72).contains(at) || (1024..1024 + 72).contains(at))
    );
    for cut in 1..changed.len() {
        let mut torn = second.clone();
        for at in &changed[cut..] {
            torn[*at] = first[*at];
        }
        fs::write(place.path(), &torn).unwrap();
        assert_eq!(place.count().unwrap(), 12, "nobody can tell that they were not acknowledged");
        assert!(place.is_in(0..12));
        // It is whole again.
        let whole = place.bytes();
        fs::write(place.path(), &whole[..whole.len() - 16]).unwrap();
        assert!(matches!(place.count(), Err(RegisterError::Damaged { .. })));
    }
}

#[test]
fn a_file_that_was_cut_or_changed_is_refused_or_lacks_nobody() {
    let (place, _, whole) = Place::filled();
    for len in 0..whole.len() {
        fs::write(place.path(), &whole[..len]).unwrap();
        let refused = place.count();
        assert!(matches!(refused, Err(RegisterError::Damaged { .. })), "{len}: {refused:?}");
        let refused = place.open().admit(&place.of(2026), &persons(50..51), 100);
        assert!(refused.is_err(), "{len}");
        assert_eq!(place.bytes(), &whole[..len], "and stays for its operator to see");
    }
    let mut refused = 0;
    let (mut looked, mut sealed) = (0, 0);
    // Of the zeros behind a seal, some.
    let is_zero =
        |at: &usize| (512..PERSONS_AT).contains(at) && at % 512 >= 72 && !at.is_multiple_of(97);
    for at in (0..whole.len()).filter(|at| !is_zero(at)) {
        looked += 1;
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(place.path(), &changed).unwrap();
        match place.count() {
            Ok(count) => {
                // One of the two seals.
                assert!((512..PERSONS_AT).contains(&at), "{at}");
                assert_eq!(count, 12, "{at}");
                sealed += 1;
                assert!(place.is_in(0..12), "{at}");
            }
            Err(error) => {
                assert!(matches!(error, RegisterError::Damaged { .. }), "{at}: {error:?}");
                let text = error.to_string();
                assert!(text.contains(&place.path().display().to_string()), "{text}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 512 + 12 * 16, "everything but the seals: one is enough");
    assert_eq!(looked, refused + sealed);
    // Persons in another order, twice, or of another file.
    let (at, tail) = (PERSONS_AT, &whole[PERSONS_AT..]);
    let other = [&whole[..at], &tail[16..32], &tail[..16], &tail[32..]].concat();
    let twice = [&whole[..at], &tail[..16], &tail[..16], &tail[32..]].concat();
    for changed in [other, twice] {
        fs::write(place.path(), changed).unwrap();
        assert!(matches!(place.count(), Err(RegisterError::Damaged { .. })));
    }
    // Longer: what stands behind was never acknowledged.
    fs::write(place.path(), [&whole[..], &[9; 55]].concat()).unwrap();
    assert_eq!(place.count().unwrap(), 12);
}

#[test]
fn a_file_of_another_node_year_or_register_is_refused() {
    let (place, _, whole) = Place::filled();
    let other = Register { secret: &[6; 32], ..place.of(2026) };
    assert!(matches!(place.open().count(&other), Err(RegisterError::Damaged { .. })));
    assert_eq!(place.bytes(), whole);
    let year = place.open().path(&place.of(2027));
    fs::copy(place.path(), year).unwrap();
    let refused = place.open().count(&place.of(2027));
    assert!(matches!(refused, Err(RegisterError::Damaged { .. })), "{refused:?}");
    let text = name("another");
    let another = Register { name: &text, ..place.of(2026) };
    fs::copy(place.path(), place.open().path(&another)).unwrap();
    assert!(matches!(place.open().count(&another), Err(RegisterError::Damaged { .. })));
}

#[test]
fn a_file_that_is_taken_away_while_it_is_used_ends_counting() {
    let (place, ..) = Place::filled();
    let registers = place.open();
    assert_eq!(registers.count(&place.of(2026)).unwrap(), 12);
    let aside = place.dir.path().join("aside");
    fs::rename(place.path(), &aside).unwrap();
    let refused = registers.admit(&place.of(2026), &persons(0..1), 100);
    assert!(matches!(refused, Err(RegisterError::Damaged { .. })), "{refused:?}");
    // Nor does an empty one take its place when many others were used meanwhile.
    for year in 2000..2020 {
        registers.admit(&place.of(year), &persons(0..1), 100).unwrap();
    }
    assert!(registers.admit(&place.of(2026), &persons(0..1), 100).is_err());
    fs::copy(&aside, place.path()).unwrap();
    assert!(registers.count(&place.of(2026)).is_err(), "nor a copy of it");
    fs::remove_file(place.path()).unwrap();
    fs::rename(&aside, place.path()).unwrap();
    assert_eq!(registers.count(&place.of(2026)).unwrap(), 12);
    // Nor is anything written to a folder that is elsewhere now.
    let folder = place.path().parent().unwrap().to_owned();
    let moved = place.dir.path().join("moved");
    fs::rename(&folder, &moved).unwrap();
    for year in [2026, 2027] {
        let refused = registers.admit(&place.of(year), &persons(0..1), 100);
        assert!(matches!(refused, Err(RegisterError::Io { .. })), "{refused:?}");
    }
    assert!(!folder.exists());
    fs::rename(&moved, &folder).unwrap();
    assert_eq!(registers.count(&place.of(2026)).unwrap(), 12);
    drop(registers);
    // No link, no pipe, no directory.
    fs::rename(place.path(), &aside).unwrap();
    std::os::unix::fs::symlink(&aside, place.path()).unwrap();
    assert!(matches!(place.count(), Err(RegisterError::Io { .. })));
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(place.count(), Err(RegisterError::Io { .. })));
}

#[test]
fn many_registers_are_used_in_turn() {
    let place = Place::new();
    let registers = place.open();
    for round in 1..=2 {
        for year in 2000..2030 {
            let admitted = registers.admit(&place.of(year), &persons(round..round + 5), 6);
            assert_eq!(admitted.unwrap(), Admitted::Yes);
        }
    }
    assert!((2000..2030).all(|year| registers.count(&place.of(year)).unwrap() == 6));
}

#[test]
fn two_nodes_do_not_count_in_the_same_files() {
    let (place, _, whole) = Place::filled();
    let (one, two) = (place.open(), place.open());
    assert_eq!(one.count(&place.of(2026)).unwrap(), 12);
    // In no register of the folder: each would miss whom the other one counts.
    for year in [2026, 2027] {
        let Err(RegisterError::Io { source, .. }) = two.admit(&place.of(year), &persons(0..1), 100)
        else {
            panic!()
        };
        assert!(source.to_string().contains("another node"), "{source}");
    }
    assert_eq!(place.bytes(), whole);
    assert_eq!(one.admit(&place.of(2026), &persons(12..20), 20).unwrap(), Admitted::Yes);
    // When the first one is gone, the other one goes on with what it left.
    drop(one);
    assert_eq!(two.count(&place.of(2026)).unwrap(), 20);
    assert_eq!(two.admit(&place.of(2026), &persons(20..21), 20).unwrap(), Admitted::No);
}

#[test]
fn what_a_crash_left_of_a_new_file_is_removed() {
    let place = Place::new();
    assert_eq!(place.admit(0..5, 100), Admitted::Yes);
    let folder = place.path().parent().unwrap().to_owned();
    let directory = dataspace_tlog::Directory::open(&folder).unwrap();
    let (_, _file) = directory.make_temporary("register-2027").unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    assert_eq!(place.count().unwrap(), 5);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
