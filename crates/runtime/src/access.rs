//! One access, from request to release.

pub(crate) mod asked;
pub(crate) mod denial;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod monitor;
pub(crate) mod outcome;
pub(crate) mod permit;
pub(crate) mod release;
pub(crate) mod stated;
