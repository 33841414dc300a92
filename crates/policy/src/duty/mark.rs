//! Marks by which a copy tells whose it is.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;

/// Every copy that leaves is marked for its contract, and so for its recipient. It hinders nobody from passing
/// the copy on, and can be damaged: its label is `deterrent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mark {
    /// How it is marked. Both ways go together.
    pub method: MarkMethod,
}

/// How a copy is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MarkMethod {
    /// Everybody sees the mark: a short name of the contract stands in the picture.
    Visible,
    /// Nobody is meant to see or hear the mark; with its secret, the provider finds it.
    Trace,
}

impl MarkMethod {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::Visible, Self::Trace];

    /// Its name in ODRL.
    #[must_use]
    pub const fn in_odrl(self) -> &'static str {
        match self {
            Self::Visible => "dataspace:visible",
            Self::Trace => "dataspace:trace",
        }
    }
}

impl Kind for Mark {
    fn column(&self) -> Option<&Name> {
        None
    }

    fn assurance(&self) -> Assurance {
        Assurance::Deterrent
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        Ok(())
    }

    // No cell shows it.
    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// In plain words: `every copy bears a hidden trace of this contract`.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.method {
            MarkMethod::Visible => "every copy bears a visible mark of this contract",
            MarkMethod::Trace => {
                "every copy bears a hidden trace of this contract, by which the provider can tell whose it was"
            }
        })
    }
}
