//! What is in force in a data space, as one provider's log tells it: a fold over the log's records.
//!
//! [`SpaceState`] is that fold: it [checks](SpaceState::check) a record, [applies](SpaceState::apply) a
//! change, and [judges](SpaceState::judge) an access. A node uses it for what it decides, [`Replayer`] for
//! deciding every access of a log again, and [`Evidence`] shows one decision in one file. So an auditor
//! needs this crate and a log's reader, and no node.
//!
//! Nothing here reads a clock or a file, or draws a random number. Documents of contracts stay in the
//! log: of each contract there is a small [`Contract`], and whoever needs its [`Document`] reads it.

mod denial;
mod evidence;
pub mod facts;
mod outcome;
mod refusal;
mod replayed;
mod state;
mod times;

pub use crate::denial::DenialReason;
pub use crate::evidence::error::EvidenceError;
pub use crate::evidence::part::Part;
pub use crate::evidence::verified::VerifiedEvidence;
pub use crate::evidence::{EVIDENCE_LEN_MAX, Entry, Evidence};
pub use crate::outcome::Outcome;
pub use crate::refusal::Refusal;
pub use crate::replayed::report::{
    DISCREPANCIES_MAX, Deviation, Discrepancy, OtherCompiler, Replayed,
};
pub use crate::replayed::{ReplayError, Replayer};
pub use crate::state::change::Change;
pub use crate::state::contract::{Contract, Document, Place, Relation};
pub use crate::state::in_force::{Product, SpaceState};
pub use crate::state::judge::Case;
pub use crate::state::members::{Member, REVOKED_AHEAD_MAX};
pub use crate::state::read_back::Taken;
pub use crate::times::{REQUEST_AGE_MAX, REQUEST_KEPT, TimeError, Times};
