//! The file of one calendar year of one register.
//!
//! ```text
//! 512 bytes: "dataspace-reg01\n", year u16, length of the name u16, the name, zeros
//! 512 bytes: a seal, zeros    two of them, written in turn, so that one is whole whenever the
//! 512 bytes: a seal, zeros    machine stops
//! persons, 16 bytes each
//!
//! a seal: number of persons u64, HMAC of the first 512 bytes, the persons and their number,
//!         HMAC of the seal so far
//! ```
//! Persons are appended and made durable, then the older seal is replaced by one over all of them and made durable. So the
//! newest seal says how many there are: a file that was cut, or changed anywhere before, is damaged. What stands
//! behind was never acknowledged, and is cut off; unless a seal is torn: then it stays, since the torn one may have covered it. So nobody is lost, and
//! some may be counted though nothing of theirs left.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use dataspace_data_plane::subjects::SubjectId;
use dataspace_policy::duty::PERSONS_MAX;
use ring::hmac;

use super::store::Register;

const MAGIC: &[u8; 16] = b"dataspace-reg01\n";
const BLOCK: usize = 512;
const SEALS: [u64; 2] = [BLOCK as u64, 2 * BLOCK as u64];
const PERSONS_AT: u64 = 3 * BLOCK as u64;
const PERSON: usize = size_of::<SubjectId>();
const SEAL: usize = 8 + 32 + 32;
/// Read at once.
const PART: usize = 4096 * PERSON;

/// A register that is open for appending.
pub(super) struct RegisterFile {
    file: File,
    key: hmac::Key,
    pub(super) persons: HashSet<SubjectId>,
    /// Persons on file; more than there are different ones if some were written twice.
    written: u64,
    /// Over the first block and all persons.
    sum: hmac::Context,
    /// The seal that is replaced next.
    next: usize,
}

