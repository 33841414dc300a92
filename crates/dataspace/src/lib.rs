//! A trusted data space in one crate: organisations open data to each other under signed contracts, each
//! access is decided by policy and recorded before a byte is released, and provider, consumer and
//! authority can prove afterwards, offline, what was agreed and what was done.
//!
//! This is the paved path: everything for a program that founds or opens a node, offers products,
//! concludes contracts and answers requests, and for consumers and auditors. The crates behind it have
//! more and can be used alone: an auditor who builds no node takes `dataspace-ledger`.
//!
//! # Example
//! Authority, provider and consumer in one program, so that it reads in one go. In reality each has its own
//! keys, and what it signs arrives as bytes ([`Signed::as_bytes`], [`Signed::from_bytes`]).
//! ```
//! use dataspace::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let csv = dir.path().join("alloys.csv");
//! # std::fs::write(&csv, "alloy,strength_mpa,furnace\nS235,235,7\nS355,355,9\n")?;
//! # let dir = dir.path();
//! let now = SystemClock.now();
//! let year = Validity::new(now, now.checked_add(std::time::Duration::from_secs(31_536_000)).ok_or("late")?)?;
//! let (authority, institute) = (generate_key()?, generate_key()?);
//! let mill = NodeKeys::create(&dir.join("keys"), Some(b"a passphrase"))?; // later: NodeKeys::open
//!
//! // The authority founds the space; the mill's node begins, and admits both participants.
//! let mill_did = mill.did().clone();
//! let profile = sectors::materials().profile("demo".parse()?, authority.did().clone());
//! let node = Setup::new(dir.join("node"), mill, authority.did().clone())
//!     .create(Signed::sign(&profile, &authority)?)?; // later: open()
//! let members = [(&mill_did, "Rolling Mill", "provider"), (institute.did(), "Institute", "consumer")];
//! for (serial, (did, name, role)) in (1..).zip(members) {
//!     node.admit(Signed::sign(&MembershipCredential {
//!         space: profile.space_id(), subject: did.clone(), name: name.parse()?, serial,
//!         issued_at: now, roles: [role.parse()?].into(), attributes: [].into(),
//!         region: Region::parse("DE")?, validity: year,
//!     }, &authority)?)?;
//! }
//!
//! // The mill offers a table without its column `furnace`, for research; the institute accepts.
//! node.register("alloys".parse()?, "test-results".parse()?, Table::open(&csv)?)?;
//! let rule = Rule::new([Action::Read]).when(Constraint::Purpose(["research".parse()?].into()));
//! let mask = ColumnMask { column: "furnace".parse()?, method: MaskMethod::Drop };
//! let offer = node.offer(NewOffer {
//!     product: "alloys".parse()?, consumer: None, terms: Terms::new().permit(rule).duty(Duty::Mask(mask)),
//!     validity: year, expires_at: year.until(),
//! })?;
//! let read = Offer::verify(offer.clone(), &mill_did, &DidKeys, now)?;
//! let agreement = node.conclude(offer, Acceptance::sign(&read, &institute, now)?)?;
//!
//! // The institute reads, and then asks for something that was not agreed.
//! let request = |purpose: &str| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(request_access(&institute, &agreement, Action::Read, purpose.parse()?, &SystemClock)?)
//! };
//! if let Access::Released(release) = node.access(request("research")?)? {
//!     for batch in release { assert_eq!(batch?.num_columns(), 2); }
//! }
//! let Access::Denied(denied) = node.access(request("marketing")?)? else { panic!("released") };
//! println!("{denied}");
//! # Ok(()) }
//! ```
//!
//! A consumer with a node of its own uses [`ConsumerSetup`], [`fetch_profile`] and [`ConsumerNode`]; a provider answers
//! its calls by [`DataSpace::answer`]. `docs/embedding.md` has both.
//!
//! # Features
//! `provider` (on unless you turn it off): the provider's node. A program that is a consumer alone leaves it
//! out: `default-features = false`. `sealed`: delivery in sealed files (module `sealed`). `media`: pictures and
//! recordings whose copies bear traces (module `media`). `sql`: queries over what contracts release (module
//! `sql`); it builds DataFusion.
//!
//! # Words
//! *Authority*: says who is a member of a space and what its profile is; for a pilot, anyone can be one.
//! *Offer*, *acceptance*, *agreement*: a contract on its way. *Use*: one access that was permitted.
//! *Checkpoint*: the signed state of a node's log; one that others keep reveals a rollback.

