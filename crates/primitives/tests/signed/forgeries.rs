//! What somebody without the key can do to the signature.

use dataspace_primitives::{
    CoSignature, PublicKey, Signature, Signed, Validity, signed::VerifyError,
};

use crate::support::{
    Deal, OFFER, Offer, Person, alice, believed, bob, bstr, carol, deal, everybody, good_header,
    now, offer, payload_of, sig_structure_1, sign1_with, signed_deal, signed_offer, trusting,
};

/// The order of the group, little-endian (RFC 8032 §5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn with_signature(signature: &[u8]) -> Vec<u8> {
    let header = good_header(OFFER, &alice());
    sign1_with(&header, b"\xa0", &bstr(&payload_of(&offer())), signature)
}

fn good_signature() -> [u8; 64] {
    alice().sign_raw(&sig_structure_1(&good_header(OFFER, &alice()), &payload_of(&offer())))
}

fn assert_signature_refused(signature: &[u8; 64]) {
    let signed = Signed::<Offer>::from_bytes(with_signature(signature)).unwrap();
    let error = signed.verify(&everybody(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Signature { key_id } if key_id == alice().id));
}

#[test]
fn a_flip_of_any_bit_of_a_document_is_refused() {
    let good = signed_offer().as_bytes().to_vec();
    assert!(believed::<Offer>(&good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert!(!believed::<Offer>(&bytes), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_flip_of_any_bit_of_a_document_with_two_signers_is_refused() {
    let good = signed_deal().as_bytes().to_vec();
    assert!(believed::<Deal>(&good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert!(!believed::<Deal>(&bytes), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn the_signature_plus_the_group_order_is_refused() {
    let mut signature = good_signature();
    let mut carry = 0_u16;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0, "it still fits into 32 bytes");
    assert_signature_refused(&signature);
}

#[test]
fn trivial_signatures_are_refused() {
    assert_signature_refused(&[0; 64]);
    assert_signature_refused(&[0xff; 64]);
    let mut identity = [0; 64];
    identity[0] = 1;
    assert_signature_refused(&identity);
    let mut swapped = good_signature();
    swapped.rotate_left(32);
    assert_signature_refused(&swapped);
}

#[test]
fn a_signature_of_another_length_is_refused() {
    for len in [0, 32, 63, 65, 128] {
        let mut signature = good_signature().to_vec();
        signature.resize(len, 0);
        assert!(Signed::<Offer>::from_bytes(with_signature(&signature)).is_err());
    }
}

#[test]
fn the_signature_of_another_document_is_refused() {
    let other = Offer { price: 1, ..offer() };
    let header = good_header(OFFER, &alice());
    assert_signature_refused(&alice().sign_raw(&sig_structure_1(&header, &payload_of(&other))));
}

#[test]
fn a_signature_over_the_payload_alone_is_refused() {
    assert_signature_refused(&alice().sign_raw(&payload_of(&offer())));
}

#[test]
fn a_signature_by_another_key_in_the_name_of_the_first_is_refused() {
    let message = sig_structure_1(&good_header(OFFER, &alice()), &payload_of(&offer()));
    assert_signature_refused(&bob().sign_raw(&message));
}

#[test]
fn an_impostor_who_uses_a_trusted_name_is_refused() {
    let impostor = Person { id: alice().id, key: carol().key };
    let signed = Signed::sign(&offer(), &impostor).unwrap();
    let error = signed.verify(&everybody(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Signature { .. }));
}

#[test]
fn a_signer_who_is_not_trusted_is_refused_by_name() {
    let error = signed_offer().verify(&trusting(&[&bob()]), now()).unwrap_err();
    match error {
        VerifyError::UntrustedKey { key_id, now: at } => {
            assert_eq!((key_id, at), (alice().id, now()));
        }
        other => panic!("{other:?}"),
    }
    assert!(signed_offer().verify(&trusting(&[]), now()).is_err());
}

#[test]
fn a_key_identifier_that_differs_in_case_names_another_key() {
    let id = "did:example:ALICE#key".parse().unwrap();
    let keys = trusting(&[]).trust(id, alice().public_key(), Validity::ALWAYS);
    let error = signed_offer().verify(&keys, now()).unwrap_err();
    assert!(matches!(error, VerifyError::UntrustedKey { .. }));
}

#[test]
fn a_key_of_small_order_cannot_be_trusted_at_all() {
    // The eight points of small order and their encodings that are not canonical.
    for hex in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        }
        assert!(PublicKey::from_bytes(&bytes).is_err(), "{hex}");
    }
}

#[test]
fn a_key_whose_coordinate_is_not_reduced_is_refused() {
    // RFC 8032 §5.1.3: y must be less than p = 2^255 - 19, or one key has two spellings.
    let mut accepted = 0;
    for low in 0xed..=0xff_u8 {
        for sign in [0x7f, 0xff_u8] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, sign);
            assert!(PublicKey::from_bytes(&bytes).is_err(), "{low:x} {sign:x}");
            accepted += usize::from(ed25519_dalek::VerifyingKey::from_bytes(&bytes).is_ok());
        }
    }
    assert!(accepted > 0, "the library below takes some of them");
}

#[test]
fn a_public_key_that_is_no_point_of_the_curve_is_refused() {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert!(PublicKey::from_bytes(&bytes).is_err());
}

#[test]
fn a_public_key_does_not_believe_a_signature_of_small_order() {
    // R the identity and S zero: believed by verifiers that accept small orders, for A of small
    // order; here for a good key.
    let mut bytes = [0; 64];
    bytes[0] = 1;
    assert!(!alice().public_key().verifies(b"anything", &Signature::from_bytes(bytes)));
}

#[test]
fn a_signature_moved_from_one_signer_to_another_is_refused() {
    let mine = payload_of(&CoSignature::sign(&deal(), &alice()).unwrap());
    let mut theirs: std::collections::BTreeMap<String, serde_cbor::Value> =
        serde_cbor::from_slice(&mine).unwrap();
    theirs.insert("keyId".to_owned(), serde_cbor::Value::Text(bob().id.to_string()));
    let moved: CoSignature = serde_cbor::from_slice(&payload_of(&theirs)).unwrap();
    assert_eq!(moved.key_id(), &bob().id);
    let mine = CoSignature::sign(&deal(), &alice()).unwrap();
    let signed = Signed::assemble(&deal(), vec![mine, moved]).unwrap();
    let error = signed.verify(&everybody(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Signature { key_id } if key_id == bob().id));
}
