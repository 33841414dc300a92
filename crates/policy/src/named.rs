//! The values that policies and terms name: purposes, product classes, roles, regions and whatever
//! else a space or a standard has a list of. A name that is in no list never matches, and a forbid
//! that never matches forbids nobody.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use cedar_policy::pst::{
    self, BinaryOp, Clause, EntityOrSlot, Expr, Literal, PatternElem, PrincipalConstraint,
    ResourceConstraint, Var,
};
use dataspace_primitives::{Name, Region};
use thiserror::Error;
use unicode_security::confusable_detection::skeleton;

use crate::engine::entity::{CONTRACT, PARTICIPANT, ROLE, SPACE};
use crate::facts::{Fact, Owner, Payment, ValueKind};
use crate::terms::Terms;

/// A value that a policy compares with a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    kind: ValueKind,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// What stands between the wildcards.
    Like(Vec<String>),
}

/// A policy or a clause names a value that no access can have: it would never match.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{by} names the {kind} {value:?}, which never matches: {why}")]
pub struct UnmatchedValue {
    /// The policy's id, or the clause.
    pub by: String,
    /// What the value should be one of.
    pub kind: ValueKind,
    /// The value; a pattern with `*` if it stands in a `like`.
    pub value: String,
    /// Why there is no such value, and what to write.
    pub why: String,
}

/// What a space has names for.
#[derive(Clone, Debug)]
pub struct Vocabulary<'a> {
    /// The space's name.
    pub space: &'a Name,
    /// Its scenarios.
    pub purposes: Vec<&'a Name>,
    /// Its product classes.
    pub classes: Vec<&'a Name>,
    /// Its roles.
    pub roles: Vec<&'a Name>,
    /// Returns true if a text is a DID that a participant can have.
    pub is_did: fn(&str) -> bool,
}

impl Vocabulary<'_> {
    /// What is wrong with a value, if this vocabulary has a list of its kind.
    pub(crate) fn check_named(&self, by: &str, named: &Named) -> Result<(), UnmatchedValue> {
        let Named { kind, value } = named;
        let list = match kind {
            ValueKind::Purpose => &self.purposes,
            ValueKind::Class => &self.classes,
            ValueKind::Role => &self.roles,
            ValueKind::Space if value.matches(self.space.as_str()) => return Ok(()),
            ValueKind::Space => {
                return named.refused(by, format!("the space is {:?}", self.space.as_str()));
            }
            ValueKind::Participant => {
                let is_good = matches!(value, Value::Text(did) if (self.is_did)(did));
                let why = "a participant is named by its DID, such as did:key:z6Mk…";
                return if is_good { Ok(()) } else { named.refused(by, why.to_owned()) };
            }
            // By every list that is the same everywhere.
            _ => return named.check(by),
        };
        if list.iter().any(|one| value.matches(one.as_str())) {
            return Ok(());
        }
        let similar = match value {
            Value::Text(text) => list.iter().find(|one| looks_alike(one.as_str(), text)),
            Value::Like(_) => None,
        };
        let why = if let Some(one) = similar {
            let one = one.as_str();
            format!("the space's profile has {one:?}, which looks alike and is another text")
        } else {
            let all = list.iter().map(|one| format!("{:?}", one.as_str()));
            format!("the space's profile has {}", all.collect::<Vec<_>>().join(", "))
        };
        named.refused(by, why)
    }
}

/// Returns true if people would take one for the other: by letters that look alike, or in another case.
fn looks_alike(one: &str, other: &str) -> bool {
    look(one) == look(other)
}

/// The same for texts that people take for one: by letters that look alike (UTS #39), or in another
/// case.
#[must_use]
pub fn look(text: &str) -> String {
    let seen: String = skeleton(text).collect();
    skeleton(&seen.to_lowercase()).collect()
}

