//! Forbids that people write by hand: whether they hold where a fact is not known.
//!
//! Cedar's type checker makes a policy ask `context has …` before it reads what can be unknown. It
//! does not say which way the answer must go: `forbid when { context has person && … }` holds for
//! nobody who leaves the person out. Here such a forbid is refused: wherever a forbid holds with a
//! fact known, it must hold without, so that nobody gains by leaving a fact out. That is shown by the
//! policy's structure; what cannot be shown so is refused as well, and can be written as
//! `unless { context has person && … }`.

use cedar_policy::pst::{self, BinaryOp, Clause, Expr, Literal, UnaryOp, Var};

use crate::facts::Fact;
use crate::named::parts;

/// A fact that can be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// An optional attribute: of the context, the product or an environment.
    Attribute(String),
    /// What the credentials say, or trusted parties state, under one name; `None` for a name that is
    /// computed.
    Tag(Tagged, Option<String>),
    /// Types of credentials: one that is not listed may be held all the same.
    Credentials,
}

/// Whose tags are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tagged {
    /// The consumer's: what its credentials say.
    Consumer,
    /// The contract's: what trusted parties state.
    Contract,
    /// Those of what an expression gives. They may be any of these.
    Other,
}

impl Key {
    /// What nobody supplies, in plain words; `None` if somebody does.
    pub(crate) fn unsupplied(&self) -> Option<String> {
        let Self::Attribute(name) = self else { return None };
        optional(name)?.unsupplied().map(str::to_owned)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Attribute(name) => f.write_str(name),
            Self::Tag(Tagged::Consumer, Some(name)) => {
                write!(f, "the attribute {name:?} of the consumer")
            }
            Self::Tag(Tagged::Consumer, None) => f.write_str("an attribute of the consumer"),
            Self::Tag(Tagged::Contract, Some(kind)) => {
                write!(f, "what a trusted party states as {kind:?}")
            }
            Self::Tag(Tagged::Contract, None) => f.write_str("what a trusted party states"),
            Self::Tag(Tagged::Other, _) => f.write_str("a tag"),
            Self::Credentials => f.write_str("every type of the consumer's credentials"),
        }
    }
}

/// The fact behind an attribute with a `?` in the schema.
fn optional(name: &str) -> Option<Fact> {
    Fact::ALL.iter().copied().find(|fact| fact.is_optional() && fact.name() == name)
}

/// Facts that are looked at together.
const KEYS_MAX: usize = 128;

/// The facts that can be unknown and that a policy speaks of.
pub(crate) fn asked(body: &pst::Template) -> Vec<Key> {
    let mut keys = Vec::new();
    for clause in body.clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        collect(expr, &mut keys);
    }
    keys
}

/// The first of the facts that lifts the forbid by being unknown, or may do so.
pub(crate) fn lifts(body: &pst::Template, keys: &[Key]) -> Option<Key> {
    keys.chunks(KEYS_MAX).find_map(|keys| {
        let all = body.clauses().iter().fold(u128::MAX, |all, clause| {
            all & match clause {
                Clause::When(expr) => look(expr, keys).up,
                Clause::Unless(expr) => look(expr, keys).down,
            }
        });
        let found = keys.iter().enumerate().find(|(place, _)| all >> place & 1 == 0);
        found.map(|(_, key)| key.clone())
    })
}

/// Of one expression, a bit for each key.
#[derive(Clone, Copy)]
struct Seen {
    /// It speaks of the fact.
    about: u128,
    /// Without the fact it is true, or false, whatever else is.
    on: u128,
    off: u128,
    /// Wherever it holds with the fact, it holds without; and the other way round.
    up: u128,
    down: u128,
}

impl Seen {
    const NOTHING: Self = Self { about: 0, on: 0, off: 0, up: u128::MAX, down: u128::MAX };

    fn constant(value: bool) -> Self {
        let (on, off) = if value { (u128::MAX, 0) } else { (0, u128::MAX) };
        Self { on, off, ..Self::NOTHING }
    }

    /// Returns true if the facts of `keys` are known.
    fn known(keys: u128) -> Self {
        Self { about: keys, on: 0, off: keys, up: !keys, down: u128::MAX }
    }

