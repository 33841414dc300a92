//! Usage contracts: the [`SpaceProfile`] under which they run, the [`Offer`], the [`Acceptance`]
//! and the [`Agreement`] with both signatures over the same bytes; [`Quota`](quota::Quota), [`Termination`],
//! the [`Statement`] of a party that the space trusts, the signed [`AccessRequest`] and the
//! [`DeletionStatement`].
//!
//! # What it refuses to do
//! An agreement comes only from a verified offer and a verified acceptance, or from bytes that
//! both named parties signed. Terms that cannot be evaluated cannot be offered, accepted or
//! concluded. It reads no clock.
//!
//! # Example
//! ```
//! use dataspace_identity::{DidKeys, Origin, Resolver as _, SecretKey, SpaceId};
//! use dataspace_policy::{Action, Rule, Terms};
//! use dataspace_primitives::Validity;
//! use dataspace_usage_contract::{Acceptance, Agreement, Offer, contract_id};
//!
//! let authority = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let provider = SecretKey::from_seed(&mut [2; 32])?;
//! let consumer = SecretKey::from_seed(&mut [3; 32])?;
//! let (now, until) = ("2026-06-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
//! let offer = Offer {
//!     space: SpaceId::new(authority.did().clone(), "materials".parse()?),
//!     log: Origin::named(provider.did(), "node-1")?,
//!     provider: provider.did().clone(),
//!     consumer: None,
//!     product: "alloys".parse()?,
//!     product_class: "open".parse()?,
//!     terms: Terms::new().permit(Rule::new([Action::Read])),
//!     validity: Validity::new(now, until)?,
//!     expires_at: until,
//! };
//! // The consumer checks and accepts, the provider concludes.
//! let offer = Offer::verify(offer.sign(&provider)?, provider.did(), &DidKeys, now)?;
//! let acceptance = Acceptance::sign(&offer, &consumer, now)?;
//! let acceptance = acceptance.verify(&DidKeys.keys(consumer.did()), now)?;
//! let agreement = Agreement::conclude(&offer, &acceptance, &provider, &DidKeys, now)?;
//! println!("contract {}", contract_id(&agreement));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! One product and one consumer for each contract; a signed document has at most
//! [`DOCUMENT_LEN_MAX`](dataspace_primitives::envelope::DOCUMENT_LEN_MAX) bytes.

pub mod agreement;
pub mod deletion;
mod id;
pub mod offer;
pub mod own_policies;
pub mod profile;
pub mod quota;
pub mod request;
pub mod scenario;
pub mod statement;
pub mod termination;

pub use crate::agreement::{Acceptance, Agreement, contract_id};
pub use crate::deletion::DeletionStatement;
pub use crate::id::{ContractId, OfferId};
pub use crate::offer::Offer;
pub use crate::own_policies::{ProviderPolicies, PublishedPolicies};
pub use crate::profile::{
    DataRules, EntityRules, Parameters, PublishedProfile, SpaceProfile, Suite,
};

pub use crate::request::{
    AccessRequest, ResumeRequest, StatedEnvironment, StatedPerson, Statements,
};
pub use crate::scenario::Scenario;
pub use crate::statement::Statement;
pub use crate::termination::Termination;
