//! The same documents by hand (RFC 9052 §4) and by `coset`, with `ed25519-dalek` alone.

use coset::{CoseSign, CoseSign1, TaggedCborSerializable, iana};
use dataspace_primitives::Digest;

use crate::support::{
    DEAL, OFFER, Person, alice, bob, body_header, cose_signature, deal, everybody, good_header,
    now, offer, payload_of, sig_structure, sig_structure_1, sign_many, sign1, signature_header,
    signed_deal, signed_offer,
};

fn dalek_verifies(person: &Person, message: &[u8], signature: &[u8]) -> bool {
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    person.key.verifying_key().verify_strict(message, &signature).is_ok()
}

#[test]
fn a_document_with_one_signer_is_the_one_written_by_hand() {
    let by_hand = sign1(&good_header(OFFER, &alice()), &payload_of(&offer()), &alice());
    assert_eq!(signed_offer().as_bytes(), by_hand);
}

#[test]
fn a_document_with_two_signers_is_the_one_written_by_hand() {
    let payload = payload_of(&deal());
    let signatures = [alice(), bob()].map(|signer| cose_signature(DEAL, &payload, &signer));
    assert_eq!(signed_deal().as_bytes(), sign_many(DEAL, &payload, &signatures));
}

#[test]
fn the_signature_covers_the_sig_structure_of_rfc_9052_section_4_4() {
    let bytes = signed_offer().as_bytes().to_vec();
    let signature = &bytes[bytes.len() - 64..];
    let message = sig_structure_1(&good_header(OFFER, &alice()), &payload_of(&offer()));
    assert!(dalek_verifies(&alice(), &message, signature));
    assert!(!dalek_verifies(&bob(), &message, signature));
}

#[test]
fn each_of_two_signatures_covers_the_sig_structure_of_rfc_9052_section_4_4() {
    let bytes = signed_deal().as_bytes().to_vec();
    let cose = CoseSign::from_tagged_slice(&bytes).unwrap();
    for (person, one) in [alice(), bob()].iter().zip(&cose.signatures) {
        let message =
            sig_structure(&body_header(DEAL), &signature_header(person), &payload_of(&deal()));
        assert!(dalek_verifies(person, &message, &one.signature));
    }
}

#[test]
fn coset_verifies_a_document_with_one_signer() {
    let cose = CoseSign1::from_tagged_slice(signed_offer().as_bytes()).unwrap();
    let verdict = cose.verify_signature(b"", |signature, message| {
        dalek_verifies(&alice(), message, signature).then_some(()).ok_or(())
    });
    assert_eq!(verdict, Ok(()));
    assert_eq!(cose.payload.unwrap(), payload_of(&offer()));
}

#[test]
fn coset_verifies_every_signature_of_a_document_with_two_signers() {
    let cose = CoseSign::from_tagged_slice(signed_deal().as_bytes()).unwrap();
    for (which, person) in [alice(), bob()].iter().enumerate() {
        let verdict = cose.verify_signature(which, b"", |signature, message| {
            dalek_verifies(person, message, signature).then_some(()).ok_or(())
        });
        assert_eq!(verdict, Ok(()));
    }
}

#[test]
fn the_algorithm_is_the_fully_specified_one_of_rfc_9864() {
    let cose = CoseSign1::from_tagged_slice(signed_offer().as_bytes()).unwrap();
    let expected = coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::Ed25519);
    assert_eq!(cose.protected.header.alg, Some(expected));
    assert!(cose.unprotected.is_empty());
}

#[test]
fn the_digest_is_that_of_the_payload_alone() {
    let verified = signed_offer().verify(&everybody(), now()).unwrap();
    assert_eq!(verified.digest(), Digest::of(&payload_of(&offer())));
    assert_eq!(verified.value(), &offer());
}

#[test]
fn signing_twice_gives_the_same_bytes() {
    assert_eq!(signed_offer(), signed_offer());
    assert_eq!(signed_deal(), signed_deal());
}

#[test]
fn the_bytes_of_a_signed_document_never_change() {
    // Golden: bytes on disk and in other documents depend on it.
    let digest = Digest::of(signed_offer().as_bytes()).to_string();
    assert_eq!(digest, "sha256:8791e065deedc51af669e348997ea81ed0f22c667a35d453df11aed3644c6521");
    let digest = Digest::of(signed_deal().as_bytes()).to_string();
    assert_eq!(digest, "sha256:205018125e5caf4681c06b14bb5285db51bb693267e062dc19375a45ed837601");
}
