//! Records, as they stand in a log.

mod report;

pub use self::report::{ContentVersion, ReleaseEnd, ReleaseReport};

use std::collections::{BTreeMap, BTreeSet};

use dataspace_identity::Did;
use dataspace_primitives::cbor::{self, DecodeError, EncodeError};
use dataspace_primitives::{Digest, Name, Part, UnixMillis, bounded};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use thiserror::Error;

use crate::tree::hash::LeafIndex;

/// Longest record, in bytes of canonical CBOR: what an entry of a C2SP tile can hold.
pub const RECORD_LEN_MAX: usize = 65_535;
/// Most facts in one [`AccessRecord`].
pub const FACTS_MAX: usize = 128;
/// Most texts in one list: members of a [`Fact::Texts`], reasons or duties of a [`Verdict`].
pub const TEXTS_MAX: usize = 128;
/// Longest text in a fact, a reason or a duty, in bytes.
pub const TEXT_LEN_MAX: usize = 1_024;
/// Most actions that one product forbids.
pub const FORBIDS_MAX: usize = 32;

/// One entry of the log: what happened, and when the operator's clock says it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Record {
    /// Version of the format: 1.
    pub v: u8,
    /// When the operator wrote it, by its own clock.
    pub time: UnixMillis,
    /// The event.
    pub event: Event,
}

/// What happened. Signed documents stand here as their bytes: the log does not know their types,
/// and a replay verifies them again. Every reader of events handles each of them: a new one that is
/// forgotten must fail to compile, not make logs that do not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The space authority published a profile.
    Profile {
        /// The profile's version.
        version: u64,
        /// The signed space profile.
        document: ByteBuf,
    },
    /// A participant was admitted.
    Admission {
        /// The signed membership credential.
        document: ByteBuf,
    },
    /// The authority ended a membership before its time.
    MembershipRevoked {
        /// The signed revocation.
        document: ByteBuf,
    },
    /// The keys of a participant whose DID is not its key.
    Keys {
        /// The record of the participant's last document; `None` if this is its first. A reader who is
        /// shown some of them sees whether one between them is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<LeafIndex>,
        /// The signed key document.
        document: ByteBuf,
    },
    /// A data product was registered.
    Product {
        /// The product's identifier.
        id: Name,
        /// The class of the space profile that it belongs to.
        class: Name,
        /// SHA-256 of the product's descriptor.
        descriptor: Digest,
        /// The actions that the product itself forbids, whatever its contracts permit: what content credentials
        /// in the file say, for instance.
        #[serde(
            default,
            skip_serializing_if = "Vec::is_empty",
            deserialize_with = "bounded::list::<_, _, FORBIDS_MAX>"
        )]
        forbids: Vec<Name>,
    },
    /// A contract became active.
    Concluded {
        /// The contract: SHA-256 of the canonical agreement.
        contract: Digest,
        /// The signed agreement.
        document: ByteBuf,
    },
    /// A contract ended before its time.
    Terminated {
        /// The contract: SHA-256 of the canonical agreement.
        contract: Digest,
        /// The signed termination.
        document: ByteBuf,
    },
    /// A consumer deleted the keys of all sealed files of a contract: in its own log as soon as they are gone, in the
    /// provider's once it was told.
    Deleted {
        /// The contract: SHA-256 of the canonical agreement.
        contract: Digest,
        /// The consumer's signed statement.
        document: ByteBuf,
    },
    /// The provider replaced its own policies: they forbid, whatever its contracts permit.
    Policies {
        /// The signed statement.
        document: ByteBuf,
    },
    /// A party that the space trusts for it stated something, which decides on accesses from now on.
    Stated {
        /// The signed statement.
        document: ByteBuf,
    },
    /// The operator archived the segments of the records before this one. Their hashes stay, and
    /// with them the proofs.
    Archived {
        /// The first record that stays here.
        before: LeafIndex,
    },
    /// The operator opened the node. Of two copies of one log each gets another record here, so that
    /// their checkpoints show the fork. The record's time is that of the latest record before it, since
    /// no clock is read for it.
    Opened {
        /// 16 random bytes.
        epoch: ByteArray<16>,
    },
    /// The operator set the clock back, since a wrong reading was recorded. The record's time is the new
    /// reading. All contracts that were concluded before have ended, and the memberships that would
    /// have been over at the latest time.
    ClockSetBack {
        /// The latest time in the log until then.
        from: UnixMillis,
    },
    /// A consumer was denied more often than the profile has recorded one by one
    /// (`denialsPerMinute`): the number of further denials. Each one was answered.
    Denials {
        /// The consumer.
        consumer: Did,
        /// When the first of them was told.
        from: UnixMillis,
        /// And the last.
        until: UnixMillis,
        /// How many there were.
        count: u64,
    },
    /// An access was decided.
    Access(AccessRecord),
    /// A release ended: what left under one permit.
    Released(ReleaseReport),
    /// What a consumer did, in the log of its own node.
    Consumer(ConsumerEvent),
}

