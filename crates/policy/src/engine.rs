//! Cedar policies, compiled once and evaluated fast, with Cedar's results. What is compiled, the crate's
//! documentation lists.

use std::collections::BTreeSet;
use std::fmt;

use bumpalo::Bump;
use cedar_policy::{Authorizer, Decision, Entities, PolicyId, PolicySet, Request};

use self::deep::Deep;
use self::eval::Evaluation;
use self::node::Compiled;
use self::source::Erred;
use self::store::{Question, Store};
use crate::oracle::raw;

mod compile;
pub(crate) mod deep;
pub(crate) mod entity;
pub(crate) mod eval;
mod extension;
pub(crate) mod node;
pub(crate) mod paved;
pub(crate) mod print;
pub(crate) mod program;
pub(crate) mod quote;
pub(crate) mod shape;
pub(crate) mod source;
mod store;
pub(crate) mod value;

/// Stack that compiling any policy has, whatever the caller left.
const STACK_LEN: usize = 8 << 20;

/// Stack with which any compiled policy can be evaluated on any data.
const STACK_LEFT: usize = 1 << 20;
/// Stack that a thread with less gets for an evaluation.
const STACK_OF_EVALUATION: usize = 4 << 20;
/// Stack that Cedar's evaluator has: it errs where a policy takes more, and what it says must not
/// depend on the caller.
const STACK_OF_CEDAR: usize = 8 << 20;

/// Any Cedar policies and entities, compiled. Answers as Cedar's [`Authorizer`] does.
///
/// ```
/// use cedar_policy::{Context, Decision, Entities, PolicySet, Request};
/// use dataspace_policy::engine::Engine;
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
pub struct Engine {
    compiled: Vec<(PolicyId, Compiled)>,
    /// `None`: some entity cannot be taken over, and Cedar evaluates everything.
    store: Option<Store>,
    policies: Deep<PolicySet>,
    uncovered: Deep<PolicySet>,
    uncovered_len: usize,
    entities: Deep<Entities>,
    /// Levels of the deepest policy or attribute.
    depth: usize,
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
        let of_policies = deep::of_policies(policies);
        let of_entities = deep::of_entities(entities);
        stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
            let mut compiled = Vec::new();
            let mut uncovered = PolicySet::new();
            let mut uncovered_len = 0;
            for policy in policies.policies() {
                match compile::policy(policy, None) {
                    Ok(taken) => compiled.push((policy.id().clone(), taken)),
                    Err(compile::NotCovered) => uncovered_len += 1,
                }
            }
            if uncovered_len > 0 {
                uncovered = policies.clone();
                for (id, _) in &compiled {
                    // Ids come from this set; a policy is static or linked.
                    if uncovered.remove_static(id.clone()).is_err() {
                        let _removed = uncovered.unlink(id.clone());
                    }
                }
            }
            Self {
                compiled,
                store: Store::new(entities).ok(),
                policies: Deep::new(policies.clone(), of_policies),
                uncovered: Deep::new(uncovered, of_policies),
                uncovered_len,
                entities: Deep::new(entities.clone(), of_entities),
                depth: of_policies.max(of_entities),
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
    ///
    /// Policies and data may be as deep as they like, and the caller's stack as small: policies that
    /// take more stack than Cedar's evaluator has here err.
    pub fn is_authorized(&self, request: &Request) -> Answer {
        let (Some(store), Ok(question)) = (&self.store, Question::new(request)) else {
            return self.by_cedar(request, &self.policies);
        };
        let (mut permits, mut forbids, mut erred) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let memory = Bump::new();
        let asked = question.ask(store, &memory);
        let evaluation = Evaluation { source: &asked, memory: &memory };
        stacker::maybe_grow(STACK_LEFT, STACK_OF_EVALUATION, || {
            for (id, policy) in &self.compiled {
                let ids = match evaluation.all(&policy.conditions) {
                    Ok(true) if policy.is_permit => &mut permits,
                    Ok(true) => &mut forbids,
                    Ok(false) => continue,
                    Err(Erred) => &mut erred,
                };
                ids.insert(raw(id));
            }
        });
        if asked.is_foreign() {
            return self.by_cedar(request, &self.policies);
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
        let context = request.context().map(|context| deep::of_context(context.as_ref()));
        let depth = self.depth.max(context.unwrap_or_default());
        if depth > deep::DEPTH_MAX {
            let erred = policies.policies().map(|policy| raw(policy.id())).collect();
            return Answer { decision: Decision::Deny, determining: BTreeSet::new(), erred };
        }
        // WHY the depth: Cedar looks at its stack while it evaluates, and not while it compares.
        let response = deep::with_stack(STACK_OF_CEDAR, depth, || {
            Authorizer::new().is_authorized(request, policies, &self.entities)
        });
        let erred = response.diagnostics().errors().map(
            |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| raw(error.policy_id()),
        );
        Answer {
            decision: response.decision(),
            determining: response.diagnostics().reason().map(raw).collect(),
            erred: erred.collect(),
        }
    }
}

impl fmt::Debug for Engine {
    /// How much there is of it; Cedar's trees are printed by recursion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("policies", &(self.compiled.len() + self.uncovered_len))
            .field("fallbacks", &self.fallbacks())
            .finish_non_exhaustive()
    }
}
