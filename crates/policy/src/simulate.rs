//! What a change of policies would have decided otherwise.

use dataspace_primitives::Digest;

use crate::decision::Decision;
use crate::facts::Facts;
use crate::judged::Layers;
use crate::program::Program;
use crate::reason::Reason;

/// One past access: the policies that decided, and its facts.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The contract's identifier.
    pub contract: &'a Digest,
    /// The contract's policies, then and under the change.
    pub program: Change<&'a Program>,
    /// The forbids, then and under the change.
    pub layers: Change<Layers<'a>>,
    /// The facts of the access.
    pub facts: &'a Facts<'a>,
}

/// What was, and what would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// Then.
    pub before: T,
    /// Under the change.
    pub after: T,
}

impl<T: Clone> Change<T> {
    /// Something that does not change.
    #[must_use]
    pub fn none(same: T) -> Self {
        Self { before: same.clone(), after: same }
    }
}

/// An access that would be decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its place among the accesses, from 0.
    pub place: u64,
    /// The contract's identifier.
    pub contract: Digest,
    /// The clauses that permit on the one side, and why the other side denies.
    pub outcome: Change<Simulated>,
}

/// A decision, as far as a simulation tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulated {
    /// Permitted by these clauses.
    Permit(Vec<String>),
    /// Denied for these reasons.
    Deny(Vec<Reason>),
}

/// How past accesses would have been decided under other policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Accesses looked at.
    pub accesses: u64,
    /// Those that would be denied, and were permitted.
    pub newly_denied: u64,
    /// Those that would be permitted, and were denied.
    pub newly_permitted: u64,
    /// The first [`DIFFERENCES_MAX`] of both.
    pub differences: Vec<Difference>,
}

/// Most differences that a simulation keeps; all are counted.
pub const DIFFERENCES_MAX: usize = 1000;

/// Decides past accesses under the policies of then and under changed ones, and tells what
/// differs. Nothing is recorded or released.
///
/// ```
/// # use dataspace_policy::simulate::{Change, Past, simulate};
/// # use dataspace_policy::*;
/// # use dataspace_primitives::{Digest, Region};
/// let scope = Scope { consumer: "did:key:z6Mk…".to_owned(), product: "alloys".parse()? };
/// let text = Terms::new().permit(Rule::new([Action::Read])).to_cedar(&scope)?;
/// let (id, program) = (Digest::of(b"the agreement"), Program::new(&text)?);
/// let tighter = "@id(\"embargo\") forbid (principal, action, resource)
///     when { principal.region == \"DE\" };";
/// let tighter = Policies::parse(tighter, Layer::Space)?;
///
/// let consumer = (scope.consumer.as_str(), Region::parse("DE")?);
/// let now = "2026-06-01T00:00:00Z".parse()?;
/// let facts = Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now);
/// let layers = Change { before: Layers::default(), after: Layers::of_space(&tighter) };
/// let program = Change::none(&program);
/// let simulation = simulate([Past { contract: &id, program, layers, facts: &facts }]);
/// assert_eq!((simulation.newly_denied, simulation.newly_permitted), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn simulate<'a>(accesses: impl IntoIterator<Item = Past<'a>>) -> Simulation {
    let mut simulation = Simulation::default();
    for (place, past) in (0..).zip(accesses) {
        simulation.accesses += 1;
        let before = past.program.before.decide(past.facts, past.layers.before);
        let after = past.program.after.decide(past.facts, past.layers.after);
        match (before.is_permit(), after.is_permit()) {
            (true, false) => simulation.newly_denied += 1,
            (false, true) => simulation.newly_permitted += 1,
            _ => continue,
        }
        if simulation.differences.len() < DIFFERENCES_MAX {
            let (contract, before, after) = (*past.contract, told(&before), told(&after));
            let outcome = Change { before, after };
            simulation.differences.push(Difference { place, contract, outcome });
        }
    }
    simulation
}

fn told(decision: &Decision<'_>) -> Simulated {
    match decision {
        Decision::Permit(grounds) => {
            Simulated::Permit(grounds.policies().map(str::to_owned).collect())
        }
        Decision::Deny(denial) => Simulated::Deny(denial.reasons()),
    }
}
