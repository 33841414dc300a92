//! A consumer's statement that it deleted what it had under a contract.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_identity::{Did, Origin, Resolver, credential::CLOCK_SKEW};
use dataspace_primitives::{
    Digest, Payload, Signed, UnixMillis, Verified, bounded, signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agreement::{Agreement, contract_id};
use crate::id::ContractId;

/// Most sealed files of one contract, and so in one [`DeletionStatement`].
pub const FILES_MAX: usize = 1_000;

/// A consumer's signed statement that its node has deleted the keys of all sealed files of a contract.
///
/// It is a statement, not a proof: a host that kept a copy of a key, or of what it opened, can still read. What
/// it is good for is that its signer can be held to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeletionStatement {
    /// Which contract.
    pub contract: ContractId,
    /// The provider's node at which the contract runs.
    pub log: Origin,
    /// Who states and signs it: the contract's consumer.
    pub consumer: Did,
    /// The SHA-256 of each sealed file that can no longer be opened, as the provider's log reports what left;
    /// at most [`FILES_MAX`].
    #[serde(deserialize_with = "bounded::set::<_, _, FILES_MAX>")]
    pub files: BTreeSet<Digest>,
    /// Why they were deleted.
    pub reason: DeletionReason,
    /// When, by the consumer's clock: the keys were gone by then.
    pub deleted_at: UnixMillis,
}

impl Payload for DeletionStatement {
    const TYPE: &'static str = "application/vnd.dataspace.deletion+cbor";
}

/// Why a consumer deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeletionReason {
    /// The contract's time was over.
    Expired,
    /// The contract was ended before its time.
    Terminated,
    /// The contract obliges the consumer to delete so long after the agreement.
    Due,
    /// The consumer chose to.
    Chosen,
}

/// In a few words: `the contract expired`.
impl fmt::Display for DeletionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the contract expired",
            Self::Terminated => "the contract was ended",
            Self::Due => "the time came at which the contract has the copies deleted",
            Self::Chosen => "the consumer chose to",
        })
    }
}

/// Why a statement of a deletion is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeletionError {
    /// It does not verify with the keys of the contract's consumer.
    #[error("the statement of deletion does not verify")]
    Verify(#[from] VerifyError),
    /// For another contract.
    #[error("the statement of deletion is for contract `{found}`, not for `{expected}`")]
    OtherContract {
        /// The contract at hand.
        expected: ContractId,
        /// The contract that the statement names.
        found: ContractId,
    },
    /// For another node than the one at which the contract runs.
    #[error("the statement of deletion is for the log `{found}`, not for `{expected}`")]
    OtherNode {
        /// The log of the contract.
        expected: Origin,
        /// The log that the statement names.
        found: Origin,
    },
    /// Stated by somebody else than the contract's consumer.
    #[error(
        "the statement of deletion is in the name of `{found}`, which is not the contract's consumer"
    )]
    NotTheConsumer {
        /// Who states it.
        found: Did,
    },
    /// Dated ahead of now, or before the contract was concluded.
    #[error("the statement of deletion is of {deleted_at}, when it cannot have been: now is {now}")]
    Time {
        /// When, by the statement.
        deleted_at: UnixMillis,
        /// Now.
        now: UnixMillis,
    },
}

/// What is known of a contract by the one who is given a statement.
#[derive(Clone, Copy, Debug)]
pub struct Deleted<'a> {
    /// The contract.
    pub contract: ContractId,
    /// The log in which it runs.
    pub log: &'a Origin,
    /// Its consumer.
    pub consumer: &'a Did,
    /// A time before which nothing was delivered under it: that of its conclusion, if it is known.
    pub since: UnixMillis,
}

impl DeletionStatement {
    /// Checks, offline, that the consumer of `agreement` states it, at a time that was possible. It does not check that
    /// the files are those that were released.
    ///
    /// # Errors
    /// [`DeletionError`] if not.
    pub fn verify(
        statement: Signed<Self>,
        agreement: &Verified<Agreement>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, DeletionError> {
        let Agreement { log, consumer, .. } = agreement.value();
        let (contract, since) = (contract_id(agreement), UnixMillis::MIN);
        Self::verify_of(statement, Deleted { contract, log, consumer, since }, resolver, now)
    }

    /// The same, given only what is known of the contract.
    ///
    /// # Errors
    /// [`DeletionError`] as there.
    pub fn verify_of(
        statement: Signed<Self>,
        of: Deleted<'_>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, DeletionError> {
        let statement = statement.verify(&resolver.keys(of.consumer), now)?;
        let Self { contract, log, consumer, deleted_at, .. } = statement.value();
        if *contract != of.contract {
            let (expected, found) = (of.contract, *contract);
            return Err(DeletionError::OtherContract { expected, found });
        }
        if log != of.log {
            let (expected, found) = (of.log.clone(), log.clone());
            return Err(DeletionError::OtherNode { expected, found });
        }
        if consumer != of.consumer || !consumer.has_signed(&statement) {
            return Err(DeletionError::NotTheConsumer { found: consumer.clone() });
        }
        let deleted_at = *deleted_at;
        if deleted_at.since(now) > CLOCK_SKEW || of.since.since(deleted_at) > CLOCK_SKEW {
            return Err(DeletionError::Time { deleted_at, now });
        }
        Ok(statement)
    }
}
