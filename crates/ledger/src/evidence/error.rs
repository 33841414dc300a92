use dataspace_identity::Origin;
use dataspace_identity::{Did, credential::AdmitError, keys::KeyDocumentError};
use dataspace_policy::policies::InvalidPolicies;
use dataspace_primitives::cbor::DecodeError;
use dataspace_primitives::{
    Digest, Name, UnixMillis, Validity, envelope::EnvelopeError, signed::VerifyError,
};
use dataspace_tlog::{
    Fact, LeafIndex,
    note::{CheckpointError, CosignatureError},
    record::RecordError,
    tree::{PATH_LEN_MAX, ProofError},
};
use dataspace_usage_contract::{
    ContractId,
    agreement::AgreeError,
    statement::{STATEMENT_KINDS_MAX, StatementError},
};
use thiserror::Error;

use crate::evidence::part::{Part, VERSION, WITH_STATEMENTS};
use crate::outcome::{Outcome, duty_words, fact_words};

/// Why evidence proves nothing: the first thing in it that is not as it says, or that contradicts
/// another part ([`EvidenceError::parts`]).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not an evidence file.
    #[error("the bytes are not an evidence file")]
    Decode(#[from] DecodeError),
    /// A version of the format that this library does not know.
    #[error(
        "evidence version {found} is not known here, only versions {VERSION} to {WITH_STATEMENTS}; ask the provider \
         for the evidence again"
    )]
    Version {
        /// The version found.
        found: u64,
    },
    /// More hashes in a path than any log needs.
    #[error("the path of the {part} has {len} hashes; no log needs more than {PATH_LEN_MAX}")]
    PathLen {
        /// Which record's path.
        part: Part,
        /// Hashes found.
        len: usize,
    },
    /// One of the records cannot be read.
    #[error("the {part} is malformed")]
    Record {
        /// Which.
        part: Part,
        /// Why.
        source: RecordError,
    },
    /// One of the records is of another event than it should be.
    #[error("the {part} is a record of something else")]
    Event {
        /// Which.
        part: Part,
    },
    /// A key document between those in the file is missing.
    #[error("a record of a party's keys is missing between those in the file")]
    KeysMissing,
    /// More statements than a space has kinds of.
    #[error("an evidence file has at most {STATEMENT_KINDS_MAX} statements, this one has {found}")]
    TooManyStatements {
        /// Statements found.
        found: usize,
    },
    /// A statement in the file is not its issuer's.
    #[error("a statement in the file does not hold")]
    Statement(#[source] StatementError),
    /// A statement is not one on which was decided.
    #[error("the statement of the kind `{kind}` is of another {what} than the decision")]
    OtherStatement {
        /// Its kind.
        kind: Name,
        /// `record`, `space`, `node`, `subject` or `time`.
        what: &'static str,
    },
    /// The record says that another part of the product was asked for.
    #[error("the record of the decision and the request name different parts of the product")]
    OtherPart,
    /// The file does not show the keys of a signer.
    #[error("the key documents in the file do not hold")]
    Keys(#[from] KeyDocumentError),
    /// A credential, the request or the agreement is not a signed document of its kind.
    #[error("the signed document in the {part} is malformed, or of another kind")]
    Document {
        /// Where.
        part: Part,
        /// Why.
        source: EnvelopeError,
    },
    /// The agreement is not signed by exactly the parties that it names, or cannot decide.
    #[error("the contract does not verify")]
    Agreement(#[from] AgreeError),
    /// The record of the conclusion names another contract than the one in it.
    #[error("the record of the conclusion names the contract {recorded}, and holds {contract}")]
    Conclusion {
        /// The contract named.
        recorded: ContractId,
        /// The contract held.
        contract: ContractId,
    },
    /// The contract would have come into force when it was over.
    #[error("the contract was concluded at {concluded_at}; it was valid {validity}")]
    ConcludedLate {
        /// The time of the record.
        concluded_at: UnixMillis,
        /// When the contract holds.
        validity: Validity,
    },
    /// The decision is about another contract.
    #[error("the decision is about the contract {recorded}; the evidence holds {contract}")]
    OtherContract {
        /// The contract of the decision.
        recorded: ContractId,
        /// The contract in the evidence.
        contract: ContractId,
    },
    /// The decision does not come after the conclusion.
    #[error(
        "the contract was concluded by record {concluded} at {concluded_at}, the access decided \
         by record {decided} at {decided_at}; a contract is concluded before it is used"
    )]
    Order {
        /// The record of the conclusion.
        concluded: LeafIndex,
        /// Its time.
        concluded_at: UnixMillis,
        /// The record of the decision.
        decided: LeafIndex,
        /// Its time.
        decided_at: UnixMillis,
    },
    /// The contract is of a space of another authority.
    #[error("the contract is of a space of `{found}`; only spaces of `{expected}` were asked for")]
    Authority {
        /// The authority that the verifier trusts.
        expected: Did,
        /// The authority that the contract names.
        found: Did,
    },
    /// The checkpoint is of another log than the contract names, or does not verify.
    #[error("the checkpoint is not one of the log `{log}`, in which the contract runs")]
    Checkpoint {
        /// The log that the contract names.
        log: Origin,
        /// Why.
        source: CheckpointError,
    },
    /// A record is not shown to be in the log.
    #[error("the {part} is not shown to be in the log of the checkpoint")]
    Inclusion {
        /// Which.
        part: Part,
        /// Why.
        source: ProofError,
    },
    /// A credential does not hold, in this space, at the time of the decision.
    #[error("the {part} does not hold at the time of the decision")]
    Credential {
        /// Whose.
        part: Part,
        /// Why.
        source: AdmitError,
    },
    /// The credential of somebody else.
    #[error("the {part} is of `{found}`; the contract names `{expected}`")]
    Subject {
        /// Whose it should be.
        part: Part,
        /// The party that the contract names.
        expected: Did,
        /// The subject of the credential.
        found: Did,
    },
    /// The request is not the one that was decided.
    #[error("the request is not the one that was decided: the record has the digest {recorded}")]
    OtherRequest {
        /// The digest in the record.
        recorded: Digest,
    },
    /// The request is not signed by the contract's consumer.
    #[error("the request is not signed by the contract's consumer")]
    RequestSignature(#[source] VerifyError),
    /// The request names another consumer, contract or log.
    #[error("the request is for another {what} than the contract's: {found}")]
    RequestFor {
        /// `consumer`, `contract` or `log`.
        what: &'static str,
        /// The one that the request names.
        found: String,
    },
    /// No node takes a request so old, or from the future.
    #[error("the request was made at {requested_at}, and decided at {decided_at}")]
    RequestTime {
        /// When it was made, by the consumer's clock.
        requested_at: UnixMillis,
        /// The time of the decision.
        decided_at: UnixMillis,
    },
    /// Other policies than the contract's decided.
    #[error("the record says that other policies decided than the contract's")]
    Program,
    /// The contract's policies cannot be run.
    #[error("the policies of the contract cannot be run")]
    Policies(#[from] InvalidPolicies),
    /// A recorded fact is missing, impossible, or not what another part says.
    #[error(
        "the recorded fact `{name}` is {}; by the {by} it is {}",
        fact_words(recorded.as_ref()), fact_words(expected.as_ref())
    )]
    Fact {
        /// Its name.
        name: String,
        /// In the record of the decision.
        recorded: Option<Fact>,
        /// What it should be; `None` if it should not be there, or cannot be what it says.
        expected: Option<Fact>,
        /// The part that says so.
        by: Part,
    },
    /// The number of the use does not follow from the uses decided on, or exceeds the contract.
    #[error("the record is of use {uses}, decided on {before} uses{}", of_limit(*limit))]
    Uses {
        /// The number of the use.
        uses: u64,
        /// Uses before it, by the facts.
        before: u64,
        /// Uses that the contract permits.
        limit: Option<u64>,
    },
    /// The duties of the release are not the contract's.
    #[error(
        "the release was recorded with the duties {}; the contract has {}",
        duty_words(recorded),
        duty_words(expected)
    )]
    Duties {
        /// In the record.
        recorded: Vec<String>,
        /// The contract's.
        expected: Vec<String>,
    },
    /// The verdict does not follow from the contract.
    #[error("the record says {recorded}; by the contract and the recorded facts it is {again}")]
    Verdict {
        /// In the record.
        recorded: Outcome,
        /// The verdict that follows.
        again: Outcome,
    },
    /// A denial for a reason that no node of this version gives.
    #[error("the denial has a reason that is not known here: {reason}")]
    Reason {
        /// The reason.
        reason: String,
    },
    /// The report of what left is of another release, or cannot be of this one.
    #[error("the report of what left does not fit the decision: {what}")]
    OtherReport {
        /// What does not fit.
        what: &'static str,
    },
    /// A cosignature of one of the given witnesses does not verify.
    #[error("a cosignature of the checkpoint does not verify")]
    Cosignature(#[from] CosignatureError),
}

