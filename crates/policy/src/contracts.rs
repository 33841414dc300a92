//! All active contracts of a node, found by their identifier.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dataspace_primitives::Digest;

use crate::decision::{Decision, Denial, Grounds};
use crate::facts::Facts;
use crate::policies::InvalidPolicies;
use crate::program::{Layers, Program, Shapes};
use crate::table::Table;

/// The programs of active contracts. What a decision costs does not depend on how many there are.
///
/// ```
/// use dataspace_policy::{Action, Contracts, Decision, Facts, Layers, Rule, Scope, Terms};
/// use dataspace_primitives::{Digest, Region};
///
/// let scope = Scope { consumer: "did:key:z6Mk…".to_owned(), product: "alloys".parse()? };
/// let text = Terms::new().permit(Rule::new([Action::Read])).to_cedar(&scope)?;
/// let id = Digest::of(b"the agreement");
/// let mut contracts = Contracts::default();
/// contracts.activate(id, &text)?;
///
/// let consumer = (scope.consumer.as_str(), Region::parse("DE")?);
/// let now = "2026-06-01T00:00:00Z".parse()?;
/// let facts = Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now);
/// assert!(contracts.decide(&id, &facts, Layers::default()).is_permit());
/// let unknown = Digest::of(b"another");
/// assert!(!contracts.decide(&unknown, &facts, Layers::default()).is_permit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Contracts {
    programs: Table<Program>,
    shapes: Mutex<Shapes>,
}

/// One contract on which an access rests, and the facts about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The contract's identifier.
    pub contract: &'a Digest,
    /// The facts, of this contract's product and counts.
    pub facts: &'a Facts<'a>,
}

impl Contracts {
    /// Takes in the Cedar text that the parties of a contract signed. Its code is shared with
    /// contracts of the same terms.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn prepare(&self, text: &str) -> Result<Program, InvalidPolicies> {
        Program::with(&mut self.shapes(), text)
    }

    /// Makes a contract active by a program of [`prepare`](Self::prepare). One that is active
    /// already is replaced.
    pub fn insert(&mut self, contract: Digest, program: Program) {
        if let Some(old) = self.programs.insert(contract, program) {
            self.shapes().release(old);
        }
    }

    /// Makes a contract active by its Cedar text.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn activate(&mut self, contract: Digest, text: &str) -> Result<(), InvalidPolicies> {
        let program = self.prepare(text)?;
        self.insert(contract, program);
        Ok(())
    }

    /// Takes a contract out; `false` if it was not active.
    pub fn deactivate(&mut self, contract: &Digest) -> bool {
        let Some(program) = self.programs.remove(contract) else { return false };
        self.shapes().release(program);
        true
    }

    fn shapes(&self) -> MutexGuard<'_, Shapes> {
        // The table is whole at every moment.
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program of an active contract.
    #[must_use]
    pub fn get(&self, contract: &Digest) -> Option<&Program> {
        self.programs.get(contract)
    }

    /// Number of active contracts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// Whether none is active.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.programs.len() == 0
    }

    /// Decides as [`Program::decide`] does; a contract that is not active permits nothing.
    pub fn decide<'a>(
        &'a self,
        contract: &Digest,
        facts: &'a Facts<'a>,
        layers: Layers<'a>,
    ) -> Decision<'a> {
        match self.programs.get(contract) {
            Some(program) => program.decide(facts, layers),
            None => Decision::Deny(Denial::not_active()),
        }
    }

    /// Decides on an access that rests on several contracts, such as one to data of several
    /// providers: all of them must permit.
    ///
    /// # Errors
    /// The denials, each with the place of its contract in `all`. Without any contract, one denial
    /// with the place 0.
    pub fn decide_all<'a>(
        &'a self,
        all: &[Asked<'a>],
        layers: Layers<'a>,
    ) -> Result<Vec<Grounds<'a>>, Vec<(usize, Denial<'a>)>> {
        let (mut permits, mut denials) = (Vec::with_capacity(all.len()), Vec::new());
        for (place, one) in all.iter().enumerate() {
            match self.decide(one.contract, one.facts, layers) {
                Decision::Permit(grounds) => permits.push(grounds),
                Decision::Deny(denial) => denials.push((place, denial)),
            }
        }
        if all.is_empty() {
            denials.push((0, Denial::not_active()));
        }
        if denials.is_empty() { Ok(permits) } else { Err(denials) }
    }
}
