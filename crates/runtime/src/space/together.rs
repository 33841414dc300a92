//! One access under several contracts: all of them permit, or none is used.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use dataspace_ledger::state::Contract;
use dataspace_primitives::{Digest, Signed};
use dataspace_usage_contract::{AccessRequest, ContractId};
use thiserror::Error;

use crate::access::asked::VerifiedRequest;
use crate::access::error::AccessError;
use crate::access::monitor::{Monitor, Received};
use crate::access::permit::{
    Conflict, Decision, Denial, NoneSubmitted, NotSubmitted, Permit, Recorded, Rooms, Submitted,
};
use crate::access::release::Release;
use crate::gate;
use crate::node::Inner;
use crate::space::DataSpace;

/// How often an access is decided again, since others used its contracts meanwhile.
const TRIES_MAX: usize = 32;

/// Most contracts of one access.
pub const TOGETHER_MAX: usize = 16;

/// The answer to one access under several contracts.
#[must_use]
pub enum AccessAll {
    /// All permit, and all permits are recorded: the data of each, in the order of the requests.
    Released(Vec<Release>),
    /// At least one denies, so none releases and none is used. Each request has a recorded denial, in their
    /// order: of those that permit by themselves with the reason
    /// [`Together`](dataspace_ledger::DenialReason::Together).
    Denied(Vec<Recorded<Denial<'static>>>),
}

/// Why an access under several contracts came to no decision. Nothing is released.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessAllError {
    /// No request, or too many.
    #[error("{found} requests in one access, where 1 to {TOGETHER_MAX} are taken")]
    Number {
        /// Requests given.
        found: usize,
    },
    /// Two requests whose uses are counted together: of one consumer for one product of one node.
    #[error(
        "contracts `{one}` and `{other}` are of one consumer for one product; ask under one of them"
    )]
    OneProduct {
        /// The contract of the earlier request.
        one: ContractId,
        /// The contract of the later one.
        other: ContractId,
    },
    /// This thread has a pass through a monitor.
    #[error(
        "this thread has a pass through a monitor, for whose end others may wait: drop it first"
    )]
    InsidePass,
    /// One request came to no decision.
    #[error("request {position} of the access")]
    Access {
        /// Its place, counted from 0.
        position: usize,
        /// Why.
        source: AccessError,
    },
    /// Others used the contracts again and again while it was decided. The same requests may come again.
    #[error("others use the contracts all the time; ask again")]
    Busy,
    /// The decisions are not durable, so there are none.
    #[error("the decisions cannot be recorded, so nothing is released")]
    Submit(#[source] AccessError),
}

/// Decisions on their way to the disks.
enum Submissions {
    Permits(Vec<Submitted<Permit<'static>>>),
    Denials(Vec<Submitted<Denial<'static>>>),
}

/// A verified request, and the node that it is for.
struct Ask<'s> {
    node: &'s Arc<Inner>,
    request: VerifiedRequest,
}

impl DataSpace {
    /// One access under several contracts, of this process's nodes, for what needs the data of all of them (a
    /// query over two tables): all permit, or none is used. All are decided at one moment, while no
    /// membership, contract or profile changes in any of the nodes, and a use of each is taken in one step.
    ///
    /// Each node keeps its own log: if one of them fails after that step, nothing is released, and the uses
    /// that others recorded are made.
    ///
    /// # Errors
    /// [`AccessAllError`] if there is no decision.
    pub fn access_all(
        asks: Vec<(&Self, Signed<AccessRequest>)>,
    ) -> Result<AccessAll, AccessAllError> {
        let asks = verify(asks)?;
        let rooms = nodes(&asks).into_iter().map(|(at, node)| Ok((at, Some(node.log.room()?))));
        let rooms = rooms.collect::<Result<_, AccessError>>().map_err(AccessAllError::Submit)?;
        match submit(asks, rooms)? {
            Submissions::Permits(permits) => {
                AccessAll::released(permits.into_iter().map(Submitted::wait).collect())
            }
            Submissions::Denials(denials) => {
                AccessAll::denied(denials.into_iter().map(Submitted::wait).collect())
            }
        }
    }

