//! What a fact is, in plain words.

use crate::engine::node::Fact;
use crate::engine::paved::Access;
use crate::engine::print::time;
use crate::engine::source::{Erred, Source as _};
use crate::engine::value::Value;
use crate::phrase::quoted;

/// What a fact is called, and whether it takes a plural verb.
pub(super) fn subject(fact: Fact) -> (&'static str, bool) {
    match fact {
        Fact::Region => ("the consumer's region", false),
        Fact::Roles => ("the consumer's roles", true),
        Fact::Credentials => ("the consumer's credentials", true),
        Fact::Class => ("the product's class", false),
        Fact::Level => ("the product's classification", false),
        Fact::Now => ("the time", false),
        Fact::Purpose => ("the purpose", false),
        Fact::Purposes => ("the purpose with the broader ones", false),
        Fact::Space => ("the space", false),
        Fact::Contract => ("the contract", false),
        Fact::Uses => ("the number of uses", false),
        Fact::UsesByConsumer => ("the consumer's number of uses", false),
        Fact::UsesToday => ("the number of uses today", false),
        Fact::UsesThisMonth => ("the number of uses this month", false),
        Fact::Person => ("the person", false),
        Fact::Environment => ("the environment", false),
        Fact::RecipientRegion => ("the region of the recipient", false),
        Fact::Payment => ("the payment", false),
        Fact::Events => ("the events", true),
        Fact::State => ("the state of the process", false),
    }
}

/// `the purpose is marketing`.
pub(super) fn known(access: &Access<'_>, fact: Fact) -> String {
    let (what, is_plural) = subject(fact);
    let is = if is_plural { "are" } else { "is" };
    match access.fact(fact) {
        Ok(Value::Entity(uid)) => format!("{what} {is} {}", quoted(uid.id)),
        Ok(value) => format!("{what} {is} {}", shown(value)),
        Err(Erred) => format!("{what} {is} not known"),
    }
}

/// A value in a sentence: texts and instants bare, others as Cedar writes them.
pub(super) fn shown(value: Value<'_>) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Datetime(at) => time(at),
        value => value.to_string(),
    }
}
