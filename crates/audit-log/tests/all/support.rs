//! Keys, records and random numbers.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_audit_log::{
    AccessRecord, Checkpoint, Event, Fact, LeafIndex, Log, Origin, Record, SeenStore, Tree,
    TreeSize, Verdict, leaf_hash, note_key,
};
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};

pub(crate) use crate::disk::Disk;

/// Whether tests that can be longer are to be.
pub(crate) fn is_long() -> bool {
    std::env::var_os("DATASPACE_LONG_TESTS").is_some()
}

/// Numbers that look random (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }
}

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin::new(key(1).did())
}

pub(crate) fn time(millis: u64) -> UnixMillis {
    UnixMillis::new(1_790_000_000_000 + millis).unwrap()
}

/// A small record; another one for each number.
pub(crate) fn small(number: u64) -> Record {
    let id = format!("product {number}").parse().unwrap();
    let (class, descriptor) = ("tests".parse().unwrap(), Digest::of(&number.to_be_bytes()));
    Record::new(time(number), Event::Product { id, class, descriptor })
}

pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(small).collect()
}

/// The number of a small record.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    match Record::from_bytes(bytes).unwrap().event {
        Event::Product { id, .. } => id.as_str().strip_prefix("product ").unwrap().parse().unwrap(),
        other => panic!("not a small record: {other:?}"),
    }
}

pub(crate) fn access(verdict: Verdict) -> AccessRecord {
    AccessRecord {
        contract: Digest::of(b"contract"),
        program: Digest::of(b"program"),
        profile: 3,
        request: Digest::of(b"request"),
        facts: [
            ("purpose".to_owned(), Fact::Text("research".to_owned())),
            ("uses".to_owned(), Fact::Number(7)),
            ("roles".to_owned(), Fact::Texts(["consumer".to_owned(), "lab".to_owned()].into())),
        ]
        .into(),
        verdict,
    }
}

pub(crate) fn all_numbers(log: &Log) -> Vec<u64> {
    let mut found = Vec::new();
    log.replay(|index, bytes| {
        assert_eq!(index.as_u64(), u64::try_from(found.len()).unwrap());
        assert_eq!(log.read(index)?, bytes);
        found.push(number(bytes));
        Ok::<(), dataspace_audit_log::ReadError>(())
    })
    .unwrap();
    assert!(log.read(LeafIndex::new(u64::try_from(found.len()).unwrap())).is_err());
    found
}

/// One history of the log `origin`: records in common with the other branches, and then its own.
pub(crate) struct Branch(Log, Tree);

impl Branch {
    /// 20 records, the first `common` of them the same for every `branch`.
    pub(crate) fn new(common: u64, branch: u64) -> Self {
        let log = Disk::default().create();
        let own = (common..20).map(|n| n + branch * 1000);
        let records: Vec<_> = (0..common).chain(own).map(small).collect();
        log.append_batch(&records).unwrap();
        let mut tree = Tree::new();
        for one in &records {
            tree.push(leaf_hash(&one.to_bytes().unwrap()));
        }
        Self(log, tree)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.1
    }

    /// The bytes of a record.
    pub(crate) fn record(&self, index: u64) -> Vec<u8> {
        self.0.read(LeafIndex::new(index)).unwrap()
    }

    pub(crate) fn root(&self, size: u64) -> Digest {
        self.1.root_at(TreeSize::new(size)).unwrap()
    }

    /// The operator's checkpoint of the first `size` records.
    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        let root = STANDARD.encode(self.root(size).as_bytes());
        let text = format!("{}\n{size}\n{root}\n", origin());
        let note = note_key(&origin()).unwrap().sign(&text, &key(1)).unwrap();
        Checkpoint::verify(&note, &origin()).unwrap()
    }

    /// The path of the consistency proof; empty if there is none.
    pub(crate) fn path(&self, from: u64, to: u64) -> Vec<Digest> {
        let proof = self.0.consistency_proof(TreeSize::new(from), TreeSize::new(to));
        proof.map(|proof| proof.path).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct VaultState {
    pub(crate) note: Option<Vec<u8>>,
    pub(crate) fork: Option<Vec<u8>>,
    /// Sizes of the checkpoints written, in their order.
    pub(crate) sizes: Vec<u64>,
    /// Fails writes, before or after they are durable.
    pub(crate) fail_before: bool,
    pub(crate) fail_after: bool,
    pub(crate) panic: bool,
}

/// What a witness keeps of the log `origin`, with planned failures. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault(Arc<Mutex<VaultState>>);

impl Vault {
    pub(crate) fn get(&self) -> MutexGuard<'_, VaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restart(&self) {
        let mut state = self.get();
        (state.fail_before, state.fail_after, state.panic) = (false, false, false);
    }

    fn write_with(&self, write: impl FnOnce(&mut VaultState)) -> io::Result<()> {
        let mut state = self.get();
        assert!(!state.panic, "planned panic");
        let planned = || io::Error::other("planned failure");
        if state.fail_before {
            return Err(planned());
        }
        write(&mut state);
        if state.fail_after { Err(planned()) } else { Ok(()) }
    }
}

impl SeenStore for Vault {
    fn read(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().note.clone())
    }

    fn write(&self, _: &Origin, note: &[u8]) -> io::Result<()> {
        let size = str::from_utf8(note).unwrap().lines().nth(1).unwrap().parse().unwrap();
        self.write_with(|state| {
            state.note = Some(note.to_vec());
            state.sizes.push(size);
        })
    }

    fn read_fork(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().fork.clone())
    }

    fn write_fork(&self, _: &Origin, proof: &[u8]) -> io::Result<()> {
        self.write_with(|state| state.fork = Some(proof.to_vec()))
    }
}