    /// As [`access_all`](Self::access_all), for a task of any executor.
    ///
    /// # Errors
    /// [`AccessAllError`] as there.
    pub async fn access_all_async(
        asks: Vec<(&Self, Signed<AccessRequest>)>,
    ) -> Result<AccessAll, AccessAllError> {
        let asks = verify(asks)?;
        let mut rooms = Rooms::new();
        for (at, node) in nodes(&asks) {
            let room = node.log.room_async().await;
            let room = room.map_err(|error| AccessAllError::Submit(error.into()))?;
            rooms.insert(at, Some(room));
        }
        match submit(asks, rooms)? {
            Submissions::Permits(permits) => {
                let mut recorded = Vec::with_capacity(permits.len());
                for permit in permits {
                    recorded.push(permit.wait_async().await);
                }
                AccessAll::released(recorded.into_iter().collect())
            }
            Submissions::Denials(denials) => {
                let mut recorded = Vec::with_capacity(denials.len());
                for denial in denials {
                    recorded.push(denial.wait_async().await);
                }
                AccessAll::denied(recorded.into_iter().collect())
            }
        }
    }
}

impl AccessAll {
    fn released(
        recorded: Result<Vec<Recorded<Permit<'static>>>, AccessError>,
    ) -> Result<Self, AccessAllError> {
        let recorded = recorded.map_err(AccessAllError::Submit)?;
        Ok(Self::Released(recorded.into_iter().map(Recorded::release).collect()))
    }

    fn denied(
        recorded: Result<Vec<Recorded<Denial<'static>>>, AccessError>,
    ) -> Result<Self, AccessAllError> {
        recorded.map(Self::Denied).map_err(AccessAllError::Submit)
    }
}

fn verify(asks: Vec<(&DataSpace, Signed<AccessRequest>)>) -> Result<Vec<Ask<'_>>, AccessAllError> {
    if asks.is_empty() || asks.len() > TOGETHER_MAX {
        return Err(AccessAllError::Number { found: asks.len() });
    }
    // WHY: passes are taken in one order by everybody, so that none waits for another in a circle.
    if gate::has_pass() {
        return Err(AccessAllError::InsidePass);
    }
    let mut verified: Vec<Ask<'_>> = Vec::with_capacity(asks.len());
    for (position, (space, request)) in asks.into_iter().enumerate() {
        let request = space.inner.verify_request(request);
        let request = request.map_err(|source| AccessAllError::Access { position, source })?;
        let contract = &request.0.active.contract;
        let shares = |ask: &&Ask<'_>| ask.contract().shares_counts_with(contract);
        if let Some(earlier) = verified.iter().find(shares) {
            let (one, other) = (earlier.contract().id(), contract.id());
            return Err(AccessAllError::OneProduct { one, other });
        }
        verified.push(Ask { node: &space.inner, request });
    }
    Ok(verified)
}

impl Ask<'_> {
    fn contract(&self) -> &Contract {
        &self.request.0.active.contract
    }
}

/// The nodes of the requests, by their addresses, which is the order in which passes are taken.
fn nodes<'s>(asks: &[Ask<'s>]) -> BTreeMap<usize, &'s Arc<Inner>> {
    asks.iter().map(|ask| (Arc::as_ptr(ask.node).addr(), ask.node)).collect()
}

