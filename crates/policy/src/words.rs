//! Plain words for clauses and for what a request lacks.

use std::fmt::Display;

use dataspace_primitives::Name;

use crate::clause::ClauseKind;
use crate::facts::Facts;
use crate::terms::{Constraint, Rule};

pub(crate) fn rule(kind: ClauseKind, rule: &Rule) -> String {
    let verb = if kind == ClauseKind::Prohibition { "must not" } else { "may" };
    let mut words = format!("the consumer {verb} {}", list(rule.actions.iter(), "or"));
    for one in &rule.constraints {
        words.push_str(", ");
        words.push_str(&constraint(one));
    }
    words
}

fn constraint(constraint: &Constraint) -> String {
    match constraint {
        Constraint::Purpose(purposes) => format!("for {}", list(purposes.iter().map(quoted), "or")),
        Constraint::Time(validity) => validity.to_string(),
        Constraint::Jurisdiction(regions) => {
            format!("if established in {}", list(regions.iter(), "or"))
        }
        Constraint::Count(1) => "once in all".to_owned(),
        Constraint::Count(max) => format!("{max} times in all"),
    }
}

/// `None` if the constraint holds; else what it demands and what the fact is.
pub(crate) fn unmet(constraint: &Constraint, facts: &Facts) -> Option<(String, String)> {
    match constraint {
        Constraint::Purpose(purposes) if !purposes.contains(&facts.purpose) => Some((
            format!("the purpose must be {}", list(purposes.iter().map(quoted), "or")),
            format!("the request says {}", quoted(&facts.purpose)),
        )),
        Constraint::Time(validity) if facts.now < validity.from() => {
            Some((format!("the time must be {validity}"), format!("it is only {}", facts.now)))
        }
        Constraint::Time(validity) if facts.now >= validity.until() => {
            Some((format!("the time must be {validity}"), format!("it is already {}", facts.now)))
        }
        Constraint::Jurisdiction(regions) if !regions.contains(&facts.region) => Some((
            format!("the consumer must be established in {}", list(regions.iter(), "or")),
            format!("it is established in {}", facts.region),
        )),
        Constraint::Count(max) if facts.uses >= u64::from(*max) => {
            Some((format!("at most {max} uses are permitted"), format!("{} were made", facts.uses)))
        }
        _ => None,
    }
}

/// `a, b or c`.
fn list<T: Display>(items: impl ExactSizeIterator<Item = T>, join: &str) -> String {
    let last = items.len().saturating_sub(1);
    let mut words = String::new();
    for (i, item) in items.enumerate() {
        let before = match i {
            0 => "",
            i if i == last => &format!(" {join} "),
            _ => ", ",
        };
        words.push_str(before);
        words.push_str(&item.to_string());
    }
    words
}

/// A name as it is if it is one plain word, else in quotes: `a or b` must not read as two.
pub(crate) fn quoted(name: &Name) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    if name.as_str().chars().all(plain) { name.to_string() } else { format!("{:?}", name.as_str()) }
}
