//! The policy object and its rules.

use std::collections::BTreeSet;

use dataspace_primitives::UnixMillis;
use serde_json::{Value, json};

use crate::action::Action;
use crate::clause::{ClauseId, ClauseKind};
use crate::terms::{Rule, Terms};

use super::constraint::{self, Atomic, Place, Shape, atomic};
use super::error::{OdrlError, OdrlErrorKind};
use super::json::{self, At, Json};
use super::names::{self, Comparison, Term};
use super::{ODRL_NAMESPACE, OdrlKind, OdrlPolicy, obligation, value};

/// Context of the Dataspace Protocol.
const CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";

/// Contexts that give the terms the meaning that this reader gives them.
const CONTEXTS: [&str; 5] = [
    CONTEXT,
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld",
    "http://www.w3.org/ns/odrl.jsonld",
    "https://w3id.org/catenax/2025/9/policy/odrl.jsonld",
    "https://w3id.org/catenax/2025/9/policy/context.jsonld",
];

const DSPACE: &str = "https://w3id.org/dspace/2025/1/";

pub(super) fn read(text: &str) -> Result<OdrlPolicy, OdrlError> {
    let json = json::parse(text)?;
    let root = At { json: &json, pointer: String::new() };
    let (mut permission, mut prohibition, mut obligation) = (None, None, None);
    let mut profiles = None;
    let mut policy = OdrlPolicy::default();
    for (name, at) in root.members()? {
        let term = Term::of(name);
        let is_repeated = match (name, term.odrl()) {
            ("@context", _) => {
                at.items().iter().try_for_each(context)?;
                false
            }
            ("@id", _) => policy.id.replace(at.id()?.to_owned()).is_some(),
            ("@type", _) => policy.kind.replace(kind(&at)?).is_some(),
            (_, Some("profile")) => {
                at.items().iter().try_for_each(profile)?;
                profiles.replace(at.clone()).is_some()
            }
            (_, Some("permission")) => permission.replace(at.clone()).is_some(),
            (_, Some("prohibition")) => prohibition.replace(at.clone()).is_some(),
            (_, Some("obligation")) => obligation.replace(at.clone()).is_some(),
            (_, Some("target")) => policy.target.replace(at.id()?.to_owned()).is_some(),
            (_, Some("assigner")) => policy.assigner.replace(at.id()?.to_owned()).is_some(),
            (_, Some("assignee")) => policy.assignee.replace(at.id()?.to_owned()).is_some(),
            (_, Some("timestamp")) => timestamp(&mut policy, &at)?,
            _ if name.strip_prefix("dspace:").or(name.strip_prefix(DSPACE))
                == Some("timestamp") =>
            {
                timestamp(&mut policy, &at)?
            }
            _ => return Err(at.error(OdrlErrorKind::UnknownMember)),
        };
        if is_repeated {
            return Err(at.error(OdrlErrorKind::DuplicateMember));
        }
    }
    let Terms { permissions, prohibitions, duties, legal } = &mut policy.terms;
    let permission = items(permission);
    let is_only = permission.len() == 1;
    for (at, number) in permission.iter().zip(1..) {
        let place = if is_only { Place::Permission(legal) } else { Place::OneOfSeveral };
        let clause = ClauseId { kind: ClauseKind::Permission, number };
        let (rule, duty) = rule(at, clause, place)?;
        permissions.push(rule);
        for duty in items(duty) {
            if !is_only {
                return Err(duty.error(OdrlErrorKind::Scope));
            }
            obligation::read(&duty, duties, legal)?;
        }
    }
    for (at, number) in items(prohibition).iter().zip(1..) {
        let clause = ClauseId { kind: ClauseKind::Prohibition, number };
        let (rule, duty) = rule(at, clause, Place::Inside)?;
        if let Some(duty) = duty {
            return Err(duty.error(OdrlErrorKind::UnknownMember));
        }
        prohibitions.push(rule);
    }
    for at in items(obligation) {
        obligation::read(&at, duties, legal)?;
    }
    policy.terms.check().map_err(|error| root.error(OdrlErrorKind::Terms(error)))?;
    Ok(policy)
}

fn timestamp(policy: &mut OdrlPolicy, at: &At<'_>) -> Result<bool, OdrlError> {
    let found: UnixMillis = value::instant(at)?;
    Ok(policy.timestamp.replace(found).is_some())
}

fn context(at: &At<'_>) -> Result<(), OdrlError> {
    if let Json::Text(text) = at.json {
        let is_known = CONTEXTS.contains(&text.as_str());
        return if is_known { Ok(()) } else { Err(at.error(OdrlErrorKind::UnknownContext)) };
    }
    for (prefix, at) in at.members()? {
        let iri = at.text()?;
        let is_known = match prefix {
            "odrl" => iri == names::ODRL,
            "dataspace" => iri == ODRL_NAMESPACE,
            "xsd" => iri == names::XSD,
            "dspace" => iri == DSPACE,
            "cx-policy" => names::CATENA_X.contains(&iri),
            _ => false,
        };
        if !is_known {
            return Err(at.error(OdrlErrorKind::UnknownContext));
        }
    }
    Ok(())
}

fn profile(at: &At<'_>) -> Result<(), OdrlError> {
    match Term::of(at.id()?) {
        Term::Own("") | Term::CatenaX("" | "profile2405") => Ok(()),
        _ => Err(at.error(OdrlErrorKind::UnknownProfile)),
    }
}

