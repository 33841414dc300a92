//! Cedar's own evaluator on the facts of one access: what defines the right result.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    ParseErrors, Policy, PolicyId, PolicySet, Request, RestrictedExpression as Expression,
};
use dataspace_primitives::{Name, UnixMillis};

use crate::action::Action;
use crate::engine::entity::{
    ACTION, CONTRACT, ENVIRONMENT, PARTICIPANT, PERSON, PRODUCT, ROLE, SPACE, TIME_ZONE,
};
use crate::engine::node::FactSet;
use crate::engine::shape::{Constants, Places, open_name};
use crate::facts::{Fact, Facts, Known, Owner, Person};
use crate::zone;

/// Stack with which any policy within the bounds can be evaluated.
const STACK_LEFT: usize = 1 << 20;
/// Stack that a thread with less gets.
const STACK_LEN: usize = 4 << 20;

/// The id as it is. Cedar's `Display` escapes it, and `it's` becomes another one.
pub(crate) fn raw(id: &PolicyId) -> String {
    AsRef::<str>::as_ref(id).to_owned()
}

/// What Cedar says: ids of policies, sorted. Where a forbid holds, it names no permits.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) permits: Vec<String>,
    pub(crate) forbids: Vec<String>,
    pub(crate) erred: Vec<String>,
}

/// The constants of the contract, for policies of a shape.
pub(crate) type Filling<'a> = Option<(&'a Places, Constants<'a>)>;

/// And what the policies look at: nothing else is put before Cedar, for speed. If they look at more
/// after all, Cedar errs.
pub(crate) type View<'a> = (Filling<'a>, FactSet);

pub(crate) fn evaluate(
    policies: &PolicySet,
    facts: &Facts<'_>,
    view: View<'_>,
) -> Result<Spoken, String> {
    // WHY: with little stack left, Cedar errs, and the decision would depend on the caller.
    stacker::maybe_grow(STACK_LEFT, STACK_LEN, || {
        let (request, entities) =
            cedar_input(policies, facts, view).map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        let mut determining: Vec<_> = response.diagnostics().reason().map(raw).collect();
        determining.sort();
        let mut erred: Vec<_> = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                raw(error.policy_id())
            })
            .collect();
        erred.sort();
        Ok(match response.decision() {
            Decision::Allow => Spoken { permits: determining, forbids: Vec::new(), erred },
            Decision::Deny => Spoken { permits: Vec::new(), forbids: determining, erred },
        })
    })
}

fn cedar_input(
    policies: &PolicySet,
    facts: &Facts<'_>,
    (filling, seen): View<'_>,
) -> Result<(Request, Entities), Box<dyn Error>> {
    // A shape has marks where the contract has its constants; so must the facts.
    let marked = |ty, id: &str| {
        let mark = filling.and_then(|(places, constants)| places.marked(ty, id, constants));
        mark.unwrap_or_else(|| id.to_owned())
    };
    let (participant, product) =
        (marked(PARTICIPANT, facts.participant), marked(PRODUCT, facts.product));
    let contract = marked(CONTRACT, facts.contract);
    let person = facts.person.map(|person| (marked(PERSON, person.id), person.roles));
    let facts = &Facts {
        participant: &participant,
        product: &product,
        contract: &contract,
        person: person.as_ref().map(|(id, roles)| Person { id, roles }),
        ..*facts
    };
    let principal = uid(PARTICIPANT, facts.participant)?;
    let action = uid(ACTION, Action::as_str(facts.action))?;
    let resource = uid(PRODUCT, facts.product)?;
    let entities = Entities::from_entities(entities(policies, facts, seen)?, None)?;
    let mut context = context(facts, seen)?;
    if let Some((places, constants)) = filling {
        for place in places.times() {
            let at = constants.time(place).and_then(|at| u64::try_from(at).ok());
            let at = at.and_then(UnixMillis::new).ok_or("an instant out of range")?;
            context.push((open_name(place), Expression::new_datetime(at.to_string())));
        }
    }
    let context = Context::from_pairs(context)?;
    Ok((Request::new(principal, action, resource, context, None)?, entities))
}