/// What happened at a consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConsumerEvent {
    /// The log is a consumer's: its second record, after the profile.
    Begun,
    /// It keeps an offer that a provider made.
    Offered {
        /// The signed offer.
        document: ByteBuf,
    },
    /// It accepts an offer. From now on the provider can conclude the contract.
    Accepted {
        /// The signed acceptance.
        document: ByteBuf,
    },
    /// It asks for an access.
    Requested {
        /// The contract: SHA-256 of the canonical agreement.
        contract: Digest,
        /// The signed request.
        document: ByteBuf,
    },
    /// What came in answer to a request.
    Received(ReceivedRecord),
    /// It decided on opening a sealed file that it keeps, as a provider decides on an access. `request` is the
    /// request in answer to which the file came, and a permit counts the openings under the contract.
    Opening(AccessRecord),
}

/// What came in answer to one request, and how it compares with what was agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReceivedRecord {
    /// SHA-256 of the signed request.
    pub request: Digest,
    /// The contract: SHA-256 of the canonical agreement.
    pub contract: Digest,
    /// The answer.
    pub answer: ReceivedAnswer,
    /// SHA-256 of the evidence of the decision, which is kept in a file; `None` if none came that verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// SHA-256 of the header of the sealed file that came, and is kept; `None` if nothing did, or what came was not
    /// sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Digest>,
    /// In what the answer is not what was agreed, in plain words; at most [`TEXTS_MAX`].
    pub complaints: Vec<String>,
}

/// The answer to a request, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ReceivedAnswer {
    /// Data.
    Released {
        /// Rows, if it is a table; else 0.
        rows: u64,
        /// Bytes of the pieces.
        bytes: u64,
        /// SHA-256 of the pieces, one after the other.
        content: Digest,
        /// True if the provider said that this is all of it, and nothing that came speaks against it.
        is_whole: bool,
    },
    /// A denial.
    Denied {
        /// The provider's reasons; at most [`TEXTS_MAX`].
        reasons: Vec<String>,
    },
    /// No decision.
    None {
        /// What happened instead.
        why: String,
    },
}

/// One decision, with everything needed to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessRecord {
    /// The contract: SHA-256 of the canonical agreement.
    pub contract: Digest,
    /// SHA-256 of the Cedar text that decided.
    pub program: Digest,
    /// Version of the space profile in force.
    pub profile: u64,
    /// SHA-256 of the consumer's signed request.
    pub request: Digest,
    /// Which part of the product was asked for; `None` for all that the contract releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// What the decision was based on; at most [`FACTS_MAX`].
    pub facts: BTreeMap<String, Fact>,
    /// The verdict.
    pub verdict: Verdict,
}

/// One fact of a decision. On the wire the bare text, unsigned integer or array of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// A text of at most [`TEXT_LEN_MAX`] bytes.
    Text(String),
    /// A count, an amount or a time in milliseconds.
    Number(u64),
    /// A set of at most [`TEXTS_MAX`] texts.
    Texts(BTreeSet<String>),
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// The access was granted. This record *is* the use of the contract.
    Permit {
        /// Uses of the contract after this one.
        uses: u64,
        /// Clauses of the duties that the release executes; at most [`TEXTS_MAX`].
        duties: Vec<String>,
    },
    /// The access was refused.
    Deny {
        /// Clause identifiers, codes and plain words; 1 to [`TEXTS_MAX`].
        reasons: Vec<String>,
    },
}

