//! Policies of a data space, compiled for the facts of one access.

use std::collections::HashMap;

use bumpalo::Bump;
use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet};
use foldhash::fast::RandomState;

use super::compile;
use super::deep::{self, Deep};
use super::entity;
use super::eval::Evaluation;
use super::node::{Compiled, FactSet, Node, Text};
use super::paved::Access;
use super::shape::Places;
use super::source::Erred;
use crate::action::Action;
use crate::bounds::{COST_MAX, POLICIES_MAX, UNCOMPILED_COST};
use crate::facts::Fact;
use crate::oracle::{self, Spoken};

/// Stack with which any compiled policy can be evaluated.
const STACK_LEFT: usize = 256 << 10;
/// Stack that a thread with less gets for a decision.
const STACK_LEN: usize = 1 << 20;

/// Nesting for which no stack is too small.
const SHALLOW: usize = 8;

/// Fewer policies are evaluated without a look at the index.
const INDEX_MIN: usize = 8;

/// A set of policies of one [`Code`], by their place.
pub(crate) type Bits = u128;

/// Policies, compiled; what is not covered is left to Cedar.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// Sorted; at most [`POLICIES_MAX`].
    ids: Box<[Box<str>]>,
    /// By place; `None` for what is not covered.
    compiled: Box<[Option<Compiled>]>,
    /// By action's place in [`Action::ALL`].
    by_action: [Bits; Action::ALL.len()],
    index: Index,
    /// True if any stack is enough to evaluate it.
    is_shallow: bool,
    /// What the policies look at.
    facts: FactSet,
    uncovered: Deep<PolicySet>,
    uncovered_len: usize,
    others: Box<[Other]>,
}

/// What is known of a policy that is not compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Other {
    bit: Bits,
    pub(crate) is_permit: bool,
    actions: u16,
}

/// What every policy says to one access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) permits: Bits,
    pub(crate) forbids: Bits,
    pub(crate) erred: Bits,
}

/// For each policy one condition that holds for few accesses, by what it compares: a policy whose
/// condition does not hold need not be looked at. Before it stand only conditions that cannot err.
#[derive(Debug, Default)]
struct Index {
    /// Policies without such a condition.
    always: Bits,
    by_key: Vec<(Key, ByValue)>,
}

type ByValue = HashMap<Box<str>, Bits, RandomState>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Participant,
    Product,
    Class,
    Purpose,
    Region,
}

