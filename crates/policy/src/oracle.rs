//! Cedar's own evaluator on the facts of one access: what defines the right result.

use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};

use crate::action::Action;
use crate::engine::program::Outcome;
use crate::facts::Facts;

/// Stack with which any policy within the bounds can be evaluated.
const STACK_LEFT: usize = 1 << 20;
/// Stack that a thread with less gets.
const STACK_LEN: usize = 4 << 20;

/// What Cedar says. Where a forbid holds, it names no permits.
pub(crate) fn evaluate(policies: &PolicySet, facts: &Facts) -> Result<Outcome, String> {
    // WHY: with little stack left, Cedar errs, and the decision would depend on the caller.
    stacker::maybe_grow(STACK_LEFT, STACK_LEN, || {
        let (request, entities) = cedar_input(facts)?;
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        let mut determining: Vec<_> =
            response.diagnostics().reason().map(ToString::to_string).collect();
        determining.sort();
        let mut erred: Vec<_> = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                error.policy_id().to_string()
            })
            .collect();
        erred.sort();
        Ok(match response.decision() {
            Decision::Allow => Outcome { permits: determining, forbids: Vec::new(), erred },
            Decision::Deny => Outcome { permits: Vec::new(), forbids: determining, erred },
        })
    })
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
