//! What an expression is evaluated on.

use super::node::Text;
use super::value::{Uid, Value};
use crate::facts::Fact;

/// The expression has no value. Which error it is does not matter: it denies.
#[derive(Debug)]
pub(crate) struct Erred;

pub(crate) type Result<T> = std::result::Result<T, Erred>;

/// What the variables and the attributes of entities stand for.
pub(crate) trait Source<'a> {
    fn principal(&self) -> Uid<'a>;
    fn action(&self) -> Uid<'a>;
    fn resource(&self) -> Uid<'a>;
    fn context(&self) -> Result<Value<'a>>;
    fn fact(&self, fact: Fact) -> Result<Value<'a>>;
    // These, only the path of any policies is asked for.
    fn has_context_attribute(&self, _: &str) -> bool {
        false
    }
    fn context_attribute(&self, _: &str) -> Result<Option<Value<'a>>> {
        Err(Erred)
    }
    // What follows, only the paved path is asked for.
    fn is_participant(&self, _: &Text) -> bool {
        false
    }
    fn is_product(&self, _: &Text) -> bool {
        false
    }
    fn now(&self) -> i64 {
        0
    }
    fn place(&self, _: u16) -> Result<&'a str> {
        Err(Erred)
    }
    fn time_place(&self, _: u16) -> Result<i64> {
        Err(Erred)
    }
    /// An attribute, `None` if there is none or no such entity.
    fn attribute(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>>;
    /// A tag, `None` if there is none or no such entity.
    fn tag(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>>;
    /// Returns true if `entity` has the ancestor; an entity is not its own.
    fn has_ancestor(&self, entity: Uid<'a>, ancestor: Uid<'_>) -> bool;
}
