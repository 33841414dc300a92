//! Whose signatures an operator knows.

use std::fmt;

use crate::errors::TrustListError;
use crate::limits::TRUST_LEN_MAX;
use crate::settings::context;

/// Certificates of those whose signatures make credentials [`Trusted`](crate::Standing::Trusted). What a file reserves, it
/// reserves without them, too.
#[derive(Clone, Default)]
pub struct TrustList {
    anchors: Option<String>,
}

impl TrustList {
    /// Nobody's: all credentials that hold are [`Intact`](crate::Standing::Intact).
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Roots in PEM, one after the other, as the list of the C2PA conformance programme is published.
    ///
    /// # Errors
    /// [`TrustListError`] if it is no such list.
    pub fn of_pem(pem: &str) -> Result<Self, TrustListError> {
        if pem.len() > TRUST_LEN_MAX {
            return Err(TrustListError::Len { len: pem.len() });
        }
        // Each certificate is looked at when they are taken as a setting.
        context(Some(pem)).map_err(|_| TrustListError::NotPem)?;
        Ok(Self { anchors: Some(pem.to_owned()) })
    }

    pub(crate) fn anchors(&self) -> Option<&str> {
        self.anchors.as_deref()
    }
}

impl fmt::Debug for TrustList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustList").field("is_empty", &self.anchors.is_none()).finish()
    }
}
