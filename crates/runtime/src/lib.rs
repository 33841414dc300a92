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
//! [`Evidence`](dataspace_ledger::Evidence) is one file that shows one decision to anybody who knows the space authority.
//!
//! A consumer has the other half: [`ConsumerNode`] keeps offers, holds contracts with any number of providers,
//! compares what comes with what was agreed, and keeps a log of its own. The two speak over any
//! [`Transport`]: [`DataSpace::answer`] is the provider's end of it. Without the feature `provider`, which
//! is on unless you turn it off, the crate has the consumer's half alone, and builds no Arrow.
//!
//! # What it refuses to do
//! - No data leaves without a durable record; if the log cannot be written, there is an error and
//!   nothing else, until the node is opened again.
//! - It never runs on a clock that was set back, or that leapt ahead ([`ClockError`](clock::ClockError)).
//! - A duty that cannot be carried out on the product denies; no duty is skipped.
//! - A use that was recorded is never given back, not even when the data turns out unreadable.
//!
//! # Example
//! ```
//! use dataspace_identity::{DidKeys, MembershipCredential};
//! use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
//! use dataspace_primitives::{Region, Signed, UnixMillis, Validity};
//! use dataspace_data_plane::Table;
//! use dataspace_runtime::{
//!     Access, Clock, NewOffer, NodeKeys, Setup, SystemClock, generate_key, request_access,
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
//! One provider for each node, one process for each directory. Of a contract some 400 bytes live in
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
pub mod access;
pub mod clock;
#[cfg(feature = "provider")]
pub mod conformance;
pub mod consumer;
#[cfg(feature = "provider")]
mod contracts;
pub mod entries;
pub mod error;
pub mod exchange;
#[cfg(feature = "provider")]
mod gate;
#[cfg(feature = "provider")]
pub mod index;
#[cfg(feature = "provider")]
mod kept;
pub mod key_files;
mod keys;
#[cfg(feature = "provider")]
mod node;
#[cfg(feature = "provider")]
pub mod observer;
#[cfg(feature = "provider")]
pub mod offers;
pub mod random;
mod replayed;
#[cfg(feature = "provider")]
mod replays;
pub mod request;
#[cfg(feature = "provider")]
mod rivals;
#[cfg(feature = "provider")]
pub mod setup;
#[cfg(feature = "provider")]
pub mod space;
#[cfg(feature = "provider")]
mod stamps;
#[cfg(feature = "provider")]
mod state;
#[cfg(feature = "provider")]
mod throttle;

pub use crate::clock::{Clock, ManualClock, SystemClock};
pub use crate::consumer::ConsumerNode;
pub use crate::consumer::arrival::Arrival;
pub use crate::consumer::complaint::Complaint;
pub use crate::consumer::incoming::{Incoming, Reply};
#[cfg(feature = "sealed")]
pub use crate::consumer::sealed::SealedStore;
pub use crate::consumer::setup::ConsumerSetup;
pub use crate::error::ChangeError;
pub use crate::exchange::{Call, Transport};
pub use crate::keys::NodeKeys;
pub use crate::random::generate_key;
pub use crate::replayed::replay_decisions;
pub use crate::request::{NewRequest, request_access, request_access_to};

#[cfg(feature = "provider")]
pub use crate::access::asked::Receipt;
#[cfg(feature = "provider")]
pub use crate::access::error::AccessError;
#[cfg(feature = "provider")]
pub use crate::access::monitor::Monitor;
#[cfg(feature = "provider")]
pub use crate::access::permit::Permit;
#[cfg(feature = "provider")]
pub use crate::access::release::Release;
#[cfg(feature = "provider")]
pub use crate::observer::Observer;
#[cfg(feature = "provider")]
pub use crate::setup::Setup;
#[cfg(feature = "provider")]
pub use crate::space::DataSpace;
#[cfg(feature = "provider")]
pub use crate::space::accesses::Access;
#[cfg(feature = "provider")]
pub use crate::space::backup::backup_node;
#[cfg(feature = "provider")]
pub use crate::space::changes::{Applied, NewOffer};
