//! Documents that several sign: exactly so many, all different, in one order.

use dataspace_primitives::{
    CoSignature, Signed,
    envelope::EnvelopeError,
    signed::{SignError, VerifyError},
};

use crate::support::{
    DEAL, Deal, Dissolution, OFFER, Person, alice, believed, bob, carol, cose_signature, deal,
    everybody, now, offer, payload_of, sign_many, signed_deal, trusting,
};

fn co_sign(people: &[Person]) -> Vec<CoSignature> {
    people.iter().map(|person| CoSignature::sign(&deal(), person).unwrap()).collect()
}

fn envelope_error(people: &[Person]) -> EnvelopeError {
    match Signed::assemble(&deal(), co_sign(people)) {
        Err(SignError::Envelope(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn by_hand(people: &[Person]) -> Result<Signed<Deal>, EnvelopeError> {
    let payload = payload_of(&deal());
    let signatures: Vec<_> =
        people.iter().map(|person| cose_signature(DEAL, &payload, person)).collect();
    Signed::from_bytes(sign_many(DEAL, &payload, &signatures))
}

#[test]
fn both_signers_are_named_by_the_verified_document() {
    let verified = signed_deal().verify(&everybody(), now()).unwrap();
    assert_eq!(verified.value(), &deal());
    assert_eq!(verified.signers().cloned().collect::<Vec<_>>(), [alice().id, bob().id]);
    assert!(verified.is_signed_by(&alice().id) && verified.is_signed_by(&bob().id));
    assert!(!verified.is_signed_by(&carol().id));
}

#[test]
fn the_order_in_which_signatures_arrive_leaves_no_trace() {
    let reversed = Signed::assemble(&deal(), co_sign(&[bob(), alice()])).unwrap();
    assert_eq!(reversed, signed_deal());
}

#[test]
fn a_missing_signature_is_refused() {
    for people in [vec![], vec![alice()]] {
        let found = people.len();
        assert!(matches!(
            envelope_error(&people),
            EnvelopeError::SignatureCount { expected: 2, found: n } if n == found
        ));
        assert!(matches!(by_hand(&people), Err(EnvelopeError::SignatureCount { .. })));
    }
}

#[test]
fn a_signature_too_many_is_refused_even_if_it_verifies() {
    let error = envelope_error(&[alice(), bob(), carol()]);
    assert!(matches!(error, EnvelopeError::SignatureCount { expected: 2, found: 3 }));
    let error = by_hand(&[alice(), bob(), carol()]).unwrap_err();
    assert!(matches!(error, EnvelopeError::SignatureCount { expected: 2, found: 3 }));
}

#[test]
fn the_same_signer_twice_is_refused() {
    assert!(matches!(envelope_error(&[alice(), alice()]), EnvelopeError::SignerOrder));
    assert!(matches!(by_hand(&[alice(), alice()]), Err(EnvelopeError::SignerOrder)));
}

#[test]
fn signatures_out_of_order_are_refused() {
    assert!(by_hand(&[alice(), bob()]).is_ok());
    assert!(matches!(by_hand(&[bob(), alice()]), Err(EnvelopeError::SignerOrder)));
}

#[test]
fn one_signer_alone_cannot_sign_what_two_must() {
    let error = Signed::sign(&deal(), &alice()).unwrap_err();
    assert!(matches!(
        error,
        SignError::Envelope(EnvelopeError::SignatureCount { expected: 2, found: 1 })
    ));
}

#[test]
fn two_signers_cannot_sign_what_one_must() {
    let both = [alice(), bob()].map(|one| CoSignature::sign(&offer(), &one).unwrap());
    assert!(Signed::assemble(&offer(), both.into()).is_err());
    assert!(Signed::assemble(&offer(), Vec::new()).is_err());
}

#[test]
fn one_untrusted_signer_spoils_the_document() {
    for trusted in [alice(), bob()] {
        let error = signed_deal().verify(&trusting(&[&trusted]), now()).unwrap_err();
        assert!(matches!(error, VerifyError::UntrustedKey { key_id, .. } if key_id != trusted.id));
    }
}

#[test]
fn one_wrong_signature_spoils_the_document() {
    let other = Deal { price: 1, ..deal() };
    for (right, wrong) in [(alice(), bob()), (bob(), alice())] {
        let signatures = vec![
            CoSignature::sign(&deal(), &right).unwrap(),
            CoSignature::sign(&other, &wrong).unwrap(),
        ];
        let signed = Signed::assemble(&deal(), signatures).unwrap();
        let error = signed.verify(&everybody(), now()).unwrap_err();
        assert!(matches!(error, VerifyError::Signature { key_id } if key_id == wrong.id));
    }
}

#[test]
fn a_co_signature_for_one_type_does_not_serve_another_of_the_same_shape() {
    let content = Dissolution { price: deal().price, text: deal().text };
    let signed = Signed::assemble(&content, co_sign(&[alice(), bob()])).unwrap();
    assert!(matches!(signed.verify(&everybody(), now()), Err(VerifyError::Signature { .. })));
}

#[test]
fn a_signature_of_a_document_with_one_signer_does_not_serve_as_a_co_signature() {
    // "Signature1" and "Signature" in the Sig_structure keep them apart, as the type does.
    let as_offer = CoSignature::sign(&offer(), &alice()).unwrap();
    let signatures = vec![as_offer, CoSignature::sign(&deal(), &bob()).unwrap()];
    let signed = Signed::assemble(&deal(), signatures).unwrap();
    assert!(matches!(signed.verify(&everybody(), now()), Err(VerifyError::Signature { .. })));
}

#[test]
fn two_documents_by_different_signers_cannot_be_spliced() {
    let (payload, other) = (payload_of(&deal()), payload_of(&Deal { price: 1, ..deal() }));
    let signatures =
        [cose_signature(DEAL, &payload, &alice()), cose_signature(DEAL, &other, &bob())];
    assert!(!believed::<Deal>(&sign_many(DEAL, &payload, &signatures)));
    assert!(!believed::<Deal>(&sign_many(DEAL, &other, &signatures)));
    assert!(!believed::<Deal>(&sign_many(OFFER, &payload, &signatures)));
}

#[test]
fn a_co_signature_survives_its_encoding_and_refuses_unknown_fields() {
    let signature = CoSignature::sign(&deal(), &alice()).unwrap();
    let bytes = payload_of(&signature);
    let back: CoSignature = dataspace_primitives::cbor::from_canonical(&bytes, 512).unwrap();
    assert_eq!(back, signature);
    let mut fields: std::collections::BTreeMap<String, serde_cbor::Value> =
        serde_cbor::from_slice(&bytes).unwrap();
    fields.insert("x".to_owned(), serde_cbor::Value::Null);
    let more = payload_of(&fields);
    assert!(dataspace_primitives::cbor::from_canonical::<CoSignature>(&more, 512).is_err());
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Unsigned(u64);

impl dataspace_primitives::Payload for Unsigned {
    const TYPE: &'static str = "application/vnd.dataspace.test-unsigned+cbor";
    const SIGNATURES: usize = 0;
}

#[test]
fn a_kind_of_document_that_nobody_signs_is_never_taken() {
    assert!(Signed::assemble(&Unsigned(1), Vec::new()).is_err());
    assert!(Signed::sign(&Unsigned(1), &alice()).is_err());
    let bytes = sign_many(<Unsigned as dataspace_primitives::Payload>::TYPE, b"\x01", &[]);
    let error = Signed::<Unsigned>::from_bytes(bytes).unwrap_err();
    assert!(matches!(error, EnvelopeError::SignatureCount { expected: 0, found: 0 }));
}
