//! Where a constraint stands.

use dataspace_policy::Legal;

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused};

/// Where a constraint stands, which decides what becomes of a term that binds by law alone.
pub(crate) enum Place<'l> {
    /// Among what the only permission demands in any case: it is kept here.
    Permission(&'l mut Vec<Legal>),
    /// Likewise, in one of several permissions.
    OneOfSeveral,
    /// Where its truth would decide.
    Inside,
}

impl Place<'_> {
    pub(crate) fn again(&mut self) -> Place<'_> {
        match self {
            Self::Permission(legal) => Place::Permission(legal),
            Self::OneOfSeveral => Place::OneOfSeveral,
            Self::Inside => Place::Inside,
        }
    }

    /// Returns true if it stands among what a permission demands in any case.
    pub(crate) fn is_demanded(&self) -> bool {
        !matches!(self, Self::Inside)
    }

    pub(crate) fn keep<'a>(&mut self, at: At<'a>, legal: Legal) -> Result<(), Refused<'a>> {
        match self {
            Self::Permission(all) => {
                all.push(legal);
                Ok(())
            }
            Self::OneOfSeveral => Err(at.error(OdrlErrorKind::Scope)),
            Self::Inside => Err(at.error(OdrlErrorKind::LegalInside)),
        }
    }
}
