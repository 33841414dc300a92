//! What the contract and the credentials say to the recorded facts, as far as one file shows it.

use dataspace_identity::Admitted;
use dataspace_policy::{Decision, Facts, Layers, Program, Reason};
use dataspace_tlog::Verdict;
use dataspace_usage_contract::Agreement;

use crate::denial::{self, DenialReason, Likeness};
use crate::evidence::error::EvidenceError;
use crate::evidence::verified::Shown;
use crate::facts;
use crate::outcome::Outcome;

/// Reasons that contract, credentials and facts give, and nothing else.
const FOLLOWING: [&str; 7] = [
    "membership-over",
    "contract-over",
    "unknown-purpose",
    "quota-exhausted",
    "unmet",
    "not-covered",
    "prohibited",
];
/// Reasons whose grounds are in other records: revocations, terminations, the profile, the registration.
const ELSEWHERE: [&str; 7] = [
    "membership-revoked",
    "provider-not-a-member",
    "outside-profile",
    "contract-terminated",
    "clock-set-back",
    "forbidden-by-product",
    "not-active",
];
/// Policies of space and provider, and whatever keeps policies from being evaluated. Where one of
/// these is told, the contract's own silence and its quota are not.
const FORBIDDEN: [&str; 5] =
    ["forbidden-by-space", "forbidden-by-provider", "policy-error", "mismatch", "facts"];
/// Where one of these is told, no other reason of a policy is.
const UNEXPLAINED: [&str; 2] = ["mismatch", "not-active"];

/// What a verdict must follow from.
pub(super) struct Case<'a> {
    pub(super) agreement: &'a Agreement,
    pub(super) provider: &'a Admitted,
    pub(super) consumer: &'a Admitted,
    pub(super) program: &'a Program,
    pub(super) facts: &'a Facts<'a>,
}

impl Case<'_> {
    /// Checks that `verdict` follows, as far as this can be seen.
    pub(super) fn check(&self, verdict: &Verdict) -> Result<Shown, EvidenceError> {
        match verdict {
            Verdict::Permit { uses, duties } => self.check_permit(*uses, duties),
            Verdict::Deny { reasons } => self.check_denial(reasons),
        }
    }

    fn check_permit(&self, uses: u64, duties: &[String]) -> Result<Shown, EvidenceError> {
        let (before, limit) = (self.facts.uses.contract, self.limit());
        if Some(uses) != before.checked_add(1) || limit.is_some_and(|limit| uses > limit) {
            return Err(EvidenceError::Uses { uses, before, limit });
        }
        let expected = facts::duties(&self.agreement.terms);
        if duties != expected {
            return Err(EvidenceError::Duties { recorded: duties.to_vec(), expected });
        }
        let (clauses, reasons) = self.decide(false);
        if reasons.is_empty() {
            return Ok(Shown::Permit { clauses });
        }
        let again = Outcome::Deny(reasons.iter().map(DenialReason::recorded).collect());
        Err(EvidenceError::Verdict { recorded: Outcome::Permit(Vec::new()), again })
    }

    fn check_denial(&self, recorded: &[String]) -> Result<Shown, EvidenceError> {
        let has = |codes: &[&str]| recorded.iter().any(|one| codes.contains(&denial::code(one)));
        let (clauses, mut expected) = self.decide(has(&FORBIDDEN));
        if has(&UNEXPLAINED) {
            expected.retain(|reason| !matches!(reason, DenialReason::Policy(_)));
        }
        // What else denies may be told by policies elsewhere as well.
        let is_told = |reason: &DenialReason| has(&[reason.code()]);
        let (forbidden, expected): (Vec<_>, Vec<_>) =
            expected.into_iter().partition(|reason| FORBIDDEN.contains(&reason.code()));
        // The provider's membership may be over, which its credential shows, or have been revoked.
        let is_expected = |code| expected.iter().any(|one| one.code() == code);
        let (mut follow, mut elsewhere) = (Vec::new(), Vec::new());
        for reason in recorded {
            let code = denial::code(reason);
            if FOLLOWING.contains(&code) || is_expected(code) {
                follow.push(reason.clone());
            } else if ELSEWHERE.contains(&code)
                || FORBIDDEN.contains(&code)
                || denial::is_of_data(code)
            {
                elsewhere.push(reason.clone());
            } else {
                return Err(EvidenceError::Reason { reason: reason.clone() });
            }
        }
        let likeness = denial::compare(&follow, &expected, recorded.len());
        // The data is looked at last, once everything else permits.
        let is_of_data = recorded.iter().any(|one| denial::is_of_data(denial::code(one)));
        let is_alone = !is_of_data || recorded.len() == 1;
        if likeness == Likeness::Other || !is_alone || !forbidden.iter().all(is_told) {
            let again = if expected.is_empty() && forbidden.is_empty() {
                Outcome::Permit(clauses)
            } else {
                let again = forbidden.iter().chain(&expected);
                Outcome::Deny(again.map(DenialReason::recorded).collect())
            };
            let recorded = Outcome::Deny(recorded.to_vec());
            return Err(EvidenceError::Verdict { recorded, again });
        }
        Ok(Shown::Deny { follow, is_reworded: likeness == Likeness::Reworded, elsewhere })
    }

    fn limit(&self) -> Option<u64> {
        self.agreement.terms.uses_max().map(u64::from)
    }

    /// The clauses that permit, or the reasons that deny. `is_forbidden`: policies that are not
    /// here deny, too, and then some reasons are not told.
    fn decide(&self, is_forbidden: bool) -> (Vec<String>, Vec<DenialReason>) {
        let Self { agreement, provider, consumer, program, facts } = self;
        let (now, mut reasons) = (facts.now, Vec::new());
        if !consumer.is_member_at(now) {
            let validity = consumer.credential().validity;
            reasons.push(DenialReason::MembershipOver { validity, now });
        }
        if !provider.is_member_at(now) {
            reasons.push(DenialReason::ProviderNotAMember);
        }
        if !agreement.validity.contains(now) {
            let validity = agreement.validity;
            reasons.push(DenialReason::ContractOver { validity, now });
        }
        if facts.purposes.is_empty() {
            // The space does not have it; one that it has is among its own broader ones.
            reasons.extend(
                facts.purpose.parse().map(|purpose| DenialReason::UnknownPurpose { purpose }),
            );
        }
        let clauses = match program.decide(facts, Layers::default()) {
            Decision::Permit(grounds) => {
                if let Some(limit) = self.limit()
                    && facts.uses.contract >= limit
                    && !is_forbidden
                {
                    reasons.push(DenialReason::QuotaExhausted { limit });
                }
                grounds.policies().map(str::to_owned).collect()
            }
            Decision::Deny(denial) => {
                let policies = denial.reasons().into_iter().filter_map(|reason| match reason {
                    Reason::NotCovered { .. } if is_forbidden => None,
                    Reason::Unmet { clause, demand, fact, .. } if is_forbidden => {
                        Some(Reason::Unmet { clause, demand, fact, near: None })
                    }
                    reason => Some(reason),
                });
                reasons.extend(policies.map(DenialReason::Policy));
                Vec::new()
            }
        };
        (clauses, reasons)
    }
}
