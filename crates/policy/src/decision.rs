use std::fmt;

use crate::action::Action;

/// The outcome of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// A contract permits, nobody forbids, and no policy erred.
    Permit(Grounds),
    /// Anything else.
    Deny(Denial),
}

/// Which clauses permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Ids of the Cedar policies (`permission-1`), sorted; at least one.
    pub policies: Vec<String>,
}

/// Why an access is denied. Never without a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The first reason is the one to show when there is room for one only.
    pub reasons: Vec<Reason>,
}

/// One reason for a denial, in plain words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A clause would permit the action, but a condition does not hold.
    Unmet {
        /// The policy's id.
        clause: String,
        /// What the clause demands.
        demand: String,
        /// What the fact is.
        fact: String,
    },
    /// No clause of the contract permits the action at all.
    NotCovered {
        /// What was asked.
        action: Action,
    },
    /// A clause of the contract forbids it.
    Prohibited {
        /// The policy's id.
        clause: String,
    },
    /// The space forbids it.
    ForbiddenBySpace {
        /// The policy's id in the profile.
        policy: String,
    },
    /// A policy could not be evaluated; what cannot be evaluated is never true.
    PolicyError {
        /// The policy's id.
        policy: String,
    },
    /// The compiled program and Cedar's own evaluator differ: a defect of this library, and nobody
    /// knows which is right.
    Mismatch,
    /// The facts could not be put before the policies.
    Facts {
        /// What is wrong with them.
        message: String,
    },
}

impl Reason {
    /// A stable word for scripts and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unmet { .. } => "unmet",
            Self::NotCovered { .. } => "not-covered",
            Self::Prohibited { .. } => "prohibited",
            Self::ForbiddenBySpace { .. } => "forbidden-by-space",
            Self::PolicyError { .. } => "policy-error",
            Self::Mismatch => "mismatch",
            Self::Facts { .. } => "facts",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmet { clause, demand, fact } => write!(f, "{clause}: {demand}; {fact}"),
            Self::NotCovered { action } => {
                write!(f, "no clause of the contract permits to {action}")
            }
            Self::Prohibited { clause } => write!(f, "{clause} of the contract forbids it"),
            Self::ForbiddenBySpace { policy } => {
                write!(f, "the space forbids it by its policy {policy}")
            }
            Self::PolicyError { policy } => {
                write!(f, "policy {policy} could not be evaluated, so it counts as a denial")
            }
            Self::Mismatch => f.write_str(
                "a check of the decision by a second evaluator failed; please report this defect",
            ),
            Self::Facts { message } => write!(f, "the facts cannot be evaluated: {message}"),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, reason) in self.reasons.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{reason}")?;
        }
        Ok(())
    }
}
