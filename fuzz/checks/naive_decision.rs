//! What a naive model decides on an access, and on which facts: each kind of terms in plain Rust.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_tlog::Fact;

use crate::ledger_plain::{
    Asked, CLASSES, ELSEWHERE, KINDS, METERED, PLAYS, PRODUCTS, PURPOSES, REGIONS, ROLES, SECONDS,
    UNIT, Who, unit,
};
use crate::naive_ledger::Model;

/// What is decided, by the stable words for reasons.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Why membership, contract or profile deny.
    pub(crate) standing: Vec<&'static str>,
    /// Why policies or the quota deny.
    pub(crate) policy: Vec<&'static str>,
    /// The permissions that apply.
    pub(crate) clauses: Vec<&'static str>,
}

impl Decided {
    pub(crate) fn is_permit(&self) -> bool {
        self.standing.is_empty() && self.policy.is_empty()
    }
}

/// A clause that speaks of some actions, and which of its conditions hold.
struct Clause {
    id: &'static str,
    actions: &'static [&'static str],
    holds: Vec<bool>,
}

impl Clause {
    fn applies(&self, action: &str) -> bool {
        self.actions.contains(&action) && self.holds.iter().all(|holds| *holds)
    }
}

/// The names of the bits that are set.
pub(crate) fn roles(bits: usize) -> impl Iterator<Item = &'static str> {
    ROLES
        .into_iter()
        .enumerate()
        .filter(move |(place, _)| bits >> place & 1 == 1)
        .map(|(_, role)| role)
}

impl Model {
    pub(crate) fn decide(&self, asked: &Asked, now: u64) -> Decided {
        let standing = self.standing(asked, now);
        let (mut policy, clauses) = self.policy(asked, now);
        let [uses, ..] = self.uses(&asked.contract, now);
        // Only where the policies permit is the quota asked.
        let is_used_up = Self::limit(&asked.contract).is_some_and(|limit| uses >= limit);
        policy.extend((policy.is_empty() && is_used_up).then_some("quota-exhausted"));
        Decided { standing, policy, clauses }
    }

