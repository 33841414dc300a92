//! Who takes part, and what they sign away from the provider's node.

use std::time::Duration;

use anyhow::{Context, Result};
use dataspace_identity::{Did, MembershipCredential, MembershipRevocation, SecretKey};
use dataspace_policy::Action;
use dataspace_primitives::{Name, Region, Signed, UnixMillis, Validity};
use dataspace_runtime::{Clock, SystemClock, generate_key, request_access};
use dataspace_usage_contract::{Acceptance, AccessRequest, ContractId, Offer};

/// The space authority.
pub(crate) struct Authority(pub(crate) SecretKey);

/// A consumer.
pub(crate) struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) key: SecretKey,
}

pub(crate) fn year(now: UnixMillis) -> Result<Validity> {
    let until = now.checked_add(Duration::from_secs(365 * 86_400)).context("the year 9999")?;
    Ok(Validity::new(now, until)?)
}

impl Authority {
    pub(crate) fn credential(
        &self,
        did: &Did,
        name: &str,
        role: &str,
        region: &str,
        validity: Validity,
    ) -> Result<Signed<MembershipCredential>> {
        let credential = MembershipCredential {
            issuer: self.0.did().clone(),
            subject: did.clone(),
            name: name.parse()?,
            roles: [role.parse()?].into(),
            region: Region::parse(region)?,
            validity,
        };
        Ok(Signed::sign(&credential, &self.0)?)
    }

    pub(crate) fn revocation(
        &self,
        did: &Did,
        reason: &str,
        revoked_at: UnixMillis,
    ) -> Result<Signed<MembershipRevocation>> {
        let revocation = MembershipRevocation {
            issuer: self.0.did().clone(),
            subject: did.clone(),
            revoked_at,
            reason: reason.parse()?,
        };
        Ok(Signed::sign(&revocation, &self.0)?)
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
        let offer = Offer::verify(offer.clone(), provider, now)?;
        Ok(Acceptance::sign(&offer, &self.key, now)?)
    }

    pub(crate) fn request(
        &self,
        contract: ContractId,
        purpose: &Name,
    ) -> Result<Signed<AccessRequest>> {
        Ok(request_access(&self.key, contract, Action::Read, purpose.clone(), &SystemClock)?)
    }
}
