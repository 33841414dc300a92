//! What a fact is, in plain words.

use crate::engine::paved::Access;
use crate::engine::print::time;
use crate::engine::source::{Erred, Source as _};
use crate::engine::value::Value;
use crate::facts::Fact;
use crate::phrase::quoted;

/// `the purpose is marketing`.
pub(super) fn known(access: &Access<'_>, fact: Fact) -> String {
    let what = fact.in_english();
    let is = if fact.is_plural() { "are" } else { "is" };
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
