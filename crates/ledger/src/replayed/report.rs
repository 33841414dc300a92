use std::collections::BTreeMap;
use std::fmt;

use dataspace_policy::{cedar_text::COMPILER_VERSION, simulate::Simulation};
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{Fact, Finding, LeafIndex, Verdict};
use dataspace_usage_contract::ContractId;

use crate::denial::{self, DenialReason, Likeness};
use crate::outcome::{Outcome, duty_words, fact_words};
use crate::report_error::ReportError;

/// Most discrepancies that a replay keeps; all are counted.
pub const DISCREPANCIES_MAX: usize = 1000;

/// Result of replaying a log.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Replayed {
    /// Decisions in the log.
    pub decisions: u64,
    /// Permits among them.
    pub permits: u64,
    /// Denials among them.
    pub denials: u64,
    /// Denials beside them that were told, and recorded only as a number, since their consumers were
    /// denied too often.
    pub counted_denials: u64,
    /// Reports of releases: what left under a permit.
    pub reports: u64,
    /// Permits without one. That is no fault: the release may go on, the node may have been killed before it
    /// ended, and older versions wrote no reports.
    pub unreported: u64,
    /// The first of them.
    pub first_unreported: Option<LeafIndex>,
    /// Denials because the data could not be opened, a duty could not be carried out on them, or too
    /// many releases were open: the log holds neither, so that they cannot be made again.
    pub unrepeatable: u64,
    /// Denials whose reasons have the right codes and clauses, and other words than this version
    /// has for them: another version wrote them, or somebody who wants to be misread.
    pub reworded: u64,
    /// The first of them.
    pub first_reworded: Option<LeafIndex>,
    /// Contracts whose Cedar text another version of the compiler wrote: that their clauses say
    /// what the text decides cannot be checked here.
    pub other_compilers: u64,
    /// The first [`DISCREPANCIES_MAX`] of them.
    pub first_other_compilers: Vec<OtherCompiler>,
    /// Contracts whose consumers stated that they deleted what they had got sealed.
    pub deletions: u64,
    /// How often the operator set the clock back.
    pub clock_set_back: u64,
    /// The first time that it did.
    pub first_clock_set_back: Option<LeafIndex>,
    /// Discrepancies in all.
    pub discrepancies: u64,
    /// The first [`DISCREPANCIES_MAX`] of them.
    pub first: Vec<Discrepancy>,
    /// Decisions that changed policies would have made otherwise, if they were given. The place of a
    /// difference is the index of its record.
    pub simulation: Option<Simulation>,
}

/// A contract whose Cedar text another version of the compiler wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherCompiler {
    /// The record of the conclusion.
    pub index: LeafIndex,
    /// The contract.
    pub contract: ContractId,
    /// The version.
    pub compiler: u32,
}

/// A place where the log is not what follows from its own records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// The record of the decision, or of the report.
    pub index: LeafIndex,
    /// When it was recorded.
    pub time: UnixMillis,
    /// The contract.
    pub contract: ContractId,
    /// The deviation.
    pub deviation: Deviation,
}

/// A deviation in a recorded decision. In plain words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// Decided one way, and by the policies and facts of that time it is the other.
    Verdict {
        /// In the log.
        recorded: Outcome,
        /// When decided again.
        again: Outcome,
    },
    /// Denied both times, for other reasons.
    Reasons {
        /// In the log.
        recorded: Vec<String>,
        /// When decided again.
        again: Vec<String>,
    },
    /// A fact that does not follow from the records before.
    Fact {
        /// Its name.
        name: String,
        /// In the log.
        recorded: Option<Fact>,
        /// By the records before; `None` if it should not be there, or is not readable.
        expected: Option<Fact>,
    },
    /// Other policies than the contract's decided.
    Program,
    /// The duties of a release are not the contract's.
    Duties {
        /// In the log.
        recorded: Vec<String>,
        /// The contract's.
        expected: Vec<String>,
    },
    /// The same request was decided before.
    Request {
        /// The earlier decision.
        earlier: LeafIndex,
    },
    /// The profile is not the one that was in force.
    Profile {
        /// In the log.
        recorded: u64,
        /// By the records before.
        in_force: u64,
    },
    /// It is before the last change in the log, which waits for all accesses before it.
    Time {
        /// The time of that change.
        before: UnixMillis,
    },
    /// A report of a release that is of no permit before it, is not the only one, or cannot be true.
    Report(ReportError),
    /// A use that was made before, or not the one after those that were decided on.
    Use {
        /// Its number in the log.
        recorded: u64,
    },
}