impl Terms {
    /// Checks that each purpose, product class, role and participant that a constraint names is one
    /// of the space's: others would never match.
    ///
    /// # Errors
    /// [`UnmatchedValue`], the first one.
    pub fn check_values(&self, vocabulary: &Vocabulary<'_>) -> Result<(), UnmatchedValue> {
        for (id, rule) in self.rules() {
            let (by, mut all) = (id.to_string(), Vec::new());
            rule.constraints.iter().for_each(|constraint| {
                constraint.each(&mut |one| {
                    if let Some((fact, values)) = one.among()
                        && let Some(kind) = fact.list()
                    {
                        all.extend(values.texts().into_iter().map(|value| (kind, value)));
                    }
                });
            });
            for (kind, value) in all {
                let named = Named { kind, value: Value::Text(value.to_string()) };
                vocabulary.check_named(&by, &named)?;
            }
        }
        Ok(())
    }
}

impl Named {
    /// Checks it against the lists that are the same in every space.
    ///
    /// # Errors
    /// [`UnmatchedValue`].
    pub(crate) fn check(&self, by: &str) -> Result<(), UnmatchedValue> {
        match (self.kind, &self.value) {
            (ValueKind::Region, Value::Text(text)) => match Region::parse(text) {
                Ok(_) => Ok(()),
                Err(error) => self.refused(by, error.to_string()),
            },
            (ValueKind::Region, value) => {
                if Region::all().any(|one| value.matches(one.as_str())) {
                    return Ok(());
                }
                self.refused(by, "no country code of ISO 3166-1 is like that".to_owned())
            }
            (ValueKind::Payment, value) => {
                if Payment::ALL.iter().any(|one| value.matches(one.as_str())) {
                    return Ok(());
                }
                self.refused(by, "a payment is due, overdue or paid".to_owned())
            }
            (ValueKind::Weekday, Value::Text(day)) => {
                if matches!(day.as_str(), "1" | "2" | "3" | "4" | "5" | "6" | "7") {
                    return Ok(());
                }
                self.refused(by, "weekdays are 1 (Monday) to 7 (Sunday)".to_owned())
            }
            (ValueKind::Contract, Value::Text(id)) => {
                let hex = id.strip_prefix("sha256:").unwrap_or_default();
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                if hex.len() == 64 && hex.chars().all(is_hex) {
                    return Ok(());
                }
                self.refused(by, "a contract is named by sha256: and 64 hex digits".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, by: &str, why: String) -> Result<(), UnmatchedValue> {
        let value = match &self.value {
            Value::Text(text) => text.clone(),
            Value::Like(parts) => parts.join("*"),
        };
        Err(UnmatchedValue { by: by.to_owned(), kind: self.kind, value, why })
    }
}

impl Value {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Like(parts) => is_like(text, parts),
        }
    }
}

/// Returns true if the parts stand in the text, in this order, the first at its start and the last at its
/// end.
fn is_like(text: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        match rest.split_once(part.as_str()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// The values that a policy names, of the kinds that have lists.
pub(crate) fn values(body: &pst::Template) -> Vec<Named> {
    let mut all = Vec::new();
    match &body.principal {
        PrincipalConstraint::Eq(one)
        | PrincipalConstraint::In(one)
        | PrincipalConstraint::IsIn(_, one) => scope(one, &mut all),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => {}
    }
    match &body.resource {
        ResourceConstraint::Eq(one)
        | ResourceConstraint::In(one)
        | ResourceConstraint::IsIn(_, one) => scope(one, &mut all),
        ResourceConstraint::Any | ResourceConstraint::Is(_) => {}
    }
    for clause in body.clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        walk(expr, true, &mut all);
    }
    all
}

fn scope(one: &EntityOrSlot, all: &mut Vec<Named>) {
    if let EntityOrSlot::Entity(uid) = one {
        walk(&Expr::Literal(Literal::EntityUID(uid.clone())), true, all);
    }
}

/// `of_participant`: a role here is one of participants, which the profile lists; the roles of
/// persons are their participants' own.
fn walk(expr: &Expr, of_participant: bool, all: &mut Vec<Named>) {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) => {
            let kind = match uid.ty.to_string().as_str() {
                PARTICIPANT => ValueKind::Participant,
                SPACE => ValueKind::Space,
                CONTRACT => ValueKind::Contract,
                ROLE if of_participant => ValueKind::Role,
                _ => return,
            };
            all.push(Named { kind, value: Value::Text(uid.eid.to_string()) });
        }
        Expr::BinaryOp { op, left, right } => {
            for (one, other) in [(left, right), (right, left)] {
                if let Some(kind) = kind(one) {
                    literals(other, kind, all);
                }
            }
            walk(left, of_participant, all);
            // WHY: what a person is `in` are roles that its participant gave.
            let of_participant = of_participant && (*op != BinaryOp::In || is_principal(left));
            walk(right, of_participant, all);
        }
        Expr::Is { expr, in_expr, .. } => {
            walk(expr, of_participant, all);
            if let Some(within) = in_expr {
                walk(within, of_participant && is_principal(expr), all);
            }
        }
        Expr::Like { expr, pattern } => {
            if let Some(kind) = kind(expr) {
                let mut parts = vec![String::new()];
                for one in pattern {
                    match (one, parts.last_mut()) {
                        (PatternElem::Char(c), Some(part)) => part.push(*c),
                        _ => parts.push(String::new()),
                    }
                }
                all.push(Named { kind, value: Value::Like(parts) });
            }
            walk(expr, of_participant, all);
        }
        expr => parts(expr, &mut |part| walk(part, of_participant, all)),
    }
}

