//! The reference monitor of a data space: finds the signed contract, decides by its policies, takes
//! a use, makes the decision durable in the audit log, and only then releases data, with the
//! contract's duties carried out on it.
//!
//! ```text
//! Signed<AccessRequest> ─> Received ─> Permit ─> Submitted<Permit> ─> Recorded<Permit> ─> Release
//!                                   └> Denial ─────────────────────> Recorded<Denial>
//! ```
//!
//! Each arrow consumes the proof that the one before it made; nothing else makes one.
//! [`DataSpace::access`] goes the whole way, [`DataSpace::enter`] lets you take the steps.
//! [`replay_decisions`] makes every decision of a log again, without a key and without a node.
//! [`Evidence`] is one file that shows one decision to anybody who knows the space authority.
//!
//! A consumer has the other half: [`ConsumerNode`] keeps offers, holds contracts with any number of providers,
//! compares what comes with what was agreed, and keeps a log of its own. The two speak over any
//! [`Transport`]: [`DataSpace::answer`] is the provider's end of it. Without the feature `provider`, which
//! is on unless you turn it off, the crate has the consumer's half alone, and builds no Arrow.
//!
//! # What it refuses to do
//! - No data leaves without a durable record; if the log cannot be written, there is an error and
//!   nothing else, until the node is opened again.
//! - It never runs on a clock that was set back, or that leapt ahead ([`ClockError`]).
//! - A duty that cannot be carried out on the product denies; no duty is skipped.
//! - A use that was recorded is never given back, not even when the data turns out unreadable.
//!
//! # Example
//! ```
//! use dataspace_identity::{DidKeys, MembershipCredential};
//! use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
//! use dataspace_primitives::{Region, Signed, UnixMillis, Validity};
//! use dataspace_runtime::{
//!     Access, Clock, NewOffer, NodeKeys, Setup, SystemClock, Table, generate_key, request_access,
//! };
//! use dataspace_usage_contract::{Acceptance, Offer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let csv = dir.path().join("alloys.csv");
//! # std::fs::write(&csv, "alloy,strength_mpa,furnace\nS235,235,7\nS355,355,9\n")?;
//! let (authority, institute) = (generate_key()?, generate_key()?);
//! let steelmaker = NodeKeys::create(&dir.path().join("keys"), None)?; // later: NodeKeys::open
//! let (steel_did, authority_did) = (steelmaker.did().clone(), authority.did().clone());
//! let now = SystemClock.now();
//! let year = Validity::new(now, now.checked_add(std::time::Duration::from_secs(31_536_000)).unwrap())?;
//!
//! // The authority founds the space; the steel maker's node admits both participants.
//! let profile = dataspace_sectors::materials().profile("demo".parse()?, authority_did.clone());
//! let space = Setup::new(dir.path().join("node"), steelmaker, authority_did)
//!     .create(Signed::sign(&profile, &authority)?)?;
//! let members = [(&steel_did, "Steel AG", "provider"), (institute.did(), "Institute", "consumer")];
//! for (serial, (did, name, role)) in (1..).zip(members) {
//!     space.admit(Signed::sign(&MembershipCredential {
//!         space: profile.space_id(), subject: did.clone(), name: name.parse()?,
//!         serial, issued_at: now, roles: [role.parse()?].into(), attributes: [].into(),
//!         region: Region::parse("DE")?, validity: year,
//!     }, &authority)?)?;
//! }
//!
//! // The steel maker offers a table, the institute accepts.
//! space.register("alloys".parse()?, "test-results".parse()?, Table::open(&csv)?)?;
//! let rule = Rule::new([Action::Read]).when(Constraint::Purpose(["research".parse()?].into()));
//! let mask = ColumnMask { column: "furnace".parse()?, method: MaskMethod::Drop };
//! let offer = space.offer(NewOffer {
//!     product: "alloys".parse()?, consumer: None, terms: Terms::new().permit(rule).duty(Duty::Mask(mask)),
//!     validity: year, expires_at: year.until(),
//! })?;
//! let acceptance = Acceptance::sign(&Offer::verify(offer.clone(), &steel_did, &DidKeys, now)?, &institute, now)?;
//! let agreement = space.conclude(offer, acceptance)?;
//!
//! // The institute reads, twice; the second time for the wrong purpose.
//! let request = request_access(&institute, &agreement, Action::Read, "research".parse()?, &SystemClock)?;
//! let Access::Released(release) = space.access(request)? else { panic!("denied") };
//! for batch in release { assert_eq!(batch?.num_columns(), 2); }
//! let request = request_access(&institute, &agreement, Action::Read, "marketing".parse()?, &SystemClock)?;
//! let Access::Denied(denied) = space.access(request)? else { panic!("released") };
//! println!("{denied}");
//! # Ok(()) }
//! ```
//!
//! # Limits
//! One provider for each node, one process for each directory. Of a contract some 350 bytes live in
//! memory; its documents are in the log, and those of the contracts that were used last in memory too
//! ([`Setup::contracts_in_memory`]). Opening takes less than a microsecond for each contract, verifies
//! members, profiles and policies again, and reads the requests of the last 62 minutes; it does not
//! depend on how long the log is, as long as the index can be used ([`DataSpace::index_state`]).
//! Without it, opening reads the whole log. The index is written by [`DataSpace::tend`], which you call
//! from time to time, and at close. Profiles and policies that were superseded stay in it. What is
//! appended through [`DataSpace::log`] by hand goes into the index unchecked.
//!
//! An access under one contract waits for others under the same contract only while it decides.
//! Decisions on requests that nobody can attribute (an unknown contract, a wrong signature, a
//! replay) are errors and are not recorded, so that strangers cannot fill the log. Denials of one
//! consumer are recorded at a bounded rate, and told with their number beyond that
//! ([`AccessError::TooManyDenials`]).

