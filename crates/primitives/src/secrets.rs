//! Secrets that follow from a root.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// Gives a secret of its own for each use, always the same one: from a root in memory, or from a service
/// that never gives the root out.
pub trait Secrets: Send + Sync {
    /// 32 secret bytes for the use that is named by `purpose` and `context`.
    ///
    /// # Errors
    /// [`SecretsError`] if the root cannot be used now.
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError>;
}

/// Why there is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the root secret cannot be used: {why}")]
pub struct SecretsError {
    why: String,
}

impl SecretsError {
    /// For this reason, which everybody may read.
    #[must_use]
    pub fn new(why: impl fmt::Display) -> Self {
        Self { why: why.to_string() }
    }
}
