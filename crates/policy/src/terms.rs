//! The typed model of what two parties agree on.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region, Validity};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::action::Action;
use crate::clause::{Assurance, Clause, ClauseId, ClauseKind};
use crate::duty::{Duty, InvalidDuty};
use crate::words;

/// Most clauses of one kind.
pub const CLAUSES_MAX: usize = 64;

/// Most values in one constraint.
pub const VALUES_MAX: usize = 64;

/// Usage terms: what is permitted, what is forbidden whatever is permitted, what is done to the
/// data, and what binds by law alone. Nothing is permitted that no permission names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Terms {
    /// Each permits its actions while all its constraints hold.
    pub permissions: Vec<Rule>,
    /// Each forbids its actions while all its constraints hold.
    pub prohibitions: Vec<Rule>,
    /// Carried out on every release.
    pub duties: Vec<Duty>,
    /// Sentences that no machine enforces.
    pub legal: Vec<Name>,
}

/// Actions, and the constraints under which a permission or prohibition of them applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// The actions concerned; at least one.
    pub actions: BTreeSet<Action>,
    /// All must hold. Without any, the rule always applies.
    pub constraints: Vec<Constraint>,
}

/// A condition on one access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Constraint {
    /// The purpose that the consumer states is one of these.
    Purpose(BTreeSet<Name>),
    /// The access happens within this time.
    Time(Validity),
    /// The consumer is established in one of these jurisdictions.
    Jurisdiction(BTreeSet<Region>),
    /// The contract was used fewer than this many times before. At least 1.
    Count(u32),
}

/// Why terms cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTerms {
    /// Terms without a permission permit nothing, so there is nothing to sign.
    #[error("the terms permit nothing")]
    NoPermission,
    /// More than [`CLAUSES_MAX`] clauses of one kind.
    #[error("at most {CLAUSES_MAX} clauses of one kind are possible, there are {found}")]
    TooManyClauses {
        /// Clauses found.
        found: usize,
    },
    /// A rule that concerns no action.
    #[error("{clause} names no action")]
    NoAction {
        /// Which clause.
        clause: ClauseId,
    },
    /// A constraint without values can never hold; with more than [`VALUES_MAX`] nobody reads it.
    #[error("{clause}: a constraint has {found} values; 1 to {VALUES_MAX} are possible")]
    ValueCount {
        /// Which clause.
        clause: ClauseId,
        /// Values found.
        found: usize,
    },
    /// Two constraints of one kind in one rule: one of them would be easy to overlook.
    #[error("{clause} has two constraints of the same kind; merge them or write two clauses")]
    RepeatedConstraint {
        /// Which clause.
        clause: ClauseId,
    },
    /// A count of zero permits nothing.
    #[error("{clause}: a count must be at least 1")]
    ZeroCount {
        /// Which clause.
        clause: ClauseId,
    },
    /// A quota in a prohibition would forbid the first uses and permit the later ones.
    #[error("{clause}: a count limits permissions, it has no meaning in a prohibition")]
    CountInProhibition {
        /// Which clause.
        clause: ClauseId,
    },
    /// A duty that no table could fulfil.
    #[error("{clause} cannot be carried out")]
    Duty {
        /// Which clause.
        clause: ClauseId,
        /// What is wrong with it.
        source: InvalidDuty,
    },
    /// Two masks on one column: their order would decide what is seen.
    #[error("{clause}: column `{column}` already has a mask")]
    RepeatedMask {
        /// Which clause.
        clause: ClauseId,
        /// The column.
        column: Name,
    },
}

impl Terms {
    /// Terms that permit nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a permission.
    #[must_use]
    pub fn permit(mut self, rule: Rule) -> Self {
        self.permissions.push(rule);
        self
    }

    /// Adds a prohibition.
    #[must_use]
    pub fn prohibit(mut self, rule: Rule) -> Self {
        self.prohibitions.push(rule);
        self
    }

    /// Adds a duty.
    #[must_use]
    pub fn duty(mut self, duty: Duty) -> Self {
        self.duties.push(duty);
        self
    }

    /// Adds a sentence that binds by law alone.
    #[must_use]
    pub fn legal(mut self, sentence: Name) -> Self {
        self.legal.push(sentence);
        self
    }

    /// The largest number of uses that any permission allows; `None` if one is unlimited.
    ///
    /// Uses are counted for the contract as a whole, not for each permission.
    #[must_use]
    pub fn uses_max(&self) -> Option<u32> {
        let limit = |rule: &Rule| {
            rule.constraints.iter().find_map(|constraint| match constraint {
                Constraint::Count(max) => Some(*max),
                _ => None,
            })
        };
        self.permissions.iter().map(limit).try_fold(0, |most, max| max.map(|max| most.max(max)))
    }

