//! One access, from request to release.

pub(crate) mod asked;
pub(crate) mod error;
pub(crate) mod monitor;
pub(crate) mod permit;
pub(crate) mod release;
pub(crate) mod report;
mod resume;
pub(crate) mod resumes;
#[cfg(feature = "sealed")]
pub(crate) mod sealing;
mod skip;
mod slot;
mod turns;

pub use self::asked::VerifiedRequest;
pub use self::error::NotResumed;
pub use self::monitor::Received;
pub use self::permit::{Conflict, Decision, Denial, NotSubmitted, Recorded, Submitted};
pub use self::release::ReleaseError;
#[cfg(feature = "sealed")]
pub use self::sealing::{Delivered, SealToError};
