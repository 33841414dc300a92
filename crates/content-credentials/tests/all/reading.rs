//! What is read, from files that `c2pa` itself made.

use std::io::Cursor;

use c2pa::{Builder, BuilderIntent, Context, EphemeralSigner, Reader};
use dataspace_content_credentials::errors::{ReadError, TrustListError};
use dataspace_content_credentials::{ContentCredentials, Reservation, Said, Standing, TrustList};
use dataspace_policy::Action;
use dataspace_primitives::Digest;
use serde_json::{Value, json};

use crate::support::{
    ALL, JPEG, PNG, WAV, builder, file, not_allowed, on_training, pem, plain, read, sign, sign_by,
    signed,
};

fn is_intact(credentials: &ContentCredentials) -> bool {
    matches!(credentials.standing(), Standing::Intact { .. })
}

fn forbids_training(credentials: &ContentCredentials) -> bool {
    let forbids = credentials.forbids();
    assert!(forbids.iter().all(|action| *action == Action::Train));
    !forbids.is_empty()
}

#[test]
fn a_file_without_credentials_forbids_nothing() {
    for format in ALL {
        let bytes = plain(format, 7);
        let credentials = read(&bytes);
        assert_eq!(*credentials.standing(), Standing::Absent, "{format}");
        assert!(!forbids_training(&credentials));
        assert_eq!(credentials.file_digest(), Digest::of(&bytes));
        assert!(credentials.to_string().ends_with("they forbid nothing"), "{credentials}");
    }
}

#[test]
fn credentials_without_a_word_on_training_forbid_nothing() {
    for format in ALL {
        let credentials = read(&signed(format, &[]));
        assert!(is_intact(&credentials), "{format}: {credentials}");
        assert!(!forbids_training(&credentials), "{format}: {credentials}");
    }
}

#[test]
fn what_is_not_allowed_is_forbidden_in_every_format() {
    for format in ALL {
        let credentials = read(&signed(format, &[not_allowed()]));
        assert!(is_intact(&credentials), "{format}: {credentials}");
        let of = "c2pa.ai_training".to_owned();
        let expected = Reservation { is_own: true, of, said: Said::NotAllowed };
        assert_eq!(credentials.reservations(), [expected]);
        assert!(forbids_training(&credentials));
        let told = credentials.to_string();
        assert!(
            told.contains("c2pa.ai_training is not allowed; the product forbids `train`"),
            "{told}"
        );
    }
}

#[test]
fn each_use_and_each_word_counts() {
    let uses = ["ai_training", "ai_generative_training", "data_mining", "ai_inference"];
    for vocabulary in ["c2pa", "cawg"] {
        let label = format!("{vocabulary}.training-mining");
        for of in uses {
            let of = format!("{vocabulary}.{of}");
            for (said, expected) in [
                ("allowed", None),
                ("notAllowed", Some(Said::NotAllowed)),
                ("constrained", Some(Said::Constrained)),
                ("NotAllowed", Some(Said::Unreadable)),
                ("", Some(Said::Unreadable)),
                ("yes, please", Some(Said::Unreadable)),
            ] {
                let assertion = on_training(&label, &[(&of, said), ("c2pa.other", "allowed")]);
                let credentials = read(&signed(PNG, &[assertion]));
                assert!(is_intact(&credentials), "{credentials}");
                let found: Vec<_> = credentials.reservations().iter().map(|one| one.said).collect();
                assert_eq!(found, Vec::from_iter(expected), "{of}: {said}");
                assert_eq!(forbids_training(&credentials), expected.is_some());
            }
        }
    }
}

#[test]
fn a_use_that_is_not_in_the_vocabulary_counts_too() {
    let assertion = on_training("c2pa.training-mining", &[("org.example.cloning", "notAllowed")]);
    assert!(forbids_training(&read(&signed(JPEG, &[assertion]))));
    let assertion = on_training("c2pa.training-mining", &[("org.example.cloning", "allowed")]);
    assert!(!forbids_training(&read(&signed(JPEG, &[assertion]))));
}

