//! Opening a log: what a crash left of it is mended, all other damage is refused.

pub(crate) mod archived;
pub(crate) mod check;
pub(crate) mod claimed;
pub(crate) mod gap;
pub(crate) mod opening;
pub(crate) mod recovery;

pub use self::recovery::OpenError;
