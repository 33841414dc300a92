//! Cedar policies, compiled once and evaluated fast, with Cedar's results. What is compiled, the crate's
//! documentation lists.

use std::collections::BTreeSet;

use bumpalo::Bump;
use cedar_policy::{Authorizer, Decision, Entities, PolicySet, Request};

use self::eval::Evaluation;
use self::node::Compiled;
use self::store::{Question, Store};

mod compile;
pub(crate) mod eval;
mod extension;
pub(crate) mod node;
pub(crate) mod paved;
pub(crate) mod print;
pub(crate) mod program;
pub(crate) mod shape;
mod store;
pub(crate) mod value;

/// Stack that compiling any policy has, whatever the caller left.
const STACK_LEN: usize = 8 << 20;

/// Any Cedar policies and entities, compiled. Answers as Cedar's [`Authorizer`] does.
///
/// ```
/// use cedar_policy::{Context, Decision, Entities, PolicySet, Request};
/// use dataspace_policy::Engine;
///
/// let policies: PolicySet = r#"permit (principal == User::"ada", action, resource);"#.parse()?;
/// let engine = Engine::from_cedar(&policies, &Entities::empty());
/// let (ada, read, file) = (r#"User::"ada""#, r#"Action::"read""#, r#"File::"a""#);
/// let context = Context::empty();
/// let request = Request::new(ada.parse()?, read.parse()?, file.parse()?, context, None)?;
/// let answer = engine.is_authorized(&request);
/// assert_eq!(answer.decision, Decision::Allow);
/// assert!(answer.determining.contains("policy0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    compiled: Vec<(String, Compiled)>,
    /// `None`: some entity cannot be taken over, and Cedar evaluates everything.
    store: Option<Store>,
    policies: PolicySet,
    uncovered: PolicySet,
    uncovered_len: usize,
    entities: Entities,
}

/// The outcome for one request, as Cedar's `Response` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    /// Cedar's decision: policies that erred do not count.
    pub decision: Decision,
    /// Ids of the policies that determine the decision.
    pub determining: BTreeSet<String>,
    /// Ids of the policies that could not be evaluated.
    pub erred: BTreeSet<String>,
}

impl Engine {
    /// Compiles any policies, for requests about these entities. What the compiler does not cover
    /// is left to Cedar's evaluator; see [`fallbacks`](Self::fallbacks).
    #[must_use]
    pub fn from_cedar(policies: &PolicySet, entities: &Entities) -> Self {
        stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
            let mut compiled = Vec::new();
            let mut uncovered = PolicySet::new();
            let mut uncovered_len = 0;
            for policy in policies.policies() {
                match compile::policy(policy, None) {
                    Ok(taken) => compiled.push((policy.id().to_string(), taken)),
                    Err(compile::NotCovered) => uncovered_len += 1,
                }
            }
            if uncovered_len > 0 {
                uncovered = policies.clone();
                for (id, _) in &compiled {
                    // Ids come from this set; a policy is static or linked.
                    let id = cedar_policy::PolicyId::new(id);
                    if uncovered.remove_static(id.clone()).is_err() {
                        let _removed = uncovered.unlink(id);
                    }
                }
            }
            Self {
                compiled,
                store: Store::new(entities).ok(),
                policies: policies.clone(),
                uncovered,
                uncovered_len,
                entities: entities.clone(),
            }
        })
    }

    /// Number of policies that run in Cedar's evaluator.
    #[must_use]
    pub fn fallbacks(&self) -> usize {
        if self.store.is_none() {
            self.compiled.len() + self.uncovered_len
        } else {
            self.uncovered_len
        }
    }

    /// Decides as [`Authorizer::is_authorized`] does: a permit holds and no forbid.
    pub fn is_authorized(&self, request: &Request) -> Answer {
        let (Some(store), Ok(question)) = (&self.store, Question::new(request)) else {
            return self.by_cedar(request, &self.policies);
        };
        let (mut permits, mut forbids, mut erred) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let memory = Bump::new();
        let evaluation = Evaluation { source: &question.ask(store), memory: &memory };
        for (id, policy) in &self.compiled {
            let ids = match evaluation.all(&policy.conditions) {
                Ok(true) if policy.is_permit => &mut permits,
                Ok(true) => &mut forbids,
                Ok(false) => continue,
                Err(eval::Erred) => &mut erred,
            };
            ids.insert(id.clone());
        }
        if self.uncovered_len > 0 {
            self.merge(request, &mut permits, &mut forbids, &mut erred);
        }
        let decision = if forbids.is_empty() && !permits.is_empty() {
            Decision::Allow
        } else {
            Decision::Deny
        };
        let determining = if forbids.is_empty() { permits } else { forbids };
        Answer { decision, determining, erred }
    }
    /// Adds what Cedar says of the policies that are not compiled.
    fn merge(
        &self,
        request: &Request,
        permits: &mut BTreeSet<String>,
        forbids: &mut BTreeSet<String>,
        erred: &mut BTreeSet<String>,
    ) {
        let answer = self.by_cedar(request, &self.uncovered);
        // Where a forbid holds, Cedar names no permits; nor do we then.
        match answer.decision {
            Decision::Allow => permits.extend(answer.determining),
            Decision::Deny => forbids.extend(answer.determining),
        }
        erred.extend(answer.erred);
    }

    fn by_cedar(&self, request: &Request, policies: &PolicySet) -> Answer {
        let response = Authorizer::new().is_authorized(request, policies, &self.entities);
        let erred = response.diagnostics().errors().map(
            |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                error.policy_id().to_string()
            },
        );
        Answer {
            decision: response.decision(),
            determining: response.diagnostics().reason().map(ToString::to_string).collect(),
            erred: erred.collect(),
        }
    }
}