/// Why a file is no register of this node.
pub(super) enum Unreadable {
    Io(io::Error),
    Damaged(&'static str),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One of the two seals.
#[derive(Clone, Copy)]
struct Seal {
    written: u64,
    sum: [u8; 32],
}

fn first_block(register: &Register<'_>) -> [u8; BLOCK] {
    let name = register.name.as_str().as_bytes();
    let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let parts = [&MAGIC[..], &register.year.to_be_bytes(), &len.to_be_bytes(), name];
    let mut block = [0; BLOCK];
    // A name has at most 128 bytes.
    block.iter_mut().zip(parts.concat()).for_each(|(to, byte)| *to = byte);
    block
}

impl Seal {
    fn over(sum: &hmac::Context, written: u64) -> Self {
        let mut sum = sum.clone();
        sum.update(&written.to_be_bytes());
        Self { written, sum: sum.sign().as_ref().first_chunk().copied().unwrap_or_default() }
    }

    /// What the HMAC of a seal is over.
    fn signed(number: [u8; 8], sum: &[u8; 32]) -> Vec<u8> {
        [&b"seal"[..], &number, sum].concat()
    }

    fn to_bytes(self, key: &hmac::Key) -> [u8; BLOCK] {
        let number = self.written.to_be_bytes();
        let whole = hmac::sign(key, &Self::signed(number, &self.sum));
        let mut block = [0; BLOCK];
        let bytes = number.iter().chain(&self.sum).chain(whole.as_ref());
        block.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
        block
    }

    /// `None` if it is torn.
    fn read(block: &[u8; BLOCK], key: &hmac::Key) -> Option<Self> {
        let (number, rest) = block.split_first_chunk::<8>()?;
        let (sum, rest) = rest.split_first_chunk::<32>()?;
        let (whole, zeros) = rest.split_first_chunk::<32>()?;
        let seal = Self { written: u64::from_be_bytes(*number), sum: *sum };
        let is_whole = hmac::verify(key, &Self::signed(*number, sum), whole).is_ok();
        (is_whole && zeros.iter().all(|byte| *byte == 0)).then_some(seal)
    }
}

impl RegisterFile {
    /// Writes an empty register to a new file; durable.
    pub(super) fn create(file: File, register: &Register<'_>) -> io::Result<Self> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, register.secret);
        let (block, mut sum) = (first_block(register), hmac::Context::with_key(&key));
        sum.update(&block);
        file.write_all_at(&block, 0)?;
        let seal = Seal::over(&sum, 0).to_bytes(&key);
        for at in SEALS {
            file.write_all_at(&seal, at)?;
        }
        file.sync_all()?;
        Ok(Self { file, key, persons: HashSet::new(), written: 0, sum, next: 0 })
    }

    /// Reads a register, and makes it one to which persons can be appended.
    pub(super) fn open(file: File, register: &Register<'_>) -> Result<Self, Unreadable> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, register.secret);
        let len = file.metadata()?.len();
        let Some(persons_len) = len.checked_sub(PERSONS_AT) else {
            return Err(Unreadable::Damaged("was cut"));
        };
        let mut block = [0; BLOCK];
        file.read_exact_at(&mut block, 0)?;
        if !block.starts_with(MAGIC) {
            return Err(Unreadable::Damaged("is none"));
        }
        if block != first_block(register) {
            return Err(Unreadable::Damaged("is of another name or year"));
        }
        let mut seals = [None; 2];
        for (seal, at) in seals.iter_mut().zip(SEALS) {
            let mut block = [0; BLOCK];
            file.read_exact_at(&mut block, at)?;
            *seal = Seal::read(&block, &key);
        }
        let is_torn = seals.iter().any(Option::is_none);
        let Some(newest) = seals.into_iter().flatten().max_by_key(|seal| seal.written) else {
            return Err(Unreadable::Damaged("is damaged, or of another node"));
        };
        let there = persons_len / PERSON as u64;
        if newest.written > there {
            return Err(Unreadable::Damaged("was cut"));
        }
        // Twice as many may stand there after a tear.
        if there > u64::from(PERSONS_MAX).saturating_mul(2) {
            return Err(Unreadable::Damaged("has more persons than a register can have"));
        }
        let mut sum = hmac::Context::with_key(&key);
        sum.update(&block);
        let next = usize::from(seals.first().copied().flatten().is_some_and(|one| {
            // The first one is the newest, so the second is replaced.
            one.written == newest.written
        }));
        let mut this = Self { file, key, persons: HashSet::new(), written: 0, sum, next };
        this.read_on(newest.written)?;
        if Seal::over(&this.sum, newest.written).sum != newest.sum {
            return Err(Unreadable::Damaged("was changed"));
        }
        if is_torn {
            this.read_on(there)?;
        }
        let end = this.end();
        if end != len {
            this.file.set_len(end)?;
        }
        if is_torn {
            this.file.sync_all()?;
            this.seal()?;
        }
        Ok(this)
    }

    /// Takes in what stands on file up to this number of persons.
    fn read_on(&mut self, until: u64) -> io::Result<()> {
        while self.written < until {
            let left = usize::try_from(until.saturating_sub(self.written)).unwrap_or(usize::MAX);
            let mut part = vec![0; left.saturating_mul(PERSON).min(PART)];
            self.file.read_exact_at(&mut part, self.end())?;
            self.take(&part);
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        let (persons, _) = bytes.as_chunks::<PERSON>();
        self.persons.extend(persons);
        let more = u64::try_from(persons.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(more);
    }

    fn end(&self) -> u64 {
        PERSONS_AT.saturating_add(self.written.saturating_mul(PERSON as u64))
    }

    /// Replaces the older seal; durable.
    fn seal(&mut self) -> io::Result<()> {
        let seal = Seal::over(&self.sum, self.written).to_bytes(&self.key);
        let at = SEALS.get(self.next).copied().unwrap_or(PERSONS_AT);
        self.file.write_all_at(&seal, at)?;
        self.file.sync_data()?;
        self.next = 1 - self.next;
        Ok(())
    }

    /// Appends those who are not in it; durable.
    pub(super) fn append(&mut self, persons: &HashSet<SubjectId>) -> io::Result<()> {
        let new = persons.iter().filter(|person| !self.persons.contains(*person));
        let mut bytes: Vec<u8> = new.flatten().copied().collect();
        if bytes.is_empty() {
            return Ok(());
        }
        // WHY sorted: the order in which they were found is nobody's business.
        bytes.as_chunks_mut::<PERSON>().0.sort_unstable();
        self.file.write_all_at(&bytes, self.end())?;
        self.file.sync_data()?;
        self.take(&bytes);
        self.seal()
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

const _: () = assert!(SEAL <= BLOCK);