#[cfg(feature = "provider")]
mod access;
mod clock;
#[cfg(feature = "provider")]
pub mod conformance;
mod consumer;
#[cfg(feature = "provider")]
mod contracts;
mod entries;
mod error;
mod exchange;
#[cfg(feature = "provider")]
mod gate;
#[cfg(feature = "provider")]
mod index;
#[cfg(feature = "provider")]
mod kept;
mod key_files;
mod keys;
#[cfg(feature = "provider")]
mod node;
#[cfg(feature = "provider")]
mod observer;
mod random;
mod replayed;
#[cfg(feature = "provider")]
mod replays;
mod request;
#[cfg(feature = "provider")]
mod setup;
#[cfg(feature = "provider")]
mod space;
#[cfg(feature = "provider")]
mod state;
#[cfg(feature = "provider")]
mod throttle;

pub use dataspace_ledger::{
    DISCREPANCIES_MAX, DenialReason, Deviation, Discrepancy, EVIDENCE_LEN_MAX, Evidence,
    EvidenceError, OtherCompiler, Outcome, Part, Refusal, ReplayError, Replayed, Replayer,
    TimeError, VerifiedEvidence,
};

pub use crate::clock::{Clock, ClockError, ManualClock, SystemClock};
pub use crate::consumer::ConsumerNode;
pub use crate::consumer::arrival::{Arrival, Reply};
pub use crate::consumer::complaint::Complaint;
pub use crate::consumer::error::ConsumerError;
pub use crate::consumer::incoming::{Arrived, Incoming};
pub use crate::consumer::lists::{HeldEntry, HeldFilter, Owed};
pub use crate::consumer::setup::{ConsumerSetup, ConsumerSetupError};
pub use crate::consumer::talk::fetch_profile;
pub use crate::entries::{OfferEntry, OfferFilter, PAGE_MAX};
pub use crate::error::{ChangeError, WriteError};
pub use crate::exchange::{CALL_LEN_MAX, Call, CallError, MessageError, ParseCallError, Transport};
pub use crate::key_files::{KeyFileError, key_text};
pub use crate::keys::NodeKeys;
pub use crate::random::{RandomError, Randomness, SystemRandomness, generate_key};
pub use crate::replayed::replay_decisions;
pub use crate::request::{NewRequest, RequestError, request_access, request_access_to};

#[cfg(feature = "provider")]
pub use provider::*;

/// The provider's half.
#[cfg(feature = "provider")]
mod provider {
    pub use dataspace_data_plane::{MediaFile, Piece, Product, Table};

    pub use crate::access::asked::{Receipt, VerifiedRequest};
    pub use crate::access::error::AccessError;
    pub use crate::access::monitor::{Monitor, Received};
    pub use crate::access::permit::{
        Conflict, Decision, Denial, NotSubmitted, Permit, Recorded, Submitted,
    };
    pub use crate::access::release::{Release, ReleaseError};
    pub use crate::exchange::answer::{Answer, AnswerError};
    pub use crate::index::IndexState;
    pub use crate::index::error::{IndexError, Unusable};
    pub use crate::index::snapshots::{DirectorySnapshots, MemorySnapshots, Snapshots};
    pub use crate::observer::{Decided, Observer};
    pub use crate::setup::{Setup, SetupError};
    pub use crate::space::accesses::Access;
    pub use crate::space::backup::{NodeBackup, NodeBackupError, backup_node};
    pub use crate::space::changes::{Applied, NewOffer};
    pub use crate::space::export::ExportError;
    pub use crate::space::lists::{ContractEntry, ContractFilter, MemberEntry, ProductEntry};
    pub use crate::space::offers::OfferStoreError;
    pub use crate::space::{DataSpace, NodeArchiveError};
}
