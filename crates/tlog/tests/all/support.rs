//! Keys, records and histories; the tests of `dataspace-audit-log` have them from here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    Checkpoint, Event, Record, TreeSize,
    note::note_key,
    tree::{Tree, leaf_hash},
};

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin::new(key(1).did()).unwrap()
}

pub(crate) fn time(millis: u64) -> UnixMillis {
    UnixMillis::new(1_790_000_000_000 + millis).unwrap()
}

/// A small record; another one for each number.
pub(crate) fn small(number: u64) -> Record {
    let id = format!("product {number}").parse().unwrap();
    let (class, descriptor) = ("tests".parse().unwrap(), Digest::of(&number.to_be_bytes()));
    Record::new(time(number), Event::Product { id, class, descriptor, forbids: Vec::new() })
}

/// The operator's checkpoint of a tree.
pub(crate) fn signed(origin: &Origin, size: u64, root: &Digest) -> Checkpoint {
    let text = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.as_bytes()));
    let note = note_key(origin).unwrap().sign(&text, &key(1)).unwrap();
    Checkpoint::verify(&note, origin).unwrap()
}

/// 20 records, the first `common` of them the same for every `branch`.
pub(crate) fn records(common: u64, branch: u64) -> Vec<Vec<u8>> {
    let own = (common..20).map(|n| n + branch * 1000);
    (0..common).chain(own).map(|n| small(n).to_bytes().unwrap()).collect()
}

/// One history of the log `origin`: records in common with the other branches, and then its own.
pub(crate) struct Branch {
    pub(crate) tree: Tree,
}

impl Branch {
    /// The history of these [`records`].
    pub(crate) fn new(common: u64, branch: u64) -> Self {
        let mut tree = Tree::new();
        for record in records(common, branch) {
            tree.push(leaf_hash(&record));
        }
        Self { tree }
    }

    pub(crate) fn root(&self, size: u64) -> Digest {
        self.tree.root_at(TreeSize::new(size)).unwrap()
    }

    /// The operator's checkpoint of the first `size` records.
    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        signed(&origin(), size, &self.root(size))
    }
}
