//! Well signed, and still not the content that its type says; what is shown before and after.

use std::error::Error as _;

use dataspace_primitives::cbor::{self, DecodeError};
use dataspace_primitives::{
    Signed,
    signed::{SignError, VerifyError},
};
use serde::{Deserialize, Serialize};

use crate::support::{
    OFFER, Offer, alice, everybody, good_header, now, offer, payload_of, sign1, signed_deal,
    signed_offer,
};

/// Signed by alice over just this payload.
fn content_error(payload: &[u8]) -> DecodeError {
    let bytes = sign1(&good_header(OFFER, &alice()), payload, &alice());
    match Signed::<Offer>::from_bytes(bytes).unwrap().verify(&everybody(), now()) {
        Err(VerifyError::Content(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payload_that_is_not_canonical_is_refused_though_well_signed() {
    // {"text": "t", "price": 5}, which is the right order, then with a long 5, then reversed.
    assert_eq!(
        payload_of(&Offer { price: 5, text: "t".into() }),
        b"\xa2\x64text\x61t\x65price\x05"
    );
    for payload in [
        &b"\xa2\x64text\x61t\x65price\x18\x05"[..],
        b"\xa2\x65price\x05\x64text\x61t",
        b"\xbf\x64text\x61t\x65price\x05\xff",
        b"\xa3\x64text\x61t\x65price\x05\x65price\x05",
        b"\xa2\x64text\x61t\x65price\x05\x00",
        b"",
    ] {
        assert!(matches!(content_error(payload), DecodeError::Form(_)));
    }
}

#[test]
fn a_payload_of_another_shape_is_refused_though_well_signed() {
    for payload in [
        &b"\xa0"[..],
        b"\x00",
        b"\xf6",
        b"\x80",
        b"\xa1\x65price\x05",
        b"\xa2\x64text\x00\x65price\x05",
    ] {
        assert!(matches!(content_error(payload), DecodeError::Shape(_)));
    }
    let more = b"\xa3\x61x\x00\x64text\x61t\x65price\x05";
    assert!(matches!(content_error(more), DecodeError::Shape(_)));
}

#[test]
fn a_payload_in_a_lenient_spelling_is_refused_though_well_signed() {
    // The same fields by position and by number, as a lenient decoder would take them.
    for payload in [&b"\x82\x05\x61t"[..], b"\xa2\x00\x05\x01\x61t"] {
        content_error(payload);
    }
}

#[test]
fn the_content_is_not_decoded_before_the_signature_was_checked() {
    let mut bytes = sign1(&good_header(OFFER, &alice()), b"\xff", &alice());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let error =
        Signed::<Offer>::from_bytes(bytes).unwrap().verify(&everybody(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Signature { .. }));
}

#[test]
fn a_signed_document_keeps_its_bytes_and_can_be_verified_again() {
    let bytes = signed_offer().as_bytes().to_vec();
    let verified = Signed::<Offer>::from_bytes(bytes.clone()).unwrap();
    let verified = verified.verify(&everybody(), now()).unwrap();
    assert_eq!(verified.signed().as_bytes(), bytes);
    assert!(verified.signed().clone().verify(&everybody(), now()).is_ok());
}

#[test]
fn claimed_signers_are_shown_before_they_are_believed() {
    let signers: Vec<_> = signed_deal().claimed_signers().map(ToString::to_string).collect();
    assert_eq!(signers, ["did:example:alice#key", "did:example:bob#key"]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Folder {
    inner: Signed<Offer>,
}

#[test]
fn a_signed_document_inside_another_is_its_bytes() {
    let folder = Folder { inner: signed_offer() };
    let bytes = cbor::to_canonical(&folder).unwrap();
    assert_eq!(cbor::from_canonical::<Folder>(&bytes, 1024).unwrap(), folder);
    assert!(bytes.ends_with(signed_offer().as_bytes()));
}

#[test]
fn a_document_of_another_kind_inside_another_is_refused() {
    let wrong = std::collections::BTreeMap::from([(
        "inner",
        serde_bytes::ByteBuf::from(signed_deal().as_bytes()),
    )]);
    let bytes = cbor::to_canonical(&wrong).unwrap();
    assert!(cbor::from_canonical::<Folder>(&bytes, 1024).is_err());
    let as_array =
        std::collections::BTreeMap::from([("inner", signed_offer().as_bytes().to_vec())]);
    let bytes = cbor::to_canonical(&as_array).unwrap();
    assert!(cbor::from_canonical::<Folder>(&bytes, 1024).is_err());
}

#[test]
fn debug_of_a_signed_document_shows_neither_content_nor_signature() {
    let text = format!("{:?}", signed_offer());
    assert_eq!(text, "Signed { len: 172, claimed_signers: [did:example:alice#key], .. }");
    assert!(!text.contains("tensile") && !text.contains("1200"));
}

#[test]
fn debug_of_a_verified_document_shows_who_signed_it() {
    let verified = signed_offer().verify(&everybody(), now()).unwrap();
    let text = format!("{verified:?}");
    assert!(text.starts_with("Verified { value: Offer { price: 1200"));
    assert!(text.contains("signers: [did:example:alice#key]"));
    assert!(text.contains(&verified.digest().to_string()));
}

#[test]
fn messages_of_refusals_tell_the_signer_and_nothing_of_the_content() {
    let error = signed_offer().verify(&crate::support::trusting(&[]), now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "signed by `did:example:alice#key`, which is not a trusted key at 2026-06-01T12:00:00Z"
    );
    let bytes = sign1(&good_header(OFFER, &alice()), b"\xa0", &alice());
    let signed = Signed::<Offer>::from_bytes(bytes).unwrap();
    let error = signed.verify(&everybody(), now()).unwrap_err();
    assert_eq!(error.to_string(), "the signed content is malformed");
    assert!(error.source().is_some());
}

#[derive(Debug, Serialize, Deserialize)]
struct Ratio(f64);

impl dataspace_primitives::Payload for Ratio {
    const TYPE: &'static str = "application/vnd.dataspace.test-ratio+cbor";
}

#[test]
fn content_without_a_canonical_encoding_cannot_be_signed() {
    let error = Signed::sign(&Ratio(0.5), &alice()).unwrap_err();
    assert!(matches!(error, SignError::Encode(_)));
    assert!(Signed::sign(&offer(), &alice()).is_ok());
}
