//! Policies of a data space, compiled for the facts of one access.

use bumpalo::Bump;
use cedar_policy::PolicySet;

use super::compile;
use super::eval::{Erred, Evaluation};
use super::node::Compiled;
use super::paved::{self, Access};
use crate::oracle;

/// Policies, compiled; what is not covered is left to Cedar.
#[derive(Debug, Default)]
pub(crate) struct Compilation {
    /// Sorted by id.
    compiled: Vec<(String, Compiled)>,
    uncovered: PolicySet,
    uncovered_len: usize,
}

/// What every policy says to one access; ids sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) permits: Vec<String>,
    pub(crate) forbids: Vec<String>,
    pub(crate) erred: Vec<String>,
}

impl Compilation {
    pub(crate) fn new(policies: &PolicySet) -> Self {
        let mut this = Self::default();
        for policy in policies.policies() {
            if let Ok(compiled) = compile::policy(policy, Some(paved::fact)) {
                this.compiled.push((policy.id().to_string(), compiled));
            } else {
                this.uncovered_len += 1;
                // INVARIANT: ids are unique, they come from a set.
                let _added = this.uncovered.add(policy.clone());
            }
        }
        this.compiled.sort_by(|(a, _), (b, _)| a.cmp(b));
        this
    }

    /// Number of policies that run in Cedar's evaluator.
    pub(crate) fn fallbacks(&self) -> usize {
        self.uncovered_len
    }

    pub(crate) fn evaluate(&self, access: &Access<'_>) -> Result<Outcome, String> {
        let mut outcome = Outcome::default();
        let memory = Bump::new();
        let evaluation = Evaluation { source: access, memory: &memory };
        for (id, policy) in &self.compiled {
            let ids = match evaluation.all(&policy.conditions) {
                Ok(false) => continue,
                Ok(true) if policy.is_permit => &mut outcome.permits,
                Ok(true) => &mut outcome.forbids,
                Err(Erred) => &mut outcome.erred,
            };
            ids.push(id.clone());
        }
        if self.uncovered_len > 0 {
            let rest = oracle::evaluate(&self.uncovered, access.facts())?;
            for (ids, more) in [
                (&mut outcome.permits, rest.permits),
                (&mut outcome.forbids, rest.forbids),
                (&mut outcome.erred, rest.erred),
            ] {
                ids.extend(more);
                ids.sort();
            }
        }
        Ok(outcome)
    }
}