fn is_principal(expr: &Expr) -> bool {
    matches!(expr, Expr::Var(Var::Principal))
}

/// The texts and numbers that an expression can be.
fn literals(expr: &Expr, kind: ValueKind, all: &mut Vec<Named>) {
    let mut push = |text: String| all.push(Named { kind, value: Value::Text(text) });
    match expr {
        Expr::Literal(Literal::String(text)) => push(text.to_string()),
        Expr::Literal(Literal::Long(number)) if kind == ValueKind::Weekday => {
            push(number.to_string());
        }
        Expr::Set(items) => items.iter().for_each(|item| literals(item, kind, all)),
        Expr::IfThenElse { then_expr, else_expr, .. } => {
            literals(then_expr, kind, all);
            literals(else_expr, kind, all);
        }
        _ => {}
    }
}

/// What the values of a fact are one of.
fn kind(expr: &Expr) -> Option<ValueKind> {
    let Expr::GetAttr { attr, .. } = expr else { return None };
    if attr == "weekday" {
        return Some(ValueKind::Weekday);
    }
    let mut facts = Fact::ALL.iter().filter(|fact| fact.owner() != Owner::Request);
    facts.find(|fact| fact.name() == attr.as_str())?.list()
}

/// Every text in the conditions: strings, patterns and ids of entities.
pub(crate) fn strings(policy: &Policy) -> BTreeSet<String> {
    fn walk(expr: &Expr, all: &mut BTreeSet<String>) {
        match expr {
            Expr::Literal(Literal::String(text)) => drop(all.insert(text.to_string())),
            Expr::Literal(Literal::EntityUID(uid)) => drop(all.insert(uid.eid.to_string())),
            Expr::Like { pattern, .. } => {
                let text = pattern.iter().map(|one| match one {
                    PatternElem::Char(c) => *c,
                    PatternElem::Wildcard => '*',
                });
                all.insert(text.collect());
            }
            _ => {}
        }
        parts(expr, &mut |part| walk(part, all));
    }
    let mut all = BTreeSet::new();
    if let Some(tree) = tree(policy) {
        for clause in tree.body().clauses() {
            let (Clause::When(expr) | Clause::Unless(expr)) = clause;
            walk(expr, &mut all);
        }
    }
    all
}

/// The policy's syntax tree.
pub(crate) fn tree(policy: &Policy) -> Option<pst::StaticPolicy> {
    // WHY: as the compiler of policies does it, without parsing the text once more.
    match Policy::from(policy.as_ref().clone()).try_into_pst() {
        Ok(pst::Policy::Static(policy)) => Some(policy),
        _ => None,
    }
}

/// Visits the expressions right within it.
pub(crate) fn parts(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => visit(expr),
        Expr::BinaryOp { left, right, .. } => {
            visit(left);
            visit(right);
        }
        Expr::Is { expr, in_expr, .. } => {
            visit(expr);
            if let Some(within) = in_expr {
                visit(within);
            }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            visit(cond);
            visit(then_expr);
            visit(else_expr);
        }
        Expr::Set(items) => items.iter().for_each(|item| visit(item)),
        Expr::Record(fields) => fields.values().for_each(|field| visit(field)),
        _ => {}
    }
}
