//! One file that shows one decision to anybody who knows the space authority.
//!
//! It holds two records of the provider's log under one checkpoint, the conclusion of the contract
//! and the decision, both parties' credentials, and the consumer's signed request. Everything in it
//! is decoded, verified and compared with everything else ([`Evidence::verify`]); there is no
//! smaller check that calls it verified.

mod check;
pub(crate) mod error;
mod findings;
mod members;
pub(crate) mod part;
mod report;
mod request;
mod statements;
mod verdict;
pub(crate) mod verified;

pub use self::error::EvidenceError;
pub use self::part::Part;

use dataspace_identity::MembershipCredential;
use dataspace_identity::keys::{KEY_DOCUMENTS_MAX, KeyDocumentError};
use dataspace_primitives::cbor::{self, EncodeError};
use dataspace_primitives::{Digest, Signed, envelope::DOCUMENT_LEN_MAX};
use dataspace_tlog::{
    Checkpoint, LeafIndex, note::NOTE_LEN_MAX, record::RECORD_LEN_MAX, tree::PATH_LEN_MAX,
};
use dataspace_usage_contract::{AccessRequest, statement::STATEMENT_KINDS_MAX};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::evidence::part::{VERSION, WITH_REPORT, WITH_STATEMENTS};
use crate::state::documents::document;

/// Longest evidence file, in bytes: three records with their paths and those of statements, two credentials,
/// a request and a checkpoint with its cosignatures, each as long as it can be.
pub const EVIDENCE_LEN_MAX: usize = (3 + STATEMENT_KINDS_MAX)
    * (RECORD_LEN_MAX + PATH_LEN_MAX * 34)
    + EVIDENCE_KEYS_MAX * (8_192 + PATH_LEN_MAX * 34)
    + 3 * DOCUMENT_LEN_MAX
    + NOTE_LEN_MAX
    + 1_024;

/// Most key documents in one file, of less than 8 KiB each: all that both parties can have, and those
/// who stated something.
const EVIDENCE_KEYS_MAX: usize = (2 + STATEMENT_KINDS_MAX) * KEY_DOCUMENTS_MAX;

/// A contract, a decision under it, and the proof that both are in the log of the contract's
/// provider: one file, verifiable offline by anybody who knows the space authority. Says nothing
/// until verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Evidence {
    v: u8,
    /// Covers both records.
    checkpoint: String,
    /// The record with which the contract came into force; the signed agreement is in it.
    conclusion: Entry,
    /// The record of the decision.
    decision: Entry,
    /// The provider's membership credential.
    provider: ByteBuf,
    /// The consumer's.
    consumer: ByteBuf,
    /// The consumer's signed request; its digest is in the record of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<ByteBuf>,
    /// The records of the key documents of parties whose DID is not their key, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Entry>,
    /// The record of the report of the release; files with one have a version of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Entry>,
    /// The records of the statements of trusted parties on which was decided; files with some have a version
    /// of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Entry>,
}

/// A record and the proof that it is in the tree of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the log.
    pub index: LeafIndex,
    /// From its leaf to the root under the checkpoint.
    pub path: Vec<Digest>,
    /// Its bytes.
    pub record: ByteBuf,
}

impl Evidence {
    /// The version of the format that this library writes and reads. A file with the report of a release
    /// has the next one, a file with statements of trusted parties the one after that.
    pub const VERSION: u8 = VERSION;

    /// Puts together what [`verify`](Self::verify) checks: the records of the conclusion and of the
    /// decision under one checkpoint, the credentials of provider and consumer, and the request, if
    /// somebody kept it.
    #[must_use]
    pub fn collect(
        checkpoint: &Checkpoint,
        [conclusion, decision]: [Entry; 2],
        [provider, consumer]: [&Signed<MembershipCredential>; 2],
        request: Option<&Signed<AccessRequest>>,
        keys: Vec<Entry>,
    ) -> Self {
        Self {
            v: Self::VERSION,
            checkpoint: checkpoint.as_note().to_owned(),
            conclusion,
            decision,
            provider: document(provider),
            consumer: document(consumer),
            request: request.map(document),
            keys,
            report: None,
            statements: Vec::new(),
        }
    }

    /// With the record of the report of the release, under the same checkpoint: what left.
    #[must_use]
    pub fn with_report(self, report: Entry) -> Self {
        let v = if self.statements.is_empty() { WITH_REPORT } else { WITH_STATEMENTS };
        Self { v, report: Some(report), ..self }
    }

    /// With the records of the statements on which was decided, under the same checkpoint: all of them, or
    /// none if one can no longer be read.
    #[must_use]
    pub fn with_statements(self, statements: Vec<Entry>) -> Self {
        let v = if statements.is_empty() { self.v } else { WITH_STATEMENTS };
        Self { v, statements, ..self }
    }

    /// All records in it.
    fn entries(&self) -> impl Iterator<Item = (&Entry, Part)> {
        let records = [(&self.conclusion, Part::Conclusion), (&self.decision, Part::Decision)];
        let keys = self.keys.iter().map(|entry| (entry, Part::Keys));
        let report = self.report.iter().map(|entry| (entry, Part::Report));
        let statements = self.statements.iter().map(|entry| (entry, Part::Statement));
        records.into_iter().chain(keys).chain(report).chain(statements)
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
    /// [`EvidenceError`] if it is too long, malformed, of another version, or not in its one
    /// encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let evidence: Self = match cbor::from_canonical(bytes, EVIDENCE_LEN_MAX) {
            Ok(evidence) => evidence,
            // A file of another version has other fields, and is no damaged one.
            Err(error) => return Err(other_version(bytes).unwrap_or(error.into())),
        };
        let version = match (&evidence.report, evidence.statements.len()) {
            (None, 0) => Self::VERSION,
            (Some(_), 0) => WITH_REPORT,
            _ => WITH_STATEMENTS,
        };
        if evidence.v != version {
            return Err(EvidenceError::Version { found: evidence.v.into() });
        }
        if evidence.keys.len() > EVIDENCE_KEYS_MAX {
            return Err(EvidenceError::Keys(KeyDocumentError::Count));
        }
        let found = evidence.statements.len();
        if found > STATEMENT_KINDS_MAX {
            return Err(EvidenceError::TooManyStatements { found });
        }
        for (entry, part) in evidence.entries() {
            let len = entry.path.len();
            if len > PATH_LEN_MAX {
                return Err(EvidenceError::PathLen { part, len });
            }
        }
        Ok(evidence)
    }
}

/// What to say of a well-formed file of another version; `None` if it is something else.
fn other_version(bytes: &[u8]) -> Option<EvidenceError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    cbor::check_canonical(bytes, EVIDENCE_LEN_MAX).ok()?;
    let Versioned { v: found } = serde_cbor::from_slice(bytes).ok()?;
    let known = [Evidence::VERSION, WITH_REPORT, WITH_STATEMENTS].map(u64::from);
    let is_known = known.contains(&found);
    (!is_known).then_some(EvidenceError::Version { found })
}
