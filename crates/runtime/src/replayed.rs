//! Every decision of a log, made again.

use dataspace_audit_log::{Log, reader::ReadError};
use dataspace_identity::Did;
use dataspace_ledger::{Replayed, Replayer, replayed::ReplayError};
use dataspace_policy::Policies;
use thiserror::Error;

#[derive(Debug, Error)]
enum Stopped {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Makes every decision in `log` again, with the contracts, the policies and the memberships of its
/// time. `with` takes the place of the space's policies, to see what they would have decided
/// otherwise ([`Replayed::simulation`]).
///
/// # Errors
/// [`ReplayError`] if a record cannot be read, or does not follow from those before it.
pub fn replay_decisions(
    log: &Log,
    authority: &Did,
    with: Option<&Policies>,
) -> Result<Replayed, ReplayError> {
    let mut replayer = Replayer::new(authority.clone(), log.origin().clone());
    if let Some(with) = with {
        replayer = replayer.simulating(with);
    }
    let read = log.replay(|index, bytes| replayer.take(index, bytes).map_err(Stopped::from));
    match read {
        Ok(()) => replayer.finish(),
        Err(Stopped::Replay(error)) => Err(error),
        Err(Stopped::Read(error)) => Err(ReplayError::read(error)),
    }
}