// Values and documents.
pub use dataspace_primitives::{
    Digest, Name, Part, Region, Signed, Signer, UnixMillis, Validity, Verified, key::SignerError,
};

// Who takes part.
pub use dataspace_identity::{
    Did, DidKeys, KeyDocument, KnownKeys, MembershipCredential, MembershipRevocation,
    ParticipantKey, Resolver, RootSecret, SecretKey, SpaceId,
};
pub use dataspace_primitives::Secrets;
pub use dataspace_runtime::{NodeKeys, generate_key, key_files::KeyFileError};

// What is agreed.
pub use dataspace_policy::{
    Action, Aggregate, ColumnMask, Constraint, Duty, Exclusive, KeptColumns, Limit, MaskMethod,
    Operator, RowFilter, Rule, Sample, Scalar, Terms, Watermark,
};
pub use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, ContractId, DeletionStatement, Offer, SpaceProfile,
    Statement, Statements, Termination, contract_id,
};

// Both halves.
pub use dataspace_policy::{Clause, ClauseId};
pub use dataspace_runtime::{
    Call, ChangeError, Clock, SystemClock, Transport,
    entries::{OfferEntry, OfferFilter},
    error::WriteError,
    exchange::{CALL_LEN_MAX, CallError},
};
pub use dataspace_usage_contract::OfferId;

// The provider's node.
#[cfg(feature = "provider")]
pub use dataspace_data_plane::{
    Document, MediaFile, Piece, Product, RecordBatch, Table, TableOptions,
};
#[cfg(feature = "provider")]
pub use dataspace_runtime::{
    Access, AccessError, Applied, DataSpace, NewOffer, Observer, Receipt, Release, Setup,
    access::ReleaseError,
    exchange::{Answer, AnswerError},
    setup::SetupError,
    space::{AccessAll, AccessAllError, ContractEntry, ContractFilter, MemberEntry, ProductEntry},
};

// The consumer's node, and requests without one.
pub use dataspace_runtime::{
    Arrival, Complaint, ConsumerNode, ConsumerSetup, Incoming, NewRequest, Reply,
    consumer::{
        Arrived, ConsumerError, ConsumerSetupError, HeldEntry, HeldFilter, Owed, fetch_profile,
    },
    request::RequestError,
    request_access, request_access_to,
};

// What everybody can check.
pub use dataspace_ledger::{
    DenialReason, Evidence, Refusal, Replayed, Replayer, VerifiedEvidence, evidence::EvidenceError,
};
pub use dataspace_runtime::replay_decisions;
pub use dataspace_tlog::{Checkpoint, Fault, LeafIndex, record::ReceivedAnswer};

/// What data spaces of three sectors begin with: words, forbids, templates of terms.
pub mod sectors {
    pub use dataspace_sectors::*;
}

/// Signed statements of parties that a space trusts for them.
pub mod statement {
    pub use dataspace_usage_contract::statement::*;
}

/// What duties are made of: scopes of pseudonyms, broader values, tolerances, parts of the calendar.
pub mod duty {
    pub use dataspace_policy::duty::*;
}

/// What finds the mark of a contract in a copy of its numbers.
#[cfg(feature = "provider")]
pub mod watermark {
    pub use dataspace_data_plane::watermark::*;
}

/// Released rows as CSV, JSON lines, Parquet and Arrow IPC.
#[cfg(feature = "provider")]
pub mod formats {
    pub use dataspace_data_plane::formats::*;
}

/// Sealed delivery: what a provider releases into a file that opens under its contract alone, and the store of the
/// consumer's node, which decides each opening and deletes the keys at the end.
#[cfg(feature = "sealed")]
pub mod sealed {
    #[cfg(feature = "provider")]
    pub use dataspace_runtime::access::{Delivered, SealToError};
    pub use dataspace_runtime::{
        SealedStore,
        consumer::sealed::{FileEntry, OpenedFile, Opening, StoreError, Stored},
        request::request_sealed,
    };
    pub use dataspace_sealed::{Recipient, RecipientSecret};
    pub use dataspace_usage_contract::deletion::{DeletionError, DeletionReason};
}
#[cfg(feature = "media")]
pub mod media;

#[cfg(feature = "sql")]
pub mod sql;

/// The code in the README and in `docs` compiles.
#[cfg(all(doctest, feature = "provider"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/embedding.md")]
    struct Embedding;
}
