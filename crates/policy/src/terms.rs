//! The typed model of what two parties agree on.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, bounded};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::action::Action;
use crate::clause::{ClauseId, ClauseKind};
use crate::constraint::{DEPTH_MAX, NODES_MAX, SECS_MAX, VALUES_MAX};
use crate::duty::{Duty, InvalidDuty};
use crate::exclusive::Exclusive;
use crate::facts::Constraint;
use crate::zone;

/// Most clauses of one kind.
pub const CLAUSES_MAX: usize = 64;

/// Usage terms: what is permitted, what is forbidden whatever is permitted, what is done to the
/// data, and what binds by law alone. Nothing is permitted that no permission names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Terms {
    /// Each permits its actions while all its constraints hold.
    #[serde(deserialize_with = "bounded::list::<_, _, CLAUSES_MAX>")]
    pub permissions: Vec<Rule>,
    /// Each forbids its actions while all its constraints hold.
    #[serde(deserialize_with = "bounded::list::<_, _, CLAUSES_MAX>")]
    pub prohibitions: Vec<Rule>,
    /// Carried out on every release.
    #[serde(deserialize_with = "bounded::list::<_, _, CLAUSES_MAX>")]
    pub duties: Vec<Duty>,
    /// What no machine enforces.
    #[serde(deserialize_with = "bounded::list::<_, _, CLAUSES_MAX>")]
    pub legal: Vec<Legal>,
    /// What others are kept out of while this is agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<Exclusive>,
}

/// Actions, and the constraints under which a permission or prohibition of them applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// The actions concerned; at least one.
    pub actions: BTreeSet<Action>,
    /// All must hold. Without any, the rule always applies.
    #[serde(deserialize_with = "bounded::list::<_, _, NODES_MAX>")]
    pub constraints: Vec<Constraint>,
}

