//! A change of the state, before it is made, and how the log keeps it.

use dataspace_audit_log::Event;
use dataspace_identity::{Admitted, MembershipRevocation};
use dataspace_policy::Program;
use dataspace_primitives::{Digest, Name, Payload, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{PublishedPolicies, PublishedProfile, Termination};
use serde_bytes::ByteBuf;

use crate::state::contract::Contract;
use crate::state::error::ChangeError;

/// A change that passed every check and only has to be recorded and applied.
pub(crate) enum Change {
    Profile(Box<PublishedProfile>),
    Admission(Admitted),
    Revocation(Verified<MembershipRevocation>),
    Product { id: Name, class: Name, descriptor: Digest },
    Concluded(Box<Contract>, Box<Program>),
    Terminated(Verified<Termination>),
    Policies(Box<PublishedPolicies>),
    ClockSetBack { from: UnixMillis, to: UnixMillis },
}

impl Change {
    /// What the log keeps of it.
    pub(crate) fn to_event(&self) -> Event {
        match self {
            Self::Profile(profile) => Event::Profile {
                version: profile.profile().version,
                document: document(profile.signed()),
            },
            Self::Admission(admitted) => Event::Admission { document: document(admitted.signed()) },
            Self::Revocation(revocation) => {
                Event::MembershipRevoked { document: document(revocation.signed()) }
            }
            Self::Product { id, class, descriptor } => {
                Event::Product { id: id.clone(), class: class.clone(), descriptor: *descriptor }
            }
            Self::Concluded(contract, _) => Event::Concluded {
                contract: *contract.id.as_digest(),
                document: document(contract.agreement.signed()),
            },
            Self::Terminated(termination) => Event::Terminated {
                contract: *termination.value().contract.as_digest(),
                document: document(termination.signed()),
            },
            Self::Policies(own) => Event::Policies { document: document(own.signed()) },
            Self::ClockSetBack { from, .. } => Event::ClockSetBack { from: *from },
        }
    }
}

pub(crate) fn document<T>(signed: &Signed<T>) -> ByteBuf {
    ByteBuf::from(signed.as_bytes().to_vec())
}

pub(crate) fn signed<T: Payload>(document: ByteBuf) -> Result<Signed<T>, ChangeError> {
    Ok(Signed::from_bytes(document.into_vec())?)
}
