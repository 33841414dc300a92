//! Fixed keys, one offer, and the steps to its agreement.

use std::time::Duration;

use dataspace_identity::{Did, DidKeys, Origin, Resolver as _, SecretKey, SpaceId};
use dataspace_policy::{Action, Constraint, Rule, Terms};
use dataspace_primitives::{CoSignature, Name, Signed, UnixMillis, Validity, Verified};
use dataspace_usage_contract::{Acceptance, Agreement, Offer, agreement::AgreeError};

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

pub(crate) fn provider() -> SecretKey {
    key(1)
}

pub(crate) fn consumer() -> SecretKey {
    key(2)
}

pub(crate) fn mallory() -> SecretKey {
    key(3)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

pub(crate) fn now() -> UnixMillis {
    at("2026-06-01T00:00:00Z")
}

pub(crate) fn after(millis: u64) -> UnixMillis {
    now().checked_add(Duration::from_millis(millis)).unwrap()
}

pub(crate) fn space() -> SpaceId {
    SpaceId::new(key(5).did().clone(), name("materials"))
}

/// The provider's node.
pub(crate) fn log() -> Origin {
    Origin::named(provider().did(), "00112233445566778899aabbccddeeff").unwrap()
}

pub(crate) fn offer() -> Offer {
    Offer {
        space: space(),
        log: log(),
        provider: provider().did().clone(),
        consumer: None,
        product: name("alloys"),
        product_class: name("open"),
        terms: Terms::new().permit(
            Rule::new([Action::Read])
                .when(Constraint::Purpose([name("research")].into()))
                .when(Constraint::Count(3)),
        ),
        validity: Validity::new(now(), at("2027-01-01T00:00:00Z")).unwrap(),
        expires_at: after(10_000),
    }
}

pub(crate) fn verified(offer: &Offer) -> Verified<Offer> {
    let signed = offer.sign(&provider()).unwrap();
    Offer::verify(signed, provider().did(), &DidKeys, now()).unwrap()
}

pub(crate) fn accepted(offer: &Verified<Offer>, by: &SecretKey) -> Verified<Acceptance> {
    let signed = Acceptance::sign(offer, by, now()).unwrap();
    signed.verify(&DidKeys.keys(by.did()), now()).unwrap()
}

/// Signed by `by`, whatever it says.
pub(crate) fn forged(acceptance: &Acceptance, by: &SecretKey) -> Verified<Acceptance> {
    Signed::sign(acceptance, by).unwrap().verify(&DidKeys.keys(by.did()), now()).unwrap()
}

pub(crate) fn conclude(
    offer: &Verified<Offer>,
    acceptance: &Verified<Acceptance>,
) -> Result<Verified<Agreement>, AgreeError> {
    Agreement::conclude(offer, acceptance, &provider(), &DidKeys, now())
}

pub(crate) fn agreement() -> Verified<Agreement> {
    let offer = verified(&offer());
    conclude(&offer, &accepted(&offer, &consumer())).unwrap()
}

pub(crate) fn signed_by(agreement: &Agreement, keys: [&SecretKey; 2]) -> Signed<Agreement> {
    let signatures = keys.map(|key| CoSignature::sign(agreement, key).unwrap());
    Signed::assemble(agreement, signatures.to_vec()).unwrap()
}

pub(crate) fn trusting(dids: &[&Did]) -> dataspace_primitives::TrustedKeys {
    DidKeys.keys_of(dids)
}
