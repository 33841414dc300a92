use std::collections::BTreeMap;

use dataspace_identity::{
    AdmitError, Admitted, MembershipCredential, ROLES_MAX, SecretKey, TrustAnchors,
};
use dataspace_primitives::{
    EnvelopeError, Name, Payload, Region, Signed, UnixMillis, Validity, VerifyError, cbor,
};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&mut [byte; 32]).unwrap()
}

fn authority() -> SecretKey {
    key(1)
}

fn institute() -> SecretKey {
    key(2)
}

fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

fn now() -> UnixMillis {
    at("2026-06-01T00:00:00Z")
}

fn credential() -> MembershipCredential {
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    MembershipCredential {
        issuer: authority().did().clone(),
        subject: institute().did().clone(),
        name: "Institute of Metals".parse().unwrap(),
        roles: ["consumer".parse().unwrap(), "provider".parse().unwrap()].into(),
        region: Region::parse("DE").unwrap(),
        validity: Validity::new(from, until).unwrap(),
    }
}

fn anchors() -> TrustAnchors {
    TrustAnchors::new(authority().did().clone())
}

fn admit(
    credential: &MembershipCredential,
    signer: &SecretKey,
    now: UnixMillis,
) -> Result<Admitted, AdmitError> {
    anchors().admit(Signed::sign(credential, signer).unwrap(), now)
}

fn roles(count: usize) -> MembershipCredential {
    let roles = (0..count).map(|n| format!("role{n:02}").parse().unwrap()).collect();
    MembershipCredential { roles, ..credential() }
}

#[test]
fn a_credential_of_the_authority_is_admitted_with_all_that_it_says() {
    let admitted = admit(&credential(), &authority(), now()).unwrap();
    assert_eq!(admitted.did(), institute().did());
    assert_eq!(admitted.credential(), &credential());
    let signed = Signed::sign(&credential(), &authority()).unwrap();
    assert_eq!(admitted.signed(), &signed);
    assert!(anchors().admit(admitted.signed().clone(), now()).is_ok());
    assert_eq!(anchors().authority(), authority().did());
}

