//! What a person should see before signing: clauses without effect.

pub use crate::policy_finding::PolicyFinding;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::{Name, UnixMillis};
use unicode_security::MixedScript as _;

use crate::action::Action;
use crate::asked::Unknown;
use crate::clause::{ClauseId, ClauseKind};
use crate::facts::Constraint;
use crate::hours::Hours;
use crate::phrase::list;
use crate::terms::{Rule, Terms};

/// Comparisons that one [`Terms::lint`] makes at most. Terms beyond are too large for anybody to
/// read.
const STEPS_MAX: u32 = 1 << 20;

/// A clause without effect, or with another one than it seems. Certain for all facts, known or not,
/// but for [`Unsupplied`](Self::Unsupplied), which is about the facts that a node has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Its constraints contradict each other.
    NeverApplies {
        /// The clause.
        clause: ClauseId,
    },
    /// Whenever it applies, another one of the same kind applies as well.
    Shadowed {
        /// The clause.
        clause: ClauseId,
        /// The one that covers it.
        by: ClauseId,
    },
    /// Whenever the permission applies to these actions, the prohibition forbids them.
    Contradicted {
        /// The permission.
        clause: ClauseId,
        /// The prohibition.
        by: ClauseId,
        /// The actions that both name.
        actions: BTreeSet<Action>,
    },
    /// It asks for facts that nobody supplies ([`Source::Nobody`](crate::source::Source::Nobody)): at a
    /// node, a permission never applies, and a prohibition always does.
    Unsupplied {
        /// The clause.
        clause: ClauseId,
        /// The facts, in plain words.
        facts: Vec<String>,
    },
    /// A permission of actions that no node carries out ([`Action::is_carried_out`]): nodes refuse to
    /// offer it.
    NotCarriedOut {
        /// The clause.
        clause: ClauseId,
        /// The actions.
        actions: BTreeSet<Action>,
    },
    /// A name in it is of several scripts: it may not be the text that it seems to be, and then
    /// never matches.
    Script {
        /// The clause.
        clause: ClauseId,
        /// The name.
        name: Name,
    },
}

impl Finding {
    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverApplies { .. } => "never-applies",
            Self::Shadowed { .. } => "shadowed",
            Self::Contradicted { .. } => "contradicted",
            Self::Unsupplied { .. } => "unsupplied",
            Self::NotCarriedOut { .. } => "not-carried-out",
            Self::Script { .. } => "script",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverApplies { clause } => {
                write!(f, "{clause} never applies: its constraints contradict each other")
            }
            Self::Shadowed { clause, by } => {
                write!(f, "{clause} adds nothing: whenever it applies, {by} applies as well")
            }
            Self::Contradicted { clause, by, actions } => {
                let actions = list(actions.iter(), "or");
                write!(f, "{clause} never lets anybody {actions}: {by} always forbids it")
            }
            Self::Unsupplied { clause, facts } => {
                let does = match clause.kind {
                    ClauseKind::Prohibition => "always applies here",
                    _ => "can never apply here",
                };
                write!(f, "{clause} {does}: nobody supplies {}", list(facts.iter(), "or"))
            }
            Self::NotCarriedOut { clause, actions } => {
                let actions = list(actions.iter(), "or");
                write!(f, "{clause} never lets anybody {actions}: no node carries it out yet")
            }
            Self::Script { clause, name } => write!(
                f,
                "{clause} names {:?}, whose letters are of several scripts; see that it is the \
                 name that is meant, since letters that look alike do not match",
                name.as_str()
            ),
        }
    }
}

