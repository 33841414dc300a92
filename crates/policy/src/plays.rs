//! Plays, and what a contract counts beside its uses.

use serde::{Deserialize, Serialize};

use crate::facts::Constraint;
use crate::terms::{InvalidTerms, Terms};

/// Seconds from the beginning that are no play yet, where terms do not say how many.
pub const FREE_SECONDS: u32 = 30;

/// Most plays of a recording, and how much of its beginning is no play yet.
///
/// An access with the action `play` to a stretch within the first [`after`](Self::after) seconds takes no play. Every other access
/// takes one, but for a stretch with the action `play` that begins no earlier than the last one of the same kind
/// ended: it goes on with the play that is open. So each second after the first ones leaves at most [`max`](Self::max) times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plays {
    /// Plays in all. At least 1.
    pub max: u32,
    /// Seconds from the beginning that are no play yet, 0 or more; one number in all of the terms.
    #[serde(default = "free_seconds", skip_serializing_if = "is_free_seconds")]
    pub after: u32,
}

const fn free_seconds() -> u32 {
    FREE_SECONDS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
const fn is_free_seconds(after: &u32) -> bool {
    *after == FREE_SECONDS
}

/// What a contract counts beside its uses, by its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    /// Plays, and how many seconds from the beginning are none yet; `None` if they are not counted.
    pub plays_after: Option<u32>,
    /// True if the seconds are counted that were asked for.
    pub seconds: bool,
}

impl Terms {
    /// What the contract counts beside its uses.
    #[must_use]
    pub fn meters(&self) -> Meters {
        let mut meters = Meters::default();
        for constraint in self.rules().flat_map(|(_, rule)| &rule.constraints) {
            constraint.each(&mut |one| match one {
                Constraint::PlayCount(plays) => meters.plays_after = Some(plays.after),
                Constraint::SecondsCount(_) => meters.seconds = true,
                _ => {}
            });
        }
        meters
    }

    pub(crate) fn check_plays(&self) -> Result<(), InvalidTerms> {
        let after = self.meters().plays_after;
        for (clause, rule) in self.rules() {
            let mut is_apart = false;
            for constraint in &rule.constraints {
                constraint.each(&mut |one| {
                    let plays = if let Constraint::PlayCount(plays) = one {
                        Some(plays.after)
                    } else {
                        None
                    };
                    is_apart |= plays.is_some() && plays != after;
                });
            }
            if is_apart {
                return Err(InvalidTerms::PlaysApart { clause });
            }
        }
        Ok(())
    }
}
