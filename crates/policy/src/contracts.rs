//! All active contracts of a node, found by their identifier.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use dataspace_primitives::Digest;
use foldhash::fast::RandomState;

use crate::decision::{Decision, Denial, Grounds};
use crate::engine::shape::Constants;
use crate::facts::Facts;
use crate::judged::{Active, Layers};
use crate::policies::InvalidPolicies;
use crate::program::Program;
use crate::shared::{Shape, Shapes};
use crate::table::{Place, Row, Table};

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
    /// A shape's number and the block of the constants.
    programs: Table,
    used: UsedShapes,
    compiler: Compiler,
}

/// Compiles the Cedar texts of contracts; those of the same terms share their code. All clones are the
/// same compiler.
#[derive(Clone, Debug, Default)]
pub struct Compiler(Arc<Mutex<Shapes>>);

impl Compiler {
    /// Takes in the Cedar text that the parties of a contract sign.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn compile(&self, text: &str) -> Result<Program, InvalidPolicies> {
        Program::with(&self.0, text)
    }

    fn shapes(&self) -> MutexGuard<'_, Shapes> {
        Shapes::lock(&self.0)
    }
}

/// One contract on which an access rests, and the facts about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The contract's identifier.
    pub contract: &'a Digest,
    /// The facts, of this contract's product and counts.
    pub facts: &'a Facts<'a>,
}

/// The shapes of active contracts, by number.
#[derive(Debug, Default)]
struct UsedShapes {
    /// With how many contracts have it; `None` for a number that is free.
    all: Vec<Option<(Arc<Shape>, usize)>>,
    free: Vec<u32>,
    /// By the shape's address.
    numbers: HashMap<usize, u32, RandomState>,
}

impl UsedShapes {
    fn get(&self, number: u32) -> Option<&Arc<Shape>> {
        self.all.get(number as usize)?.as_ref().map(|(shape, _)| shape)
    }

    /// The shape's number, for one more contract.
    fn take(&mut self, shape: Arc<Shape>) -> u32 {
        let address = Arc::as_ptr(&shape).addr();
        let known = self.numbers.get(&address).copied();
        if let Some(number) = known
            && let Some(Some((_, count))) = self.all.get_mut(number as usize)
        {
            *count += 1;
            return number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            // INVARIANT: memory has no room for so many.
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(free) = self.all.get_mut(number as usize) {
            *free = Some((shape, 1));
        }
        self.numbers.insert(address, number);
        number
    }

    /// Gives back the shape if no contract has it now.
    fn release(&mut self, number: u32) -> Option<Arc<Shape>> {
        let used = self.all.get_mut(number as usize)?;
        let (_, count) = used.as_mut()?;
        *count -= 1;
        if *count > 0 {
            return None;
        }
        let (shape, _) = used.take()?;
        self.numbers.remove(&Arc::as_ptr(&shape).addr());
        self.free.push(number);
        Some(shape)
    }
}

impl Contracts {
    /// What compiles the texts of these contracts: apart from them, so that nobody waits for it.
    #[must_use]
    pub fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// Makes a contract active by a program of its [`compiler`](Self::compiler). One that is active
    /// already is replaced.
    pub fn insert(&mut self, contract: Digest, program: Program) {
        let number = self.used.take(program.shape);
        let row = Row { number, block: &program.block };
        if let Some(old) = self.programs.insert(contract, row) {
            self.release(old);
        }
    }

    /// Makes a contract active by its Cedar text.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn activate(&mut self, contract: Digest, text: &str) -> Result<(), InvalidPolicies> {
        let program = self.compiler.compile(text)?;
        self.insert(contract, program);
        Ok(())
    }

    /// Takes a contract out; `false` if it was not active.
    pub fn deactivate(&mut self, contract: &Digest) -> bool {
        let Some(number) = self.programs.remove(contract) else { return false };
        self.release(number);
        true
    }

    fn release(&mut self, number: u32) {
        if let Some(shape) = self.used.release(number) {
            self.compiler.shapes().release(&shape);
        }
    }

    /// The program of an active contract, made again for each call.
    #[must_use]
    pub fn get(&self, contract: &Digest) -> Option<Program> {
        let row = self.programs.get_at(self.programs.place(contract), contract)?;
        Some(Program { shape: Arc::clone(self.used.get(row.number)?), block: row.block.into() })
    }

    fn active(&self, place: Place, contract: &Digest) -> Option<Active<'_>> {
        let row = self.programs.get_at(place, contract)?;
        Some(Active { shape: self.used.get(row.number)?, constants: Constants(row.block) })
    }

    /// Number of active contracts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// Returns true if none is active.
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
        // WHY first of all: what space and provider say is found out while memory is asked.
        let place = self.programs.place(contract);
        let of_layers = layers.evaluate(facts);
        match self.active(place, contract) {
            Some(active) => active.decide(facts, layers, of_layers),
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
