//! What is in force: a function of the log's records. Every change is checked here, whether it is made
//! now or read back.

pub(crate) mod admission;
pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod contract;
pub(crate) mod documents;
pub(crate) mod exclusives;
pub(crate) mod in_force;
pub(crate) mod judge;
pub(crate) mod members;
pub(crate) mod read_back;
pub(crate) mod releases;
pub(crate) mod rivals;
pub(crate) mod statements;
pub(crate) mod vouched;

pub use self::change::Change;
pub use self::contract::{Contract, Document, Place, Relation};
pub use self::in_force::Product;
pub use self::judge::Case;
pub use self::members::{Member, REVOKED_AHEAD_MAX};
pub use self::read_back::Taken;
pub use self::releases::Releases;
pub use self::statements::STATEMENTS_MAX;
pub use crate::report_error::ReportError;
