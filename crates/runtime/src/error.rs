//! Why a change is refused, and why it is not recorded.

use std::error::Error;

use dataspace_audit_log::{append::AppendError, error::SignCheckpointError};
#[cfg(feature = "provider")]
use dataspace_data_plane::errors::PlanError;
use dataspace_identity::{credential::AdmitError as CredentialError, revocation::RevocationError};
use dataspace_ledger::Refusal;
#[cfg(feature = "provider")]
use dataspace_primitives::Name;
use dataspace_primitives::signed::{SignError, VerifyError};
use dataspace_usage_contract::{
    agreement::AgreeError, offer::OfferError, own_policies::ProviderPoliciesError,
    profile::ProfileError, termination::TerminationError,
};
use thiserror::Error;

use crate::clock::ClockError;

/// Why nothing was recorded, or the log was not signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The log did not take the record, and no part of it is in force. If the disk failed, opening
    /// the node again tells whether the record is there after all.
    #[error("the audit log did not take the record")]
    Append(#[from] AppendError),
    /// The record is durable, but the log could not be signed.
    #[error("the audit log cannot be signed")]
    Checkpoint(#[from] SignCheckpointError),
}

/// Why a change is refused, or what came of it is not certain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// It does not follow from what is in force. The same checks run when a change is read back from
    /// the log.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A duty cannot be carried out on the product.
    #[cfg(feature = "provider")]
    #[error("a duty cannot be carried out on `{product}`")]
    Duty {
        /// The product.
        product: Name,
        /// Why.
        source: PlanError,
    },
    /// The terms ask for stretches of seconds, which the product does not give out.
    #[cfg(feature = "provider")]
    #[error("the terms ask for seconds, and `{product}` gives out none: state its timeline")]
    Seconds {
        /// The product.
        product: Name,
    },
    /// It was checked against a profile or policies that are no longer in force; not shown to
    /// callers, for whom it is checked again.
    #[error("it was checked against rules that are no longer in force; try again")]
    Outdated,
    /// It cannot be signed.
    #[error("it cannot be signed")]
    Sign(#[from] SignError),
    /// The change is recorded and **in force**; only the checkpoint after it could not be signed.
    /// Do not repeat the change, but [`DataSpace::checkpoint`](crate::DataSpace::checkpoint).
    #[error(
        "the change is in force and recorded, but the log could not be signed after it; sign a checkpoint before you rely on the change to survive"
    )]
    Unsigned(#[source] SignCheckpointError),
    /// This thread holds a [`Monitor`](crate::Monitor), for whose end every change waits.
    #[error("this thread holds a monitor, and a change waits for that: drop it first")]
    InsidePass,
    /// The log did not take it.
    #[error(transparent)]
    Write(#[from] WriteError),
}

macro_rules! refused {
    ($($error:ty),*) => {$(
        impl From<$error> for ChangeError {
            fn from(error: $error) -> Self {
                Self::Refused(error.into())
            }
        }
    )*};
}

refused!(AgreeError, CredentialError, OfferError, ProfileError, ProviderPoliciesError);
refused!(RevocationError, TerminationError, VerifyError);

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