impl Terms {
    /// Clauses that have no effect, as far as that is certain. Terms with findings can be signed.
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let logic = Logic { steps: Cell::new(STEPS_MAX) };
        let rules: Vec<_> = self.rules().map(|(id, rule)| (id, rule, unknowns(rule))).collect();
        let mut findings = Vec::new();
        for (place, (clause, rule, asked)) in rules.iter().enumerate() {
            let clause = *clause;
            let is_permission = clause.kind == ClauseKind::Permission;
            let facts: BTreeSet<_> = asked.iter().filter_map(|one| one.unsupplied()).collect();
            if !facts.is_empty() {
                let facts = facts.into_iter().collect();
                findings.push(Finding::Unsupplied { clause, facts });
            }
            let actions = rule.actions.iter().copied().filter(|action| !action.is_carried_out());
            let actions: BTreeSet<_> = actions.collect();
            if is_permission && !actions.is_empty() {
                findings.push(Finding::NotCarriedOut { clause, actions });
            }
            let mixed = names(rule).into_iter().filter(|name| is_mixed(name.as_str()));
            findings.extend(mixed.map(|name| Finding::Script { clause, name: name.clone() }));
            // A prohibition applies where a fact is unknown, whatever its constraints say.
            if (is_permission || asked.is_empty()) && logic.is_contradiction(&rule.constraints) {
                findings.push(Finding::NeverApplies { clause });
                continue;
            }
            let same = rules.iter().enumerate().filter(|(_, (id, ..))| id.kind == clause.kind);
            let shadow =
                same.filter(|(other, _)| *other != place).find(|(other, (_, by, of_by))| {
                    let knows =
                        if is_permission { of_by.is_subset(asked) } else { asked.is_subset(of_by) };
                    let covers = |a: &Rule, b: &Rule| {
                        b.actions.is_subset(&a.actions) && logic.all(&b.constraints, &a.constraints)
                    };
                    // Of two that cover each other, the later one is too much.
                    knows && covers(by, rule) && (*other < place || !covers(rule, by))
                });
            if let Some((_, (by, ..))) = shadow {
                findings.push(Finding::Shadowed { clause, by: *by });
                continue;
            }
            if is_permission {
                let prohibitions =
                    rules.iter().filter(|(id, ..)| id.kind == ClauseKind::Prohibition);
                findings.extend(prohibitions.filter_map(|(by, forbid, _)| {
                    let actions: BTreeSet<_> =
                        rule.actions.intersection(&forbid.actions).copied().collect();
                    let always =
                        !actions.is_empty() && logic.all(&rule.constraints, &forbid.constraints);
                    always.then_some(Finding::Contradicted { clause, by: *by, actions })
                }));
            }
        }
        findings
    }
}

/// The facts that a rule asks for and that can be unknown.
fn unknowns(rule: &Rule) -> BTreeSet<Unknown<'_>> {
    let mut all = BTreeSet::new();
    rule.constraints.iter().for_each(|constraint| constraint.unknowns(&mut all));
    all
}

/// The names that a rule compares with facts.
fn names(rule: &Rule) -> BTreeSet<&Name> {
    let mut all = BTreeSet::new();
    for constraint in &rule.constraints {
        constraint.each(&mut |one| {
            all.extend(one.names().into_iter().flatten());
            if let Constraint::Attribute { name, .. } | Constraint::Vouched { kind: name, .. } = one
            {
                all.insert(name);
            }
        });
    }
    all
}

/// Returns true if letters of several scripts stand together, as a Cyrillic `а` among Latin letters.
pub(crate) fn is_mixed(text: &str) -> bool {
    !text.is_single_script()
}

/// What follows from what, where all facts are known. `false` means that it is not certain.
struct Logic {
    steps: Cell<u32>,
}

