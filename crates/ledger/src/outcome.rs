//! A decision as the log tells it, for people.

use std::fmt;

use dataspace_primitives::shown::counted;
use dataspace_tlog::{
    Fact, Verdict,
    record::{ReleaseEnd, ReleaseReport},
};

use crate::denial::DenialReason;

/// A decision, as far as the log tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Permitted; by these clauses, where they are known: the log does not keep them.
    Permit(Vec<String>),
    /// Denied, for these reasons: each a code, a colon and plain words.
    Deny(Vec<String>),
}

impl Outcome {
    /// As the log keeps it.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Permit { .. } => Self::Permit(Vec::new()),
            Verdict::Deny { reasons } => Self::Deny(reasons.clone()),
        }
    }
}

impl From<Result<Vec<String>, Vec<DenialReason>>> for Outcome {
    fn from(judged: Result<Vec<String>, Vec<DenialReason>>) -> Self {
        match judged {
            Ok(clauses) => Self::Permit(clauses),
            Err(reasons) => Self::Deny(reasons.iter().map(DenialReason::recorded).collect()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permit(clauses) if clauses.is_empty() => f.write_str("permitted"),
            Self::Permit(clauses) => write!(f, "permitted by {}", clauses.join(", ")),
            Self::Deny(reasons) => write!(f, "denied ({})", reasons.join("; ")),
        }
    }
}

/// A report of a release for people: `55 rows, 4310 bytes in 1 piece, to the end`.
#[must_use]
pub fn report_words(report: &ReleaseReport) -> String {
    let ReleaseReport { end, pieces, rows, bytes, subjects, .. } = report;
    let rows = if *rows > 0 { counted(*rows, "row") + ", " } else { String::new() };
    let subjects = subjects.map(|subjects| counted(subjects, "subject") + ", ").unwrap_or_default();
    let pieces = counted(*pieces, "piece");
    let end = match end {
        ReleaseEnd::Whole => "to the end",
        ReleaseEnd::Stopped => "stopped because it was no longer permitted",
        ReleaseEnd::Failed => "broken off by a failure",
        ReleaseEnd::Dropped => "not asked for any further",
    };
    format!("{rows}{subjects}{} in {pieces}, {end}", counted(*bytes, "byte"))
}

/// A recorded fact for people.
pub(crate) fn fact_words(fact: Option<&Fact>) -> String {
    match fact {
        None => "nothing".to_owned(),
        Some(Fact::Text(text)) => text.clone(),
        Some(Fact::Number(number)) => number.to_string(),
        Some(Fact::Texts(texts)) => texts.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// Duties for people.
pub(crate) fn duty_words(duties: &[String]) -> String {
    if duties.is_empty() { "none".to_owned() } else { duties.join(", ") }
}
