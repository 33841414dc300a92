//! Whether a constraint holds, read as people read it. To explain denials; Cedar decides.

use std::collections::BTreeSet;
use std::time::Duration;

use dataspace_primitives::Name;

use crate::constraint::{Constraint, Hours};
use crate::facts::{Facts, Uses};
use crate::zone;

/// `None` if it asks for a fact that is not known, at any depth.
pub(crate) fn holds(constraint: &Constraint, facts: &Facts<'_>) -> Option<bool> {
    let Uses { contract, consumer, today, this_month } = facts.uses;
    Some(match constraint {
        Constraint::Purpose(all) => has(all, facts.purpose),
        Constraint::PurposeWithin(all) => !all.is_disjoint(facts.purposes),
        Constraint::Time(validity) => validity.contains(facts.now),
        Constraint::From(at) => facts.now >= *at,
        Constraint::Before(at) => facts.now < *at,
        Constraint::Hours(hours) => are_on(hours, facts)?,
        Constraint::Elapsed(secs) => facts.now.since(facts.agreed_at) < Duration::from_secs(*secs),
        Constraint::Count(max) => contract < u64::from(*max),
        Constraint::ConsumerCount(max) => consumer < u64::from(*max),
        Constraint::DayCount(max) => today < u64::from(*max),
        Constraint::MonthCount(max) => this_month < u64::from(*max),
        Constraint::Jurisdiction(all) => all.contains(&facts.region),
        Constraint::RecipientRegion(all) => all.contains(&facts.recipient_region?),
        Constraint::Participant(all) => has(all, facts.participant),
        Constraint::Credential(all) => !all.is_disjoint(facts.credentials),
        Constraint::Attribute { name, values } => {
            facts.attributes.get(name).is_some_and(|value| values.contains(value))
        }
        Constraint::Role(all) => !all.is_disjoint(facts.roles),
        Constraint::PersonRole(all) => !all.is_disjoint(facts.person?.roles),
        Constraint::Attested => facts.environment?.attested,
        Constraint::Sandbox => facts.environment?.sandbox,
        Constraint::SecurityLevel(least) => facts.environment?.security_level >= *least,
        Constraint::Connector(all) => has(all, facts.environment?.connector),
        Constraint::Application(all) => has(all, facts.environment?.application),
        Constraint::Class(all) => has(all, facts.product_class),
        Constraint::Level(most) => facts.product_level <= *most,
        Constraint::Payment(all) => all.contains(&facts.payment?),
        Constraint::Event(all) => !all.is_disjoint(facts.events?),
        Constraint::State(all) => has(all, facts.state?),
        Constraint::Not(one) => !holds(one, facts)?,
        Constraint::All(all) => holding(all, facts)? == all.len(),
        Constraint::Any(all) => holding(all, facts)? > 0,
        Constraint::One(all) => holding(all, facts)? == 1,
    })
}

fn holding(all: &[Constraint], facts: &Facts<'_>) -> Option<usize> {
    all.iter().try_fold(0, |sum, one| Some(sum + usize::from(holds(one, facts)?)))
}

fn has(all: &BTreeSet<Name>, what: &str) -> bool {
    all.iter().any(|one| one.as_str() == what)
}

fn are_on(hours: &Hours, facts: &Facts<'_>) -> Option<bool> {
    let local = zone::local(hours.zone.as_str(), facts.now)?;
    let is_day = hours.weekdays.iter().any(|day| i64::from(day.number()) == local.weekday);
    Some(is_day && (i64::from(hours.from)..i64::from(hours.until)).contains(&local.minute))
}