#[test]
fn a_credential_is_valid_from_its_first_instant() {
    assert!(admit(&credential(), &authority(), at("2026-01-01T00:00:00Z")).is_ok());
    let early = at("2025-12-31T23:59:59.999Z");
    match admit(&credential(), &authority(), early).unwrap_err() {
        AdmitError::NotValid { subject, validity, now } => {
            assert_eq!(&subject, institute().did());
            assert_eq!((validity, now), (credential().validity, early));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_credential_is_not_valid_at_its_last_instant() {
    assert!(admit(&credential(), &authority(), at("2026-12-31T23:59:59.999Z")).is_ok());
    let error = admit(&credential(), &authority(), at("2027-01-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, AdmitError::NotValid { .. }));
}

#[test]
fn an_admitted_participant_stops_being_a_member_when_the_credential_ends() {
    let admitted = admit(&credential(), &authority(), now()).unwrap();
    for (instant, member) in [
        ("2025-12-31T23:59:59.999Z", false),
        ("2026-01-01T00:00:00Z", true),
        ("2026-12-31T23:59:59.999Z", true),
        ("2027-01-01T00:00:00Z", false),
        ("9999-12-31T23:59:59.999Z", false),
    ] {
        assert_eq!(admitted.is_member_at(at(instant)), member, "{instant}");
    }
}

#[test]
fn a_credential_that_the_subject_signed_is_refused() {
    let error = admit(&credential(), &institute(), now()).unwrap_err();
    assert!(matches!(
        error,
        AdmitError::Verify(VerifyError::UntrustedKey { key_id, .. })
            if key_id == *institute().did().key_id()
    ));
}

#[test]
fn a_credential_that_the_subject_issued_to_itself_is_refused() {
    let own = MembershipCredential { issuer: institute().did().clone(), ..credential() };
    let error = admit(&own, &institute(), now()).unwrap_err();
    assert!(matches!(error, AdmitError::Verify(VerifyError::UntrustedKey { .. })));
}

#[test]
fn a_credential_that_the_authority_signed_in_another_name_is_refused() {
    let other = key(9);
    let swapped = MembershipCredential { issuer: other.did().clone(), ..credential() };
    match admit(&swapped, &authority(), now()).unwrap_err() {
        AdmitError::Issuer { issuer } => assert_eq!(&issuer, other.did()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_credential_of_the_authority_of_another_space_is_refused() {
    let other = key(9);
    let foreign = MembershipCredential { issuer: other.did().clone(), ..credential() };
    let signed = Signed::sign(&foreign, &other).unwrap();
    assert!(anchors().admit(signed.clone(), now()).is_err());
    assert!(TrustAnchors::new(other.did().clone()).admit(signed, now()).is_ok());
}

#[test]
fn a_credential_with_a_role_added_by_somebody_else_is_refused() {
    let bytes = Signed::sign(&credential(), &authority()).unwrap().as_bytes().to_vec();
    let at = bytes.windows(8).position(|window| window == b"consumer").unwrap();
    let mut tampered = bytes;
    tampered.splice(at..at + 8, *b"operator");
    // Also out of order now, but the signature is what is checked first.
    let signed = Signed::from_bytes(tampered).unwrap();
    let error = anchors().admit(signed, now()).unwrap_err();
    assert!(matches!(error, AdmitError::Verify(VerifyError::Signature { .. })));
}

#[test]
fn a_flip_of_any_bit_of_a_credential_is_refused() {
    let good = Signed::sign(&credential(), &authority()).unwrap().as_bytes().to_vec();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        let admitted =
            Signed::from_bytes(bytes).is_ok_and(|signed| anchors().admit(signed, now()).is_ok());
        assert!(!admitted, "byte {at}");
    }
}

#[test]
fn a_membership_has_1_to_16_roles() {
    assert!(admit(&roles(1), &authority(), now()).is_ok());
    assert!(admit(&roles(ROLES_MAX), &authority(), now()).is_ok());
    for count in [0, ROLES_MAX + 1, 100] {
        let error = admit(&roles(count), &authority(), now()).unwrap_err();
        assert!(matches!(error, AdmitError::Roles { found } if found == count));
    }
}

/// The same shape under another name.
#[derive(Debug, Serialize, Deserialize)]
struct Invitation(MembershipCredential);

impl Payload for Invitation {
    const TYPE: &'static str = "application/vnd.dataspace.test-invitation+cbor";
}

#[test]
fn another_document_of_the_authority_is_no_credential() {
    let invitation = Signed::sign(&Invitation(credential()), &authority()).unwrap();
    let bytes = invitation.as_bytes().to_vec();
    let error = Signed::<MembershipCredential>::from_bytes(bytes).unwrap_err();
    assert!(matches!(error, EnvelopeError::Type { .. }));
}

/// Whatever fields, under the credential's own type.
#[derive(Debug, Serialize, Deserialize)]
struct Forged(BTreeMap<String, Value>);

impl Payload for Forged {
    const TYPE: &'static str = MembershipCredential::TYPE;
}

fn fields() -> BTreeMap<String, Value> {
    serde_cbor::from_slice(&cbor::to_canonical(&credential()).unwrap()).unwrap()
}

fn admit_fields(fields: BTreeMap<String, Value>) -> Result<Admitted, AdmitError> {
    let bytes = Signed::sign(&Forged(fields), &authority()).unwrap().as_bytes().to_vec();
    anchors().admit(Signed::from_bytes(bytes).unwrap(), now())
}

fn is_malformed(fields: BTreeMap<String, Value>) -> bool {
    matches!(admit_fields(fields), Err(AdmitError::Verify(VerifyError::Content(_))))
}

#[test]
fn a_field_too_many_or_too_few_is_refused_though_signed() {
    assert!(admit_fields(fields()).is_ok());
    let mut more = fields();
    more.insert("admin".to_owned(), Value::Bool(true));
    assert!(is_malformed(more));
    for name in ["issuer", "subject", "name", "roles", "region", "validity"] {
        let mut less = fields();
        assert!(less.remove(name).is_some(), "{name}");
        assert!(is_malformed(less), "{name}");
    }
}

#[test]
fn roles_that_repeat_or_stand_out_of_order_are_refused_though_signed() {
    let text = |roles: &[&str]| {
        Value::Array(roles.iter().map(|role| Value::Text((*role).to_owned())).collect())
    };
    for roles in [text(&["a", "a"]), text(&["b", "a"]), text(&["a", "b\u{202e}"]), text(&[""])] {
        let mut fields = fields();
        fields.insert("roles".to_owned(), roles);
        assert!(is_malformed(fields));
    }
}

#[test]
fn a_subject_in_another_spelling_is_refused_though_signed() {
    for subject in ["did:web:example.com", "did:key:z6Mk", "", "did:key:Z6MkiTBz1"] {
        let mut fields = fields();
        fields.insert("subject".to_owned(), Value::Text(subject.to_owned()));
        assert!(is_malformed(fields));
    }
}

#[test]
fn refusals_say_why_in_plain_words() {
    let error = admit(&credential(), &authority(), at("2027-01-01T00:00:00Z")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the membership of `{}` is valid from 2026-01-01T00:00:00Z until 2027-01-01T00:00:00Z; \
             it is now 2027-01-01T00:00:00Z",
            institute().did()
        )
    );
    let error = admit(&roles(0), &authority(), now()).unwrap_err();
    assert_eq!(error.to_string(), "a membership has 1 to 16 roles, this one has 0");
    let error = admit(&credential(), &institute(), now()).unwrap_err();
    assert_eq!(error.to_string(), "the membership credential does not verify");
}

#[test]
fn the_bytes_of_a_credential_never_change() {
    // Golden: credentials in the hands of participants depend on it.
    let payload = cbor::to_canonical(&credential()).unwrap();
    let digest = dataspace_primitives::Digest::of(&payload);
    assert_eq!(
        digest.to_string(),
        "sha256:5e0fd94b5150ed8c1046d6c4dc9ff2027a45e1f91d63cabfbb6ef2da83188f78"
    );
    let names: Vec<Name> = credential().roles.into_iter().collect();
    assert_eq!(names.len(), 2);
}
