//! One file that shows one decision to anybody who knows the space authority.

use dataspace_identity::{AdmitError, Admitted, Did, MembershipCredential, TrustAnchors};
use dataspace_primitives::cbor::{self, DecodeError, EncodeError};
use dataspace_primitives::{
    Digest, EnvelopeError, Payload, Signed, UnixMillis, Verified, VerifyError, bounded,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::cosignature::CosignatureError;
use crate::error::{ExtendsError, ProveError, ReadError};
use crate::finding::Finding;
use crate::log::Log;
use crate::origin::Origin;
use crate::proof::{InclusionProof, PATH_LEN_MAX, ProofError};
use crate::record::{AccessRecord, Event, Record, RecordError};
use crate::tree::{LeafIndex, leaf_hash};
use crate::witness_policy::{Cosigners, WitnessPolicy};

/// Longest evidence file, in bytes: room for a contract, a request, a record, credentials and a
/// checkpoint with its cosignatures.
pub const EVIDENCE_LEN_MAX: usize = 327_680;
/// Most participants of the contract.
pub const PARTICIPANTS_MAX: usize = 8;

/// A contract, a decision under it, and the proof that the decision is in a signed log: one file,
/// verifiable offline by anybody who knows the space authority. Says nothing until verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Evidence {
    v: u8,
    /// The signed agreement.
    contract: ByteBuf,
    /// One for each signer of the contract, in the order of their key identifiers.
    #[serde(deserialize_with = "bounded::list::<_, _, PARTICIPANTS_MAX>")]
    credentials: Vec<Signed<MembershipCredential>>,
    record: ByteBuf,
    index: LeafIndex,
    #[serde(deserialize_with = "bounded::list::<_, _, PATH_LEN_MAX>")]
    path: Vec<Digest>,
    checkpoint: String,
    /// The consumer's signed request; its digest is in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<ByteBuf>,
}