    /// An expression that is not understood further.
    fn opaque(about: u128) -> Self {
        Self { about, on: 0, off: 0, up: !about, down: !about }
    }

    fn not(self) -> Self {
        Self { about: self.about, on: self.off, off: self.on, up: self.down, down: self.up }
    }

    fn and(self, other: Self) -> Self {
        let (on, off) = (self.on & other.on, self.off | other.off);
        let about = self.about | other.about;
        Self { about, on, off, up: self.up & other.up | on, down: self.down & other.down | off }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// `if self then one else other`.
    fn choose(self, one: Self, other: Self) -> Self {
        let (both, neither) = (self.and(one), self.not().and(other));
        // As `(!c || a) && (c || b)`, and as `(c && a) || (!c && b)`: each shows more in its way.
        let all = self.not().or(one).and(self.or(other));
        let any = both.or(neither);
        let (on, off) = (all.on | any.on, all.off | any.off);
        let about = all.about;
        Self { about, on, off, up: all.up | any.up | on, down: all.down | any.down | off }
    }
}

fn look(expr: &Expr, keys: &[Key]) -> Seen {
    let sees = |expr: &Expr| look(expr, keys);
    match expr {
        Expr::Literal(Literal::Bool(value)) => Seen::constant(*value),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => sees(expr).not(),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => sees(left).and(sees(right)),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => sees(left).or(sees(right)),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            sees(cond).choose(sees(then_expr), sees(else_expr))
        }
        expr => {
            let mut inner = 0;
            parts(expr, &mut |part| inner |= sees(part).about);
            let own = own(expr);
            let own = own.iter().filter_map(|one| keys.iter().position(|key| key == one));
            let own = own.fold(0, |all, place| all | 1 << place);
            if asks(expr) {
                Seen::known(own).and(Seen::opaque(inner & !own))
            } else {
                Seen::opaque(own | inner)
            }
        }
    }
}

/// Returns true if it asks if a fact is known: it is false where it is not.
fn asks(expr: &Expr) -> bool {
    match expr {
        Expr::HasAttr { .. } => true,
        // WHY not of others: what is known of the one may be taken for what is known of the other.
        Expr::BinaryOp { op: BinaryOp::HasTag, left, .. } => tagged(left) != Tagged::Other,
        Expr::BinaryOp {
            op: BinaryOp::Contains | BinaryOp::ContainsAll | BinaryOp::ContainsAny,
            left,
            ..
        } => is_credentials(left),
        _ => false,
    }
}

fn tagged(expr: &Expr) -> Tagged {
    match expr {
        Expr::Var(Var::Principal) => Tagged::Consumer,
        Expr::GetAttr { expr, attr }
            if matches!(expr.as_ref(), Expr::Var(Var::Context))
                && attr == Fact::Contract.name() =>
        {
            Tagged::Contract
        }
        _ => Tagged::Other,
    }
}

fn is_credentials(expr: &Expr) -> bool {
    matches!(expr, Expr::GetAttr { attr, .. } if attr == "credentials")
}

/// The facts that it asks for or reads itself.
fn own(expr: &Expr) -> Vec<Key> {
    let attribute = |name: &str| optional(name).map(|_| Key::Attribute(name.to_owned()));
    match expr {
        Expr::GetAttr { .. } if is_credentials(expr) => vec![Key::Credentials],
        Expr::GetAttr { attr, .. } => attribute(attr).into_iter().collect(),
        Expr::HasAttr { attrs, .. } => attrs.iter().filter_map(|attr| attribute(attr)).collect(),
        Expr::BinaryOp { op: BinaryOp::HasTag | BinaryOp::GetTag, left, right } => {
            let name = match right.as_ref() {
                Expr::Literal(Literal::String(name)) => Some(name.to_string()),
                _ => None,
            };
            vec![Key::Tag(tagged(left), name)]
        }
        Expr::BinaryOp { left, .. } if asks(expr) && is_credentials(left) => {
            vec![Key::Credentials]
        }
        _ => Vec::new(),
    }
}

fn collect(expr: &Expr, keys: &mut Vec<Key>) {
    for key in own(expr) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    parts(expr, &mut |part| collect(part, keys));
}
