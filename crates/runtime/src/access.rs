//! One access, from request to release.

pub(crate) mod asked;
pub(crate) mod error;
pub(crate) mod monitor;
pub(crate) mod permit;
pub(crate) mod release;
