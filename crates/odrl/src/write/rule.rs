//! Permissions, prohibitions and their constraints.

use dataspace_policy::{Action, Constraint, Hours, Rule};
use serde_json::{Value, json};

use crate::names::{self, percent_encoded};
use crate::write::form::{among, atomic, typed, values};

/// What is read as just this rule.
pub(crate) fn of_rule(rule: &Rule) -> Value {
    let terms: Vec<_> = rule.actions.iter().map(|action| names::action_term(*action)).collect();
    let (action, narrowed) = match terms.as_slice() {
        [one] => (*one, None),
        terms if terms.len() == Action::ALL.len() => ("use", None),
        terms => ("use", Some(atomic("dataspace:action", "isAnyOf", &json!(terms)))),
    };
    let constraints = rule.constraints.iter().map(constraint);
    let constraints: Vec<_> = narrowed.into_iter().chain(constraints).collect();
    if constraints.is_empty() {
        json!({ "action": action })
    } else {
        json!({ "action": action, "constraint": constraints })
    }
}

/// What is read as just this constraint.
fn constraint(one: &Constraint) -> Value {
    let all = |parts: &[Constraint]| parts.iter().map(constraint).collect::<Vec<_>>();
    match one {
        Constraint::Time(time) => {
            let (from, until) = (Constraint::From(time.from()), Constraint::Before(time.until()));
            json!({ "and": [constraint(&from), constraint(&until)] })
        }
        Constraint::All(parts) => match parts.as_slice() {
            // Else it would be read as a time.
            [from @ Constraint::From(_), until @ Constraint::Before(_)] => {
                json!({ "and": [{ "and": [constraint(from)] }, constraint(until)] })
            }
            parts => json!({ "and": all(parts) }),
        },
        Constraint::Any(parts) => json!({ "or": all(parts) }),
        Constraint::One(parts) => json!({ "xone": all(parts) }),
        Constraint::Not(one) => match leaf(one) {
            Some((left, "eq", right)) => atomic(&left, "neq", &right),
            Some((left, "isAnyOf", right)) => atomic(&left, "isNoneOf", &right),
            // The protocol has no negation: ours is a comparison that others do not know.
            _ => atomic("dataspace:not", "eq", &constraint(one)),
        },
        constraint => {
            let (left, operator, right) = leaf(constraint).unwrap_or_default();
            atomic(&left, operator, &right)
        }
    }
}

/// Left operand, operator and right operand.
type Leaf = (String, &'static str, Value);

/// `None` for what is not one comparison.
fn leaf(constraint: &Constraint) -> Option<Leaf> {
    let number = |left: &str, operator, value: u32| {
        Some((left.to_owned(), operator, typed(&value, "integer")))
    };
    let time = |operator, at| Some(("odrl:dateTime".to_owned(), operator, typed(at, "dateTime")));
    let flag = |left: &str| Some((left.to_owned(), "eq", typed(&true, "boolean")));
    match constraint {
        Constraint::Purpose(all) => Some(among_texts("odrl:purpose", all)),
        Constraint::PurposeWithin(all) => {
            let (left, _, right) = among_texts("odrl:purpose", all);
            Some((left, "isPartOf", right))
        }
        Constraint::From(at) => time("gteq", at),
        Constraint::Before(at) => time("lt", at),
        Constraint::Hours(hours) => Some(("dataspace:hours".to_owned(), "eq", of_hours(hours))),
        Constraint::Elapsed(secs) => {
            let right = typed(&format!("PT{secs}S"), "duration");
            Some(("odrl:elapsedTime".to_owned(), "lt", right))
        }
        Constraint::Count(max) => number("odrl:count", "lteq", *max),
        Constraint::ConsumerCount(max) => number("dataspace:consumerCount", "lteq", *max),
        Constraint::DayCount(max) => number("dataspace:dayCount", "lteq", *max),
        Constraint::MonthCount(max) => number("dataspace:monthCount", "lteq", *max),
        Constraint::Jurisdiction(all) => Some(among_texts("dataspace:jurisdiction", all)),
        Constraint::RecipientRegion(all) => Some(among_texts("odrl:spatial", all)),
        Constraint::Participant(all) => Some(among_texts("dataspace:participant", all)),
        Constraint::Credential(all) => Some(among_texts("dataspace:credential", all)),
        Constraint::Attribute { name, values } => {
            let name = percent_encoded(name.as_str());
            Some(among_texts(&format!("dataspace:attribute/{name}"), values))
        }
        Constraint::Role(all) => Some(among_texts("dataspace:role", all)),
        Constraint::PersonRole(all) => Some(among_texts("dataspace:personRole", all)),
        Constraint::Attested => flag("dataspace:attested"),
        Constraint::Sandbox => flag("dataspace:sandbox"),
        Constraint::SecurityLevel(least) => number("dataspace:securityLevel", "gteq", *least),
        Constraint::Connector(all) => Some(among_texts("dataspace:connector", all)),
        Constraint::Application(all) => Some(among_texts("dataspace:application", all)),
        Constraint::Class(all) => Some(among_texts("dataspace:productClass", all)),
        Constraint::Level(most) => number("dataspace:productLevel", "lteq", *most),
        Constraint::Payment(all) => {
            Some(among_texts("dataspace:payment", all.iter().map(|one| one.as_str())))
        }
        Constraint::Event(all) => Some(among_texts("odrl:event", all)),
        Constraint::State(all) => Some(among_texts("dataspace:state", all)),
        Constraint::Time(_)
        | Constraint::Not(_)
        | Constraint::All(_)
        | Constraint::Any(_)
        | Constraint::One(_) => None,
    }
}

fn among_texts<T: ToString>(left: &str, all: impl IntoIterator<Item = T>) -> Leaf {
    let all: Vec<_> = all.into_iter().map(|one| Value::String(one.to_string())).collect();
    (left.to_owned(), among(all.len()), values(all))
}

fn of_hours(hours: &Hours) -> Value {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let weekdays: Vec<_> = hours.weekdays.iter().map(|day| day.as_str()).collect();
    json!({
        "@type": "dataspace:Hours",
        "dataspace:weekdays": weekdays,
        "dataspace:from": time(hours.from),
        "dataspace:until": time(hours.until),
        "dataspace:zone": hours.zone.as_str(),
    })
}