/// Why evidence cannot be collected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The record cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint does not cover the record.
    #[error("the checkpoint does not cover the record")]
    Prove(#[from] ProveError),
    /// The checkpoint is not of this log.
    #[error("the checkpoint is not of this log")]
    Checkpoint(#[from] ExtendsError),
}

/// Why evidence does not prove what it says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not an evidence file; one with more than [`PARTICIPANTS_MAX`] credentials or [`PATH_LEN_MAX`]
    /// hashes, for instance.
    #[error("the bytes are not an evidence file")]
    Decode(#[from] DecodeError),
    /// A version of the format that this library does not know.
    #[error("evidence version {found} is not known here")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The record cannot be read.
    #[error("the record of the evidence is malformed")]
    Record(#[from] RecordError),
    /// The record is not of an access.
    #[error("the record is not of an access")]
    NotAnAccess,
    /// A participant was not a member at the time of the record.
    #[error("a credential does not hold at the time of the record")]
    Credential(#[from] AdmitError),
    /// The contract's signers are not the participants of the credentials, in their order.
    #[error("the contract is not signed by exactly the participants of the credentials")]
    Participants,
    /// Not a contract of the expected kind.
    #[error("the contract of the evidence is malformed")]
    ContractForm(#[from] EnvelopeError),
    /// The contract does not verify.
    #[error("the contract does not verify")]
    Contract(#[from] VerifyError),
    /// The record is about another contract.
    #[error("the record is about the contract {record}, the evidence holds {contract}")]
    OtherContract {
        /// The contract of the record.
        record: Digest,
        /// The contract in the evidence.
        contract: Digest,
    },
    /// The request in the evidence is not the one that was decided.
    #[error("the request in the evidence is not the one of the record")]
    OtherRequest,
    /// The log is not one of a participant.
    #[error("the log `{origin}` is not one of a participant of the contract")]
    Operator {
        /// The log.
        origin: Origin,
    },
    /// The checkpoint does not verify.
    #[error("the checkpoint of the evidence does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// A cosignature of one of the given witnesses does not verify.
    #[error("a cosignature of the checkpoint does not verify")]
    Cosignature(#[from] CosignatureError),
    /// The record is not shown to be in the log.
    #[error("the record is not shown to be in the log")]
    Inclusion(#[from] ProofError),
}

impl Evidence {
    /// The version of the format that this library writes.
    pub const VERSION: u8 = 1;

    /// Collects the evidence for the record at `index` of `log`, under `checkpoint`.
    ///
    /// `participants` are all signers of the contract; `request` is the consumer's signed
    /// request, where its content may be shown to whoever reads the evidence.
    ///
    /// # Errors
    /// [`CollectError`] if the record cannot be read or the checkpoint does not cover it.
    /// Whether all fits together is for [`Evidence::verify`] to say.
    pub fn collect<C>(
        log: &Log,
        index: LeafIndex,
        checkpoint: &Checkpoint,
        contract: &Verified<C>,
        participants: &[&Admitted],
        request: Option<&[u8]>,
    ) -> Result<Self, CollectError> {
        log.verify_extends(checkpoint)?;
        let InclusionProof { path, .. } = log.inclusion_proof(index, checkpoint.size())?;
        let mut participants = participants.to_vec();
        participants.sort_by(|a, b| a.did().cmp(b.did()));
        Ok(Self {
            v: Self::VERSION,
            contract: ByteBuf::from(contract.signed().as_bytes()),
            credentials: participants.iter().map(|one| one.signed().clone()).collect(),
            record: ByteBuf::from(log.read(index)?),
            index,
            path,
            checkpoint: checkpoint.as_note().to_owned(),
            request: request.map(ByteBuf::from),
        })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`EncodeError`] never for evidence that was collected or decoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        cbor::to_canonical(self)
    }

    /// Decodes a file, without believing anything in it.
    ///
    /// # Errors
    /// [`EvidenceError`] if it is too long, malformed, or not in its one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let evidence: Self = cbor::from_canonical(bytes, EVIDENCE_LEN_MAX)?;
        if evidence.v != Self::VERSION {
            return Err(EvidenceError::Version { found: evidence.v });
        }
        Ok(evidence)
    }

    /// Whom to believe about membership: `authority`, about that space of its own that the first
    /// credential names.
    ///
    /// # Errors
    /// [`EvidenceError`] if the credential is not one of this authority.
    pub fn anchors(&self, authority: &Did) -> Result<TrustAnchors, EvidenceError> {
        let Record { time, .. } = Record::from_bytes(&self.record)?;
        let credential = self.credentials.first().ok_or(EvidenceError::Participants)?;
        Ok(TrustAnchors::of_credential(credential, authority, time)?)
    }

    /// Checks everything in the file, against nothing but the space authority.
    ///
    /// `C` is the kind of contract. Its content is checked by its own crate; here, that exactly
    /// the participants signed it.
    ///
    /// # Errors
    /// [`EvidenceError`] names the first thing that does not hold.
    pub fn verify<C: Payload>(
        self,
        anchors: &TrustAnchors,
    ) -> Result<VerifiedEvidence<C>, EvidenceError> {
        let leaf = leaf_hash(&self.record);
        let Record { time, event, .. } = Record::from_bytes(&self.record)?;
        let Event::Access(access) = event else { return Err(EvidenceError::NotAnAccess) };

        let mut participants = Vec::new();
        for credential in self.credentials {
            participants.push(anchors.admit(credential, time)?);
        }
        let dids: Vec<&Did> = participants.iter().map(Admitted::did).collect();

        let contract = Signed::<C>::from_bytes(self.contract.into_vec())?;
        if !contract.claimed_signers().eq(dids.iter().map(|did| did.key_id())) {
            return Err(EvidenceError::Participants);
        }
        let contract = contract.verify(&Did::trust_all(dids.iter().copied()), time)?;
        if contract.digest() != access.contract {
            let (record, contract) = (access.contract, contract.digest());
            return Err(EvidenceError::OtherContract { record, contract });
        }
        if self.request.as_ref().is_some_and(|request| Digest::of(request) != access.request) {
            return Err(EvidenceError::OtherRequest);
        }

        let origin = Checkpoint::claimed_origin(&self.checkpoint)?;
        if !dids.contains(&origin.operator()) {
            return Err(EvidenceError::Operator { origin });
        }
        let checkpoint = Checkpoint::verify(&self.checkpoint, &origin)?;
        let proof = InclusionProof { index: self.index, size: checkpoint.size(), path: self.path };
        proof.verify(&leaf, &checkpoint.root())?;

        let (index, has_request) = (self.index, self.request.is_some());
        Ok(VerifiedEvidence {
            contract,
            participants,
            time,
            access,
            index,
            checkpoint,
            has_request,
            cosigners: None,
        })
    }

    /// Checks everything in the file, and which of the `witnesses` cosigned the checkpoint.
    ///
    /// That too few of them did is no error: evidence of a decision it is all the same. See
    /// [`VerifiedEvidence::cosigners`].
    ///
    /// # Errors
    /// [`EvidenceError`] names the first thing that does not hold.
    pub fn verify_witnessed<C: Payload>(
        self,
        anchors: &TrustAnchors,
        witnesses: &WitnessPolicy,
    ) -> Result<VerifiedEvidence<C>, EvidenceError> {
        let mut verified = self.verify(anchors)?;
        verified.cosigners = Some(witnesses.examine(&verified.checkpoint)?);
        Ok(verified)
    }
}

/// Evidence of which everything was checked by [`Evidence::verify`].
#[derive(Clone, Debug)]
pub struct VerifiedEvidence<C> {
    contract: Verified<C>,
    participants: Vec<Admitted>,
    time: UnixMillis,
    access: AccessRecord,
    index: LeafIndex,
    checkpoint: Checkpoint,
    has_request: bool,
    cosigners: Option<Cosigners>,
}

impl<C> VerifiedEvidence<C> {
    /// The contract, signed by exactly the [`participants`](Self::participants).
    #[must_use]
    pub fn contract(&self) -> &Verified<C> {
        &self.contract
    }

    /// Who signed the contract; members of the space at the time of the record.
    #[must_use]
    pub fn participants(&self) -> &[Admitted] {
        &self.participants
    }

    /// When the decision was recorded, by the operator's own clock.
    #[must_use]
    pub fn time(&self) -> UnixMillis {
        self.time
    }

    /// The decision.
    #[must_use]
    pub fn access(&self) -> &AccessRecord {
        &self.access
    }

    /// The record's place in the log.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The checkpoint that covers the record. Keep it: it is what later shows a rollback.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether the consumer's request is part of the evidence.
    #[must_use]
    pub fn has_request(&self) -> bool {
        self.has_request
    }

    /// Which of the given witnesses cosigned the checkpoint; `None` if it was verified without
    /// witnesses, and then whatever cosignatures there are were not looked at.
    #[must_use]
    pub fn cosigners(&self) -> Option<&Cosigners> {
        self.cosigners.as_ref()
    }

    /// In plain words, what is proved, and what is not.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        Finding::list(self)
    }
}