fn entities(
    policies: &PolicySet,
    facts: &Facts<'_>,
    seen: FactSet,
) -> Result<Vec<Entity>, Box<dyn Error>> {
    let roles = |roles: &BTreeSet<Name>| {
        roles.iter().map(|role| uid(ROLE, role.as_str())).collect::<Result<HashSet<_>, _>>()
    };
    let tags =
        facts.attributes.iter().map(|(name, value)| (name.to_string(), text(value.as_str())));
    let mut all = vec![
        Entity::new_with_tags(
            uid(PARTICIPANT, facts.participant)?,
            attributes(facts, Owner::Principal)?,
            roles(facts.roles)?,
            tags,
        )?,
        Entity::new(
            uid(PRODUCT, facts.product)?,
            attributes(facts, Owner::Resource)?.into_iter().collect(),
            [].into(),
        )?,
    ];
    if seen.contains(Fact::Contract) {
        let attributes = attributes(facts, Owner::Contract)?;
        let tags = facts.vouched.iter().map(|(kind, says)| (kind.to_string(), text(says.as_str())));
        let contract = uid(CONTRACT, facts.contract)?;
        all.push(Entity::new_with_tags(contract, attributes, [], tags)?);
    }
    if let Some(person) = &facts.person {
        let roles = roles(person.roles)?;
        all.push(Entity::new(uid(PERSON, person.id)?, HashMap::new(), roles)?);
    }
    if let Some(one) = &facts.environment {
        let attributes = attributes(facts, Owner::Environment)?.into_iter().collect();
        all.push(Entity::new(uid(ENVIRONMENT, one.id)?, attributes, [].into())?);
    }
    if seen.has_zones() {
        let zone_type = type_name(TIME_ZONE)?;
        let literals = policies.policies().flat_map(Policy::entity_literals);
        let zones: BTreeSet<_> = literals.filter(|uid| *uid.type_name() == zone_type).collect();
        for uid in zones {
            let Some(local) = zone::local(uid.id().unescaped(), facts.now) else { continue };
            let attributes = [
                ("weekday".to_owned(), Expression::new_long(local.weekday)),
                ("minute".to_owned(), Expression::new_long(local.minute)),
            ];
            all.push(Entity::new(uid, attributes.into(), [].into())?);
        }
    }
    Ok(all)
}

/// What is known of the owner.
fn attributes(
    facts: &Facts<'_>,
    owner: Owner,
) -> Result<Vec<(String, Expression)>, Box<dyn Error>> {
    let own = Fact::ALL.iter().filter(|fact| fact.owner() == owner);
    let known = own.filter_map(|fact| Some((fact.name(), facts.known(*fact)?)));
    known.map(|(name, known)| Ok((name.to_owned(), expression(known)?))).collect()
}

fn context(facts: &Facts<'_>, seen: FactSet) -> Result<Vec<(String, Expression)>, Box<dyn Error>> {
    let of_context = Fact::ALL.iter().filter(|fact| fact.owner() == Owner::Context);
    let seen = of_context.filter(|fact| fact.is_optional() || seen.contains(**fact));
    let known = seen.filter_map(|fact| Some((fact.name(), facts.known(*fact)?)));
    known.map(|(name, known)| Ok((name.to_owned(), expression(known)?))).collect()
}

fn expression(known: Known<'_>) -> Result<Expression, Box<dyn Error>> {
    Ok(match known {
        Known::Text(value) => text(value),
        Known::Texts(values) => {
            Expression::new_set(values.iter().map(|value| text(value.as_str())))
        }
        Known::Number(number) => Expression::new_long(i64::try_from(number)?),
        Known::Instant(at) => Expression::new_datetime(at.to_string()),
        Known::Flag(flag) => Expression::new_bool(flag),
        Known::Entity { ty, id } => Expression::new_entity_uid(uid(ty, id)?),
    })
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_owned())
}

/// Cedar parses the name of a type with its whole grammar; once is enough.
static TYPES: LazyLock<Result<HashMap<&str, EntityTypeName>, String>> = LazyLock::new(|| {
    let all = [PARTICIPANT, PERSON, ROLE, ACTION, PRODUCT, CONTRACT, SPACE, ENVIRONMENT, TIME_ZONE];
    let types = all.into_iter().map(|name| Ok((name, EntityTypeName::from_str(name)?)));
    types.collect::<Result<_, Box<ParseErrors>>>().map_err(|error| error.to_string())
});

fn type_name(name: &str) -> Result<EntityTypeName, Box<dyn Error>> {
    let types = TYPES.as_ref().map_err(String::as_str)?;
    Ok(types.get(name).ok_or("a type that the schema does not have")?.clone())
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Box<dyn Error>> {
    Ok(EntityUid::from_type_name_and_id(type_name(entity_type)?, EntityId::new(id)))
}
