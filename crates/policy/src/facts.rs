//! What a decision may look at: the table of facts, and the facts of one access.

pub use self::access::{Environment, Facts, Metered, Payment, Person, Uses};
pub use self::known::{Kind, Known, Owner};
pub use self::table::{Among, Constraint, Fact, Form, Told};
pub use self::value_kind::ValueKind;
pub use self::values::Values;

mod access;
mod known;
#[macro_use]
mod macros;
mod table;
mod value_kind;
mod values;
