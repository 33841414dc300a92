//! The decision on one access: the contract's own policies and the space's forbids, in Cedar.

use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, Request, Response, RestrictedExpression,
};
use dataspace_primitives::Digest;

use crate::action::Action;
use crate::clause::ClauseKind;
use crate::decision::{Decision, Denial, Grounds, Reason};
use crate::facts::Facts;
use crate::policies::{InvalidPolicies, Layer, Policies};
use crate::terms::Terms;
use crate::words;

/// Stack with which any policy within the bounds can be evaluated.
const STACK_LEFT: usize = 1 << 20;
/// Stack that a thread with less gets for a decision.
const STACK_LEN: usize = 4 << 20;

/// A contract's policies, ready to decide. Built once, when the contract becomes active.
#[derive(Debug)]
pub struct Program {
    policies: Policies,
    terms: Terms,
}

impl Program {
    /// Takes in the Cedar text that both parties signed. The text decides; the terms serve to
    /// explain denials.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn new(text: &str, terms: Terms) -> Result<Self, InvalidPolicies> {
        Ok(Self { policies: Policies::parse(text, Layer::Contract)?, terms })
    }

    /// The SHA-256 of the Cedar text that decides.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.policies.digest()
    }

    /// The terms that explain.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Decides by this contract and the space's forbids alone: permitted if the contract permits,
    /// nobody forbids and **no policy errs**. (Cedar by itself skips policies that err, forbids
    /// too.)
    pub fn decide(&self, facts: &Facts, space: &Policies) -> Decision {
        // WHY: with little stack left, Cedar errs, and the decision would depend on the caller.
        stacker::maybe_grow(STACK_LEFT, STACK_LEN, || self.decide_here(facts, space))
    }

    fn decide_here(&self, facts: &Facts, space: &Policies) -> Decision {
        let (request, entities) = match cedar_input(facts) {
            Ok(input) => input,
            Err(message) => return deny(vec![Reason::Facts { message }]),
        };
        let authorizer = Authorizer::new();
        let by_contract = authorizer.is_authorized(&request, &self.policies.set, &entities);
        let by_space = authorizer.is_authorized(&request, &space.set, &entities);

        let mut reasons: Vec<_> = errors(&by_contract).chain(errors(&by_space)).collect();
        // The space's policies are all forbids, so the ones that determine are the ones that hold.
        reasons.extend(
            sorted_ids(&by_space).into_iter().map(|policy| Reason::ForbiddenBySpace { policy }),
        );
        if by_contract.decision() == CedarDecision::Deny {
            let forbids = sorted_ids(&by_contract);
            if forbids.is_empty() {
                reasons.extend(self.near_misses(facts));
            }
            reasons.extend(forbids.into_iter().map(|clause| Reason::Prohibited { clause }));
            if reasons.is_empty() {
                reasons.push(Reason::NotCovered { action: facts.action });
            }
        }
        if reasons.is_empty() {
            Decision::Permit(Grounds { policies: sorted_ids(&by_contract) })
        } else {
            deny(reasons)
        }
    }

    /// For each permission of this action, the conditions that do not hold.
    fn near_misses(&self, facts: &Facts) -> Vec<Reason> {
        let permissions = self.terms.rules().filter(|(id, rule)| {
            id.kind == ClauseKind::Permission && rule.actions.contains(&facts.action)
        });
        permissions
            .flat_map(|(id, rule)| rule.constraints.iter().map(move |one| (id, one)))
            .filter_map(|(id, constraint)| {
                let (demand, fact) = words::unmet(constraint, facts)?;
                Some(Reason::Unmet { clause: id.to_string(), demand, fact })
            })
            .collect()
    }
}

fn deny(reasons: Vec<Reason>) -> Decision {
    Decision::Deny(Denial { reasons })
}

fn sorted_ids(response: &Response) -> Vec<String> {
    let mut ids: Vec<_> = response.diagnostics().reason().map(ToString::to_string).collect();
    ids.sort();
    ids
}

fn errors(response: &Response) -> impl Iterator<Item = Reason> {
    let mut policies: Vec<_> = response
        .diagnostics()
        .errors()
        .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
            error.policy_id().to_string()
        })
        .collect();
    policies.sort();
    policies.into_iter().map(|policy| Reason::PolicyError { policy })
}

fn cedar_input(facts: &Facts) -> Result<(Request, Entities), String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let string = |value: &str| RestrictedExpression::new_string(value.to_owned());

    let principal = uid("Dataspace::Participant", &facts.participant)?;
    let action = uid("Dataspace::Action", Action::as_str(facts.action))?;
    let resource = uid("Dataspace::Product", facts.product.as_str())?;

    let region = string(&facts.region.to_string());
    let roles = RestrictedExpression::new_set(facts.roles.iter().map(|role| string(role.as_str())));
    let participant = [("region".to_owned(), region), ("roles".to_owned(), roles)];
    let product = [("class".to_owned(), string(facts.product_class.as_str()))];
    let entities = Entities::from_entities(
        [
            Entity::new(principal.clone(), participant.into(), [].into())
                .map_err(|error| text(&error))?,
            Entity::new(resource.clone(), product.into(), [].into())
                .map_err(|error| text(&error))?,
        ],
        None,
    )
    .map_err(|error| text(&error))?;

    let uses = i64::try_from(facts.uses).map_err(|error| text(&error))?;
    let context = Context::from_pairs([
        ("now".to_owned(), RestrictedExpression::new_datetime(facts.now.to_string())),
        ("purpose".to_owned(), string(facts.purpose.as_str())),
        ("uses".to_owned(), RestrictedExpression::new_long(uses)),
    ])
    .map_err(|error| text(&error))?;
    let request =
        Request::new(principal, action, resource, context, None).map_err(|error| text(&error))?;
    Ok((request, entities))
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, String> {
    let entity_type = EntityTypeName::from_str(entity_type).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(entity_type, EntityId::new(id)))
}
