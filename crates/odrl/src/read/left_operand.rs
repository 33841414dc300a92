//! What a left operand stands for.

use dataspace_policy::{Constraint, facts::Fact, plays::FREE_SECONDS};

use crate::error::{OdrlErrorKind, Refused, shown};
use crate::names::{Term, percent_decoded};
use crate::operands::{OperandFact, OwnOperand};
use crate::read::catena_x;
use crate::read::comparison::{Answer, answered, attribute, law};
use crate::read::place::Place;
use crate::read::shape::Atomic;

/// Returns true if this reader knows the left operand by itself.
pub(crate) fn is_known(term: Term<'_>) -> bool {
    let is_own = matches!(term, Term::Own(_)) || term.odrl() == Some("recipient");
    is_own || catena_x::operand(term).is_some() || answer(term).is_some()
}

/// What answers a left operand that this reader knows by itself.
fn answer(term: Term<'_>) -> Option<Answer> {
    let known = match term {
        Term::Plain(name) | Term::Odrl(name) => match name {
            "dateTime" => Some(Answer::Time),
            "elapsedTime" => Some(Answer::Elapsed),
            "count" => Some(Answer::Count),
            "meteredTime" => Some(Answer::MeteredTime),
            "inForceDate" => Some(Answer::InForce),
            name => among("odrl", name),
        },
        Term::Own(name) => own(name),
        Term::Edc("inForceDate") => Some(Answer::InForce),
        _ => None,
    };
    // Of connectors before there were prefixes for them (EDC, sovity, Mobility Data Space).
    let of_connectors = match term {
        Term::Plain(name) | Term::Edc(name) | Term::Ids(name) => match name {
            "POLICY_EVALUATION_TIME" => Some(Answer::Time),
            "PURPOSE" => Some(Answer::Among(Fact::Purpose)),
            "ALWAYS_TRUE" => Some(Answer::Always),
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

/// The first fact with this operand in the table of facts.
fn among(prefix: &str, name: &str) -> Option<Answer> {
    let is_it =
        |fact: &&Fact| fact.operand().and_then(|one| one.split_once(':')) == Some((prefix, name));
    Fact::ALL.iter().find(is_it).copied().map(Answer::Among)
}

fn own(name: &str) -> Option<Answer> {
    Some(match name {
        "consumerCount" => Answer::ConsumerCount,
        "dayCount" => Answer::DayCount,
        "monthCount" => Answer::MonthCount,
        "playCount" => Answer::PlayCount(FREE_SECONDS),
        "firstSeconds" => Answer::FirstSeconds,
        "productLevel" => Answer::Level,
        "securityLevel" => Answer::SecurityLevel,
        "hours" => Answer::Hours,
        "attested" => Answer::Attested,
        "sandbox" => Answer::Sandbox,
        name => match name.split_once('/') {
            Some(("attribute", name)) => return attribute(&percent_decoded(name)?),
            Some(("playCount", text)) => {
                let after = text.parse::<u32>().ok()?;
                // One spelling of each number.
                (after.to_string() == text).then_some(Answer::PlayCount(after))?
            }
            Some(("vouched", kind)) => Answer::Vouched(percent_decoded(kind)?.parse().ok()?),
            _ => return among("dataspace", name),
        },
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
    if let Some(answer) = answer(term) {
        return answered(&answer, atomic, place);
    }
    let names = atomic.left.names;
    let Some((operand, own)) = names.operands.find(&names.iri(text)) else {
        return Err(unknown(atomic, term, text));
    };
    if let Some(answer) = of_own(own) {
        return answered(&answer, atomic, place);
    }
    place.keep(atomic.at, law(operand.clone(), atomic)?)?;
    Ok(None)
}

/// What a space maps its operand to; `None` if that binds by law alone.
fn of_own(own: &OwnOperand) -> Option<Answer> {
    let fact = match own.fact.clone() {
        OperandFact::Attribute { name, values } => return Some(Answer::Attribute(name, values)),
        OperandFact::Credential { credential, value } => {
            return Some(Answer::Having(credential, value));
        }
        OperandFact::Time => return Some(Answer::Time),
        OperandFact::Law => return None,
        OperandFact::Role => Fact::Roles,
        OperandFact::PersonRole => Fact::PersonRoles,
        OperandFact::Purpose => Fact::Purpose,
        OperandFact::Participant => Fact::Participant,
        OperandFact::Jurisdiction => Fact::Region,
        OperandFact::RecipientRegion => Fact::RecipientRegion,
        OperandFact::Connector => Fact::Connector,
        OperandFact::Application => Fact::Application,
        OperandFact::Class => Fact::Class,
        OperandFact::Event => Fact::Events,
        OperandFact::State => Fact::State,
    };
    Some(Answer::Among(fact))
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
