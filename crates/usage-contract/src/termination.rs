//! The end of a contract before its time.

use dataspace_identity::{Did, Resolver};
use dataspace_primitives::{Name, Payload, Signed, UnixMillis, Verified, signed::VerifyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agreement::{Agreement, contract_id};
use crate::id::ContractId;

/// The end of a contract before its time, declared and signed by either party. Final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Termination {
    /// Which contract ends.
    pub contract: ContractId,
    /// Who ends it and signs: its provider or its consumer.
    pub by: Did,
    /// When it was declared, by the declarer's clock: for people. The contract ends when the
    /// provider's node records it.
    pub declared_at: UnixMillis,
    /// The reason, in a few words for the other party.
    pub reason: Name,
}

impl Payload for Termination {
    const TYPE: &'static str = "application/vnd.dataspace.termination+cbor";
}

/// Why a termination does not end a contract.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TerminationError {
    /// It does not verify with the keys of the contract's parties.
    #[error("the termination does not verify")]
    Verify(#[from] VerifyError),
    /// For another contract.
    #[error("the termination is for contract `{found}`, not for `{expected}`")]
    OtherContract {
        /// The contract at hand.
        expected: ContractId,
        /// The contract that the termination names.
        found: ContractId,
    },
    /// Signed by one party in the name of the other.
    #[error("the termination names `{by}`, who did not sign it")]
    Declarer {
        /// The declarer named.
        by: Did,
    },
}

impl Termination {
    /// Checks that one of the parties of `agreement` ends it.
    ///
    /// # Errors
    /// [`TerminationError`] if someone else signed it, or it is about another contract.
    pub fn verify(
        termination: Signed<Self>,
        agreement: &Verified<Agreement>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, TerminationError> {
        let Agreement { provider, consumer, .. } = agreement.value();
        let parties = [provider, consumer];
        Self::verify_by(termination, contract_id(agreement), parties, resolver, now)
    }

    /// The same, given only a contract's identifier and parties.
    ///
    /// # Errors
    /// [`TerminationError`] as there.
    pub fn verify_by(
        termination: Signed<Self>,
        contract: ContractId,
        parties: [&Did; 2],
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, TerminationError> {
        let termination = termination.verify(&resolver.keys_of(&parties), now)?;
        let Self { contract: found, by, .. } = termination.value();
        let (expected, found) = (contract, *found);
        if expected != found {
            return Err(TerminationError::OtherContract { expected, found });
        }
        if !by.has_signed(&termination) {
            return Err(TerminationError::Declarer { by: by.clone() });
        }
        Ok(termination)
    }
}
