//! A log that forked after two records, signed by its operator on both branches.

use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{Checkpoint, Event, Record};

use crate::disk::Disk;

/// A log of five records; the first two of them are the same for both.
pub(crate) struct Branch {
    pub(crate) log: Log,
    /// The checkpoint of each size.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

pub(crate) struct World {
    pub(crate) origin: Origin,
    pub(crate) branches: [Branch; 2],
}

fn branch(operator: &SecretKey, origin: &Origin, number: u8) -> Result<Branch, Box<dyn Error>> {
    let log = Log::create_on(Box::new(Disk::default()), origin.clone())?;
    let mut checkpoints = vec![log.checkpoint(operator)?];
    for n in 0..5_u8 {
        let own = if n < 2 { 0 } else { number };
        let (id, class) = ("product".parse()?, "tests".parse()?);
        let event =
            Event::Product { id, class, descriptor: Digest::of(&[own, n]), forbids: Vec::new() };
        let _appended = log.append(&Record::new(UnixMillis::MIN, event))?;
        checkpoints.push(log.checkpoint(operator)?);
    }
    Ok(Branch { log, checkpoints })
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::named(operator.did(), "node-1")?;
    let branches = [branch(&operator, &origin, 1)?, branch(&operator, &origin, 2)?];
    Ok(World { origin, branches })
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world"));
