//! What a contract counts beside its uses.

use crate::facts::Constraint;
use crate::terms::{InvalidTerms, Terms};

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