fn submit(asks: Vec<Ask<'_>>, mut rooms: Rooms<'_>) -> Result<Submissions, AccessAllError> {
    let of_asks: Vec<_> = asks.iter().map(|ask| (ask.node, ask.contract().id())).collect();
    let nodes = nodes(&asks);
    let mut asked = Asking::First(asks);
    for _ in 0..TRIES_MAX {
        let (tried, counted) = {
            let passes = nodes.iter().map(|(at, node)| (*at, node.enter())).collect();
            // Rooms are given back, if they are not used, after the passes.
            let together = Together { passes: &passes, rooms: &mut rooms, counted: Vec::new() };
            together.attempt(asked)
        };
        let mut error = None;
        for (position, source) in counted {
            if let Some((node, contract)) = of_asks.get(position) {
                // WHY here: the observer may make a change.
                node.tell_counted(*contract, &source);
            }
            error.get_or_insert(AccessAllError::Access { position, source });
        }
        asked = match error.map_or(tried, Err)? {
            Tried::Submitted(submissions) => return Ok(submissions),
            Tried::Conflict(conflicts) => Asking::Again(conflicts),
        };
    }
    // None of them has a record, so they may come again.
    if let Asking::Again(conflicts) = asked {
        for conflict in conflicts {
            if let Some(node) = conflict.node.upgrade() {
                node.enter().state.replays.remove(conflict.asked.digest);
            }
        }
    }
    Err(AccessAllError::Busy)
}

/// Requests on their way into the passes: for the first time, or after a try.
enum Asking<'s> {
    First(Vec<Ask<'s>>),
    Again(Vec<Conflict>),
}

/// What came of one try.
enum Tried {
    Submitted(Submissions),
    /// Others used a contract meanwhile. WHY not at once again: a change may wait for the passes.
    Conflict(Vec<Conflict>),
}

/// Passes through the monitors of all nodes of one access, by their addresses.
type Passes<'m> = BTreeMap<usize, Monitor<'m>>;

struct Together<'m, 'r, 'l> {
    passes: &'m Passes<'m>,
    rooms: &'r mut Rooms<'l>,
    /// Denials that were only counted, with the places of their requests.
    counted: Vec<(usize, AccessError)>,
}

impl<'m> Together<'m, '_, '_> {
    /// One try, and the denials that were only counted.
    fn attempt(
        mut self,
        asked: Asking<'_>,
    ) -> (Result<Tried, AccessAllError>, Vec<(usize, AccessError)>) {
        let received = match asked {
            Asking::First(asks) => self.receive(asks),
            Asking::Again(conflicts) => each(conflicts, |conflict| self.again(conflict)),
        };
        let decided = received.and_then(|received| each(received, Received::decide));
        let tried = decided.and_then(|decisions| self.submit(decisions));
        (tried, self.counted)
    }

