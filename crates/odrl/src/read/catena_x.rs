//! The left operands of the Catena-X profile (2025-09).

use std::collections::BTreeSet;

use dataspace_policy::{Action, Constraint, Legal};
use dataspace_primitives::Name;

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused};
use crate::names::{Comparison, Term};
use crate::read::comparison::{self, Answer};
use crate::read::place::Place;
use crate::read::shape::{Atomic, Shape};
use crate::read::time;
use crate::read::value;

/// What a left operand of Catena-X means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A credential, an attribute or a purpose of the consumer decides.
    Fact,
    /// A fact decides, and its text in the profile demands more, such as deletion: it is a
    /// constraint and a legal clause.
    FactAndLaw,
    /// No fact answers it.
    Law,
    /// No fact answers it; it may be forbidden, too: a prohibition says to whom the data must not
    /// be passed on.
    Affiliates,
    /// It says what is forbidden, and stands in prohibitions alone.
    Restriction,
    /// No fact answers it; it may stand in an obligation, too.
    Provision,
}

use Meaning::{Affiliates, Fact as Known, FactAndLaw, Law, Provision, Restriction};

const OPERANDS: [(&str, Meaning); 29] = [
    ("AffiliatesBpnl", Affiliates),
    ("AffiliatesRegion", Affiliates),
    ("BusinessPartnerGroup", Known),
    ("BusinessPartnerNumber", Known),
    ("ConfidentialInformationMeasures", Law),
    ("ConfidentialInformationSharing", Law),
    ("ContractReference", Law),
    ("ContractTermination", Law),
    ("DataFrequency", FactAndLaw),
    ("DataProvisioningEndDate", Provision),
    ("DataProvisioningEndDurationDays", Provision),
    ("DataUsageEndDate", FactAndLaw),
    ("DataUsageEndDefinition", Law),
    ("DataUsageEndDurationDays", FactAndLaw),
    ("ExclusiveUsage", Law),
    ("FrameworkAgreement", Known),
    ("JurisdictionLocation", Law),
    ("JurisdictionLocationReference", Law),
    ("Liability", Law),
    ("ManagedLegalEntityBpnl", Law),
    ("ManagedLegalEntityRegion", Law),
    ("Membership", Known),
    ("Precedence", Law),
    ("UsagePurpose", Known),
    ("UsageRestriction", Restriction),
    ("VersionChanges", Law),
    ("Warranty", Law),
    ("WarrantyDefinition", Law),
    ("WarrantyDurationMonths", Law),
];

/// The actions that a value of `UsageRestriction` forbids by its text in the profile, as far as
/// they are told apart.
const RESTRICTIONS: [(&str, &[Action]); 3] = [
    ("cx.thirdParty.forbidden:1", &[Action::Display, Action::Play, Action::Share]),
    ("cx.manipulation.forbidden:1", &[Action::Derive]),
    ("cx.derivations.forbidden:1", &[Action::Derive]),
];

/// The name in the profile, if the term is one of its operands.
pub(crate) fn operand(term: Term<'_>) -> Option<&'static str> {
    let (Term::Plain(name)
    | Term::CatenaX(name)
    | Term::TractusX(name @ ("BusinessPartnerGroup" | "BusinessPartnerNumber"))
    | Term::Edc(name @ ("BusinessPartnerGroup" | "BusinessPartnerNumber"))) = term
    else {
        return None;
    };
    OPERANDS.into_iter().map(|(known, _)| known).find(|known| *known == name)
}

/// What the operands of earlier profiles ask for: `BpnCredential`, `Dismantler` and
/// `FrameworkAgreement.pcf`, each `eq active`.
pub(crate) fn certified(name: &str) -> Option<Answer> {
    let active = || "active".parse().ok();
    if name == "Dismantler" {
        return Some(Answer::Having("DismantlerCredential".parse().ok()?, active()?));
    }
    if let Some(framework) = name.strip_prefix("FrameworkAgreement.")
        && !framework.is_empty()
    {
        return comparison::attribute(name);
    }
    let is_credential = name.strip_suffix("Credential").is_some_and(|kind| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if is_credential { Some(Answer::Having(name.parse().ok()?, active()?)) } else { None }
}

fn meaning(name: &str) -> Option<Meaning> {
    OPERANDS.into_iter().find(|(known, _)| *known == name).map(|(_, found)| found)
}

/// Reads a comparison of this operand. `None` if it binds by law alone.
pub(crate) fn read<'a>(
    name: &'static str,
    atomic: &Atomic<'a>,
    place: &mut Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    let meaning = meaning(name);
    if meaning == Some(Restriction) {
        return Err(atomic.left.error(OdrlErrorKind::UnknownOperand).because(
            "UsageRestriction says what is forbidden; let it stand in a prohibition of `use`, \
             joined with nothing but other restrictions",
        ));
    }
    let constraint = match meaning {
        Some(Known | FactAndLaw) => fact(name, atomic)?,
        _ => None,
    };
    if meaning != Some(Known) {
        place.keep(atomic.at, comparison::law(own(name, atomic)?, atomic)?)?;
    }
    Ok(constraint)
}

/// What an obligation `use` says: until when the provider provides.
pub(crate) fn provision<'a>(atomic: &Atomic<'a>) -> Result<Legal, Refused<'a>> {
    let name = operand(atomic.left.term()?).filter(|name| meaning(name) == Some(Provision));
    match name {
        Some(name) => comparison::law(own(name, atomic)?, atomic),
        None => Err(atomic.left.error(OdrlErrorKind::UnknownOperand).because(
            "an obligation `use` says until when data are provided (DataProvisioningEndDate, \
             DataProvisioningEndDurationDays); a condition on the use belongs into the permission",
        )),
    }
}

