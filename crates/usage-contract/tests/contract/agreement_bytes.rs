//! The bytes of an agreement: pinned, hashed, signed by both, and refused with any bit changed.

use dataspace_identity::DidKeys;
use dataspace_primitives::{Payload, Signed, Signer, cbor};
use dataspace_usage_contract::{Agreement, Offer, agreement::AgreeError, contract_id};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_cbor::Value;
use serde_cbor::value::to_value;
use sha2::Digest as _;

use crate::support::{agreement, consumer, mallory, now, offer, provider, signed_by};

/// An offer of this shape, so that any content can be signed.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
struct AnyOffer(Value);

impl Payload for AnyOffer {
    const TYPE: &'static str = Offer::TYPE;
}

fn is_taken(content: Value) -> bool {
    let signed = Signed::sign(&AnyOffer(content), &provider()).unwrap();
    let signed = Signed::<Offer>::from_bytes(signed.as_bytes().to_vec()).unwrap();
    Offer::verify(signed, provider().did(), &DidKeys, now()).is_ok()
}

fn field<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    let Value::Map(map) = value else { panic!("{key}: not a map") };
    map.get_mut(&Value::Text(key.to_owned())).unwrap()
}

fn put(value: &mut Value, key: &str, content: Value) {
    let Value::Map(map) = value else { panic!("{key}: not a map") };
    map.insert(Value::Text(key.to_owned()), content);
}

fn one(key: &str, content: Value) -> Value {
    Value::Map([(Value::Text(key.to_owned()), content)].into())
}

/// A CBOR head and the bytes (RFC 8949 §3).
fn head(major: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut out = match len {
        0..24 => vec![major | u8::try_from(len).unwrap()],
        24..256 => vec![major | 0x18, u8::try_from(len).unwrap()],
        _ => [&[major | 0x19][..], &u16::try_from(len).unwrap().to_be_bytes()].concat(),
    };
    out.extend_from_slice(content);
    out
}

#[test]
fn the_contract_id_is_the_sha_256_of_the_canonical_payload() {
    let agreement = agreement();
    let payload = cbor::to_canonical(agreement.value()).unwrap();
    let digest: [u8; 32] = sha2::Sha256::digest(&payload).into();
    assert_eq!(contract_id(&agreement).as_digest().as_bytes(), &digest);
}

#[test]
fn both_signatures_cover_the_same_payload_as_rfc_9052_says() {
    let agreement = agreement();
    let payload = cbor::to_canonical(agreement.value()).unwrap();
    let document = agreement.signed().as_bytes();
    assert!(document.windows(payload.len()).any(|part| part == payload));
    // {16: typ}
    let body = [&[0xa1, 0x10][..], &head(0x60, Agreement::TYPE.as_bytes())].concat();
    for key in [provider(), consumer()] {
        // {1: -19 (Ed25519, RFC 9864), 4: kid}
        let kid = head(0x40, key.key_id().as_str().as_bytes());
        let sign = [&[0xa2, 0x01, 0x32, 0x04][..], &kid].concat();
        let structure = [
            vec![0x85],
            head(0x60, b"Signature"),
            head(0x40, &body),
            head(0x40, &sign),
            vec![0x40],
            head(0x40, &payload),
        ]
        .concat();
        let public = VerifyingKey::from_bytes(key.did().public_key().unwrap().as_bytes()).unwrap();
        let found = document.windows(64).any(|bytes| {
            let bytes: &[u8; 64] = bytes.try_into().unwrap();
            bytes == key.sign(&structure).unwrap().as_bytes()
                && public.verify_strict(&structure, &Signature::from_bytes(bytes)).is_ok()
        });
        assert!(found, "no signature by {}", key.did());
    }
}

#[test]
fn a_flip_of_any_byte_of_an_agreement_is_refused() {
    let good = agreement().signed().as_bytes().to_vec();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let taken = Signed::<Agreement>::from_bytes(bad)
            .is_ok_and(|signed| Agreement::verify(signed, &DidKeys, now()).is_ok());
        assert!(!taken, "byte {at}");
    }
}

