//! The newest statement of each issuer, kind and subject.

use std::collections::HashMap;

use dataspace_identity::Did;
use dataspace_primitives::{KeyId, Name, Verified};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::{Statement, statement::Subject};

/// Most statements of a kind that a node keeps: one for each issuer and subject. Only parties that the profile
/// trusts can make them, and none is forgotten for another; who may make those of one kind cannot fill the room
/// of others.
pub const STATEMENTS_MAX: usize = 1 << 18;

/// The newest statement of each issuer on each subject, by kind.
#[derive(Debug, Default)]
pub(super) struct Statements {
    by_subject: HashMap<Subject, Vec<Kept>>,
    by_kind: HashMap<Name, usize>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) statement: Statement,
    pub(super) signers: Box<[KeyId]>,
    pub(super) place: LeafIndex,
}

impl Statements {
    pub(super) fn of(&self, subject: &Subject, (issuer, kind): (&Did, &Name)) -> Option<&Kept> {
        let all = self.by_subject.get(subject)?;
        all.iter().find(|one| one.statement.kind == *kind && one.statement.issuer == *issuer)
    }

    /// Returns true if one more issuer or subject of a kind would not be too many.
    pub(super) fn has_room(&self, kind: &Name) -> bool {
        self.by_kind.get(kind).is_none_or(|len| *len < STATEMENTS_MAX)
    }

    /// Keeps a statement that was checked.
    pub(super) fn keep(&mut self, statement: &Verified<Statement>, place: LeafIndex) {
        let signers = statement.signers().cloned().collect();
        let statement = statement.value().clone();
        let all = self.by_subject.entry(statement.subject.clone()).or_default();
        let mut known = all.iter_mut();
        let known = known.find(|one| {
            one.statement.kind == statement.kind && one.statement.issuer == statement.issuer
        });
        let kept = Kept { statement, signers, place };
        if let Some(known) = known {
            *known = kept;
        } else {
            let of_kind = self.by_kind.entry(kept.statement.kind.clone()).or_default();
            *of_kind = of_kind.saturating_add(1);
            all.push(kept);
        }
    }
}
