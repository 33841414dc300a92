//! The facts of one access as values, by the schema of a data space.

use cedar_policy::pst::{Expr, Var};

use super::eval::{Erred, Result, Source};
use super::node::Fact;
use super::value::{Set, Uid, Value};
use crate::facts::Facts;

const PARTICIPANT: &str = "Dataspace::Participant";
const ACTION: &str = "Dataspace::Action";
const PRODUCT: &str = "Dataspace::Product";

/// The facts of one access, with numbers that Cedar can hold.
pub(crate) struct Access<'a> {
    facts: &'a Facts,
    now: i64,
    uses: i64,
}

/// Which fact stands behind `expr.name`.
pub(crate) fn fact(expr: &Expr, name: &str) -> Option<Fact> {
    let Expr::Var(variable) = expr else { return None };
    match (variable, name) {
        (Var::Principal, "region") => Some(Fact::Region),
        (Var::Principal, "roles") => Some(Fact::Roles),
        (Var::Resource, "class") => Some(Fact::Class),
        (Var::Context, "now") => Some(Fact::Now),
        (Var::Context, "purpose") => Some(Fact::Purpose),
        (Var::Context, "uses") => Some(Fact::Uses),
        _ => None,
    }
}

impl<'a> Access<'a> {
    /// `None` if a number is larger than Cedar's.
    pub(crate) fn new(facts: &'a Facts) -> Option<Self> {
        let now = i64::try_from(facts.now.as_millis()).ok()?;
        let uses = i64::try_from(facts.uses).ok()?;
        Some(Self { facts, now, uses })
    }

    pub(crate) fn facts(&self) -> &'a Facts {
        self.facts
    }
}

impl<'a> Source<'a> for Access<'a> {
    fn principal(&self) -> Uid<'a> {
        Uid { ty: PARTICIPANT, id: &self.facts.participant }
    }

    fn action(&self) -> Uid<'a> {
        Uid { ty: ACTION, id: self.facts.action.as_str() }
    }

    fn resource(&self) -> Uid<'a> {
        Uid { ty: PRODUCT, id: self.facts.product.as_str() }
    }

    // INVARIANT: what reads the context in another way than by its facts is not compiled.
    fn context(&self) -> Result<Value<'a>> {
        Err(Erred)
    }

    fn fact(&self, fact: Fact) -> Result<Value<'a>> {
        Ok(match fact {
            Fact::Region => Value::String(self.facts.region.as_str()),
            Fact::Roles => Value::Set(Set::Names(&self.facts.roles)),
            Fact::Class => Value::String(self.facts.product_class.as_str()),
            Fact::Now => Value::Datetime(self.now),
            Fact::Purpose => Value::String(self.facts.purpose.as_str()),
            Fact::Uses => Value::Long(self.uses),
        })
    }

    fn attribute(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        let fact = match name {
            "region" if entity == self.principal() => Fact::Region,
            "roles" if entity == self.principal() => Fact::Roles,
            "class" if entity == self.resource() => Fact::Class,
            _ => return None,
        };
        self.fact(fact).ok()
    }

    fn tag(&self, _: Uid<'a>, _: &str) -> Option<Value<'a>> {
        None
    }

    fn has_ancestor(&self, _: Uid<'a>, _: Uid<'_>) -> bool {
        false
    }
}
