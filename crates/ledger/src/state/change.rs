//! A change of the state, before it is made, and how the log keeps it.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataspace_identity::{Admitted, KeyDocument, MembershipRevocation};
use dataspace_policy::Action;
use dataspace_primitives::{Digest, Name, UnixMillis, Verified};
use dataspace_tlog::{Event, LeafIndex};
use dataspace_usage_contract::{
    DeletionStatement, PublishedPolicies, PublishedProfile, Statement, Termination, contract_id,
};

use crate::state::contract::Document;
use crate::state::documents::document;

/// A change that passed every check and only has to be recorded and applied. What each brings is in its
/// documents, which were verified.
#[derive(Debug)]
#[must_use]
pub struct Change(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Profile(Box<PublishedProfile>),
    Admission(Admitted),
    Revocation(Verified<MembershipRevocation>),
    Keys { document: Verified<KeyDocument>, at: UnixMillis, previous: Option<LeafIndex> },
    Product { id: Name, class: Name, descriptor: Digest, forbids: BTreeSet<Action> },
    Concluded { document: Arc<Document>, agreed_at: UnixMillis },
    Terminated(Verified<Termination>),
    Deleted(Verified<DeletionStatement>),
    Policies(Box<PublishedPolicies>),
    Stated(Box<Verified<Statement>>),
    ClockSetBack { from: UnixMillis, to: UnixMillis },
}

impl Change {
    /// The clock shows `to`, after a wrong reading of `from`, the latest time in the log. All contracts
    /// end, and memberships that the log may have called over.
    pub fn clock_set_back(from: UnixMillis, to: UnixMillis) -> Self {
        Self(Kind::ClockSetBack { from, to })
    }

    /// What the log keeps of it.
    #[must_use]
    pub fn to_event(&self) -> Event {
        match &self.0 {
            Kind::Profile(profile) => Event::Profile {
                version: profile.profile().version,
                document: document(profile.signed()),
            },
            Kind::Admission(admitted) => Event::Admission { document: document(admitted.signed()) },
            Kind::Revocation(revocation) => {
                Event::MembershipRevoked { document: document(revocation.signed()) }
            }
            Kind::Keys { document: keys, previous, .. } => {
                Event::Keys { previous: *previous, document: document(keys.signed()) }
            }
            Kind::Product { id, class, descriptor, forbids } => Event::Product {
                id: id.clone(),
                class: class.clone(),
                descriptor: *descriptor,
                // Every action's word is a name.
                forbids: forbids.iter().filter_map(|one| one.as_str().parse().ok()).collect(),
            },
            Kind::Concluded { document: concluded, .. } => Event::Concluded {
                contract: *contract_id(concluded.agreement()).as_digest(),
                document: document(concluded.agreement().signed()),
            },
            Kind::Terminated(termination) => Event::Terminated {
                contract: *termination.value().contract.as_digest(),
                document: document(termination.signed()),
            },
            Kind::Deleted(statement) => Event::Deleted {
                contract: *statement.value().contract.as_digest(),
                document: document(statement.signed()),
            },
            Kind::Policies(own) => Event::Policies { document: document(own.signed()) },
            Kind::Stated(statement) => Event::Stated { document: document(statement.signed()) },
            Kind::ClockSetBack { from, .. } => Event::ClockSetBack { from: *from },
        }
    }

    /// Returns true if it sets the clock back, and so ends all contracts.
    #[must_use]
    pub fn is_clock_set_back(&self) -> bool {
        matches!(self.0, Kind::ClockSetBack { .. })
    }

    /// Returns true if it is a consumer's statement that it deleted what it had under a contract.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        matches!(self.0, Kind::Deleted(_))
    }

    /// The documents of the contract that it concludes.
    #[must_use]
    pub fn document(&self) -> Option<&Arc<Document>> {
        match &self.0 {
            Kind::Concluded { document, .. } => Some(document),
            _ => None,
        }
    }
}
