//! The bytes of signed documents, pinned: what is in people's hands depends on them.

use dataspace_identity::{KeyDocument, MembershipRevocation, ParticipantKey};
use dataspace_primitives::{Payload, Signed};
use serde_bytes::ByteArray;

use crate::credential::{authority, credential};

/// Compares with a file in `vectors/documents`, or writes it where `UPDATE_GOLDEN` is set.
fn assert_is_pinned<T: Payload>(name: &str, document: &T) {
    let signed = Signed::sign(document, &authority()).unwrap();
    let lines = signed.as_bytes().chunks(40);
    let found: Vec<_> = lines
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
        .collect();
    let found = found.join("\n") + "\n";
    let path = format!("{}/../../vectors/documents/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), found, "{name}");
}

#[test]
fn the_bytes_of_a_credential_are_pinned() {
    assert_is_pinned("membership-credential", &credential());
}

#[test]
fn the_bytes_of_a_revocation_are_pinned() {
    let credential = credential();
    let revocation = MembershipRevocation {
        space: credential.space,
        subject: credential.subject,
        revoked_at: credential.issued_at,
        reason: "left the association".parse().unwrap(),
    };
    assert_is_pinned("membership-revocation", &revocation);
}

#[test]
fn the_bytes_of_a_key_document_are_pinned() {
    let credential = credential();
    let public_key = ByteArray::new(*authority().public_key().unwrap().as_bytes());
    let id = "did:web:institute.example#key-1".parse().unwrap();
    let keys = vec![ParticipantKey { id, public_key, validity: credential.validity }];
    let subject = "did:web:institute.example".parse().unwrap();
    let document = KeyDocument { space: credential.space, subject, version: 1, keys };
    assert_is_pinned("key-document", &document);
}
