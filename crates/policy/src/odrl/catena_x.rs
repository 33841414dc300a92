//! The left operands of the Catena-X profile (2025-09).

use std::collections::BTreeSet;

use dataspace_primitives::Name;

use crate::constraint::Constraint;
use crate::terms::Legal;

use super::constraint::{Atomic, Place};
use super::error::{OdrlError, OdrlErrorKind};
use super::names::{Comparison, Term};
use super::value;

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
    /// No fact answers it; it may stand in an obligation, too.
    Provision,
}

use Meaning::{Fact, FactAndLaw, Law, Provision};

const OPERANDS: [(&str, Meaning); 28] = [
    ("AffiliatesBpnl", Law),
    ("AffiliatesRegion", Law),
    ("BusinessPartnerGroup", Fact),
    ("BusinessPartnerNumber", Fact),
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
    ("FrameworkAgreement", Fact),
    ("JurisdictionLocation", Law),
    ("JurisdictionLocationReference", Law),
    ("Liability", Law),
    ("ManagedLegalEntityBpnl", Law),
    ("ManagedLegalEntityRegion", Law),
    ("Membership", Fact),
    ("Precedence", Law),
    ("UsagePurpose", Fact),
    ("VersionChanges", Law),
    ("Warranty", Law),
    ("WarrantyDefinition", Law),
    ("WarrantyDurationMonths", Law),
];

/// The name in the profile, if the term is one of its operands.
pub(super) fn operand(term: Term<'_>) -> Option<&'static str> {
    let (Term::Plain(name) | Term::CatenaX(name)) = term else { return None };
    OPERANDS.into_iter().map(|(known, _)| known).find(|known| *known == name)
}

/// Reads a comparison of this operand. `None` if it binds by law alone.
pub(super) fn read(
    name: &'static str,
    atomic: &Atomic<'_>,
    place: &mut Place<'_>,
) -> Result<Option<Constraint>, OdrlError> {
    let meaning = OPERANDS.into_iter().find(|(known, _)| *known == name).map(|(_, found)| found);
    let constraint = match meaning {
        Some(Fact | FactAndLaw) => fact(name, atomic)?,
        _ => None,
    };
    if meaning != Some(Fact) {
        place.keep(&atomic.at, clause(name, atomic)?)?;
    }
    Ok(constraint)
}

/// What an obligation `use` says: until when the provider provides.
pub(super) fn provision(atomic: &Atomic<'_>) -> Result<Legal, OdrlError> {
    let name = operand(Term::of(atomic.left.id()?));
    match name.filter(|name| OPERANDS.contains(&(*name, Provision))) {
        Some(name) => clause(name, atomic),
        None => Err(atomic.left.error(OdrlErrorKind::UnknownOperand)),
    }
}

fn clause(name: &str, atomic: &Atomic<'_>) -> Result<Legal, OdrlError> {
    let at = &atomic.left;
    let unknown = |_| at.error(OdrlErrorKind::UnknownOperand);
    let operator = atomic.comparison()?;
    let values: Vec<Name> = match operator {
        Comparison::Eq => vec![value::any_text(&value::single(&atomic.right)?)?],
        Comparison::IsAnyOf | Comparison::IsAllOf => {
            atomic.right.items().iter().map(value::any_text).collect::<Result<_, _>>()?
        }
        _ => return atomic.refused(),
    };
    if values.is_empty() {
        return Err(atomic.right.expected("at least one value"));
    }
    Ok(Legal::Operand {
        operand: format!("cx-policy:{name}").parse().map_err(unknown)?,
        operator: operator.as_str().parse().map_err(unknown)?,
        values,
    })
}

fn fact(name: &str, atomic: &Atomic<'_>) -> Result<Option<Constraint>, OdrlError> {
    let right = &atomic.right;
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
        _ if atomic.comparison()? != Comparison::Eq => atomic.refused(),
        "DataUsageEndDate" => Ok(Some(Constraint::Before(value::instant(&value::single(right)?)?))),
        "DataUsageEndDurationDays" => {
            let days: u64 = value::integer(&value::single(right)?)?;
            let secs = days.checked_mul(86_400).ok_or_else(|| right.expected("fewer days"))?;
            Ok(Some(Constraint::Elapsed(secs)))
        }
        "DataFrequency" => match value::name(&value::single(right)?)?.as_str() {
            "cx.dataFrequency.once:1" => Ok(Some(Constraint::Count(1))),
            "cx.dataFrequency.unlimited:1" => Ok(None),
            _ => Err(right.expected("cx.dataFrequency.once:1 or cx.dataFrequency.unlimited:1")),
        },
        _ => Ok(None),
    }
}

/// The values of `eq` and `isAnyOf`.
// WHY: not `isNoneOf`. A partner without a business partner number would pass it.
fn any_of(atomic: &Atomic<'_>) -> Result<BTreeSet<Name>, OdrlError> {
    let right = &atomic.right;
    match atomic.comparison()? {
        Comparison::Eq => Ok(BTreeSet::from([value::name(&value::single(right)?)?])),
        Comparison::IsAnyOf => value::set(right, value::name),
        _ => atomic.refused(),
    }
}
