//! Clauses: what terms say in plain words, and what stands behind each.

use std::collections::BTreeSet;

use dataspace_primitives::Name;

use crate::action::Action;
use crate::clause::{Assurance, Clause, ClauseKind};
use crate::facts::{Constraint, Fact, Form, Values};
use crate::hours::{Hours, Weekday};
use crate::phrase::{list, quoted, seconds};
use crate::plays::Plays;
use crate::source::Source;
use crate::terms::{Legal, Rule, Terms, numbered};

/// What a space calls what its own names stand for.
///
/// Without an answer, clauses use the words that they have everywhere.
pub trait OwnWords {
    /// The attribute of this name.
    fn attribute(&self, name: &Name) -> Option<&Name>;

    /// The credential of this type, and the value that says that somebody has it.
    fn credential(&self, credential: &Name) -> Option<(&Name, &Name)>;

    /// The left operand of [`Legal::Operand`] and [`Legal::Forbidden`].
    fn law(&self, operand: &Name) -> Option<&Name>;
}

struct NoWords;

impl OwnWords for NoWords {
    fn attribute(&self, _: &Name) -> Option<&Name> {
        None
    }

    fn credential(&self, _: &Name) -> Option<(&Name, &Name)> {
        None
    }

    fn law(&self, _: &Name) -> Option<&Name> {
        None
    }
}

impl Terms {
    /// Every clause in plain words with its label, in the order of the document.
    #[must_use]
    pub fn clauses(&self) -> Vec<Clause> {
        self.clauses_in(&NoWords)
    }

    /// Every clause in plain words, with the words of a space for what its own names stand for.
    #[must_use]
    pub fn clauses_in(&self, own: &dyn OwnWords) -> Vec<Clause> {
        let released = self.released();
        let rules = self.rules().map(|(id, rule)| Clause {
            id,
            words: self::rule(id.kind, rule, own),
            assurance: rule.assurance(id.kind, &released),
        });
        let mut clauses: Vec<_> = rules.collect();
        clauses.extend(
            numbered(ClauseKind::Duty, self.duties.len()).zip(&self.duties).map(|(id, duty)| {
                Clause { id, words: duty.to_string(), assurance: duty.assurance() }
            }),
        );
        clauses.extend(numbered(ClauseKind::Legal, self.legal.len()).zip(&self.legal).map(
            |(id, legal)| Clause {
                id,
                words: self::legal(legal, own),
                assurance: Assurance::Legal,
            },
        ));
        let exclusive = numbered(ClauseKind::Exclusive, 1).zip(&self.exclusive);
        clauses.extend(exclusive.map(|(id, one)| Clause {
            id,
            words: one.to_string(),
            assurance: Assurance::Enforced,
        }));
        clauses
    }

    /// The actions for which rows are released under these terms.
    fn released(&self) -> BTreeSet<Action> {
        let all = self.permissions.iter().flat_map(|rule| &rule.actions);
        all.copied().filter(|action| action.is_carried_out()).collect()
    }
}

impl Rule {
    /// `released`: the actions for which rows are released at all.
    fn assurance(&self, kind: ClauseKind, released: &BTreeSet<Action>) -> Assurance {
        let any = |is: fn(Action) -> bool| self.actions.iter().copied().any(is);
        let after_release = any(Action::is_after_release);
        let is_missing = any(|action| !action.is_carried_out());
        let source = self.constraints.iter().map(Constraint::source).max();
        let facts = match source.unwrap_or(Source::Authority) {
            Source::Authority | Source::Trusted | Source::Provider => Assurance::Enforced,
            Source::Consumer => Assurance::Attested,
            Source::Nobody => Assurance::Unsupported,
        };
        let action = if kind == ClauseKind::Prohibition {
            if after_release || is_missing {
                // Anyone who has the rows can do it, and need not ask.
                return Assurance::Legal;
            }
            // For another action that is permitted, the same rows are released.
            let is_whole = released.is_subset(&self.actions);
            if is_whole { Assurance::Enforced } else { Assurance::Attested }
        } else if is_missing {
            Assurance::Unsupported
        } else if after_release {
            Assurance::Attested
        } else {
            Assurance::Enforced
        };
        action.max(facts)
    }
}

fn rule(kind: ClauseKind, rule: &Rule, own: &dyn OwnWords) -> String {
    let verb = if kind == ClauseKind::Prohibition { "must not" } else { "may" };
    let mut words = format!("the consumer {verb} {}", list(rule.actions.iter(), "or"));
    for one in &rule.constraints {
        words.push_str(", ");
        words.push_str(&constraint(one, own));
    }
    words
}