    /// Every clause in plain words with its label, in the order of the document.
    #[must_use]
    pub fn clauses(&self) -> Vec<Clause> {
        let rules = |kind, rules: &[Rule]| {
            numbered(kind, rules.len())
                .zip(rules.to_vec())
                .map(|(id, rule)| Clause {
                    id,
                    words: words::rule(kind, &rule),
                    assurance: rule.assurance(kind),
                })
                .collect::<Vec<_>>()
        };
        let mut clauses = rules(ClauseKind::Permission, &self.permissions);
        clauses.extend(rules(ClauseKind::Prohibition, &self.prohibitions));
        clauses.extend(numbered(ClauseKind::Duty, self.duties.len()).zip(&self.duties).map(
            |(id, duty)| Clause { id, words: duty.to_string(), assurance: Assurance::Enforced },
        ));
        clauses.extend(
            numbered(ClauseKind::Legal, self.legal.len()).zip(&self.legal).map(|(id, text)| {
                Clause { id, words: text.to_string(), assurance: Assurance::Legal }
            }),
        );
        clauses
    }

    /// Checks all that must hold before terms may be signed.
    ///
    /// # Errors
    /// [`InvalidTerms`], with the first clause at fault.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        if self.permissions.is_empty() {
            return Err(InvalidTerms::NoPermission);
        }
        let counts = [&self.permissions, &self.prohibitions]
            .map(Vec::len)
            .into_iter()
            .chain([self.duties.len(), self.legal.len()]);
        for found in counts {
            if found > CLAUSES_MAX {
                return Err(InvalidTerms::TooManyClauses { found });
            }
        }
        for (clause, rule) in self.rules() {
            rule.check(clause)?;
        }
        let mut masked = BTreeSet::new();
        for (clause, duty) in numbered(ClauseKind::Duty, self.duties.len()).zip(&self.duties) {
            duty.check().map_err(|source| InvalidTerms::Duty { clause, source })?;
            if let Duty::Mask(mask) = duty
                && !masked.insert(&mask.column)
            {
                return Err(InvalidTerms::RepeatedMask { clause, column: mask.column.clone() });
            }
        }
        Ok(())
    }

    /// Permissions and prohibitions with their ids.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (ClauseId, &Rule)> {
        let permissions = numbered(ClauseKind::Permission, self.permissions.len());
        let prohibitions = numbered(ClauseKind::Prohibition, self.prohibitions.len());
        permissions.zip(&self.permissions).chain(prohibitions.zip(&self.prohibitions))
    }
}

/// Ids of the first `len` clauses of a kind (no more than a `u16` can count).
fn numbered(kind: ClauseKind, len: usize) -> impl Iterator<Item = ClauseId> {
    (1..=u16::MAX).take(len).map(move |number| ClauseId { kind, number })
}

impl Rule {
    /// A rule on these actions, without constraints.
    #[must_use]
    pub fn new(actions: impl IntoIterator<Item = Action>) -> Self {
        Self { actions: actions.into_iter().collect(), constraints: Vec::new() }
    }

    /// Adds a constraint; all must hold.
    #[must_use]
    pub fn when(mut self, constraint: Constraint) -> Self {
        self.constraints.push(constraint);
        self
    }

    fn assurance(&self, kind: ClauseKind) -> Assurance {
        let after_release = self.actions.iter().any(|action| action.is_after_release());
        let purpose =
            self.constraints.iter().any(|constraint| matches!(constraint, Constraint::Purpose(_)));
        match kind {
            ClauseKind::Prohibition if after_release => Assurance::Legal,
            _ if after_release || purpose => Assurance::Attested,
            _ => Assurance::Enforced,
        }
    }

    fn check(&self, clause: ClauseId) -> Result<(), InvalidTerms> {
        if self.actions.is_empty() {
            return Err(InvalidTerms::NoAction { clause });
        }
        let mut kinds = Vec::new();
        for constraint in &self.constraints {
            let found = match constraint {
                Constraint::Purpose(purposes) => purposes.len(),
                Constraint::Jurisdiction(regions) => regions.len(),
                Constraint::Count(0) => return Err(InvalidTerms::ZeroCount { clause }),
                Constraint::Count(_) if clause.kind == ClauseKind::Prohibition => {
                    return Err(InvalidTerms::CountInProhibition { clause });
                }
                Constraint::Count(_) | Constraint::Time(_) => 1,
            };
            if found == 0 || found > VALUES_MAX {
                return Err(InvalidTerms::ValueCount { clause, found });
            }
            let kind = std::mem::discriminant(constraint);
            if kinds.contains(&kind) {
                return Err(InvalidTerms::RepeatedConstraint { clause });
            }
            kinds.push(kind);
        }
        Ok(())
    }
}
