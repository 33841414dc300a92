use dataspace_primitives::{Signed, TrustedKeys, UnixMillis, Validity, signed::VerifyError};
use proptest::prelude::*;

use crate::support::{Person, alice, bob, deal, offer, signed_deal, signed_offer};

fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

fn trusted_during(person: &Person, from: &str, until: &str) -> TrustedKeys {
    let validity = Validity::new(at(from), at(until)).unwrap();
    TrustedKeys::new().trust(person.id.clone(), person.public_key(), validity)
}

#[test]
fn a_key_is_believed_from_its_first_instant() {
    let keys = trusted_during(&alice(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert!(signed_offer().verify(&keys, at("2026-01-01T00:00:00Z")).is_ok());
    let error = signed_offer().verify(&keys, at("2025-12-31T23:59:59.999Z")).unwrap_err();
    assert!(matches!(error, VerifyError::UntrustedKey { .. }));
}

#[test]
fn a_key_is_not_believed_at_its_last_instant() {
    let keys = trusted_during(&alice(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert!(signed_offer().verify(&keys, at("2026-12-31T23:59:59.999Z")).is_ok());
    let error = signed_offer().verify(&keys, at("2027-01-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, VerifyError::UntrustedKey { .. }));
}

#[test]
fn a_document_of_two_needs_both_keys_in_their_time() {
    let keys = trusted_during(&alice(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let other = Validity::new(at("2026-06-01T00:00:00Z"), at("2028-01-01T00:00:00Z")).unwrap();
    let keys = keys.trust(bob().id, bob().public_key(), other);
    assert!(signed_deal().verify(&keys, at("2026-05-31T23:59:59.999Z")).is_err());
    let verified = signed_deal().verify(&keys, at("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(verified.value(), &deal());
    assert!(signed_deal().verify(&keys, at("2027-01-01T00:00:00Z")).is_err());
}

#[test]
fn a_second_key_under_the_same_name_replaces_the_first() {
    let keys = trusted_during(&alice(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").trust(
        alice().id,
        bob().public_key(),
        Validity::ALWAYS,
    );
    assert!(signed_offer().verify(&keys, at("2026-06-01T00:00:00Z")).is_err());
    let successor = Person { id: alice().id, key: bob().key };
    let signed = Signed::sign(&offer(), &successor).unwrap();
    assert!(signed.verify(&keys, at("2026-06-01T00:00:00Z")).is_ok());
}

#[test]
fn trusted_keys_give_back_what_was_put_in() {
    let keys = trusted_during(&alice(), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let (key, validity) = keys.get(&alice().id).unwrap();
    assert_eq!(*key, alice().public_key());
    assert_eq!(validity.from(), at("2026-01-01T00:00:00Z"));
    assert!(keys.get(&bob().id).is_none());
    assert!(TrustedKeys::new().get(&alice().id).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_key_is_believed_exactly_within_its_validity(from in 0..1000_u64, len in 1..1000_u64, now in 0..2100_u64) {
        let instant = |millis| UnixMillis::new(millis).unwrap();
        let validity = Validity::new(instant(from), instant(from + len)).unwrap();
        let keys = TrustedKeys::new().trust(alice().id, alice().public_key(), validity);
        let believed = signed_offer().verify(&keys, instant(now)).is_ok();
        prop_assert_eq!(believed, from <= now && now < from + len);
    }
}
