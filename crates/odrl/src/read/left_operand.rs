//! What a left operand stands for.

use dataspace_policy::Constraint;

use crate::error::{OdrlErrorKind, Refused, shown};
use crate::names::{Term, percent_decoded};
use crate::operands::{OperandFact, OwnOperand};
use crate::read::catena_x;
use crate::read::comparison::{Fact, attribute, law, of_fact};
use crate::read::place::Place;
use crate::read::shape::Atomic;

/// Whether this reader knows the left operand by itself.
pub(crate) fn is_known(term: Term<'_>) -> bool {
    let is_own = matches!(term, Term::Own(_)) || term.odrl() == Some("recipient");
    is_own || catena_x::operand(term).is_some() || fact(term).is_some()
}

/// The fact behind a left operand that this reader knows by itself.
fn fact(term: Term<'_>) -> Option<Fact> {
    let known = match term {
        Term::Plain(name) | Term::Odrl(name) => match name {
            "purpose" => Some(Fact::Purpose),
            "dateTime" => Some(Fact::Time),
            "elapsedTime" => Some(Fact::Elapsed),
            "count" => Some(Fact::Count),
            "spatial" => Some(Fact::RecipientRegion),
            "event" => Some(Fact::Event),
            "inForceDate" => Some(Fact::InForce),
            _ => None,
        },
        Term::Own(name) => own_fact(name),
        Term::Edc("inForceDate") => Some(Fact::InForce),
        _ => None,
    };
    // Of connectors before there were prefixes for them (EDC, sovity, Mobility Data Space).
    let of_connectors = match term {
        Term::Plain(name) | Term::Edc(name) | Term::Ids(name) => match name {
            "POLICY_EVALUATION_TIME" => Some(Fact::Time),
            "PURPOSE" => Some(Fact::Purpose),
            "ALWAYS_TRUE" => Some(Fact::Always),
            "REFERRING_CONNECTOR" => attribute("referringConnector"),
            _ => None,
        },
        _ => None,
    };
    let credentials = match term {
        Term::Plain(name) | Term::CatenaX(name) => catena_x::certified(name),
        _ => None,
    };
    known.or(of_connectors).or(credentials)
}

fn own_fact(name: &str) -> Option<Fact> {
    Some(match name {
        "consumerCount" => Fact::ConsumerCount,
        "dayCount" => Fact::DayCount,
        "monthCount" => Fact::MonthCount,
        "productLevel" => Fact::Level,
        "securityLevel" => Fact::SecurityLevel,
        "hours" => Fact::Hours,
        "jurisdiction" => Fact::Jurisdiction,
        "payment" => Fact::Payment,
        "participant" => Fact::Participant,
        "credential" => Fact::Credential,
        "role" => Fact::Role,
        "personRole" => Fact::PersonRole,
        "connector" => Fact::Connector,
        "application" => Fact::Application,
        "productClass" => Fact::Class,
        "state" => Fact::State,
        "attested" => Fact::Attested,
        "sandbox" => Fact::Sandbox,
        own => return attribute(&percent_decoded(own.strip_prefix("attribute/")?)?),
    })
}

/// Reads a comparison. `None` if it binds by law alone, or holds in any case.
pub(crate) fn read<'a>(
    atomic: &Atomic<'a>,
    place: &mut Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    let text = atomic.left.id()?;
    let term = atomic.left.names.term(text);
    if let Some(name) = catena_x::operand(term) {
        return catena_x::read(name, atomic, place);
    }
    if let Some(fact) = fact(term) {
        return of_fact(&fact, atomic, place);
    }
    let names = atomic.left.names;
    let Some((operand, own)) = names.operands.find(&names.iri(text)) else {
        return Err(unknown(atomic, term, text));
    };
    if let Some(fact) = of_own(own) {
        return of_fact(&fact, atomic, place);
    }
    place.keep(atomic.at, law(operand.clone(), atomic)?)?;
    Ok(None)
}

/// The fact that a space maps its operand to; `None` if that binds by law alone.
fn of_own(own: &OwnOperand) -> Option<Fact> {
    Some(match own.fact.clone() {
        OperandFact::Attribute { name, values } => Fact::Attribute(name, values),
        OperandFact::Credential { credential, value } => Fact::Having(credential, value),
        OperandFact::Role => Fact::Role,
        OperandFact::PersonRole => Fact::PersonRole,
        OperandFact::Purpose => Fact::Purpose,
        OperandFact::Participant => Fact::Participant,
        OperandFact::Jurisdiction => Fact::Jurisdiction,
        OperandFact::RecipientRegion => Fact::RecipientRegion,
        OperandFact::Connector => Fact::Connector,
        OperandFact::Application => Fact::Application,
        OperandFact::Class => Fact::Class,
        OperandFact::Event => Fact::Event,
        OperandFact::State => Fact::State,
        OperandFact::Time => Fact::Time,
        OperandFact::Law => return None,
    })
}

/// Refuses a left operand, with the reason if it is one of ODRL.
fn unknown<'a>(atomic: &Atomic<'a>, term: Term<'_>, text: &str) -> Refused<'a> {
    let refused = atomic.left.error(OdrlErrorKind::UnknownOperand);
    let name = shown(text);
    let why = match term.odrl() {
        Some("recipient") => {
            "is whom the data are passed on to, who is not known when an access is decided; to \
             say who the consumer may be use `dataspace:participant`, `dataspace:role` or assignee"
        }
        Some("payAmount") => {
            "is not checked here; ask for the payment with `dataspace:payment eq paid`"
        }
        Some("dayOfWeek" | "hourOfDay" | "timeOfDay") => {
            "is no operand of ODRL, and needs a time zone; use `dataspace:hours` with weekdays, \
             times and zone"
        }
        Some(
            "absolutePosition"
            | "absoluteSpatialPosition"
            | "absoluteTemporalPosition"
            | "absoluteSize"
            | "deliveryChannel"
            | "fileFormat"
            | "language"
            | "media"
            | "meteredTime"
            | "percentage"
            | "product"
            | "relativePosition"
            | "relativeSpatialPosition"
            | "relativeTemporalPosition"
            | "relativeSize"
            | "resolution"
            | "spatialCoordinates"
            | "system"
            | "systemDevice"
            | "timeInterval"
            | "unitOfCount"
            | "version"
            | "virtualLocation"
            | "delayPeriod"
            | "industry"
            | "device"
            | "network",
        ) => {
            "is an operand of ODRL that nobody supplies a fact for when an access is decided; have \
             the authority certify it in a credential, or bind the consumer by a `dataspace:heed`"
        }
        _ => {
            "is an operand that this reader does not know and that the space does not map; the \
             space can say in its profile what fact answers it"
        }
    };
    refused.because(format!("{name} {why}"))
}