impl EvidenceError {
    /// The parts that are not as they say, or contradict each other: at least one of them is false,
    /// or does not belong to the others. Empty if the file as a whole is none.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        use Part::{Checkpoint, Conclusion, Consumer, Decision, Provider, Request};
        match self {
            Self::Decode(_) | Self::Version { .. } => Vec::new(),
            Self::Keys(_) | Self::KeysMissing => vec![Part::Keys],
            Self::TooManyStatements { .. } | Self::Statement(_) => vec![Part::Statement],
            Self::OtherStatement { .. } => vec![Decision, Part::Statement],
            Self::PathLen { part, .. }
            | Self::Record { part, .. }
            | Self::Event { part }
            | Self::Document { part, .. } => vec![*part],
            Self::Agreement(_)
            | Self::Conclusion { .. }
            | Self::ConcludedLate { .. }
            | Self::Authority { .. }
            | Self::Policies(_) => vec![Conclusion],
            Self::OtherContract { .. }
            | Self::Order { .. }
            | Self::Program
            | Self::Uses { .. }
            | Self::Duties { .. } => vec![Conclusion, Decision],
            Self::Checkpoint { .. } => vec![Checkpoint, Conclusion],
            Self::Inclusion { part, .. } => vec![Checkpoint, *part],
            Self::Credential { part, .. } => vec![Conclusion, Decision, *part],
            Self::Subject { part, .. } => vec![Conclusion, *part],
            Self::OtherRequest { .. } | Self::RequestTime { .. } | Self::OtherPart => {
                vec![Decision, Request]
            }
            Self::RequestSignature(_) | Self::RequestFor { .. } => vec![Conclusion, Request],
            Self::Fact { by: Part::Decision, .. } | Self::Reason { .. } => vec![Decision],
            Self::Fact { by, .. } => vec![Decision, *by],
            Self::Verdict { .. } => vec![Conclusion, Decision, Provider, Consumer],
            Self::OtherReport { .. } => vec![Decision, Part::Report],
            Self::Cosignature(_) => vec![Checkpoint],
        }
    }
}

fn of_limit(limit: Option<u64>) -> String {
    limit.map(|limit| format!("; the contract permits {limit}")).unwrap_or_default()
}