    fn receive(&self, asks: Vec<Ask<'_>>) -> Result<Vec<Received<'m>>, AccessAllError> {
        let mut received = Vec::with_capacity(asks.len());
        let mut digests: Vec<(&Monitor<'_>, Digest)> = Vec::with_capacity(asks.len());
        for (position, Ask { node, request }) in asks.into_iter().enumerate() {
            let digest = request.0.digest;
            let monitor = self.monitor(node);
            let one = monitor.and_then(|monitor| Ok((monitor, monitor.receive(request)?)));
            match one {
                Ok((monitor, one)) => {
                    received.push(one);
                    digests.push((monitor, digest));
                }
                Err(source) => {
                    // None of them has a record, so they may come again.
                    for (monitor, digest) in digests {
                        monitor.state.replays.remove(digest);
                    }
                    return Err(AccessAllError::Access { position, source });
                }
            }
        }
        Ok(received)
    }

    fn monitor(&self, node: &Arc<Inner>) -> Result<&'m Monitor<'m>, AccessError> {
        self.passes.get(&Arc::as_ptr(node).addr()).ok_or(AccessError::Closed)
    }

    fn again(&self, conflict: Conflict) -> Result<Received<'m>, AccessError> {
        let node = conflict.node.upgrade().ok_or(AccessError::Closed)?;
        self.monitor(&node)?.again(conflict)
    }

    fn submit(&mut self, decisions: Vec<Decision<'m>>) -> Result<Tried, AccessAllError> {
        let is_permit = |decision: &Decision<'_>| matches!(decision, Decision::Permit(_));
        if !decisions.iter().all(is_permit) {
            return self.deny(decisions);
        }
        match Permit::submit_all(permits(decisions), self.rooms) {
            Ok(submitted) => Ok(Tried::Submitted(Submissions::Permits(submitted))),
            Err(NoneSubmitted::Failed(error)) => Err(AccessAllError::Submit(error)),
            Err(NoneSubmitted::Conflict(conflicts)) => Ok(Tried::Conflict(conflicts)),
        }
    }

    /// Gives each request its denial. All of them again if the first one is no longer right: so that no
    /// record lays a denial on others before one of them is recorded.
    fn deny(&mut self, decisions: Vec<Decision<'m>>) -> Result<Tried, AccessAllError> {
        let mut all: Vec<(usize, Decision<'m>)> = decisions.into_iter().enumerate().collect();
        all.sort_by_key(|(_, decision)| matches!(decision, Decision::Permit(_)));
        let mut submitted = BTreeMap::new();
        let mut rest = all.into_iter();
        while let Some((position, decision)) = rest.next() {
            match self.submit_denial(into_denial(decision)) {
                Ok(one) => {
                    submitted.insert(position, one);
                }
                Err(NotSubmitted::Conflict(conflict)) => {
                    if submitted.is_empty() && self.counted.is_empty() {
                        let rest = rest.map(|(position, one)| (position, into_conflict(one)));
                        let all: BTreeMap<_, _> = rest.chain([(position, conflict)]).collect();
                        return Ok(Tried::Conflict(all.into_values().collect()));
                    }
                    submitted.insert(position, self.deny_again(position, conflict)?);
                }
                Err(NotSubmitted::Failed(error @ AccessError::TooManyDenials { .. })) => {
                    self.counted.push((position, error));
                }
                Err(NotSubmitted::Failed(error)) => return Err(AccessAllError::Submit(error)),
            }
        }
        Ok(Tried::Submitted(Submissions::Denials(submitted.into_values().collect())))
    }

    /// The denial of a request beside one that is recorded, on counts that changed.
    fn deny_again(
        &mut self,
        position: usize,
        mut conflict: Conflict,
    ) -> Result<Submitted<Denial<'static>>, AccessAllError> {
        let at = |source| AccessAllError::Access { position, source };
        for _ in 0..TRIES_MAX {
            let decision = self.again(conflict).and_then(Received::decide).map_err(at)?;
            conflict = match self.submit_denial(into_denial(decision)) {
                Ok(submitted) => return Ok(submitted),
                Err(NotSubmitted::Conflict(conflict)) => conflict,
                Err(NotSubmitted::Failed(error)) => return Err(at(error)),
            };
        }
        Err(AccessAllError::Busy)
    }

    fn submit_denial(
        &mut self,
        denial: Denial<'_>,
    ) -> Result<Submitted<Denial<'static>>, NotSubmitted> {
        match self.rooms.get_mut(&denial.node.as_ptr().addr()) {
            Some(room) => denial.submit_in(room),
            None => denial.submit_in(&mut None),
        }
    }
}

/// Takes a step of each request.
fn each<T, D>(
    all: Vec<T>,
    step: impl Fn(T) -> Result<D, AccessError>,
) -> Result<Vec<D>, AccessAllError> {
    let steps = all.into_iter().enumerate().map(|(position, one)| {
        step(one).map_err(|source| AccessAllError::Access { position, source })
    });
    steps.collect()
}

fn permits(decisions: Vec<Decision<'_>>) -> Vec<Permit<'_>> {
    let permits = decisions.into_iter().filter_map(|decision| match decision {
        Decision::Permit(permit) => Some(permit),
        Decision::Denial(_) => None,
    });
    permits.collect()
}

fn into_denial(decision: Decision<'_>) -> Denial<'_> {
    match decision {
        Decision::Permit(permit) => permit.into_denial(),
        Decision::Denial(denial) => denial,
    }
}

fn into_conflict(decision: Decision<'_>) -> Conflict {
    match decision {
        Decision::Permit(permit) => permit.grant.into_conflict(),
        Decision::Denial(denial) => denial.into_conflict(),
    }
}

impl fmt::Debug for AccessAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released(releases) => f.debug_tuple("Released").field(releases).finish(),
            Self::Denied(denied) => {
                let reasons: Vec<String> = denied.iter().map(ToString::to_string).collect();
                f.debug_tuple("Denied").field(&reasons).finish()
            }
        }
    }
}