fn kind(at: &At<'_>) -> Result<OdrlKind, OdrlError> {
    match Term::of(at.text()?).odrl() {
        Some("Set") => Ok(OdrlKind::Set),
        Some("Offer") => Ok(OdrlKind::Offer),
        Some("Agreement") => Ok(OdrlKind::Agreement),
        _ => Err(at.error(OdrlErrorKind::UnknownType)),
    }
}

fn items(at: Option<At<'_>>) -> Vec<At<'_>> {
    at.map(|at| at.items()).unwrap_or_default()
}

/// A permission or prohibition, and its member `duty`.
fn rule<'a>(
    at: &At<'a>,
    clause: ClauseId,
    mut place: Place<'_>,
) -> Result<(Rule, Option<At<'a>>), OdrlError> {
    let (mut actions, mut constraints, mut duty) = (None, None, None);
    let is_prohibition = clause.kind == ClauseKind::Prohibition;
    for (name, member) in at.members()? {
        let term = Term::of(name);
        let is_repeated = match (name, term.odrl()) {
            ("@type", _) => {
                let kind = if is_prohibition { "Prohibition" } else { "Permission" };
                if Term::of(member.text()?).odrl() != Some(kind) {
                    return Err(member.error(OdrlErrorKind::UnknownType));
                }
                false
            }
            (_, Some("action")) => actions.replace(actions_of(&member)?).is_some(),
            (_, Some("constraint")) => constraints.replace(member.items()).is_some(),
            (_, Some("duty")) => duty.replace(member.clone()).is_some(),
            _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
        };
        if is_repeated {
            return Err(member.error(OdrlErrorKind::DuplicateMember));
        }
    }
    let missing = OdrlErrorKind::Missing { member: "action" };
    let mut rule = Rule::new(actions.ok_or_else(|| at.error(missing))?);
    let mut has_actions = false;
    for item in constraints.unwrap_or_default() {
        match Shape::of(&item)? {
            Shape::Atomic(atomic) if Term::of(atomic.left.id()?) == Term::Own("action") => {
                let is_every_use = rule.actions.len() == Action::ALL.len();
                if has_actions || !is_every_use {
                    return Err(atomic.left.error(OdrlErrorKind::UnknownOperand));
                }
                has_actions = true;
                rule.actions = some_actions(&atomic)?;
            }
            _ => rule.constraints.extend(constraint::read(&item, &mut place)?),
        }
    }
    rule.check(clause).map_err(|error| at.error(OdrlErrorKind::Terms(error)))?;
    Ok((rule, duty))
}

fn actions_of(at: &At<'_>) -> Result<BTreeSet<Action>, OdrlError> {
    let mut all = BTreeSet::new();
    for item in at.items() {
        let found = names::actions(item.id()?);
        all.extend(found.ok_or_else(|| item.error(OdrlErrorKind::UnknownAction))?);
    }
    Ok(all)
}

/// `use`, narrowed to some actions: the Dataspace Protocol has one action in a rule.
fn some_actions(atomic: &Atomic<'_>) -> Result<BTreeSet<Action>, OdrlError> {
    let items = match atomic.comparison()? {
        Comparison::Eq => vec![value::single(&atomic.right)?],
        Comparison::IsAnyOf => atomic.right.items(),
        _ => return atomic.refused(),
    };
    let mut all = BTreeSet::new();
    for item in items {
        let found = names::actions(value::name(&item)?.as_str());
        all.extend(found.ok_or_else(|| item.error(OdrlErrorKind::UnknownAction))?);
    }
    Ok(all)
}

/// What [`read`] reads as just these terms.
pub(super) fn write(terms: &Terms) -> Value {
    let mut policy = json!({
        "@context": [CONTEXT, {
            "dataspace": ODRL_NAMESPACE,
            "odrl": names::ODRL,
            "xsd": names::XSD,
        }],
        "@type": "Set",
        "profile": ODRL_NAMESPACE,
    });
    let rules = |rules: &[Rule]| rules.iter().map(of_rule).collect::<Vec<_>>();
    let obligations = terms.duties.iter().map(obligation::of_duty);
    let obligations = obligations.chain(terms.legal.iter().map(obligation::of_legal)).collect();
    let lists = [
        ("permission", rules(&terms.permissions)),
        ("prohibition", rules(&terms.prohibitions)),
        ("obligation", obligations),
    ];
    if let Some(policy) = policy.as_object_mut() {
        for (name, list) in lists {
            if !list.is_empty() {
                policy.insert(name.to_owned(), Value::Array(list));
            }
        }
    }
    policy
}

fn of_rule(rule: &Rule) -> Value {
    let terms: Vec<_> = rule.actions.iter().map(|action| names::action_term(*action)).collect();
    let (action, narrowed) = match terms.as_slice() {
        [one] => (*one, None),
        terms if terms.len() == Action::ALL.len() => ("use", None),
        terms => ("use", Some(atomic("dataspace:action", "isAnyOf", &json!(terms)))),
    };
    let constraints = rule.constraints.iter().map(constraint::write);
    let constraints: Vec<_> = narrowed.into_iter().chain(constraints).collect();
    if constraints.is_empty() {
        json!({ "action": action })
    } else {
        json!({ "action": action, "constraint": constraints })
    }
}
