//! An evidence file as an attacker writes it, with whatever keys and logs it has.

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::{DidKeys, MembershipCredential, Resolver as _, SecretKey};
use dataspace_ledger::{
    Evidence, VerifiedEvidence,
    evidence::{EVIDENCE_LEN_MAX, EvidenceError},
};
use dataspace_primitives::{CoSignature, Digest, Payload, Signed, UnixMillis, Verified, cbor};
use dataspace_tlog::{AccessRecord, Event, Fact, LeafIndex, Record};
use dataspace_usage_contract::{AccessRequest, Agreement, ContractId};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::support::{Node, authority, consumer, provider};

/// The file, field by field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire {
    pub(crate) v: u8,
    pub(crate) checkpoint: String,
    pub(crate) conclusion: WireEntry,
    pub(crate) decision: WireEntry,
    pub(crate) provider: ByteBuf,
    pub(crate) consumer: ByteBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<ByteBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEntry {
    pub(crate) index: u64,
    pub(crate) path: Vec<Digest>,
    pub(crate) record: ByteBuf,
}

impl Wire {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        cbor::from_canonical(bytes, EVIDENCE_LEN_MAX).unwrap()
    }

    pub(crate) fn verify(&self) -> Result<VerifiedEvidence, EvidenceError> {
        verify(&cbor::to_canonical(self).unwrap())
    }
}

/// As somebody verifies it who trusts the authority alone.
pub(crate) fn verify(bytes: &[u8]) -> Result<VerifiedEvidence, EvidenceError> {
    Evidence::from_bytes(bytes)?.verify(authority().did())
}

type Key = fn() -> SecretKey;

/// All that a file says. Whoever changes it signs again what depends on that, with these keys.
pub(crate) struct Story {
    pub(crate) agreement: Agreement,
    pub(crate) signers: Vec<Key>,
    pub(crate) agreed_at: UnixMillis,
    pub(crate) request: AccessRequest,
    pub(crate) request_signer: Key,
    pub(crate) access: AccessRecord,
    pub(crate) decided_at: UnixMillis,
    /// Whether the decision comes first in the log.
    pub(crate) is_reversed: bool,
    pub(crate) origin: Origin,
    pub(crate) operator: Key,
    pub(crate) provider: MembershipCredential,
    pub(crate) consumer: MembershipCredential,
    pub(crate) credential_signer: Key,
}

impl Story {
    /// Of genuine evidence with a request, of the support's provider and consumer.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let wire = Wire::read(bytes);
        let evidence = wire.verify().unwrap();
        let request = Signed::from_bytes(wire.request.unwrap().into_vec()).unwrap();
        let request: Verified<AccessRequest> =
            request.verify(&DidKeys.keys(consumer().did()), evidence.time()).unwrap();
        Self {
            agreement: evidence.contract().value().clone(),
            signers: vec![provider, consumer],
            agreed_at: evidence.concluded_at(),
            request: request.value().clone(),
            request_signer: consumer,
            access: evidence.access().clone(),
            decided_at: evidence.time(),
            is_reversed: false,
            origin: evidence.checkpoint().origin().clone(),
            operator: provider,
            provider: evidence.provider().credential().clone(),
            consumer: evidence.consumer().credential().clone(),
            credential_signer: authority,
        }
    }

    /// A permit or denial of the node.
    pub(crate) fn of_last(node: &Node, request: &Signed<AccessRequest>) -> Self {
        let last = LeafIndex::new(node.len() - 1);
        Self::of(&node.space.evidence_at(last, Some(request)).unwrap().to_bytes().unwrap())
    }

    pub(crate) fn fact(&mut self, name: &str, fact: Fact) {
        self.access.facts.insert(name.to_owned(), fact);
    }

    /// The file, with all that follows from the parts signed and hashed again.
    pub(crate) fn wire(&self) -> Wire {
        let agreement = sign(&self.agreement, &self.signers);
        let contract = Digest::of(&cbor::to_canonical(&self.agreement).unwrap());
        let mut request = self.request.clone();
        if request.contract == self.named() {
            request.contract = ContractId::from_digest(contract);
        }
        let request = sign(&request, &[self.request_signer]);
        let mut access = self.access.clone();
        access.contract = contract;
        access.request = Digest::of(&request);
        access.program = Digest::of(self.agreement.cedar.as_bytes());
        let document = ByteBuf::from(agreement);
        let conclusion = Record::new(self.agreed_at, Event::Concluded { contract, document });
        let decision = Record::new(self.decided_at, Event::Access(access));
        self.record(&conclusion, &decision, Some(request))
    }

    /// The file with these two records, in a log of the operator's.
    pub(crate) fn record(
        &self,
        conclusion: &Record,
        decision: &Record,
        request: Option<Vec<u8>>,
    ) -> Wire {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(&dir.path().join("log"), self.origin.clone()).unwrap();
        let append = |record: &Record| log.append(record).unwrap().index();
        let (first, second) = if self.is_reversed {
            let decided = append(decision);
            (append(conclusion), decided)
        } else {
            (append(conclusion), append(decision))
        };
        let checkpoint = log.checkpoint(&(self.operator)()).unwrap();
        let entry = |index, record: &Record| WireEntry {
            index: LeafIndex::as_u64(index),
            path: log.inclusion_proof(index, checkpoint.size()).unwrap().path,
            record: ByteBuf::from(record.to_bytes().unwrap()),
        };
        let credential = |one| ByteBuf::from(sign(one, &[self.credential_signer]));
        Wire {
            v: Evidence::VERSION,
            checkpoint: checkpoint.as_note().to_owned(),
            conclusion: entry(first, conclusion),
            decision: entry(second, decision),
            provider: credential(&self.provider),
            consumer: credential(&self.consumer),
            request: request.map(ByteBuf::from),
        }
    }

    pub(crate) fn verify(&self) -> Result<VerifiedEvidence, EvidenceError> {
        self.wire().verify()
    }

    /// The contract that the record was about at first.
    fn named(&self) -> ContractId {
        ContractId::from_digest(self.access.contract)
    }
}

/// The bytes of a document that these sign.
pub(crate) fn sign<T: Payload>(payload: &T, signers: &[Key]) -> Vec<u8> {
    let signatures = signers.iter().map(|key| CoSignature::sign(payload, &key()).unwrap());
    Signed::assemble(payload, signatures.collect()).unwrap().as_bytes().to_vec()
}