    fn standing(&self, asked: &Asked, now: u64) -> Vec<&'static str> {
        let contract = &asked.contract;
        let (_, credential, _) = self.admitted(contract.consumer).expect("who concluded is known");
        let less = self.profile().less;
        let is_over = now < credential.from || credential.until <= now;
        let is_dropped = CLASSES[contract.class] == "secret" && less.class;
        let has = |bit: usize| credential.roles & bit != 0;
        let has_no_place = (has(1) && less.role) || (credential.region == 2 && less.region);
        let is_unknown = asked.purpose == "sailing" || (asked.purpose == "testing" && less.purpose);
        let all = [
            (self.is_revoked(contract.consumer), "membership-revoked"),
            (is_over, "membership-over"),
            (!self.is_member(Who::Provider, now), "provider-not-a-member"),
            (is_dropped || has_no_place, "outside-profile"),
            (self.is_terminated(contract), "contract-terminated"),
            (self.ended_by_clock(contract), "clock-set-back"),
            (now < contract.from || contract.until <= now, "contract-over"),
            (is_unknown, "unknown-purpose"),
            (asked.action == "query", "not-carried-out"),
        ];
        all.into_iter().filter(|(denies, _)| *denies).map(|(_, code)| code).collect()
    }

    /// Why the policies deny, and which permissions apply.
    fn policy(&self, asked: &Asked, now: u64) -> (Vec<&'static str>, Vec<&'static str>) {
        let (action, purpose) = (asked.action, asked.purpose);
        let (_, credential, _) = self.admitted(asked.contract.consumer).expect("it is known");
        let mut reasons = Vec::new();
        if action == "train" && self.profile().less.train {
            reasons.push("forbidden-by-space");
        }
        let is_forbidden = match self.own().map_or(0, |own| own.text) {
            1 => purpose == "testing",
            2 => asked.contract.consumer == Who::Bob,
            3 => credential.region == 2 && action != "read",
            _ => false,
        };
        reasons.extend(is_forbidden.then_some("forbidden-by-provider"));
        let clauses = self.clauses(asked, now);
        let (permissions, prohibitions): (Vec<_>, Vec<_>) =
            clauses.iter().partition(|clause| clause.id.starts_with("permission"));
        let permitting: Vec<_> =
            permissions.iter().filter(|one| one.applies(action)).map(|one| one.id).collect();
        let prohibiting = prohibitions.iter().filter(|one| one.applies(action)).count();
        if permitting.is_empty() && prohibiting == 0 {
            let asked_for = permissions.iter().filter(|one| one.actions.contains(&action));
            let unmet = asked_for.flat_map(|one| &one.holds).filter(|holds| !**holds).count();
            reasons.extend(vec!["unmet"; unmet]);
        }
        reasons.extend(vec!["prohibited"; prohibiting]);
        if permitting.is_empty() && reasons.is_empty() {
            reasons.push("not-covered");
        }
        (reasons, permitting)
    }

    /// What the terms say, clause by clause.
    fn clauses(&self, asked: &Asked, now: u64) -> Vec<Clause> {
        const READ: &[&str] = &["read"];
        let Asked { contract, purpose, recipient, .. } = *asked;
        let (_, credential, _) = self.admitted(contract.consumer).expect("it is known");
        let [uses, by_consumer, today, this_month] = self.uses(&contract, now);
        let (_, agreed_at) = self.concluded(&contract).expect("it was concluded");
        let clause = |id, actions, holds: &[bool]| Clause { id, actions, holds: holds.to_vec() };
        let permit = |actions, holds: &[bool]| clause("permission-1", actions, holds);
        let second = |actions, holds: &[bool]| clause("permission-2", actions, holds);
        let (is_research, is_testing) = (purpose == "research", purpose == "testing");
        match contract.terms {
            0 => vec![permit(&["read", "transfer"], &[is_research])],
            1 => vec![permit(READ, &[is_research || is_testing, uses < 2])],
            2 => vec![permit(&["read", "derive"], &[today < 2])],
            3 => vec![permit(READ, &[by_consumer < 3])],
            4 => vec![permit(READ, &[now >= unit(6)])],
            5 => vec![permit(READ, &[now < agreed_at + 4 * UNIT])],
            6 => vec![
                permit(READ, &[credential.region == 1]),
                clause("prohibition-1", READ, &[is_testing]),
            ],
            7 => vec![permit(READ, &[is_research || purpose == "science", this_month < 3])],
            8 => vec![
                permit(READ, &[uses < 1]),
                // What is not stated does not permit; then nothing is said of its value.
                second(&["read", "train"], &[by_consumer < 4, recipient == Some(1)]),
            ],
            9 => vec![permit(READ, &[uses < 1]), second(&["transfer"], &[uses < 3])],
            10 => vec![permit(&["read", "train"], &[credential.roles & 1 == 1])],
            ELSEWHERE | 13 => vec![permit(READ, &[])],
            12 => {
                let is_blurred = self.says(&contract, 0, now).is_some_and(|(_, says)| says);
                vec![permit(READ, &[is_blurred])]
            }
            14 => vec![permit(READ, &[recipient == Some(2)])],
            PLAYS => {
                let (plays, _) = self.plays(&contract, Some(asked)).expect("it counts them");
                vec![permit(&["read", "play"], &[plays <= 2])]
            }
            METERED => {
                let seconds = self.seconds(&contract, Some(asked)).unwrap_or(u64::MAX);
                vec![permit(&["read", "play"], &[seconds <= u64::from(SECONDS)])]
            }
            other => panic!("no terms {other}"),
        }
    }

    /// Every fact of a decision. The participant's name comes from outside.
    pub(crate) fn facts(&self, asked: &Asked, now: u64, did: &str) -> BTreeMap<String, Fact> {
        let contract = &asked.contract;
        let (_, credential, _) = self.admitted(contract.consumer).expect("it is known");
        let (_, agreed_at) = self.concluded(contract).expect("it was concluded");
        let [uses, by_consumer, today, this_month] = self.uses(contract, now);
        let text = |text: &str| Fact::Text(text.to_owned());
        let texts = |all: &[&str]| {
            let all: BTreeSet<_> = all.iter().map(|one| (*one).to_owned()).collect();
            Fact::Texts(all)
        };
        let purposes: &[&str] = match asked.purpose {
            "research" => &["research", "science"],
            "science" => &["science"],
            "testing" if !self.profile().less.purpose => &["testing"],
            _ => &[],
        };
        debug_assert!(PURPOSES.contains(&asked.purpose));
        let mut facts = vec![
            ("participant", text(did)),
            ("region", text(REGIONS[credential.region])),
            ("roles", texts(&roles(credential.roles).collect::<Vec<_>>())),
            ("credentials", texts(&["MembershipCredential"])),
            ("attribute:number", text(&format!("n{}", credential.serial))),
            ("product", text(PRODUCTS[contract.product])),
            ("productClass", text(CLASSES[contract.class])),
            ("action", text(asked.action)),
            ("purpose", text(asked.purpose)),
            ("purposes", texts(purposes)),
            ("now", Fact::Number(now)),
            ("space", text("materials")),
            ("agreedAt", Fact::Number(agreed_at)),
            ("uses", Fact::Number(uses)),
            ("usesByConsumer", Fact::Number(by_consumer)),
            ("usesToday", Fact::Number(today)),
            ("usesThisMonth", Fact::Number(this_month)),
        ];
        if let Some((plays, until)) = self.plays(contract, Some(asked)) {
            facts.push(("plays", Fact::Number(plays)));
            facts.extend(until.map(|until| ("playedUntil", Fact::Number(until.into()))));
        }
        let seconds = self.seconds(contract, Some(asked));
        facts.extend(seconds.map(|seconds| ("seconds", Fact::Number(seconds))));
        facts.extend(asked.recipient.map(|one| ("recipientRegion", text(REGIONS[one]))));
        let stated = KINDS.iter().enumerate().filter_map(|(kind, name)| {
            let (place, says) = self.says(contract, kind, now)?;
            Some((name, place, says))
        });
        let stated = stated.flat_map(|(name, place, says)| {
            let place = Fact::Number(place as u64);
            [
                (format!("vouched:{name}"), text(&says.to_string())),
                (format!("statement:{name}"), place),
            ]
        });
        let facts = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact));
        facts.chain(stated).collect()
    }
}
