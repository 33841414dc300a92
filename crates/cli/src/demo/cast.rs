//! Who takes part, and what they sign away from the provider's node.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use dataspace_identity::{
    Did, DidKeys, MembershipCredential, MembershipRevocation, SecretKey, SpaceId,
};
use dataspace_policy::Action;
use dataspace_primitives::{Name, Region, Signed, UnixMillis, Validity, Verified};
use dataspace_runtime::{
    Clock, ConsumerNode, ConsumerSetup, NodeKeys, SystemClock, generate_key, request_access,
};
use dataspace_usage_contract::{Acceptance, AccessRequest, Agreement, Offer, SpaceProfile};

/// The authority of a space.
pub(crate) struct Authority {
    pub(crate) key: SecretKey,
    pub(crate) space: SpaceId,
}

/// A consumer with a node of its own.
pub(crate) struct Institute {
    pub(crate) name: &'static str,
    pub(crate) did: Did,
    pub(crate) node: ConsumerNode,
}

/// A consumer that has a key and no more: it can check and sign.
pub(crate) struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) key: SecretKey,
}

pub(crate) fn year(now: UnixMillis) -> Result<Validity> {
    let until = now.checked_add(Duration::from_secs(365 * 86_400)).context("the year 9999")?;
    Ok(Validity::new(now, until)?)
}

impl Authority {
    /// The credential with this serial number, issued as its validity begins.
    pub(crate) fn credential(
        &self,
        serial: u64,
        did: &Did,
        (name, role, region): (&str, &str, &str),
        validity: Validity,
    ) -> Result<Signed<MembershipCredential>> {
        let credential = MembershipCredential {
            space: self.space.clone(),
            subject: did.clone(),
            name: name.parse()?,
            serial,
            issued_at: validity.from(),
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse(region)?,
            validity,
        };
        Ok(Signed::sign(&credential, &self.key)?)
    }

    pub(crate) fn revocation(
        &self,
        did: &Did,
        reason: &str,
        revoked_at: UnixMillis,
    ) -> Result<Signed<MembershipRevocation>> {
        let revocation = MembershipRevocation {
            space: self.space.clone(),
            subject: did.clone(),
            revoked_at,
            reason: reason.parse()?,
        };
        Ok(Signed::sign(&revocation, &self.key)?)
    }
}

impl Institute {
    pub(crate) fn make(
        dir: &Path,
        authority: &Did,
        profile: &Signed<SpaceProfile>,
    ) -> Result<Self> {
        let keys = NodeKeys::create(&dir.join("keys"), None)?;
        let did = keys.did().clone();
        let node = ConsumerSetup::new(dir.join("node"), keys, authority.clone())
            .create(profile.clone())?;
        Ok(Self { name: "Institute of Metals", did, node })
    }
}

impl Consumer {
    pub(crate) fn new(name: &'static str) -> Result<Self> {
        Ok(Self { name, key: generate_key()? })
    }

    /// Checks the provider's offer and signs the acceptance.
    pub(crate) fn accept(
        &self,
        offer: &Signed<Offer>,
        provider: &Did,
    ) -> Result<Signed<Acceptance>> {
        let now = SystemClock.now();
        let offer = Offer::verify(offer.clone(), provider, &DidKeys, now)?;
        Ok(Acceptance::sign(&offer, &self.key, now)?)
    }

    pub(crate) fn request(
        &self,
        agreement: &Verified<Agreement>,
        purpose: &Name,
    ) -> Result<Signed<AccessRequest>> {
        Ok(request_access(&self.key, agreement, Action::Read, purpose.clone(), &SystemClock)?)
    }
}