#[test]
fn an_assertion_that_cannot_be_read_forbids() {
    let allowed = json!({ "use": "allowed" });
    for data in [
        json!({}),
        json!({ "entries": {} }),
        json!({ "entries": [] }),
        json!({ "entries": "none" }),
        json!({ "Entries": { "c2pa.ai_training": allowed } }),
        json!({ "entries": { "c2pa.ai_training": "allowed" } }),
        json!({ "entries": { "c2pa.ai_training": {} } }),
        json!({ "entries": { "c2pa.ai_training": { "use": true } } }),
        json!({ "entries": { "c2pa.ai_training": { "use": ["allowed"] } } }),
        json!({ "entries": { "c2pa.ai_training": { "USE": "allowed" } } }),
    ] {
        for kind in ["Cbor", "Json"] {
            let assertion = json!({ "label": "c2pa.training-mining", "data": data, "kind": kind });
            let credentials = read(&signed(PNG, &[assertion]));
            assert!(is_intact(&credentials), "{data}: {credentials}");
            assert_eq!(credentials.reservations()[0].said, Said::Unreadable, "{data}");
            assert!(forbids_training(&credentials), "{data}");
        }
    }
}

#[test]
fn a_label_in_another_spelling_or_version_is_on_training() {
    for label in [
        "c2pa.training-mining.v2",
        "cawg.training-mining.v9",
        "c2pa.training_mining",
        "C2PA.Training-Mining",
        "org.example.training-mining",
    ] {
        let assertion = on_training(label, &[("c2pa.ai_training", "notAllowed")]);
        let credentials = read(&signed(PNG, &[assertion]));
        assert!(forbids_training(&credentials), "{label}: {credentials}");
    }
}

#[test]
fn a_second_assertion_takes_nothing_back() {
    let allowed = on_training("c2pa.training-mining", &[("c2pa.ai_training", "allowed")]);
    for assertions in [[not_allowed(), allowed.clone()], [allowed, not_allowed()]] {
        let credentials = read(&signed(PNG, &assertions));
        assert!(is_intact(&credentials), "{credentials}");
        assert!(forbids_training(&credentials), "{credentials}");
    }
}

#[test]
fn what_an_ingredient_reserves_stays_reserved() {
    let original = signed(JPEG, &[not_allowed()]);
    let allowed = on_training("c2pa.training-mining", &[("c2pa.ai_training", "allowed")]);
    for relationship in ["parentOf", "componentOf"] {
        let mut edited = builder(JPEG, std::slice::from_ref(&allowed));
        let ingredient = json!({ "title": "original", "relationship": relationship });
        edited
            .add_ingredient_from_stream(ingredient.to_string(), JPEG, &mut Cursor::new(&original))
            .unwrap();
        let credentials = read(&sign(edited, JPEG, &plain(JPEG, 11)));
        assert!(is_intact(&credentials), "{credentials}");
        let [Reservation { is_own: false, said: Said::NotAllowed, .. }] =
            credentials.reservations()
        else {
            panic!("{credentials}")
        };
        assert!(forbids_training(&credentials));
        assert!(credentials.to_string().contains("(by an ingredient)"), "{credentials}");
    }
}

#[test]
fn what_was_redacted_forbids() {
    let original = signed(JPEG, &[not_allowed()]);
    let reader = Reader::from_context(Context::new());
    let reader = reader.with_stream(JPEG, Cursor::new(&original)).unwrap();
    let label = reader.active_label().unwrap();
    let url = format!("self#jumbf=/c2pa/{label}/c2pa.assertions/c2pa.training-mining");
    let definition = json!({
        "claim_generator_info": [{ "name": "a test", "version": "1" }],
        "format": JPEG,
        "redactions": [url],
        "assertions": [{
            "label": "c2pa.actions.v2",
            "data": { "actions": [{
                "action": "c2pa.redacted",
                "reason": "c2pa.PII.present",
                "parameters": { "redacted": url },
            }] },
        }],
    });
    let mut edited =
        Builder::from_context(Context::new()).with_definition(definition.to_string()).unwrap();
    edited.set_intent(BuilderIntent::Edit);
    let ingredient = json!({ "title": "original", "relationship": "parentOf" });
    edited
        .add_ingredient_from_stream(ingredient.to_string(), JPEG, &mut Cursor::new(&original))
        .unwrap();
    let credentials = read(&sign(edited, JPEG, &plain(JPEG, 11)));
    assert!(is_intact(&credentials), "{credentials}");
    let said: Vec<_> = credentials.reservations().iter().map(|one| one.said).collect();
    assert_eq!(said, [Said::Unreadable, Said::Redacted]);
    assert!(forbids_training(&credentials), "{credentials}");
}

