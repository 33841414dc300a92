//! Why a change is refused.

use dataspace_identity::{
    Did, Origin, SpaceId, credential::AdmitError as CredentialError, keys::KeyDocumentError,
    revocation::RevocationError,
};
use dataspace_policy::{Action, ClauseId, named::UnmatchedValue};
use dataspace_primitives::{Digest, Name, UnixMillis, signed::VerifyError};
use dataspace_tlog::record::RecordError;
use dataspace_usage_contract::{
    ContractId, OfferId,
    agreement::AgreeError,
    deletion::DeletionError,
    offer::OfferError,
    own_policies::ProviderPoliciesError,
    profile::ProfileError,
    statement::{About, StatementError},
    termination::TerminationError,
};
use thiserror::Error;

use crate::report_error::ReportError;
use crate::state::members::REVOKED_AHEAD_MAX;
use crate::state::statements::STATEMENTS_MAX;
use crate::times::TimeError;

/// Why a change of the space's state is refused. The same checks run when a change is made and
/// when it is read back from the log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a record.
    #[error("it is not a record")]
    Malformed(#[from] RecordError),
    /// The signed document in a record is malformed.
    #[error("its document is malformed")]
    Document(#[from] dataspace_primitives::envelope::EnvelopeError),
    /// The record's identifier is not that of its document.
    #[error("its document is another one than it says")]
    Mismatch,
    /// Its time does not follow on those of the records before it.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// The first record of a log is not a profile of the space.
    #[error("the log does not begin with a profile of the space")]
    NoProfile,
    /// The record of a conclusion, which holds the contract's documents, cannot be read.
    #[error("the documents of contract `{contract}` cannot be read: {message}")]
    Unreadable {
        /// The contract.
        contract: ContractId,
        /// Why.
        message: String,
    },
    /// A profile that is not acceptable.
    #[error("the space profile is refused")]
    Profile(#[from] ProfileError),
    /// A membership credential that is not acceptable.
    #[error("the membership credential is refused")]
    Credential(#[from] CredentialError),
    /// The credential's role or region has no place in the space.
    #[error("the profile does not admit {what} `{value}`")]
    NotAdmissible {
        /// `role` or `region`.
        what: &'static str,
        /// The one at fault.
        value: String,
    },
    /// The credential was issued up to the revocation of its subject.
    #[error(
        "`{subject}` was revoked at {revoked_at}; only a credential that is issued later readmits"
    )]
    Revoked {
        /// The participant.
        subject: Did,
        /// When its membership was revoked.
        revoked_at: UnixMillis,
    },
    /// The credential was issued before the one that is in force, and changes nothing: it must not
    /// bring back what the authority has changed since, such as a role.
    #[error(
        "`{subject}` has a credential issued at {current}; one issued at {found}, or at the same time with a lower serial number, does not replace it"
    )]
    OlderCredential {
        /// The participant.
        subject: Did,
        /// When the credential in force was issued.
        current: UnixMillis,
        /// When the credential at hand was issued.
        found: UnixMillis,
    },
    /// What it would bring is in force already. Such a record is not written twice, so a log that
    /// has one is not this node's; a caller is told that it is in force.
    #[error("it is in force already")]
    AlreadyInForce,
    /// Too many revocations are kept of participants who were never admitted.
    #[error(
        "the revocation of `{subject}` cannot be kept: {REVOKED_AHEAD_MAX} participants are revoked who were never admitted; admit those who belong to the space, or found a new node"
    )]
    TooManyRevoked {
        /// The participant.
        subject: Did,
    },
    /// An access record that does not fit the contract, the profile or the uses before it.
    #[error("the decision does not follow from the records before it: {what}")]
    Decision {
        /// The part that does not fit.
        what: &'static str,
    },
    /// A report of a release that does not follow from the records before it.
    #[error("the report of the release does not follow from the records before it")]
    Report(#[from] ReportError),
    /// Policies of the provider that are not acceptable.
    #[error("the provider's policies are refused")]
    Policies(#[from] ProviderPoliciesError),
    /// A revocation that is not acceptable.
    #[error("the revocation is refused")]
    Revocation(#[from] RevocationError),
    /// Keys of a participant that are not acceptable.
    #[error("the keys are refused")]
    Keys(#[from] KeyDocumentError),
    /// Nobody of that name was admitted, or its membership is over.
    #[error("`{did}` is not a member of the space")]
    NotAMember {
        /// The participant.
        did: Did,
    },
    /// The class is not in the profile.
    #[error("the profile has no product class `{class}`")]
    ProductClass {
        /// The class.
        class: Name,
    },
    /// A product's class or columns changed; contracts rely on them.
    #[error("product `{product}` is registered with another class or other columns")]
    ProductChanged {
        /// The product.
        product: Name,
    },
    /// A product is attached that does not forbid what it forbids by its registration.
    #[error(
        "product `{product}` forbids `{action}` by its registration, and what is attached does not; register it under another name"
    )]
    ForbidsLess {
        /// The product.
        product: Name,
        /// The action.
        action: Action,
    },
    /// Terms permit what the product itself forbids.
    #[error(
        "product `{product}` itself forbids `{action}`, by its content credentials for instance; take the permission out of the terms"
    )]
    ForbiddenByProduct {
        /// The product.
        product: Name,
        /// The action.
        action: Action,
    },
    /// Not registered here.
    #[error("product `{product}` is not registered here")]
    UnknownProduct {
        /// The product.
        product: Name,
    },
    /// Offer or acceptance do not make an agreement.
    #[error("offer and acceptance do not make an agreement")]
    Agree(#[from] AgreeError),
    /// The offer is not acceptable.
    #[error("the offer is refused")]
    Offer(#[from] OfferError),
    /// Of another space: one of another authority, or another one of the same.
    #[error("it belongs to the space {found}; this node is in the space {expected}")]
    OtherSpace {
        /// The node's space.
        expected: Box<SpaceId>,
        /// The space that the document names.
        found: Box<SpaceId>,
    },
    /// Of another node, be it of the same provider: uses are counted where the contract runs.
    #[error("it belongs to the log `{found}`; the log of this node is `{expected}`")]
    OtherNode {
        /// This node's log.
        expected: Origin,
        /// The log that the document names.
        found: Origin,
    },
    /// A purpose that the space does not know.
    #[error("`{purpose}` is not a scenario of this space")]
    UnknownPurpose {
        /// The purpose.
        purpose: Name,
    },
    /// A permission names an action that no node carries out.
    #[error(
        "{clause} permits to {action}, which no node carries out yet, and to give out all rows would \
         be more; permit to read, under duties that filter and mask, or offer a product that holds \
         the results"
    )]
    NotCarriedOut {
        /// Which clause.
        clause: ClauseId,
        /// The action.
        action: Action,
    },
    /// A clause names a class, role or participant that the space cannot have.
    #[error(transparent)]
    Value(#[from] UnmatchedValue),
    /// The consumer already accepted this offer: a second acceptance would double its quota.
    #[error("`{consumer}` already accepted offer `{offer}`")]
    AlreadyAccepted {
        /// The offer.
        offer: OfferId,
        /// The consumer.
        consumer: Did,
    },
    /// Another consumer's contract is exclusive.
    #[error(
        "a contract in force keeps other consumers from the product `{product}` until {until}; offer it from then on, or for other territories"
    )]
    KeptOut {
        /// The product.
        product: Name,
        /// First instant from which others may have it.
        until: UnixMillis,
    },
    /// What would be exclusive, another consumer has.
    #[error(
        "the product `{product}` cannot be exclusive: the contract `{contract}` with another consumer is in force; let it end first"
    )]
    NotExclusive {
        /// The product.
        product: Name,
        /// The other contract.
        contract: ContractId,
    },
    /// No such contract here.
    #[error("there is no contract `{contract}` here")]
    UnknownContract {
        /// The contract.
        contract: ContractId,
    },
    /// Already terminated.
    #[error("contract `{contract}` is already terminated")]
    AlreadyTerminated {
        /// The contract.
        contract: ContractId,
    },
    /// A termination that is not acceptable.
    #[error("the termination is refused")]
    Termination(#[from] TerminationError),
    /// A statement that is not acceptable.
    #[error("the statement is refused")]
    Statement(#[from] StatementError),
    /// The profile trusts nobody for statements of this kind.
    #[error("the profile of the space trusts nobody for statements of the kind `{kind}`")]
    UnknownKind {
        /// The kind.
        kind: Name,
    },
    /// The profile trusts somebody else for it.
    #[error(
        "the profile of the space does not trust `{issuer}` for statements of the kind `{kind}`"
    )]
    NotTrusted {
        /// Who stated it.
        issuer: Did,
        /// The kind.
        kind: Name,
    },
    /// The profile has it about something else.
    #[error("statements of the kind `{kind}` are about {expected} in this space")]
    OtherSubject {
        /// The kind.
        kind: Name,
        /// What they are about.
        expected: About,
    },
    /// A newer statement is in force: the older one must not come back.
    #[error(
        "`{issuer}` made a statement of the kind `{kind}` with the serial number {current} on this; number {found} does not replace it"
    )]
    OlderStatement {
        /// Who stated it.
        issuer: Did,
        /// The kind.
        kind: Name,
        /// The number of the statement in force.
        current: u64,
        /// The number of the statement at hand.
        found: u64,
    },
    /// Its number lies ahead of the time.
    #[error(
        "a statement's serial number is at most the time of its record, in milliseconds since 1970; this one is {found}"
    )]
    SerialAhead {
        /// The number.
        found: u64,
    },
    /// As many statements of the kind are in force as a node keeps.
    #[error("a node keeps at most {STATEMENTS_MAX} statements of a kind; found a new node")]
    TooManyStatements,
    /// A statement of a deletion that is not acceptable.
    #[error("the statement of deletion is refused")]
    Deletion(#[from] DeletionError),
    /// The consumer has stated before that it deleted what it had under the contract.
    #[error("that the keys of contract `{contract}` are deleted is stated already")]
    AlreadyDeleted {
        /// The contract.
        contract: ContractId,
    },
    /// It does not verify.
    #[error("a signature does not verify")]
    Verify(#[from] VerifyError),
    /// An event of a provider in a consumer's log, or of a consumer in a provider's.
    #[error("only the log of a {whose} has such a record")]
    OtherHalf {
        /// `provider` or `consumer`.
        whose: &'static str,
    },
    /// Of a contract, an offer or a request of another consumer.
    #[error("it is for `{found}`; this node is the one of `{expected}`")]
    OtherConsumer {
        /// The consumer whose node this is.
        expected: Did,
        /// The consumer named.
        found: Did,
    },
    /// An offer that is not kept here.
    #[error("there is no offer `{offer}` here")]
    UnknownOffer {
        /// The offer.
        offer: OfferId,
    },
    /// A sealed file that is not kept here.
    #[error("no sealed file is kept here that came for request `{request}`")]
    UnknownFile {
        /// SHA-256 of the signed request.
        request: Digest,
    },
    /// As many sealed files are kept of the contract as can be.
    #[error("{max} sealed files of contract `{contract}` are kept, which is the most")]
    TooManyFiles {
        /// The contract.
        contract: ContractId,
        /// Most files.
        max: usize,
    },
    /// A request that was not made here, or was answered.
    #[error("no request `{request}` waits for an answer here")]
    UnknownRequest {
        /// SHA-256 of the signed request.
        request: Digest,
    },
}
