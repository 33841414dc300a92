//! Clauses, their names and their labels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which list of the terms a clause stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClauseKind {
    /// Allows actions.
    Permission,
    /// Forbids actions.
    Prohibition,
    /// Demands something of the data before release.
    Duty,
    /// Binds by law alone.
    Legal,
    /// Keeps others out: no contract that conflicts is concluded.
    Exclusive,
}

/// Names one clause: its list and its place in it, counted from 1. Written `permission-1`; the
/// Cedar policy of a clause bears the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClauseId {
    /// The list.
    pub kind: ClauseKind,
    /// The place in the list, from 1.
    pub number: u16,
}

impl fmt::Display for ClauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ClauseKind::Permission => "permission",
            ClauseKind::Prohibition => "prohibition",
            ClauseKind::Duty => "duty",
            ClauseKind::Legal => "legal",
            ClauseKind::Exclusive => "exclusive",
        };
        write!(f, "{kind}-{}", self.number)
    }
}

/// The text does not name a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a clause is named like `permission-1`")]
pub struct ParseClauseIdError;

impl FromStr for ClauseId {
    type Err = ParseClauseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once('-').ok_or(ParseClauseIdError)?;
        let kind = match kind {
            "permission" => ClauseKind::Permission,
            "prohibition" => ClauseKind::Prohibition,
            "duty" => ClauseKind::Duty,
            "legal" => ClauseKind::Legal,
            "exclusive" => ClauseKind::Exclusive,
            _ => return Err(ParseClauseIdError),
        };
        let number = number.parse().map_err(|_| ParseClauseIdError)?;
        let id = Self { kind, number };
        // One spelling: no leading zeros or signs.
        if number > 0 && id.to_string() == text { Ok(id) } else { Err(ParseClauseIdError) }
    }
}

/// What makes a clause hold. Computed from the clause, never chosen; shown to both signers. The
/// weakest part of a clause gives its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// The provider's monitor decides and acts on facts that it holds itself, or that the space
    /// authority, or a party that it trusts for them, signed.
    Enforced,
    /// Enforced by releasing a key only under the clause.
    Key,
    /// The monitor decides on a statement that the consumer signed, such as the purpose.
    Attested,
    /// Made traceable, not prevented.
    Deterrent,
    /// Text between the parties; no machine stands behind it.
    Legal,
    /// Asks for a fact that nobody supplies yet, or permits an action that no node carries out: a
    /// permission never applies, a prohibition always does.
    Unsupported,
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Enforced => "enforced",
            Self::Key => "key",
            Self::Attested => "attested",
            Self::Deterrent => "deterrent",
            Self::Legal => "legal",
            Self::Unsupported => "unsupported",
        })
    }
}

/// One clause for people: its id, its plain words and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Which clause.
    pub id: ClauseId,
    /// The clause in plain words, one sentence without a full stop.
    pub words: String,
    /// What makes it hold.
    pub assurance: Assurance,
}
