//! Sealed files at the consumer: kept apart from their keys, opened by the contract's decision, deleted when it is over.
//!
//! # How it works
//! - For each contract the store draws a key of its own, and keeps it in a file that only this node's secrets open. The
//!   public half goes into the signed request, and the provider seals for it.
//! - Each [opening](SealedStore::open) is judged as the provider judges an access, by the same code: the contract's own
//!   policies, its time and end, memberships, the newest profile that this node knows, purpose, action, statements. Where the
//!   contract counts uses, openings are counted in the same way, apart from the provider's count. The decision is
//!   durable in this node's log before a byte is handed out; a denial is recorded, too. While a file is read, it is asked again
//!   for each chunk.
//! - When a contract is over, or its time to delete has come, [`SealedStore::tend`] overwrites and removes its key, and
//!   signs and records a [`DeletionStatement`](dataspace_usage_contract::DeletionStatement). The owner calls it from time to time; nothing here has a thread.
//!
//! # What it does not promise
//! The consumer's node decides on the consumer's own host. Who has that host can copy keys, or what was opened, and a
//! statement of deletion is the consumer's word and no proof. What a disk keeps of an overwritten file is the
//! disk's business: on most of today's, overwriting does not reach the old blocks; without the node's root secret they
//! open nothing. The provider's own policies, which only forbid, are not known here,
//! nor an end of the contract that only the provider has recorded, until this node
//! [takes](crate::ConsumerNode::take_end) its statement. A directory that was
//! copied as a whole, log and all, and put back later does not know what was recorded meanwhile; its clock still ends its contracts.

pub(crate) mod kept;

mod expiry;
mod opening;
mod store;

pub use self::opening::{OpenedFile, Opening};
pub use self::store::{FileEntry, SealedStore, Stored};

use std::io;

use dataspace_ledger::Refusal;
use dataspace_primitives::secrets::SecretsError;
use dataspace_sealed::{read::ReadError, sealed::SealedError, sealed::UnwrapError};
use dataspace_usage_contract::{ContractId, deletion::DeletionReason};
use thiserror::Error;

use crate::consumer::error::ConsumerError;
use crate::random::RandomError;

/// Why the store does not do something. What is denied is no error: it is an [`Opening::Denied`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The node does not do it.
    #[error(transparent)]
    Node(#[from] ConsumerError),
    /// A file of the store cannot be read, written or removed.
    #[error("{what} cannot be used")]
    Io {
        /// Which.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No key can be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The node's secrets, which protect the keys, cannot be used.
    #[error("the node's secrets cannot be used")]
    Secrets(#[from] SecretsError),
    /// The key of a contract is not one that this node wrote, or was deleted meanwhile.
    #[error("the key of contract `{contract}` is damaged, deleted, or of another node")]
    Key {
        /// The contract.
        contract: ContractId,
    },
    /// The contract is over, so that nothing is asked for, or kept, under it.
    #[error("nothing is kept under contract `{contract}`: {reason}")]
    Over {
        /// The contract.
        contract: ContractId,
        /// Why.
        reason: DeletionReason,
    },
    /// The file that comes is longer than it may be.
    #[error("the sealed file is longer than {max} bytes, and is not kept")]
    TooLong {
        /// Most bytes.
        max: u64,
    },
    /// The file in the store is not a sealed one.
    #[error("the file is damaged")]
    Head(#[from] SealedError),
    /// The file in the store is another one than the one that came.
    #[error("the file is another one than the one that came")]
    OtherFile,
    /// The file is sealed for somebody else, or another contract.
    #[error("the file cannot be opened under this contract")]
    Unwrap(#[from] UnwrapError),
    /// The file was changed, or a range lies outside.
    #[error("the file is not read any further")]
    Read(#[from] ReadError),
    /// It was permitted, and no longer is.
    #[error("the opening is stopped: {reason}")]
    Stopped {
        /// Why, in plain words.
        reason: String,
    },
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Node(refusal.into())
    }
}