/// Reads a prohibition of `use` that consists of nothing but restrictions: each of them forbids
/// by itself, as the texts of the profile say. `None` for any other prohibition.
///
/// Returns the actions that are forbidden with it: passing on to affiliates is not told from
/// passing on to others.
pub(crate) fn restrictions<'a>(
    constraints: &[At<'a>],
    legal: &mut Vec<Legal>,
) -> Result<Option<BTreeSet<Action>>, Refused<'a>> {
    let mut all = Vec::new();
    for one in constraints {
        if !flatten(*one, &mut all)? {
            return Ok(None);
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let mut actions = BTreeSet::new();
    for (name, atomic) in all {
        let (operator, values) = comparison::spelt(&atomic)?;
        if meaning(name) == Some(Affiliates) {
            actions.insert(Action::Share);
        } else {
            let forbidden =
                |value: &Name| RESTRICTIONS.iter().find(|(known, _)| *known == value.as_str());
            actions.extend(values.iter().filter_map(forbidden).flat_map(|(_, actions)| *actions));
        }
        let operand = own(name, &atomic)?;
        legal.push(Legal::Forbidden { operand, operator, values });
    }
    Ok(Some(actions))
}

/// The restrictions of plain `and`s, in their order. `false` if there is anything else.
fn flatten<'a>(at: At<'a>, all: &mut Vec<(&'static str, Atomic<'a>)>) -> Result<bool, Refused<'a>> {
    match Shape::of(at)? {
        Shape::Atomic(atomic) => {
            let name = operand(atomic.left.term()?);
            let name = name.filter(|name| matches!(meaning(name), Some(Affiliates | Restriction)));
            all.extend(name.map(|name| (name, atomic)));
            Ok(name.is_some())
        }
        Shape::And(items) => {
            for item in items {
                if !flatten(item, all)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The operand as a legal clause names it.
fn own<'a>(name: &str, atomic: &Atomic<'a>) -> Result<Name, Refused<'a>> {
    let unknown = |_| atomic.left.error(OdrlErrorKind::UnknownOperand);
    format!("cx-policy:{name}").parse().map_err(unknown)
}

fn fact<'a>(name: &str, atomic: &Atomic<'a>) -> Result<Option<Constraint>, Refused<'a>> {
    let right = atomic.right;
    let own = |text: &str| {
        text.parse::<Name>().map_err(|_| atomic.left.error(OdrlErrorKind::UnknownOperand))
    };
    let attribute = |name: &str| {
        let (name, values) = (own(name)?, any_of(atomic)?);
        Ok(Some(Constraint::Attribute { name, values }))
    };
    match name {
        "UsagePurpose" => Ok(Some(Constraint::Purpose(any_of(atomic)?))),
        "FrameworkAgreement" => attribute("FrameworkAgreement"),
        "BusinessPartnerGroup" => attribute("BusinessPartnerGroup"),
        "BusinessPartnerNumber" => attribute("bpn"),
        "Membership" => {
            if any_of(atomic)?.iter().any(|value| value.as_str() != "active") {
                return Err(right.expected("active"));
            }
            let credential = own("MembershipCredential")?;
            Ok(Some(Constraint::Credential(BTreeSet::from([credential]))))
        }
        _ if atomic.comparison()? != Comparison::Eq => Err(atomic.refused()),
        "DataUsageEndDate" => Ok(Some(Constraint::Before(time::end(value::single(right)?)?))),
        "DataUsageEndDurationDays" => {
            let days: u64 = value::integer(value::single(right)?)?;
            let secs = days.checked_mul(86_400).ok_or_else(|| right.expected("fewer days"))?;
            Ok(Some(Constraint::Elapsed(secs)))
        }
        "DataFrequency" => match value::name(value::single(right)?)?.as_str() {
            "cx.dataFrequency.once:1" => Ok(Some(Constraint::Count(1))),
            "cx.dataFrequency.unlimited:1" => Ok(None),
            _ => Err(right.expected("cx.dataFrequency.once:1 or cx.dataFrequency.unlimited:1")),
        },
        _ => Ok(None),
    }
}

/// The values of `eq` and `isAnyOf`.
// WHY: not `isNoneOf`. A partner without a business partner number would pass it, and so would
// one in several groups whose credential names only one.
fn any_of<'a>(atomic: &Atomic<'a>) -> Result<BTreeSet<Name>, Refused<'a>> {
    let right = atomic.right;
    match atomic.comparison()? {
        Comparison::Eq => Ok(BTreeSet::from([value::name(value::single(right)?)?])),
        Comparison::IsAnyOf => value::set(right, value::name),
        _ => Err(atomic.refused()),
    }
}