impl Replayed {
    /// Returns true if every decision follows from the records before it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.discrepancies == 0
    }

    pub(super) fn add(&mut self, discrepancy: Discrepancy) {
        self.discrepancies += 1;
        if self.first.len() < DISCREPANCIES_MAX {
            self.first.push(discrepancy);
        }
    }

    /// Notes a contract whose text another version of the compiler wrote.
    pub(super) fn note_compiler(&mut self, concluded: OtherCompiler) {
        self.other_compilers += 1;
        if self.first_other_compilers.len() < DISCREPANCIES_MAX {
            self.first_other_compilers.push(concluded);
        }
    }

    /// In plain words, what is no discrepancy, and still worth knowing.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(OtherCompiler { index, compiler, .. }) = self.first_other_compilers.first() {
            let all = self.other_compilers;
            findings.push(Finding::NotProved(format!(
                "that the clauses say what the Cedar text decides, for {all} contract(s) whose \
                 text another version of the compiler wrote (record {index}: version {compiler}; \
                 here {COMPILER_VERSION}); the text is what both parties signed, and by it the \
                 decisions were made again"
            )));
        }
        if self.counted_denials > 0 {
            let count = self.counted_denials;
            findings.push(Finding::NotProved(format!(
                "that {count} denial(s) were right: their consumers were denied more often than the \
                 profile has recorded one by one, so the log has their number alone"
            )));
        }
        if let Some(index) = self.first_unreported {
            let count = self.unreported;
            findings.push(Finding::NotProved(format!(
                "what left under {count} permit(s), the first by record {index}: the log has no report that \
                 the release ended; it may go on, or the node was stopped before"
            )));
        }
        if self.deletions > 0 {
            let count = self.deletions;
            findings.push(Finding::NotProved(format!(
                "that anything was deleted under {count} contract(s) whose consumers state it: they \
                 signed that, and a log cannot show more"
            )));
        }
        if let Some(index) = self.first_clock_set_back {
            let times = self.clock_set_back;
            findings.push(Finding::NotProved(format!(
                "that the clock was right: the operator set it back {times} time(s), first by record \
                 {index}, which ended all contracts until then"
            )));
        }
        if let Some(index) = self.first_reworded {
            let all = self.reworded;
            findings.push(Finding::NotProved(format!(
                "that the reasons of {all} denial(s) are worded as they should be (the first is \
                 record {index}): clauses and codes are right, this version has other words"
            )));
        }
        findings
    }

    /// Compares the recorded verdict with the one that follows.
    pub(super) fn compare(
        &mut self,
        index: LeafIndex,
        recorded: &Verdict,
        again: Result<Vec<String>, Vec<DenialReason>>,
    ) -> Option<Deviation> {
        let reasons = match (recorded, &again) {
            (Verdict::Permit { .. }, Ok(_)) => return None,
            (Verdict::Deny { reasons }, Err(_)) => reasons,
            (Verdict::Deny { reasons }, Ok(_))
                if reasons.iter().all(|reason| denial::is_of_data(denial::code(reason))) =>
            {
                self.unrepeatable += 1;
                return None;
            }
            _ => {
                let (recorded, again) = (Outcome::of(recorded), Outcome::from(again));
                return Some(Deviation::Verdict { recorded, again });
            }
        };
        let again = again.err().unwrap_or_default();
        match denial::compare(reasons, &again, reasons.len()) {
            Likeness::Same => None,
            Likeness::Reworded => {
                self.reworded += 1;
                self.first_reworded.get_or_insert(index);
                None
            }
            Likeness::Other => {
                let again = again.iter().map(DenialReason::recorded).collect();
                Some(Deviation::Reasons { recorded: reasons.clone(), again })
            }
        }
    }
}

/// The facts that are not the same on both sides.
pub(super) fn differing_facts(
    recorded: &BTreeMap<String, Fact>,
    expected: &BTreeMap<String, Fact>,
) -> Vec<Deviation> {
    let added = expected.keys().filter(|name| !recorded.contains_key(*name));
    let names = recorded.keys().chain(added);
    let pairs = names.map(|name| (name, recorded.get(name), expected.get(name)));
    let differing = pairs.filter(|(_, recorded, expected)| recorded != expected);
    let to_deviation = |(name, recorded, expected): (&String, Option<&Fact>, Option<&Fact>)| {
        let (name, recorded, expected) = (name.clone(), recorded.cloned(), expected.cloned());
        Deviation::Fact { name, recorded, expected }
    };
    differing.map(to_deviation).collect()
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |fact: &Option<Fact>| fact_words(fact.as_ref());
        match self {
            Self::Verdict { recorded, again } => {
                write!(f, "it was {recorded}; decided again it is {again}")
            }
            Self::Reasons { recorded, again } => {
                write!(
                    f,
                    "it was denied for other reasons ({}) than follow ({})",
                    recorded.join("; "),
                    again.join("; ")
                )
            }
            Self::Fact { name, recorded, expected: None } => {
                write!(f, "the fact `{name}` has an impossible value: {}", words(recorded))
            }
            Self::Fact { name, recorded, expected } => write!(
                f,
                "the fact `{name}` is {}; by the records before it is {}",
                words(recorded),
                words(expected)
            ),
            Self::Program => f.write_str("it was not decided by the policies of the contract"),
            Self::Duties { recorded, expected } => write!(
                f,
                "it was released with the duties {}; the contract has {}",
                duty_words(recorded),
                duty_words(expected)
            ),
            Self::Request { earlier } => {
                write!(f, "the same request was decided before, by record {earlier}")
            }
            Self::Profile { recorded, in_force } => write!(
                f,
                "it was decided under version {recorded} of the profile; version {in_force} was \
                 in force"
            ),
            Self::Time { before } => {
                write!(f, "its time is before {before}, the time of an earlier change")
            }
            Self::Report(error) => {
                write!(f, "as a report of a release it does not follow: {error}")
            }
            Self::Use { recorded } => {
                write!(f, "use {recorded} of the contract is not the next one")
            }
        }
    }
}