impl Logic {
    /// Returns true if this may be looked at, too.
    fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }

    /// Returns true if all of `then` hold where all of `given` do.
    fn all(&self, given: &[Constraint], then: &[Constraint]) -> bool {
        then.iter().all(|then| given.iter().any(|given| self.implies(given, then)))
    }

    fn is_contradiction(&self, all: &[Constraint]) -> bool {
        let mut pairs = all.iter().enumerate();
        pairs.any(|(place, one)| {
            self.is_never(one) || all.iter().skip(place + 1).any(|other| self.excludes(one, other))
        })
    }

    fn is_never(&self, one: &Constraint) -> bool {
        self.step()
            && match one {
                Constraint::All(parts) => self.is_contradiction(parts),
                Constraint::Any(parts) => parts.iter().all(|part| self.is_never(part)),
                _ => false,
            }
    }

    /// Returns true if `b` holds wherever `a` does.
    fn implies(&self, a: &Constraint, b: &Constraint) -> bool {
        use Constraint::{All, Any, Not, One};
        if !self.step() {
            return false;
        }
        if a == b || basic(a, b) {
            return true;
        }
        let by_b = match b {
            All(parts) => parts.iter().all(|part| self.implies(a, part)),
            Any(parts) => parts.iter().any(|part| self.implies(a, part)),
            Not(inner) => self.excludes(a, inner),
            _ => false,
        };
        by_b || match a {
            All(parts) => parts.iter().any(|part| self.implies(part, b)),
            // Just one of them holds, so one does.
            Any(parts) | One(parts) => parts.iter().all(|part| self.implies(part, b)),
            _ => false,
        }
    }

    /// Returns true if `a` and `b` never hold at once.
    fn excludes(&self, a: &Constraint, b: &Constraint) -> bool {
        use Constraint::{All, Any, Not, One};
        if !self.step() {
            return false;
        }
        let of = |one: &Constraint, other: &Constraint| match one {
            Not(inner) => self.implies(other, inner),
            All(parts) => parts.iter().any(|part| self.excludes(part, other)),
            Any(parts) | One(parts) => parts.iter().all(|part| self.excludes(part, other)),
            _ => false,
        };
        disjoint(a, b) || of(a, b) || of(b, a)
    }
}

/// From instant to instant, the second one outside.
fn window(constraint: &Constraint) -> Option<(u64, u64)> {
    Some(match constraint {
        Constraint::Time(window) => (window.from().as_millis(), window.until().as_millis()),
        Constraint::From(at) => (at.as_millis(), u64::MAX),
        Constraint::Before(at) => (UnixMillis::MIN.as_millis(), at.as_millis()),
        _ => return None,
    })
}

fn basic(a: &Constraint, b: &Constraint) -> bool {
    use Constraint as C;
    if let (Some((from, until)), Some((other_from, other_until))) = (window(a), window(b)) {
        return other_from <= from && until <= other_until;
    }
    if let (Some((fact, all)), Some((other, others))) = (a.among(), b.among()) {
        return fact == other && all.is_subset(others);
    }
    match (a, b) {
        (C::Attribute { name, values }, C::Attribute { name: other, values: others })
        | (C::Vouched { kind: name, values }, C::Vouched { kind: other, values: others }) => {
            name == other && values.is_subset(others)
        }
        (C::Count(a), C::Count(b))
        | (C::ConsumerCount(a), C::ConsumerCount(b))
        | (C::DayCount(a), C::DayCount(b))
        | (C::MonthCount(a), C::MonthCount(b))
        | (C::SecondsCount(a), C::SecondsCount(b))
        | (C::FirstSeconds(a), C::FirstSeconds(b))
        | (C::Level(a), C::Level(b)) => a <= b,
        (C::PlayCount(a), C::PlayCount(b)) => a.max <= b.max && a.after == b.after,
        (C::Elapsed(a), C::Elapsed(b)) => a <= b,
        (C::SecurityLevel(a), C::SecurityLevel(b)) => a >= b,
        (C::Hours(a), C::Hours(b)) => {
            a.zone == b.zone
                && a.weekdays.is_subset(&b.weekdays)
                && b.from <= a.from
                && a.until <= b.until
        }
        _ => false,
    }
}

/// Of facts that have one value.
fn disjoint(a: &Constraint, b: &Constraint) -> bool {
    use Constraint as C;
    if let (Some((from, until)), Some((other_from, other_until))) = (window(a), window(b)) {
        return until <= other_from || other_until <= from;
    }
    if let (Some((fact, all)), Some((other, others))) = (a.among(), b.among()) {
        return fact == other && !fact.kind().is_set() && all.is_disjoint(others);
    }
    match (a, b) {
        (C::Attribute { name, values }, C::Attribute { name: other, values: others })
        | (C::Vouched { kind: name, values }, C::Vouched { kind: other, values: others }) => {
            name == other && values.is_disjoint(others)
        }
        (C::Hours(a), C::Hours(b)) => never_at_once(a, b),
        _ => false,
    }
}

fn never_at_once(a: &Hours, b: &Hours) -> bool {
    let apart = a.until <= b.from || b.until <= a.from;
    a.zone == b.zone && (a.weekdays.is_disjoint(&b.weekdays) || apart)
}
