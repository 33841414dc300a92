//! One access, from request to release.

pub(crate) mod error;