impl Code {
    /// Compiles policies that were checked. `open` makes the same policies for Cedar's evaluator:
    /// it is asked if some policy is not covered.
    pub(crate) fn new(
        policies: &PolicySet,
        places: &Places,
        open: impl FnOnce() -> Option<PolicySet>,
    ) -> Self {
        const { assert!(POLICIES_MAX <= Bits::BITS as usize, "one bit for each policy") }
        let mut all: Vec<_> = policies
            .policies()
            .map(|policy| (Box::<str>::from(AsRef::<str>::as_ref(policy.id())), policy))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut this = Self::default();
        let (mut ids, mut compiled, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (bit, (id, policy)) in bits().zip(all) {
            let code = compile::policy(policy, Some(places)).ok();
            if code.is_none() {
                let is_permit = policy.effect() == Effect::Permit;
                others.push(Other { bit, is_permit, actions: actions(policy) });
            }
            ids.push(id);
            compiled.push(code);
        }
        (this.uncovered_len, this.others) = (others.len(), others.into());
        for (bit, code) in bits().zip(&compiled) {
            for (number, of_action) in this.by_action.iter_mut().enumerate() {
                if code.as_ref().is_some_and(|code| code.actions >> number & 1 == 1) {
                    *of_action |= bit;
                }
            }
        }
        if this.uncovered_len > 0 {
            // Without them, every evaluation errs.
            let mut uncovered = open().unwrap_or_default();
            for (id, _) in ids.iter().zip(&compiled).filter(|(_, code)| code.is_some()) {
                let _removed = uncovered.remove_static(PolicyId::new(id));
            }
            let depth = deep::of_policies(&uncovered);
            this.uncovered = Deep::new(uncovered, depth);
        }
        let conditions = compiled.iter().flatten().flat_map(|code| &code.conditions);
        conditions.for_each(|condition| condition.facts(&mut this.facts));
        let mut conditions = compiled.iter().flatten().flat_map(|code| &code.conditions);
        this.is_shallow = conditions.all(|condition| condition.depth() <= SHALLOW);
        if this.uncovered_len > 0 {
            this.facts = FactSet::ALL;
        }
        this.index = Index::new(&compiled);
        (this.ids, this.compiled) = (ids.into(), compiled.into());
        this
    }

    /// Number of policies that run in Cedar's evaluator.
    pub(crate) fn fallbacks(&self) -> usize {
        self.uncovered_len
    }

    /// Checks that the policies take no more than [`COST_MAX`] steps.
    ///
    /// # Errors
    /// The id of the policy that is too much.
    pub(crate) fn check_cost(&self) -> Result<(), String> {
        let mut left = COST_MAX;
        for (_, id, compiled) in self.compiled() {
            let cost = compiled.map_or(UNCOMPILED_COST, |compiled| {
                compiled.conditions.iter().map(Node::cost).fold(1, usize::saturating_add)
            });
            left = left.checked_sub(cost).ok_or_else(|| id.to_owned())?;
        }
        Ok(())
    }

    /// A policy that is not compiled.
    pub(crate) fn other(&self, bit: Bits) -> Option<Other> {
        self.others.iter().find(|other| other.bit == bit).copied()
    }

    /// The facts that the policies look at.
    pub(crate) fn facts(&self) -> FactSet {
        self.facts
    }

    /// The ids, sorted.
    pub(crate) fn ids(&self) -> &[Box<str>] {
        &self.ids
    }

    /// The ids of these policies, sorted.
    pub(crate) fn names(&self, of: Bits) -> impl Iterator<Item = &str> {
        let named = bits().zip(&self.ids).filter(move |(bit, _)| of & bit != 0);
        named.map(|(_, id)| id.as_ref())
    }

    /// The compiled policies with their ids.
    pub(crate) fn compiled(&self) -> impl Iterator<Item = (Bits, &str, Option<&Compiled>)> {
        let all = bits().zip(&self.ids).zip(&self.compiled);
        all.map(|((bit, id), compiled)| (bit, id.as_ref(), compiled.as_ref()))
    }

    pub(crate) fn evaluate(&self, access: &Access<'_>, places: Option<&Places>) -> Outcome {
        let mut outcome = if self.is_shallow {
            self.evaluate_compiled(access)
        } else {
            // WHY: the deepest expression that is compiled must not depend on the caller's stack.
            stacker::maybe_grow(STACK_LEFT, STACK_LEN, || self.evaluate_compiled(access))
        };
        if self.uncovered_len > 0 {
            self.add_uncovered(access, places, &mut outcome);
        }
        outcome
    }

    fn evaluate_compiled(&self, access: &Access<'_>) -> Outcome {
        let facts = access.facts();
        let mut outcome = Outcome::default();
        let memory = Bump::new();
        let evaluation = Evaluation { source: access, memory: &memory };
        let of_action = self.by_action.get(facts.action as usize).copied().unwrap_or_default();
        let mut open = of_action & self.index.candidates(access);
        while open != 0 {
            let place = open.trailing_zeros();
            let bit = 1 << place;
            open ^= bit;
            let compiled = self.compiled.get(place as usize).and_then(Option::as_ref);
            let Some(policy) = compiled else { continue };
            match evaluation.all(&policy.conditions) {
                Ok(false) => {}
                Ok(true) if policy.is_permit => outcome.permits |= bit,
                Ok(true) => outcome.forbids |= bit,
                Err(Erred) => outcome.erred |= bit,
            }
        }
        outcome
    }

    /// Adds what Cedar says of the policies that are not compiled. What cannot be put before Cedar
    /// errs.
    #[cold]
    fn add_uncovered(&self, access: &Access<'_>, places: Option<&Places>, outcome: &mut Outcome) {
        let filling = places.map(|places| (places, access.constants()));
        let rest = oracle::evaluate(&self.uncovered, access.facts(), (filling, FactSet::ALL));
        match rest.ok().and_then(|rest| self.outcome(&rest)) {
            Some(rest) if self.uncovered.policies().count() == self.uncovered_len => {
                outcome.permits |= rest.permits;
                outcome.forbids |= rest.forbids;
                outcome.erred |= rest.erred;
            }
            _ => {
                let uncovered = self.compiled().filter(|(_, _, compiled)| compiled.is_none());
                outcome.erred |= uncovered.fold(0, |all, (bit, ..)| all | bit);
            }
        }
    }

    /// What Cedar said, by the places of the policies.
    pub(crate) fn outcome(&self, spoken: &Spoken) -> Option<Outcome> {
        let all = |ids: &[String]| {
            ids.iter().try_fold(0, |all, id| {
                let place = self.ids.binary_search_by(|known| known.as_ref().cmp(id)).ok()?;
                Some(all | 1 << place)
            })
        };
        Some(Outcome {
            permits: all(&spoken.permits)?,
            forbids: all(&spoken.forbids)?,
            erred: all(&spoken.erred)?,
        })
    }
}

impl Outcome {
    /// What Cedar tells of it: where a forbid holds, no permits.
    pub(crate) fn told(self) -> Self {
        if self.forbids == 0 { self } else { Self { permits: 0, ..self } }
    }
}

impl Other {
    pub(crate) fn speaks_of(self, action: Action) -> bool {
        self.actions >> (action as usize) & 1 == 1
    }
}

/// By place in [`Action::ALL`], as [`Compiled::actions`].
fn actions(policy: &Policy) -> u16 {
    let bit = |uid: &EntityUid| {
        let is_action = uid.type_name().to_string() == entity::ACTION;
        let mut all = Action::ALL.iter().filter(|_| is_action);
        all.position(|action| action.as_str() == uid.id().unescaped()).map_or(0, |at| 1 << at)
    };
    match policy.action_constraint() {
        ActionConstraint::Any => u16::MAX,
        ActionConstraint::Eq(uid) => bit(&uid),
        ActionConstraint::In(uids) => uids.iter().map(bit).fold(0, |all, one| all | one),
    }
}

fn bits() -> impl Iterator<Item = Bits> {
    (0..Bits::BITS).map(|place| 1 << place)
}

impl Index {
    fn new(compiled: &[Option<Compiled>]) -> Self {
        let mut this = Self::default();
        if compiled.len() < INDEX_MIN {
            this.always = Bits::MAX;
            return this;
        }
        for (bit, code) in bits().zip(compiled) {
            match code.as_ref().and_then(key) {
                Some((key, values)) => this.add(key, values, bit),
                None => this.always |= bit,
            }
        }
        this
    }