/// Why something is not a record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not the canonical encoding of a record.
    #[error("the bytes are not a record")]
    Decode(#[from] DecodeError),
    /// The record has no canonical encoding.
    #[error("the record cannot be encoded")]
    Encode(#[from] EncodeError),
    /// Longer than [`RECORD_LEN_MAX`].
    #[error("a record has at most {RECORD_LEN_MAX} bytes, this one has {len}")]
    Len {
        /// Bytes of the record.
        len: usize,
    },
    /// A version of the format that this library does not know.
    #[error("record version {found} is not known here")]
    Version {
        /// The version found.
        found: u8,
    },
    /// More than [`FACTS_MAX`] facts.
    #[error("a record has at most {FACTS_MAX} facts, this one has {found}")]
    Facts {
        /// Facts found.
        found: usize,
    },
    /// More than [`TEXTS_MAX`] texts in a list.
    #[error("a list in a record has at most {TEXTS_MAX} texts, this one has {found}")]
    Texts {
        /// Texts found.
        found: usize,
    },
    /// A text longer than [`TEXT_LEN_MAX`].
    #[error("a text in a record has at most {TEXT_LEN_MAX} bytes, this one has {len}")]
    TextLen {
        /// Bytes of the text.
        len: usize,
    },
    /// A denial that does not say why.
    #[error("a denial must give a reason")]
    NoReason,
}

impl Record {
    /// The version of the format that this library writes.
    pub const VERSION: u8 = 1;

    /// A record of `event` at `time`.
    #[must_use]
    pub fn new(time: UnixMillis, event: Event) -> Self {
        Self { v: Self::VERSION, time, event }
    }

    /// The canonical bytes: a leaf of the tree.
    ///
    /// # Errors
    /// [`RecordError`] if a cap is exceeded or the version is not [`Record::VERSION`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        self.check()?;
        let bytes = cbor::to_canonical(self)?;
        if bytes.len() > RECORD_LEN_MAX {
            return Err(RecordError::Len { len: bytes.len() });
        }
        Ok(bytes)
    }

    /// The record that is canonically encoded as `bytes`.
    ///
    /// # Errors
    /// [`RecordError`] if the bytes are anything else, or exceed a cap.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = cbor::from_canonical(bytes, RECORD_LEN_MAX)?;
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<(), RecordError> {
        if self.v != Self::VERSION {
            return Err(RecordError::Version { found: self.v });
        }
        match &self.event {
            Event::Access(access) | Event::Consumer(ConsumerEvent::Opening(access)) => {
                access.check()
            }
            Event::Consumer(ConsumerEvent::Received(received)) => received.check(),
            _ => Ok(()),
        }
    }
}

/// A record as the bytes of its leaf: encoded, and so checked, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRecord(Vec<u8>);

impl EncodedRecord {
    /// The canonical bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&Record> for EncodedRecord {
    type Error = RecordError;

    fn try_from(record: &Record) -> Result<Self, RecordError> {
        record.to_bytes().map(Self)
    }
}

impl AccessRecord {
    fn check(&self) -> Result<(), RecordError> {
        if self.facts.len() > FACTS_MAX {
            return Err(RecordError::Facts { found: self.facts.len() });
        }
        for (name, fact) in &self.facts {
            check_text(name)?;
            match fact {
                Fact::Text(text) => check_text(text)?,
                Fact::Number(_) => {}
                Fact::Texts(texts) => check_texts(texts.len(), texts)?,
            }
        }
        match &self.verdict {
            Verdict::Permit { duties, .. } => check_texts(duties.len(), duties),
            Verdict::Deny { reasons } if reasons.is_empty() => Err(RecordError::NoReason),
            Verdict::Deny { reasons } => check_texts(reasons.len(), reasons),
        }
    }
}

impl ReceivedRecord {
    fn check(&self) -> Result<(), RecordError> {
        check_texts(self.complaints.len(), &self.complaints)?;
        match &self.answer {
            ReceivedAnswer::Released { .. } => Ok(()),
            ReceivedAnswer::Denied { reasons } => check_texts(reasons.len(), reasons),
            ReceivedAnswer::None { why } => check_text(why),
        }
    }
}

/// A text that a record takes: one that is longer than [`TEXT_LEN_MAX`] is cut, and ends with `…`, so that
/// nobody reads half of it as the whole.
#[must_use]
pub fn cut(mut text: String) -> String {
    const CUT: char = '…';
    if text.len() > TEXT_LEN_MAX {
        let mut end = TEXT_LEN_MAX - CUT.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push(CUT);
    }
    text
}

fn check_texts<'a>(
    found: usize,
    texts: impl IntoIterator<Item = &'a String>,
) -> Result<(), RecordError> {
    if found > TEXTS_MAX {
        return Err(RecordError::Texts { found });
    }
    texts.into_iter().try_for_each(|text| check_text(text))
}

fn check_text(text: &str) -> Result<(), RecordError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(RecordError::TextLen { len: text.len() });
    }
    Ok(())
}