#[test]
fn an_agreement_cut_or_lengthened_is_refused() {
    let good = agreement().signed().as_bytes().to_vec();
    for len in 0..good.len() {
        assert!(Signed::<Agreement>::from_bytes(good[..len].to_vec()).is_err());
    }
    assert!(Signed::<Agreement>::from_bytes([&good[..], b"\0"].concat()).is_err());
}

#[test]
fn another_body_under_the_same_signatures_is_refused() {
    let good = agreement();
    let product = crate::support::name("alloyz");
    let altered = Agreement { product, ..good.value().clone() };
    let (old, new) =
        (cbor::to_canonical(good.value()).unwrap(), cbor::to_canonical(&altered).unwrap());
    let bytes = good.signed().as_bytes().to_vec();
    let start = bytes.windows(old.len()).position(|part| part == old).unwrap();
    let swapped = [&bytes[..start], &new, &bytes[start + old.len()..]].concat();
    let signed = Signed::<Agreement>::from_bytes(swapped).unwrap();
    assert!(matches!(Agreement::verify(signed, &DidKeys, now()), Err(AgreeError::Verify(_))));
}

#[test]
fn a_signature_taken_from_another_agreement_is_refused() {
    let good = agreement();
    let product = crate::support::name("steels");
    let other = Agreement { product, ..good.value().clone() };
    let co = |value: &Agreement, key| dataspace_primitives::CoSignature::sign(value, key).unwrap();
    let mixed = vec![co(good.value(), &provider()), co(&other, &consumer())];
    let signed = Signed::assemble(good.value(), mixed).unwrap();
    assert!(matches!(Agreement::verify(signed, &DidKeys, now()), Err(AgreeError::Verify(_))));
    let replaced = signed_by(good.value(), [&provider(), &mallory()]);
    assert!(matches!(Agreement::verify(replaced, &DidKeys, now()), Err(AgreeError::Parties)));
}

#[test]
fn the_hand_made_offer_is_taken_before_it_is_spoilt() {
    assert!(is_taken(to_value(offer()).unwrap()));
}

#[test]
fn an_unknown_field_makes_terms_unsignable() {
    let mut content = to_value(offer()).unwrap();
    put(&mut content, "discount", Value::Integer(1));
    assert!(!is_taken(content));
    let mut content = to_value(offer()).unwrap();
    put(field(&mut content, "terms"), "exceptions", Value::Array(Vec::new()));
    assert!(!is_taken(content));
}

#[test]
fn an_unknown_constraint_or_duty_makes_terms_unsignable() {
    for unknown in [
        one("distance", Value::Integer(1)),
        Value::Text("count".into()),
        Value::Integer(3),
        one("count", Value::Integer(-1)),
        one("count", Value::Integer(1 << 32)),
    ] {
        let mut content = to_value(offer()).unwrap();
        let Value::Array(rules) = field(field(&mut content, "terms"), "permissions") else {
            panic!()
        };
        *field(&mut rules[0], "constraints") = Value::Array(vec![unknown.clone()]);
        assert!(!is_taken(content), "{unknown:?}");
        let mut content = to_value(offer()).unwrap();
        *field(field(&mut content, "terms"), "duties") = Value::Array(vec![unknown]);
        assert!(!is_taken(content));
    }
}

#[test]
fn a_set_out_of_order_or_with_a_value_twice_is_refused() {
    for actions in [["query", "read"], ["read", "read"], ["read", "Read"], ["read", "fly"]] {
        let mut content = to_value(offer()).unwrap();
        let Value::Array(rules) = field(field(&mut content, "terms"), "permissions") else {
            panic!()
        };
        let actions_value = actions.map(|action| Value::Text(action.to_owned())).to_vec();
        *field(&mut rules[0], "actions") = Value::Array(actions_value);
        assert!(!is_taken(content), "{actions:?}");
    }
}