fn constraint(constraint: &Constraint, own: &dyn OwnWords) -> String {
    let any = |all: &BTreeSet<Name>| list(all.iter().map(quoted), "or");
    match constraint.form() {
        Form::Among(fact, values) => among(fact, values, own),
        Form::Time(validity) => validity.to_string(),
        Form::From(at) => format!("from {at} on"),
        Form::Before(at) => format!("before {at}"),
        Form::Hours(hours) => at_hours(hours),
        Form::Elapsed(secs) => format!("within {} after the agreement", seconds(*secs)),
        Form::Count(1) => "once in all".to_owned(),
        Form::Count(max) => format!("{max} times in all"),
        Form::ConsumerCount(1) => "once under all its contracts".to_owned(),
        Form::ConsumerCount(max) => format!("{max} times under all its contracts"),
        Form::DayCount(1) => "once a day".to_owned(),
        Form::DayCount(max) => format!("{max} times a day"),
        Form::MonthCount(1) => "once a month".to_owned(),
        Form::MonthCount(max) => format!("{max} times a month"),
        Form::PlayCount(plays) => played(*plays),
        Form::SecondsCount(max) => {
            format!("{} in all, in stretches of whole seconds", seconds(u64::from(*max)))
        }
        Form::FirstSeconds(until) => format!("within the first {}", seconds(u64::from(*until))),
        Form::Attribute { name, values } => match own.attribute(name) {
            Some(words) => format!("if {words} is {}", any(values)),
            None => format!("if its credentials say that {} is {}", quoted(name), any(values)),
        },
        Form::Vouched { kind, values } => format!(
            "while a party that the space trusts states that {} is {}",
            quoted(kind),
            any(values)
        ),
        Form::Attested => "in an attested environment".to_owned(),
        Form::Sandbox => "in a sandbox".to_owned(),
        Form::SecurityLevel(least) => {
            format!("in an environment of security level {least} or more")
        }
        Form::Level(most) => format!("if the product is classified {most} or less"),
        Form::Not(one) => format!("not ({})", self::constraint(one, own)),
        Form::All(all) => joined(all, own, "both", "all of", "and"),
        Form::Any(all) => joined(all, own, "either", "any of", "or"),
        Form::One(all) => joined(all, own, "just one of", "just one of", "or"),
    }
}

fn among(fact: Fact, values: Values<'_>, own: &dyn OwnWords) -> String {
    if let (Fact::Credentials, Values::Name(all)) = (fact, values)
        && let Some(one) = all.first().filter(|_| all.len() == 1)
        && let Some((words, value)) = own.credential(one)
    {
        return format!("if {words} is {}", quoted(value));
    }
    let texts = values.texts().into_iter();
    let values = match values {
        Values::Name(_) => list(texts.map(quoted), "or"),
        // Each is one plain word.
        Values::Region(_) | Values::Payment(_) => list(texts, "or"),
    };
    fact.words(&values).unwrap_or(values)
}

fn joined(all: &[Constraint], own: &dyn OwnWords, two: &str, more: &str, join: &str) -> String {
    let lead = if all.len() > 2 { more } else { two };
    format!("{lead} {}", list(all.iter().map(|one| format!("({})", constraint(one, own))), join))
}

fn played(Plays { max, after }: Plays) -> String {
    let most = if max == 1 { "one play".to_owned() } else { format!("{max} plays") };
    match after {
        0 => format!("{most} in all"),
        after => {
            let free = seconds(u64::from(after));
            format!("{most} in all, not counting what stays within the first {free}")
        }
    }
}

fn at_hours(hours: &Hours) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days = if hours.weekdays.len() == Weekday::ALL.len() {
        String::new()
    } else {
        format!("on {} ", list(hours.weekdays.iter().map(|day| day.as_str()), "or"))
    };
    let (from, until, zone) = (time(hours.from), time(hours.until), quoted(&hours.zone));
    format!("{days}from {from} to {until} by the clock of {zone}")
}

fn legal(legal: &Legal, own: &dyn OwnWords) -> String {
    match legal {
        Legal::Text(text) => text.to_string(),
        Legal::Operand { operand, operator, values } => {
            let name = own.law(operand).unwrap_or(operand);
            format!("{name} {operator} {}", list(values.iter().map(quoted), "or"))
        }
        Legal::Forbidden { operand, operator, values } => {
            let name = own.law(operand).unwrap_or(operand);
            let join = if operator.as_str() == "isAllOf" { "and" } else { "or" };
            let values = list(values.iter().map(quoted), join);
            format!("the consumer must not do what {name} {operator} {values} forbids")
        }
        Legal::DeleteAfter(secs) => {
            format!("the consumer deletes its copy {} after the agreement", seconds(*secs))
        }
        Legal::ModifyAtRest(how) => format!("the consumer changes its copy so: {how}"),
        Legal::Log => "the consumer logs its uses".to_owned(),
        Legal::Notify(whom) => format!("the consumer notifies {} of each use", quoted(whom)),
        Legal::ShareUnder(policy) => {
            format!("the consumer passes the data on only under {}", quoted(policy))
        }
    }
}