    fn add(&mut self, key: Key, values: Vec<&str>, bit: Bits) {
        let place = self.by_key.iter().position(|(known, _)| *known == key);
        let place = place.unwrap_or_else(|| {
            self.by_key.push((key, HashMap::default()));
            self.by_key.len() - 1
        });
        let Some((_, by_value)) = self.by_key.get_mut(place) else { return };
        for value in values {
            *by_value.entry(value.into()).or_default() |= bit;
        }
    }

    fn candidates(&self, access: &Access<'_>) -> Bits {
        let facts = access.facts();
        let mut all = self.always;
        for (key, by_value) in &self.by_key {
            let value = match key {
                Key::Participant => facts.participant,
                Key::Product => facts.product,
                Key::Class => facts.product_class,
                Key::Purpose => facts.purpose,
                Key::Region => facts.region.as_str(),
            };
            all |= by_value.get(value).copied().unwrap_or_default();
        }
        all
    }
}

/// The condition with the rarest key among the first that cannot err.
fn key(compiled: &Compiled) -> Option<(Key, Vec<&str>)> {
    let sure = compiled.conditions.iter().take_while(|condition| condition.is_infallible());
    let keys = sure.filter_map(|condition| match condition {
        Node::ParticipantIs(Text::Own(id)) => Some((Key::Participant, vec![id.as_ref()])),
        Node::ProductIs(Text::Own(id)) => Some((Key::Product, vec![id.as_ref()])),
        Node::OneOf(fact, values) => {
            let key = match fact {
                Fact::Class => Key::Class,
                Fact::Purpose => Key::Purpose,
                Fact::Region => Key::Region,
                _ => return None,
            };
            Some((key, values.iter().map(AsRef::as_ref).collect()))
        }
        _ => None,
    });
    keys.min_by_key(|(key, values)| (*key, values.len()))
}
