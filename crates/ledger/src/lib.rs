//! The state of a data space as one provider's log tells it: a fold over the log's records.
//!
//! [`SpaceState`] is that fold: it [checks](SpaceState::check) a record, [applies](SpaceState::apply) a
//! change, and [judges](SpaceState::judge) an access. A node uses it for what it decides, [`Replayer`] for
//! deciding every access of a log again, and [`Evidence`] shows one decision in one file. So an auditor
//! needs this crate and a log's reader, and no node.
//!
//! Nothing here reads a clock or a file, or draws a random number. Documents of contracts stay in the
//! log: the state has a small [`Contract`](state::Contract) for each, and the caller reads its [`Document`](state::Document) when needed.
//!
//! # What it refuses to do
//! It trusts no record: each document in one is verified, and a change is applied only after it was
//! checked against everything before it. It does not check that the records are those of the log: the
//! caller must have verified them against a signed root.
//!
//! # Example
//! ```
//! use dataspace_identity::{Did, Origin};
//! use dataspace_ledger::Replayer;
//! use dataspace_tlog::LeafIndex;
//!
//! # use dataspace_identity::SecretKey;
//! # use dataspace_primitives::{Digest, Signed};
//! # use dataspace_tlog::{Event, Record};
//! # let (authority, provider) =
//! #     (SecretKey::from_seed(&mut [1; 32])?, SecretKey::from_seed(&mut [2; 32])?);
//! # let profile =
//! #     dataspace_sectors::materials().profile("alloys".parse()?, authority.did().clone());
//! # let product = Event::Product {
//! #     id: "strength".parse()?,
//! #     class: profile.data.product_classes.iter().next().ok_or("no class")?.clone(),
//! #     descriptor: Digest::of(b"columns"),
//! #     forbids: Vec::new(),
//! # };
//! # let document = Signed::sign(&profile, &authority)?.as_bytes().to_vec().into();
//! # let founded = Event::Profile { version: profile.version, document };
//! # let time = "2026-06-01T00:00:00Z".parse()?;
//! # let records =
//! #     [Record::new(time, founded).to_bytes()?, Record::new(time, product).to_bytes()?];
//! # let (authority, origin) =
//! #     (authority.did().as_str().to_owned(), Origin::named(provider.did(), "node-1")?.to_string());
//! // Who the authority is, and which log, from a source that you trust. The records, from anybody who
//! // led them to a signed root.
//! let (authority, log): (Did, Origin) = (authority.parse()?, origin.parse()?);
//! let mut replayer = Replayer::new(authority, log);
//! for (index, record) in (0..).map(LeafIndex::new).zip(&records) {
//!     replayer.take(index, record)?; // fails at the first record that no honest node writes
//! }
//!
//! // Every decision was made again, from signed contracts, policies and memberships.
//! let replayed = replayer.finish()?;
//! assert!(replayed.is_sound(), "{:?}", replayed.first);
//! for finding in replayed.findings() {
//!     println!("{finding}"); // what the log does not show
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod consumer;
mod denial;
pub mod evidence;
pub mod facts;
pub mod outcome;
mod refusal;
pub mod replayed;
mod report_error;
pub mod state;
pub mod times;

pub use crate::consumer::ConsumerState;
pub use crate::denial::DenialReason;

pub use crate::evidence::Evidence;
pub use crate::evidence::verified::VerifiedEvidence;

pub use crate::refusal::Refusal;
pub use crate::replayed::Replayer;
pub use crate::replayed::report::Replayed;

pub use crate::state::in_force::SpaceState;
