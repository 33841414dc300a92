//! What conditions demand and what the facts are, in plain words.

use std::collections::BTreeSet;

use dataspace_primitives::Name;

use super::known::known;
use super::mentioned::mentioned;
use super::verdict::{Verdict, verdict};
use crate::engine::entity;
use crate::engine::node::{Binary, Comparison, Node};
use crate::engine::paved::Access;
use crate::engine::print::Printed;
use crate::engine::value::{Constant, Value};
use crate::facts::{Fact, Kind, Known, Owner};
use crate::hours::Weekday;
use crate::phrase::{counted, list, quoted};
use crate::zone;

/// What a condition demands and what is.
pub(super) fn describe(node: &Node, access: &Access<'_>) -> (String, String) {
    let facts = access.facts();
    let printed = Printed { node, constants: access.constants() };
    match node {
        Node::ParticipantIs(text) => (
            format!("the consumer must be {}", quoted(printed.text(text))),
            format!("it is {}", quoted(facts.participant)),
        ),
        Node::ProductIs(text) => (
            format!("the product must be {}", quoted(printed.text(text))),
            format!("it is {}", quoted(facts.product)),
        ),
        Node::OneOf(fact, all) if !all.is_empty() => {
            one_of(*fact, &list(all.iter().map(quoted), "or"), access)
        }
        Node::Now(comparison, at) => {
            let is_met = verdict(node, access) == Verdict::Holds;
            at_time(*comparison, &printed.instant(*at), is_met, access)
        }
        Node::IsKnown(Fact::Seconds | Fact::AskedUntil, names) if names.is_empty() => {
            let found = facts.asked_until.map_or("none is", |_| "one is");
            ("a stretch of seconds must be asked for".to_owned(), found.to_owned())
        }
        Node::IsKnown(fact, names) if names.is_empty() => {
            (format!("{} must be known", fact.in_english()), known(access, *fact))
        }
        Node::Has(of, names)
            if matches!(**of, Node::Fact(Fact::Environment)) && is_attested(names) =>
        {
            let found = match facts.environment.and_then(|one| one.attested) {
                Some(_) => "it is",
                None => "it is not",
            };
            ("the environment's attestation must be known".to_owned(), found.to_owned())
        }
        Node::Binary(op, sides) => {
            let [left, right] = sides.as_ref();
            binary(*op, left, right, access).unwrap_or_else(|| in_general(node, access))
        }
        Node::Attribute(of, name)
            if matches!(**of, Node::Fact(Fact::Environment))
                && matches!(name.as_ref(), "attested" | "sandbox") =>
        {
            let attested = name.as_ref() == "attested";
            let is = facts
                .environment
                .and_then(|one| if attested { one.attested } else { Some(one.sandbox) });
            let what = if attested { "attested" } else { "a sandbox" };
            let found = match is {
                Some(true) => "it is",
                Some(false) => "it is not",
                None => "it is not known",
            };
            (format!("the environment must be {what}"), found.to_owned())
        }
        node => in_general(node, access),
    }
}

fn is_attested(names: &[Box<str>]) -> bool {
    matches!(names, [name] if **name == *"attested")
}

fn one_of(fact: Fact, all: &str, access: &Access<'_>) -> (String, String) {
    let facts = access.facts();
    let demand = match fact {
        Fact::Purpose => format!("the purpose must be {all}"),
        Fact::Region => format!("the consumer must be established in {all}"),
        Fact::Class => format!("the product must be of the class {all}"),
        Fact::RecipientRegion => format!("the data must go to {all}"),
        fact => format!("{} must be {all}", fact.in_english()),
    };
    let found = match fact {
        Fact::Purpose => format!("the request says {}", quoted(facts.purpose)),
        Fact::Region => format!("it is established in {}", facts.region),
        Fact::Class => format!("it is of the class {}", quoted(facts.product_class)),
        Fact::RecipientRegion => match facts.recipient_region {
            Some(region) => format!("the request says {region}"),
            None => "the request does not say where they go".to_owned(),
        },
        fact => known(access, fact),
    };
    (demand, found)
}

fn at_time(
    comparison: Comparison,
    at: &str,
    is_met: bool,
    access: &Access<'_>,
) -> (String, String) {
    let now = access.facts().now;
    let (demand, unmet) = match comparison {
        Comparison::GreaterOrEqual => (format!("the time must be {at} or later"), "it is only"),
        Comparison::Greater => (format!("the time must be after {at}"), "it is only"),
        Comparison::Less => (format!("the time must be before {at}"), "it is already"),
        Comparison::LessOrEqual => {
            (format!("the time must be {at} at the latest"), "it is already")
        }
    };
    (demand, format!("{} {now}", if is_met { "it is" } else { unmet }))
}

