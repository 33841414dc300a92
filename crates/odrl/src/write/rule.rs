//! Permissions, prohibitions and their constraints.

use dataspace_policy::{
    Action, Constraint, Hours, Plays, Rule,
    facts::{Fact, Form},
    plays::FREE_SECONDS,
};
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
    match constraint.form() {
        Form::Among(fact, all) => {
            let (left, operator, right) = among_texts(fact.operand()?, all.texts());
            // What is narrower than a purpose is a part of it.
            let operator = if fact == Fact::Purposes { "isPartOf" } else { operator };
            Some((left, operator, right))
        }
        Form::From(at) => time("gteq", at),
        Form::Before(at) => time("lt", at),
        Form::Hours(hours) => Some(("dataspace:hours".to_owned(), "eq", of_hours(hours))),
        Form::Elapsed(secs) => {
            let right = typed(&format!("PT{secs}S"), "duration");
            Some(("odrl:elapsedTime".to_owned(), "lt", right))
        }
        Form::Count(max) => number("odrl:count", "lteq", *max),
        Form::ConsumerCount(max) => number("dataspace:consumerCount", "lteq", *max),
        Form::DayCount(max) => number("dataspace:dayCount", "lteq", *max),
        Form::MonthCount(max) => number("dataspace:monthCount", "lteq", *max),
        Form::PlayCount(Plays { max, after }) if *after == FREE_SECONDS => {
            number("dataspace:playCount", "lteq", *max)
        }
        Form::PlayCount(Plays { max, after }) => {
            number(&format!("dataspace:playCount/{after}"), "lteq", *max)
        }
        Form::SecondsCount(max) => {
            let right = typed(&format!("PT{max}S"), "duration");
            Some(("odrl:meteredTime".to_owned(), "lteq", right))
        }
        Form::FirstSeconds(until) => number("dataspace:firstSeconds", "lteq", *until),
        Form::Attribute { name, values } => {
            let name = percent_encoded(name.as_str());
            Some(among_texts(&format!("dataspace:attribute/{name}"), values))
        }
        Form::Vouched { kind, values } => {
            let kind = percent_encoded(kind.as_str());
            Some(among_texts(&format!("dataspace:vouched/{kind}"), values))
        }
        Form::Attested => flag("dataspace:attested"),
        Form::Sandbox => flag("dataspace:sandbox"),
        Form::SecurityLevel(least) => number("dataspace:securityLevel", "gteq", *least),
        Form::Level(most) => number("dataspace:productLevel", "lteq", *most),
        Form::Time(_) | Form::Not(_) | Form::All(_) | Form::Any(_) | Form::One(_) => None,
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
