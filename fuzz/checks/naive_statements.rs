//! What a naive model says of statements and of contracts that keep others out.

use crate::ledger_plain::{About, Contract, Event, Log, Space, Stated, Tried, Who, unit};
use crate::naive_ledger::{Model, Refusals};

/// The terms that keep others from Germany, until this unit.
pub(crate) const EXCLUSIVE: usize = 13;
pub(crate) const EXCLUSIVE_UNTIL: u64 = 60;
/// The terms whose data go to France alone.
const ELSEWHERE_ALONE: usize = 14;

/// Whom the first profile trusts for a kind, and about what.
fn rule(kind: usize) -> Option<(Who, About)> {
    match kind {
        0 => Some((Who::Bob, About::Product)),
        1 => Some((Who::Provider, About::Member)),
        _ => None,
    }
}

impl Model {
    pub(crate) fn statement(&self, refused: &mut Refusals, one: &Stated, tried: &Tried) {
        refused.document(tried.is_broken, "Statement/Verify");
        refused.document(!tried.is_broken && one.signer != one.issuer, "Statement/Issuer");
        let is_nowhere = one.about == About::Product && one.log.is_none();
        refused.document(!tried.is_broken && is_nowhere, "Statement/NoNode");
        refused.state(one.space != Space::Here, "OtherSpace");
        refused.state(one.log.is_some_and(|log| log != Log::Here), "OtherNode");
        let rule = self.rule(one.kind);
        refused.state(rule.is_none(), "UnknownKind");
        refused.state(rule.is_some_and(|(by, _)| by != one.issuer), "NotTrusted");
        refused.state(rule.is_some_and(|(_, about)| about != one.about), "OtherSubject");
        let known = self.newest(|other| other.is_about_the_same(one));
        let is_same = |known: Stated| known.plain() == one.plain();
        refused.state(known.is_some_and(|(_, known)| is_same(known)), "AlreadyInForce");
        let is_older =
            known.is_some_and(|(_, known)| !is_same(known) && known.serial >= one.serial);
        refused.state(is_older, "OlderStatement");
    }

    /// In the newest profile.
    fn rule(&self, kind: usize) -> Option<(Who, About)> {
        rule(kind).filter(|_| !(kind == 0 && self.profile().less.stated))
    }

    fn newest(&self, is_it: impl Fn(&Stated) -> bool) -> Option<(usize, Stated)> {
        let all = self.past.iter().enumerate().filter_map(|(place, (_, event))| match event {
            Event::Stated(one) if is_it(one) => Some((place, *one)),
            _ => None,
        });
        all.max_by_key(|(_, one)| one.serial)
    }

    /// What is stated about a contract in this kind, with its place.
    pub(crate) fn says(&self, contract: &Contract, kind: usize, now: u64) -> Option<(usize, bool)> {
        let (by, about) = self.rule(kind)?;
        let (place, one) = self.newest(|one| {
            let is_about = match about {
                About::Product => one.product == contract.product,
                About::Member => one.member == contract.consumer,
                About::Space => true,
            };
            (one.issuer, one.kind, one.about) == (by, kind, about) && is_about
        })?;
        let is_valid = one.from <= now && now < one.until;
        one.says.filter(|_| is_valid).map(|says| (place, says))
    }

    /// Whether a contract is kept out, or keeps out one that is in.
    pub(crate) fn rivals(&self, refused: &mut Refusals, contract: &Contract, now: u64) {
        let ours = (contract.from.max(now), contract.until);
        for (_, agreed_at, other) in self.contracts() {
            let is_live = !self.is_terminated(&other) && !self.ended_by_clock(&other);
            if !is_live || other.product != contract.product || other.consumer == contract.consumer
            {
                continue;
            }
            let held = (other.from.max(agreed_at), unit(EXCLUSIVE_UNTIL));
            let is_kept = other.terms == EXCLUSIVE && contract.terms != ELSEWHERE_ALONE;
            refused.state(is_kept && share(held, ours), "KeptOut");
            let (held, theirs) =
                ((ours.0, unit(EXCLUSIVE_UNTIL)), (other.from.max(now), other.until));
            let keeps = contract.terms == EXCLUSIVE && other.terms != ELSEWHERE_ALONE;
            refused.state(keeps && share(held, theirs), "NotExclusive");
        }
    }
}

/// Whether there is an instant in both.
fn share(one: (u64, u64), other: (u64, u64)) -> bool {
    one.0.max(other.0) < one.1.min(other.1)
}

impl Stated {
    /// Without what it does not say.
    fn plain(self) -> Self {
        match self.about {
            About::Product => Self { member: Who::Alice, ..self },
            About::Member => Self { product: 0, ..self },
            About::Space => Self { product: 0, member: Who::Alice, ..self },
        }
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        let subject = |one: &Self| match one.about {
            About::Product => (Some(one.product), None),
            About::Member => (None, Some(one.member)),
            About::Space => (None, None),
        };
        (self.issuer, self.kind, self.about) == (other.issuer, other.kind, other.about)
            && subject(self) == subject(other)
    }
}