#[test]
fn who_is_on_the_operators_list_is_trusted_and_reserves_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let [known, other] =
        ["known.example", "other.example"].map(|name| EphemeralSigner::new(name).unwrap());
    let list = TrustList::of_pem(&pem(&known)).unwrap();
    for (signer, is_known) in [(&known, true), (&other, false)] {
        for assertions in [&[][..], &[not_allowed()]] {
            let bytes = sign_by(signer, &mut builder(PNG, assertions), PNG, &plain(PNG, 7));
            let credentials = ContentCredentials::read(file(&dir, &bytes), &list).unwrap();
            match credentials.standing() {
                Standing::Trusted { signer } => assert!(is_known, "{signer}"),
                Standing::Intact { signer } => assert!(!is_known, "{signer}"),
                other => panic!("{other}"),
            }
            assert_eq!(forbids_training(&credentials), !assertions.is_empty());
        }
    }
}

#[test]
fn a_list_of_something_else_is_none() {
    for text in ["no certificates", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(TrustList::of_pem(text).unwrap_err(), TrustListError::NotPem, "{text}");
    }
    let long = " ".repeat((4 << 20) + 1);
    assert!(matches!(TrustList::of_pem(&long), Err(TrustListError::Len { .. })));
}

#[test]
fn credentials_that_lie_elsewhere_forbid_and_nothing_is_fetched() {
    for format in [JPEG, PNG] {
        let mut remote = builder(format, &[]);
        // Nobody is there, and nobody is asked.
        remote.set_remote_url("http://127.0.0.1:9/manifest.c2pa").set_no_embed(true);
        let credentials = read(&sign(remote, format, &plain(format, 7)));
        assert_eq!(*credentials.standing(), Standing::Elsewhere, "{format}");
        assert!(forbids_training(&credentials));
    }
}

#[test]
fn what_is_no_picture_sound_or_film_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"GIF89a", b"%PDF-1.7", b"RIFF\0\0\0\0WEBP", b"<svg/>"] {
        let read = ContentCredentials::read(file(&dir, bytes), &TrustList::none());
        assert!(matches!(read, Err(ReadError::Kind)), "{read:?}");
    }
    let read = ContentCredentials::read(dir.path(), &TrustList::none());
    assert!(matches!(read, Err(ReadError::NotRegular)), "{read:?}");
    let read = ContentCredentials::read(dir.path().join("nothing"), &TrustList::none());
    assert!(matches!(read, Err(ReadError::Io(_))), "{read:?}");
}

#[test]
fn names_of_uses_and_signers_are_shown_as_texts() {
    let entries: Vec<(String, Value)> = (0..200)
        .map(|n| (format!("org.\u{1b}[2K{n}{}", "x".repeat(500)), json!({ "use": "constrained" })))
        .collect();
    let entries: serde_json::Map<_, _> = entries.into_iter().collect();
    let assertion = json!({ "label": "cawg.training-mining", "data": { "entries": entries } });
    let credentials = read(&signed(WAV, &[assertion]));
    assert_eq!(credentials.reservations().len(), 64);
    let told = credentials.to_string();
    assert!(!told.contains('\u{1b}') && told.len() < 2_000, "{told}");
    assert!(told.contains("and 192 more"), "{told}");
}