/// Comparisons that terms write.
fn binary(op: Binary, left: &Node, right: &Node, access: &Access<'_>) -> Option<(String, String)> {
    let facts = access.facts();
    let limit = |node: &Node| match node {
        Node::Constant(constant) => constant.as_long(),
        _ => None,
    };
    match (op, left) {
        (Binary::Contains, Node::Constant(_)) => match right {
            Node::Attribute(of, name) => of_attribute(left, of, name, access),
            Node::Binary(Binary::GetTag, sides) => vouched(left, sides, access),
            _ => None,
        },
        (Binary::HasTag, Node::Fact(Fact::Contract)) => {
            let Node::Constant(Constant::String(kind)) = right else { return None };
            let demand = format!("a party that the space trusts must state {}", quoted(kind));
            Some((demand, says(kind, access)))
        }
        (_, Node::Attribute(of, name)) if name.as_ref() == "minute" => {
            by_the_clock(op, zone(of)?, limit(right)?, access)
        }
        (Binary::GreaterOrEqual, Node::Attribute(of, name))
            if matches!(**of, Node::Fact(Fact::Environment))
                && name.as_ref() == "securityLevel" =>
        {
            Some((
                format!("the security level of the environment must be {} or more", limit(right)?),
                facts.environment.map_or_else(
                    || "it is not known".to_owned(),
                    |environment| format!("it is {}", environment.security_level),
                ),
            ))
        }
        (Binary::Less, Node::Fact(fact)) => {
            let (uses, per) = match fact {
                Fact::Uses => (facts.uses.contract, ""),
                Fact::UsesByConsumer => (facts.uses.consumer, " of the consumer"),
                Fact::UsesToday => (facts.uses.today, " a day"),
                Fact::UsesThisMonth => (facts.uses.this_month, " a month"),
                _ => return None,
            };
            let limit = u64::try_from(limit(right)?).ok()?;
            let (most, are) = (counted(limit, "use"), are(limit));
            let were = if uses == 1 { "was" } else { "were" };
            let found = format!("{uses} {were} made");
            Some((format!("at most {most}{per} {are} permitted"), found))
        }
        (
            Binary::LessOrEqual,
            Node::Fact(fact @ (Fact::Plays | Fact::Seconds | Fact::AskedUntil)),
        ) => metered(*fact, limit(right)?, access),
        (Binary::LessOrEqual, Node::Fact(Fact::Level)) => Some((
            format!("the product must be classified {} or less", limit(right)?),
            facts.product_level.map_or_else(
                || "its level is not known".to_owned(),
                |level| format!("it is classified {level}"),
            ),
        )),
        (Binary::In, Node::Principal) => {
            let roles = list(roles(right)?.iter(), "or");
            let found = format!("it {}", has(facts.roles, "role"));
            Some((format!("the consumer must have the role {roles}"), found))
        }
        (Binary::In, Node::Fact(Fact::Person)) => {
            let roles = list(roles(right)?.iter(), "or");
            let found = facts.person.map_or_else(
                || "nobody is named".to_owned(),
                |person| format!("{} {}", quoted(person.id), has(person.roles, "role")),
            );
            Some((format!("the person must have the role {roles}"), found))
        }
        (Binary::ContainsAny, Node::Fact(fact)) => {
            let all = list(strings(right)?.iter(), "or");
            Some(match fact {
                Fact::Purposes => (
                    format!("the purpose must be {all} or narrower"),
                    format!("the request says {}", quoted(facts.purpose)),
                ),
                Fact::Credentials => (
                    format!("the consumer must have the credential {all}"),
                    format!("it {}", has(facts.credentials, "credential")),
                ),
                Fact::Events => (
                    format!("it must be during {all}"),
                    match facts.events {
                        None => "what goes on is not known".to_owned(),
                        Some(events) if events.is_empty() => "nothing goes on".to_owned(),
                        Some(events) => format!("it is {}", list(events.iter().map(quoted), "and")),
                    },
                ),
                _ => return None,
            })
        }
        _ => None,
    }
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Counts of what is played, with this access.
fn metered(fact: Fact, limit: i64, access: &Access<'_>) -> Option<(String, String)> {
    let facts = access.facts();
    let (metered, asked) = (facts.uses.metered, facts.asked_until.map(u64::from));
    let limit = u64::try_from(limit).ok()?;
    let (secs, are) = (counted(limit, "second"), are(limit));
    let (demand, found, lead) = match fact {
        Fact::Plays => (
            format!("at most {} {are} permitted", counted(limit, "play")),
            metered.plays,
            "with this one there are",
        ),
        Fact::Seconds => (
            format!("at most {secs} {are} permitted in all"),
            metered.seconds,
            "with these there are",
        ),
        Fact::AskedUntil => (
            if limit == 1 {
                "the first second is permitted".to_owned()
            } else {
                format!("the first {secs} are permitted")
            },
            asked,
            "the stretch that is asked for ends at second",
        ),
        _ => return None,
    };
    let found = match found {
        Some(found) => format!("{lead} {found}"),
        None => "no stretch of seconds is asked for".to_owned(),
    };
    Some((demand, found))
}

/// Sets of what terms ask of an environment or of the clock on the wall.
fn of_attribute(
    set: &Node,
    of: &Node,
    name: &str,
    access: &Access<'_>,
) -> Option<(String, String)> {
    if name == "weekday" {
        let Node::Constant(set) = set else { return None };
        let Value::Set(items) = set.as_value() else { return None };
        let day = |number: i64| {
            let all = Weekday::ALL.into_iter();
            all.map(|day| (i64::from(day.number()), day.as_str())).find(|(n, _)| *n == number)
        };
        let days = items.iter().map(|item| match item {
            Value::Long(number) => day(number).map(|(_, day)| day),
            _ => None,
        });
        let days = days.collect::<Option<Vec<_>>>().filter(|days| !days.is_empty())?;
        let days = list(days.iter(), "or");
        let zone = zone(of)?;
        let (_, today) = day(zone::local(zone, access.facts().now)?.weekday)?;
        return Some((format!("the weekday in {zone} must be {days}"), format!("it is {today}")));
    }
    if !matches!(of, Node::Fact(Fact::Environment)) {
        return None;
    }
    let fact = Fact::named(Owner::Environment, name).filter(|fact| fact.kind() == Kind::Text)?;
    let all = list(strings(set)?.iter(), "or");
    let found = match access.facts().known(fact) {
        Some(Known::Text(text)) => format!("it is {}", quoted(text)),
        _ => "it is not known".to_owned(),
    };
    Some((format!("{} must be {all}", fact.in_english()), found))
}

/// What a signed statement must say.
fn vouched(set: &Node, of: &[Node; 2], access: &Access<'_>) -> Option<(String, String)> {
    let [Node::Fact(Fact::Contract), Node::Constant(Constant::String(kind))] = of else {
        return None;
    };
    let all = list(strings(set)?.iter(), "or");
    let demand = format!("{} must be {all}, as a party states that the space trusts", quoted(kind));
    Some((demand, says(kind, access)))
}

fn says(kind: &str, access: &Access<'_>) -> String {
    let said = access.facts().vouched.iter().find(|(one, _)| one.as_str() == kind);
    said.map_or_else(
        || "nobody states it".to_owned(),
        |(_, value)| format!("the statement says {}", quoted(value)),
    )
}

fn by_the_clock(
    op: Binary,
    zone: &str,
    limit: i64,
    access: &Access<'_>,
) -> Option<(String, String)> {
    let time = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    // Other limits are no time of any day.
    if !(0..=24 * 60).contains(&limit) {
        return None;
    }
    let now = zone::local(zone, access.facts().now)?.minute;
    let demand = match op {
        Binary::GreaterOrEqual => format!("{} or later", time(limit)),
        Binary::Less => format!("before {}", time(limit)),
        _ => return None,
    };
    Some((format!("the time in {zone} must be {demand}"), format!("it is {}", time(now))))
}

/// The zone of `TimeZone::"…"`.
fn zone(node: &Node) -> Option<&str> {
    match node {
        Node::Constant(Constant::Entity { ty, id }) if **ty == *entity::TIME_ZONE => Some(id),
        _ => None,
    }
}

/// The roles of `Role::"a"` or a set of them.
fn roles(node: &Node) -> Option<Vec<String>> {
    let Node::Constant(constant) = node else { return None };
    let role = |value: Value<'_>| match value {
        Value::Entity(uid) if uid.ty == entity::ROLE => Some(quoted(uid.id)),
        _ => None,
    };
    match constant.as_value() {
        Value::Set(items) if items.len() > 0 => items.iter().map(role).collect(),
        value => Some(vec![role(value)?]),
    }
}

fn strings(node: &Node) -> Option<Vec<String>> {
    let Node::Constant(Constant::Set(set)) = node else { return None };
    let strings = set.as_strings().filter(|strings| !strings.is_empty())?;
    Some(strings.iter().map(quoted).collect())
}

fn has(names: &BTreeSet<Name>, what: &str) -> String {
    let all = list(names.iter().map(quoted), "and");
    match names.len() {
        0 => format!("has no {what}"),
        1 => format!("has the {what} {all}"),
        _ => format!("has the {what}s {all}"),
    }
}

/// The condition as Cedar text, and the facts in it.
fn in_general(node: &Node, access: &Access<'_>) -> (String, String) {
    let printed = Printed { node, constants: access.constants() };
    let mut found = Vec::new();
    mentioned(node, access, &mut found);
    let mut found = found.join(", ");
    match (verdict(node, access), found.is_empty()) {
        (Verdict::Erred, true) => found.push_str("it has no value"),
        (Verdict::Erred, false) => found.push_str(", and so it has no value"),
        (Verdict::Holds, true) => found.push_str("it does"),
        (Verdict::Fails, true) => found.push_str("it does not"),
        (_, false) => {}
    }
    (format!("`{printed}` must hold"), found)
}
