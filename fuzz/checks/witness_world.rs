//! The witness of the forked log.

use std::sync::LazyLock;

use dataspace_identity::SecretKey;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{
    TreeSize, Witness, note::WitnessKey, tree::ConsistencyProof, witness::AddCheckpoint,
};

use crate::forked_log::WORLD;
use crate::vault::Vault;

fn secret() -> SecretKey {
    SecretKey::from_seed(&mut [21; 32]).expect("a key")
}

pub(crate) static WITNESS: LazyLock<WitnessKey> = LazyLock::new(|| {
    WitnessKey::new("witness.example", secret().did().public_key().unwrap()).expect("a name")
});

/// The time of the n-th cosignature.
pub(crate) fn time(n: u64) -> UnixMillis {
    UnixMillis::new(1_790_000_000_000 + 1000 * n).expect("a time")
}

/// A witness that keeps what it sees in `vault`.
pub(crate) fn open(vault: &Vault) -> Witness {
    let logs = std::slice::from_ref(&WORLD.origin);
    Witness::open(WITNESS.clone(), Box::new(secret()), logs, Box::new(vault.clone()))
        .expect("a witness")
}

/// The request for the checkpoint of `to` records of a branch, from `from` on.
pub(crate) fn request(branch: usize, from: u64, to: u64) -> String {
    let branch = &WORLD.branches[branch];
    let (from, to) = (TreeSize::new(from), TreeSize::new(to));
    let path = branch.log.consistency_proof(from, to);
    let path = path.map(|proof| proof.path).unwrap_or_default();
    let at = usize::try_from(to.as_u64()).expect("a small number");
    AddCheckpoint::body(&ConsistencyProof { from, to, path }, &branch.checkpoints[at])
}