/// What binds by law alone: no machine stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Legal {
    /// A sentence.
    Text(Name),
    /// A constraint of another vocabulary, such as `cx-policy:Liability`, that no fact answers.
    Operand {
        /// The left operand (ODRL), as a compact IRI.
        operand: Name,
        /// The operator (ODRL), such as `eq`.
        operator: Name,
        /// The right operands; at least one.
        values: Vec<Name>,
    },
    /// What the consumer must not do, in the words of another vocabulary, such as
    /// `cx-policy:UsageRestriction`.
    Forbidden {
        /// The left operand (ODRL), as a compact IRI.
        operand: Name,
        /// The operator (ODRL), such as `isAllOf`.
        operator: Name,
        /// The right operands; at least one.
        values: Vec<Name>,
    },
    /// The consumer deletes its copy this many seconds after the agreement. 1 to [`SECS_MAX`].
    DeleteAfter(u64),
    /// The consumer changes its copy so, before it uses it (IDS: modify at rest).
    ModifyAtRest(Name),
    /// The consumer logs its uses (IDS: log). The provider's releases are logged in any case.
    Log,
    /// The consumer notifies this party of each use (IDS: notify).
    Notify(Name),
    /// The consumer passes the data on under this policy only (IDS: distribute with a policy).
    ShareUnder(Name),
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
    /// A count or a time of zero permits nothing.
    #[error("{clause}: a count or time must be at least 1")]
    ZeroCount {
        /// Which clause.
        clause: ClauseId,
    },
    /// Longer than [`SECS_MAX`].
    #[error("{clause}: at most {SECS_MAX} seconds after the agreement are possible")]
    TooLong {
        /// Which clause.
        clause: ClauseId,
    },
    /// Plays that are counted in two ways: there would be two numbers of them.
    #[error("{clause}: all plays of one contract count after the same number of seconds")]
    PlaysApart {
        /// Which clause.
        clause: ClauseId,
    },
    /// A quota in a prohibition would forbid the first uses and permit the later ones.
    #[error("{clause}: a count limits permissions, it has no meaning in a prohibition")]
    CountInProhibition {
        /// Which clause.
        clause: ClauseId,
    },
    /// Deeper than [`DEPTH_MAX`] or more than [`NODES_MAX`] constraints.
    #[error("{clause}: at most {NODES_MAX} constraints in at most {DEPTH_MAX} levels are possible")]
    Nesting {
        /// Which clause.
        clause: ClauseId,
    },
    /// A time zone that the IANA database does not have.
    #[error("{clause}: there is no time zone `{zone}`; write it as in Europe/Berlin")]
    TimeZone {
        /// Which clause.
        clause: ClauseId,
        /// The zone.
        zone: Name,
    },
    /// Hours that end before they begin, or after the day.
    #[error("{clause}: hours begin before they end, both in minutes of one day, 0 to 1440")]
    Hours {
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
    /// Two masks on one column, or a mask and a watermark: their order would decide what is seen.
    #[error("{clause}: column `{column}` already has a mask or a watermark")]
    RepeatedMask {
        /// Which clause.
        clause: ClauseId,
        /// The column.
        column: Name,
    },
    /// Two lists of the columns or figures that leave.
    #[error("{clause}: what leaves is listed already; list columns or figures, once")]
    RepeatedKeep {
        /// Which clause.
        clause: ClauseId,
    },
    /// A second sample, a second number of rows, or a second count of persons.
    #[error("{clause}: there is a duty of this kind already; merge the two")]
    RepeatedDuty {
        /// Which clause.
        clause: ClauseId,
    },
    /// Rows are limited or marked where figures of groups leave instead.
    #[error("{clause}: figures of groups leave, and no rows; take it away")]
    OfRows {
        /// Which clause.
        clause: ClauseId,
    },
    /// A mask on a column that does not leave.
    #[error(
        "{clause}: column `{column}` does not leave; list it among those that do, or take its mask away"
    )]
    MaskNotKept {
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

    /// Adds what binds by law alone.
    #[must_use]
    pub fn legal(mut self, legal: Legal) -> Self {
        self.legal.push(legal);
        self
    }

    /// The largest number of uses that any permission allows; `None` if one is unlimited.
    ///
    /// Uses are counted for the contract as a whole, not for each permission.
    #[must_use]
    pub fn uses_max(&self) -> Option<u32> {
        fn limit(all: &[Constraint]) -> Option<u32> {
            let limits = all.iter().filter_map(|constraint| match constraint {
                Constraint::Count(max) => Some(*max),
                Constraint::All(all) => limit(all),
                _ => None,
            });
            limits.min()
        }
        let limit = |rule: &Rule| limit(&rule.constraints);
        self.permissions.iter().map(limit).try_fold(0, |most, max| max.map(|max| most.max(max)))
    }

    /// Every purpose that a constraint names, at any depth.
    #[must_use]
    pub fn purposes(&self) -> BTreeSet<&Name> {
        let mut all = BTreeSet::new();
        for constraint in self.rules().flat_map(|(_, rule)| &rule.constraints) {
            constraint.each(&mut |one| {
                if let Constraint::Purpose(purposes) | Constraint::PurposeWithin(purposes) = one {
                    all.extend(purposes);
                }
            });
        }
        all
    }

    /// The kinds of signed statements that constraints ask for, with what they would have to say, at any
    /// depth.
    pub fn vouched(&self) -> impl Iterator<Item = (&Name, &BTreeSet<Name>)> {
        let mut all = Vec::new();
        for constraint in self.rules().flat_map(|(_, rule)| &rule.constraints) {
            constraint.each(&mut |one| {
                if let Constraint::Vouched { kind, values } = one {
                    all.push((kind, values));
                }
            });
        }
        all.into_iter()
    }

    /// The first permission of an action that no node carries out
    /// ([`Action::is_carried_out`]), and the action.
    #[must_use]
    pub fn not_carried_out(&self) -> Option<(ClauseId, Action)> {
        let permissions = self.rules().filter(|(id, _)| id.kind == ClauseKind::Permission);
        let mut all =
            permissions.flat_map(|(id, rule)| rule.actions.iter().map(move |one| (id, *one)));
        all.find(|(_, action)| !action.is_carried_out())
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
        self.check_plays()?;
        for (clause, legal) in numbered(ClauseKind::Legal, self.legal.len()).zip(&self.legal) {
            legal.check(clause)?;
        }
        if let Some(one) = &self.exclusive
            && one.territories.len() > VALUES_MAX
        {
            let clause = ClauseId { kind: ClauseKind::Exclusive, number: 1 };
            return Err(InvalidTerms::ValueCount { clause, found: one.territories.len() });
        }
        self.check_duties()
    }

    fn check_duties(&self) -> Result<(), InvalidTerms> {
        let (mut masked, mut kept, mut is_aggregated) = (BTreeSet::new(), None, false);
        let (mut is_sampled, mut is_limited, mut is_counted) = (false, false, false);
        let duties = || numbered(ClauseKind::Duty, self.duties.len()).zip(&self.duties);
        for (clause, duty) in duties() {
            duty.check().map_err(|source| InvalidTerms::Duty { clause, source })?;
            match duty {
                Duty::Mask(mask) if !masked.insert(&mask.column) => {
                    return Err(InvalidTerms::RepeatedMask { clause, column: mask.column.clone() });
                }
                Duty::Keep(keep) if kept.replace(&keep.columns).is_some() => {
                    return Err(InvalidTerms::RepeatedKeep { clause });
                }
                Duty::Aggregate(_) if std::mem::replace(&mut is_aggregated, true) => {
                    return Err(InvalidTerms::RepeatedKeep { clause });
                }
                Duty::Sample(_) if std::mem::replace(&mut is_sampled, true) => {
                    return Err(InvalidTerms::RepeatedDuty { clause });
                }
                Duty::Limit(_) if std::mem::replace(&mut is_limited, true) => {
                    return Err(InvalidTerms::RepeatedDuty { clause });
                }
                Duty::Persons(_) if std::mem::replace(&mut is_counted, true) => {
                    return Err(InvalidTerms::RepeatedDuty { clause });
                }
                Duty::Watermark(mark) if !masked.insert(&mark.column) => {
                    return Err(InvalidTerms::RepeatedMask { clause, column: mark.column.clone() });
                }
                _ => {}
            }
        }
        for (clause, duty) in duties() {
            if is_aggregated && matches!(duty, Duty::Keep(_)) {
                return Err(InvalidTerms::RepeatedKeep { clause });
            }
            if is_aggregated && matches!(duty, Duty::Limit(_) | Duty::Watermark(_)) {
                return Err(InvalidTerms::OfRows { clause });
            }
            let changed = match duty {
                Duty::Mask(mask) => Some(&mask.column),
                Duty::Watermark(mark) => Some(&mark.column),
                _ => None,
            };
            if let (Some(column), Some(kept)) = (changed, kept)
                && !kept.iter().any(|one| holds(one.as_str(), column.as_str()))
            {
                return Err(InvalidTerms::MaskNotKept { clause, column: column.clone() });
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

/// Returns true if it is the same column, or the same part of a document or one within it.
fn holds(kept: &str, column: &str) -> bool {
    let rest = column.strip_prefix(kept);
    rest.is_some_and(|rest| rest.is_empty() || (kept.starts_with('/') && rest.starts_with('/')))
}

/// Ids of the first `len` clauses of a kind (no more than a `u16` can count).
pub(crate) fn numbered(kind: ClauseKind, len: usize) -> impl Iterator<Item = ClauseId> {
    (1..=u16::MAX).take(len).map(move |number| ClauseId { kind, number })
}

impl Legal {
    fn check(&self, clause: ClauseId) -> Result<(), InvalidTerms> {
        match self {
            Self::Operand { values, .. } | Self::Forbidden { values, .. }
                if values.is_empty() || values.len() > VALUES_MAX =>
            {
                Err(InvalidTerms::ValueCount { clause, found: values.len() })
            }
            Self::DeleteAfter(0) => Err(InvalidTerms::ZeroCount { clause }),
            Self::DeleteAfter(secs) if *secs > SECS_MAX => Err(InvalidTerms::TooLong { clause }),
            _ => Ok(()),
        }
    }
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

    /// What [`Terms::check`] checks of a rule by itself.
    ///
    /// # Errors
    /// [`InvalidTerms`], with this clause.
    #[doc(hidden)]
    pub fn check(&self, clause: ClauseId) -> Result<(), InvalidTerms> {
        if self.actions.is_empty() {
            return Err(InvalidTerms::NoAction { clause });
        }
        let mut kinds = Vec::new();
        let mut nodes = 0;
        for constraint in &self.constraints {
            check_constraint(clause, constraint, 0, &mut nodes)?;
            let kind = std::mem::discriminant(constraint);
            let is_repeatable = constraint.is_compound()
                || matches!(constraint, Constraint::Attribute { .. } | Constraint::Vouched { .. });
            if !is_repeatable && kinds.contains(&kind) {
                return Err(InvalidTerms::RepeatedConstraint { clause });
            }
            kinds.push(kind);
        }
        Ok(())
    }
}

fn check_constraint(
    clause: ClauseId,
    constraint: &Constraint,
    depth: usize,
    nodes: &mut usize,
) -> Result<(), InvalidTerms> {
    *nodes += 1;
    if depth > DEPTH_MAX || *nodes > NODES_MAX {
        return Err(InvalidTerms::Nesting { clause });
    }
    if let Some(0) = constraint.limit() {
        return Err(InvalidTerms::ZeroCount { clause });
    }
    if matches!(constraint, Constraint::Elapsed(secs) if *secs > SECS_MAX) {
        return Err(InvalidTerms::TooLong { clause });
    }
    if constraint.is_count() && clause.kind == ClauseKind::Prohibition {
        return Err(InvalidTerms::CountInProhibition { clause });
    }
    if let Some(found) = constraint.values()
        && (found == 0 || found > VALUES_MAX)
    {
        return Err(InvalidTerms::ValueCount { clause, found });
    }
    if let Constraint::Hours(hours) = constraint {
        if !zone::is_known(hours.zone.as_str()) {
            return Err(InvalidTerms::TimeZone { clause, zone: hours.zone.clone() });
        }
        if hours.from >= hours.until || hours.until > 1440 {
            return Err(InvalidTerms::Hours { clause });
        }
    }
    let parts = constraint.parts();
    if constraint.is_compound() && !matches!(constraint, Constraint::Not(_)) && parts.len() < 2 {
        return Err(InvalidTerms::ValueCount { clause, found: parts.len() });
    }
    parts.iter().try_for_each(|part| check_constraint(clause, part, depth + 1, nodes))
}
