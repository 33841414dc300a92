//! Envelopes that are well signed over what they say, and say more or less than they may.

use coset::{CborSerializable, CoseSign1};
use dataspace_primitives::{
    Signed,
    envelope::{DOCUMENT_LEN_MAX, EnvelopeError},
};

use crate::support::{
    ALG, CONTENT_TYPE, CRIT, DEAL, Deal, Invoice, KID, OFFER, Offer, TYP, alice, array, believed,
    bob, body_header, bstr, cose_signature, deal, ed25519, good_header, kid, map, offer,
    payload_of, sig_structure_1, sign_many, sign1, sign1_with, signed_deal, signed_offer, tstr,
};

fn error(bytes: Vec<u8>) -> EnvelopeError {
    Signed::<Offer>::from_bytes(bytes).unwrap_err()
}

/// Signed by alice over just this header; refused all the same.
fn assert_refused(protected: &[u8]) {
    assert!(!believed::<Offer>(&sign1(protected, &payload_of(&offer()), &alice())));
}

#[test]
fn the_one_header_is_believed() {
    assert!(believed::<Offer>(&sign1(
        &good_header(OFFER, &alice()),
        &payload_of(&offer()),
        &alice()
    )));
}

#[test]
fn a_document_of_another_type_is_refused_though_it_has_the_same_shape() {
    let bytes = signed_offer().as_bytes().to_vec();
    match Signed::<Invoice>::from_bytes(bytes).unwrap_err() {
        EnvelopeError::Type { expected, found } => {
            assert!(expected.contains("invoice"));
            assert_eq!(found, OFFER);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_whose_type_was_rewritten_is_refused() {
    // The header says invoice now, but the signature is over the offer's header.
    let signature =
        alice().sign_raw(&sig_structure_1(&good_header(OFFER, &alice()), &payload_of(&offer())));
    let header = good_header("application/vnd.dataspace.test-invoice+cbor", &alice());
    let bytes = sign1_with(&header, b"\xa0", &bstr(&payload_of(&offer())), &signature);
    assert!(Signed::<Invoice>::from_bytes(bytes.clone()).is_ok());
    assert!(!believed::<Invoice>(&bytes));
}

#[test]
fn a_document_without_a_type_is_refused() {
    let header = map(&[(ALG, ed25519()), (KID, kid(&alice()))]);
    let error = error(sign1(&header, &payload_of(&offer()), &alice()));
    assert!(matches!(error, EnvelopeError::Type { found, .. } if found == "?"));
}

#[test]
fn a_type_given_as_a_number_is_refused() {
    assert_refused(&map(&[(ALG, ed25519()), (KID, kid(&alice())), (TYP, b"\x00".to_vec())]));
}

#[test]
fn a_type_with_different_case_or_parameters_is_refused() {
    for typ in [OFFER.to_uppercase(), format!("{OFFER};v=1"), OFFER[12..].to_owned()] {
        assert_refused(&good_header(&typ, &alice()));
    }
}

#[test]
fn an_unprotected_header_is_refused() {
    let protected = good_header(OFFER, &alice());
    let payload = payload_of(&offer());
    let signature = alice().sign_raw(&sig_structure_1(&protected, &payload));
    for unprotected in [
        map(&[(KID, kid(&alice()))]),
        map(&[(ALG, ed25519())]),
        map(&[(b"\x18\x63", b"\x00".to_vec())]),
        map(&[(b"\x05", bstr(b"iv"))]),
    ] {
        let bytes = sign1_with(&protected, &unprotected, &bstr(&payload), &signature);
        assert!(matches!(error(bytes), EnvelopeError::Headers));
    }
}

#[test]
fn an_additional_protected_header_is_refused() {
    let (alg, kid, typ) = (ed25519(), kid(&alice()), tstr(OFFER));
    for header in [
        map(&[
            (ALG, alg.clone()),
            (CRIT, array(&[TYP.to_vec()])),
            (KID, kid.clone()),
            (TYP, typ.clone()),
        ]),
        map(&[
            (ALG, alg.clone()),
            (CONTENT_TYPE, b"\x18\x3c".to_vec()),
            (KID, kid.clone()),
            (TYP, typ.clone()),
        ]),
        map(&[
            (ALG, alg.clone()),
            (CONTENT_TYPE, tstr("a/b")),
            (KID, kid.clone()),
            (TYP, typ.clone()),
        ]),
        map(&[(ALG, alg.clone()), (KID, kid.clone()), (b"\x05", bstr(b"iv")), (TYP, typ.clone())]),
        map(&[
            (ALG, alg.clone()),
            (KID, kid.clone()),
            (TYP, typ.clone()),
            (b"\x18\x21", bstr(b"x5c")),
        ]),
        map(&[
            (ALG, alg.clone()),
            (KID, kid.clone()),
            (TYP, typ.clone()),
            (b"\x61x", b"\x00".to_vec()),
        ]),
        map(&[
            (ALG, alg.clone()),
            (KID, kid.clone()),
            (TYP, typ.clone()),
            (b"\x20", b"\x00".to_vec()),
        ]),
    ] {
        assert_refused(&header);
    }
}

#[test]
fn another_algorithm_is_refused() {
    // EdDSA (-8, deprecated by RFC 9864), ES256, Ed448, HMAC, RS256, none, private, text, absent.
    let names = [
        &b"\x27"[..],
        b"\x26",
        b"\x38\x34",
        b"\x05",
        b"\x39\x01\x00",
        b"\x00",
        b"\x39\xff\xff",
        b"\x67Ed25519",
    ];
    for alg in names {
        assert_refused(&map(&[(ALG, alg.to_vec()), (KID, kid(&alice())), (TYP, tstr(OFFER))]));
    }
    assert_refused(&map(&[(KID, kid(&alice())), (TYP, tstr(OFFER))]));
}

#[test]
fn a_document_that_names_no_key_or_no_usable_name_is_refused() {
    assert_refused(&map(&[(ALG, ed25519()), (TYP, tstr(OFFER))]));
    for id in [&b""[..], b"a b", b"\xff", "ä".as_bytes(), &[b'a'; 257], b"a\0"] {
        assert_refused(&map(&[(ALG, ed25519()), (KID, bstr(id)), (TYP, tstr(OFFER))]));
    }
}

#[test]
fn a_protected_header_in_another_encoding_is_refused() {
    let (alg, kid, typ) = (ed25519(), kid(&alice()), tstr(OFFER));
    let reordered = map(&[(KID, kid.clone()), (ALG, alg.clone()), (TYP, typ.clone())]);
    let twice =
        map(&[(ALG, alg.clone()), (ALG, alg.clone()), (KID, kid.clone()), (TYP, typ.clone())]);
    let long = map(&[(b"\x18\x01", alg.clone()), (KID, kid.clone()), (TYP, typ.clone())]);
    let good = good_header(OFFER, &alice());
    let indefinite = [b"\xbf", &good[1..], b"\xff"].concat();
    let trailing = [&good[..], b"\x00"].concat();
    for header in [reordered, twice, long, indefinite, trailing, b"\xa0".to_vec(), Vec::new()] {
        assert_refused(&header);
    }
}

#[test]
fn a_document_without_its_tag_is_refused() {
    let bytes = signed_offer().as_bytes()[1..].to_vec();
    assert!(CoseSign1::from_slice(&bytes).is_ok(), "COSE itself allows it");
    assert!(matches!(error(bytes), EnvelopeError::Tag));
}

#[test]
fn a_tag_in_another_encoding_or_twice_is_refused() {
    let body = &signed_offer().as_bytes()[1..].to_vec();
    for tag in
        [&b"\xd8\x12"[..], b"\xd9\x00\x12", b"\xd2\xd2", b"\xd9\xd9\xf7\xd2", b"\xd1", b"\xd3"]
    {
        assert!(!believed::<Offer>(&[tag, body].concat()));
    }
}

#[test]
fn the_tags_of_one_and_of_several_signers_are_not_exchangeable() {
    let offer = signed_offer().as_bytes().to_vec();
    let deal = signed_deal().as_bytes().to_vec();
    assert!(!believed::<Offer>(&[b"\xd8\x62", &offer[1..]].concat()));
    assert!(!believed::<Deal>(&[b"\xd8\x62", &offer[1..]].concat()));
    assert!(!believed::<Deal>(&[b"\xd2", &deal[2..]].concat()));
    assert!(!believed::<Offer>(&deal) && !believed::<Deal>(&offer));
}

#[test]
fn a_document_of_one_signer_does_not_pass_in_the_structure_of_several() {
    let payload = payload_of(&offer());
    assert!(!believed::<Offer>(&sign_many(
        OFFER,
        &payload,
        &[cose_signature(OFFER, &payload, &alice())]
    )));
    let payload = payload_of(&deal());
    assert!(!believed::<Deal>(&sign1(&good_header(DEAL, &alice()), &payload, &alice())));
}

#[test]
fn a_detached_payload_is_refused() {
    let protected = good_header(OFFER, &alice());
    let signature = alice().sign_raw(&sig_structure_1(&protected, &payload_of(&offer())));
    let bytes = sign1_with(&protected, b"\xa0", b"\xf6", &signature);
    assert!(matches!(error(bytes), EnvelopeError::Cose));
}

#[test]
fn a_structure_with_a_part_too_many_or_too_few_is_refused() {
    let good =
        [bstr(&good_header(OFFER, &alice())), b"\xa0".to_vec(), bstr(b"\x00"), bstr(&[0; 64])];
    for end in 0..4 {
        assert!(matches!(error([vec![0xd2], array(&good[..end])].concat()), EnvelopeError::Cose));
    }
    let more = [&good[..], &[b"\x00".to_vec()]].concat();
    assert!(matches!(error([vec![0xd2], array(&more)].concat()), EnvelopeError::Cose));
}

#[test]
fn bytes_after_the_document_are_refused() {
    let bytes = [signed_offer().as_bytes(), b"\x00"].concat();
    assert!(matches!(error(bytes), EnvelopeError::Form(_)));
}

#[test]
fn an_envelope_that_is_not_deterministic_is_refused() {
    let bytes = signed_offer().as_bytes().to_vec();
    let long = [&b"\xd2\x98\x04"[..], &bytes[2..]].concat();
    let indefinite = [&b"\xd2\x9f"[..], &bytes[2..], b"\xff"].concat();
    for bytes in [long, indefinite] {
        assert!(matches!(error(bytes), EnvelopeError::Form(_)));
    }
}

#[test]
fn headers_beside_the_ones_of_several_signers_are_refused() {
    let payload = payload_of(&deal());
    let signatures = [alice(), bob()].map(|signer| cose_signature(DEAL, &payload, &signer));
    let good = [bstr(&body_header(DEAL)), b"\xa0".to_vec(), bstr(&payload), array(&signatures)];
    let with = |part: usize, bytes: Vec<u8>| {
        let mut parts = good.clone();
        parts[part] = bytes;
        [vec![0xd8, 0x62], array(&parts)].concat()
    };
    assert!(believed::<Deal>(&with(1, b"\xa0".to_vec())));
    assert!(!believed::<Deal>(&with(1, map(&[(KID, kid(&alice()))]))));
    assert!(!believed::<Deal>(&with(0, bstr(&map(&[(ALG, ed25519()), (TYP, tstr(DEAL))])))));
    assert!(!believed::<Deal>(&with(2, b"\xf6".to_vec())));
    let mut signatures = signatures;
    signatures[0] = [&signatures[0][..1], &signatures[0][1..]].concat();
    let at = signatures[0].iter().position(|byte| *byte == 0xa0).unwrap();
    signatures[0].splice(at..=at, map(&[(ALG, ed25519())]));
    assert!(!believed::<Deal>(&with(3, array(&signatures))));
}

#[test]
fn a_document_is_accepted_to_the_cap_and_refused_beyond() {
    let padded = |len: usize| Offer { price: 0, text: "x".repeat(len) };
    let overhead = Signed::sign(&padded(60_000), &alice()).unwrap().as_bytes().len() - 60_000;
    let longest = Signed::sign(&padded(DOCUMENT_LEN_MAX - overhead), &alice()).unwrap();
    assert_eq!(longest.as_bytes().len(), DOCUMENT_LEN_MAX);
    assert!(believed::<Offer>(longest.as_bytes()));
    assert!(Signed::sign(&padded(DOCUMENT_LEN_MAX - overhead + 1), &alice()).is_err());
    let payload = payload_of(&padded(DOCUMENT_LEN_MAX - overhead + 1));
    let bytes = sign1(&good_header(OFFER, &alice()), &payload, &alice());
    assert_eq!(bytes.len(), DOCUMENT_LEN_MAX + 1);
    assert!(matches!(error(bytes), EnvelopeError::Form(_)));
}

#[test]
fn every_document_cut_short_is_refused() {
    let bytes = signed_offer().as_bytes().to_vec();
    for end in 0..bytes.len() {
        assert!(Signed::<Offer>::from_bytes(bytes[..end].to_vec()).is_err());
    }
}
