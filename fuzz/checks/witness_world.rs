//! A log that forked after two records, signed by its operator on both branches, and its witness.

use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::{
    AddCheckpoint, Checkpoint, ConsistencyProof, Event, Log, Origin, Record, TreeSize, Witness,
    WitnessKey,
};
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};

use crate::disk::Disk;
use crate::vault::Vault;

/// A log of five records; the first two of them are the same for both.
pub(crate) struct Branch {
    pub(crate) log: Log,
    /// The checkpoint of each size.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

pub(crate) struct World {
    pub(crate) origin: Origin,
    pub(crate) witness: WitnessKey,
    pub(crate) branches: [Branch; 2],
}

fn branch(operator: &SecretKey, origin: &Origin, number: u8) -> Result<Branch, Box<dyn Error>> {
    let log = Log::create_on(Box::new(Disk::default()), origin.clone())?;
    let mut checkpoints = vec![log.checkpoint(operator)?];
    for n in 0..5_u8 {
        let own = if n < 2 { 0 } else { number };
        let (id, class) = ("product".parse()?, "tests".parse()?);
        let event = Event::Product { id, class, descriptor: Digest::of(&[own, n]) };
        let _appended = log.append(&Record::new(UnixMillis::MIN, event))?;
        checkpoints.push(log.checkpoint(operator)?);
    }
    Ok(Branch { log, checkpoints })
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::named(operator.did(), "node-1")?;
    let witness = *SecretKey::from_seed(&mut [21; 32])?.did().public_key();
    let branches = [branch(&operator, &origin, 1)?, branch(&operator, &origin, 2)?];
    Ok(World { witness: WitnessKey::new("witness.example", witness)?, origin, branches })
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world"));

/// The time of the n-th cosignature.
pub(crate) fn time(n: u64) -> UnixMillis {
    UnixMillis::new(1_790_000_000_000 + 1000 * n).expect("a time")
}

impl World {
    /// A witness that keeps what it sees in `vault`.
    pub(crate) fn open(&self, vault: &Vault) -> Witness {
        let signer = Box::new(SecretKey::from_seed(&mut [21; 32]).expect("a key"));
        let logs = std::slice::from_ref(&self.origin);
        Witness::open(self.witness.clone(), signer, logs, Box::new(vault.clone()))
            .expect("a witness")
    }

    /// The request for the checkpoint of `to` records of a branch, from `from` on.
    pub(crate) fn request(&self, branch: usize, from: u64, to: u64) -> String {
        let branch = &self.branches[branch];
        let sizes = (TreeSize::new(from), TreeSize::new(to));
        let path = branch.log.consistency_proof(sizes.0, sizes.1);
        let path = path.map(|proof| proof.path).unwrap_or_default();
        let proof = ConsistencyProof { from: sizes.0, to: sizes.1, path };
        let at = usize::try_from(to).expect("a small number");
        AddCheckpoint::body(&proof, &branch.checkpoints[at])
    }
}
