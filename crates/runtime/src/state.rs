//! What is in force: a function of the log. Every change is checked here, whether it is made now
//! or read back at start-up.

pub(crate) mod admission;
pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod contract;
pub(crate) mod error;
pub(crate) mod in_force;
pub(crate) mod members;
pub(crate) mod read_back;
pub(crate) mod replays;
