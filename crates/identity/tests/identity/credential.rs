use std::collections::BTreeMap;
use std::time::Duration;

use dataspace_identity::{
    Admitted, MembershipCredential, SecretKey, SpaceId, TrustAnchors,
    credential::{ATTRIBUTES_MAX, AdmitError, ROLES_MAX},
};
use dataspace_primitives::{
    Payload, Region, Signed, Signer as _, UnixMillis, Validity, cbor, envelope::EnvelopeError,
    signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

pub(crate) fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&mut [byte; 32]).unwrap()
}

pub(crate) fn authority() -> SecretKey {
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

fn space() -> SpaceId {
    SpaceId::new(authority().did().clone(), "materials".parse().unwrap())
}

pub(crate) fn credential() -> MembershipCredential {
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    MembershipCredential {
        space: space(),
        subject: institute().did().clone(),
        name: "Institute of Metals".parse().unwrap(),
        serial: 7,
        issued_at: from,
        roles: ["consumer".parse().unwrap(), "provider".parse().unwrap()].into(),
        attributes: [(
            "BusinessPartnerNumber".parse().unwrap(),
            "BPNL00000003AYRE".parse().unwrap(),
        )]
        .into(),
        region: Region::parse("DE").unwrap(),
        validity: Validity::new(from, until).unwrap(),
    }
}

fn anchors() -> TrustAnchors {
    TrustAnchors::new(space())
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
            if key_id == *institute().key_id()
    ));
}

#[test]
fn a_credential_that_the_subject_issued_to_itself_is_refused() {
    let space = SpaceId::new(institute().did().clone(), space().name);
    let own = MembershipCredential { space, ..credential() };
    let error = admit(&own, &institute(), now()).unwrap_err();
    assert!(matches!(error, AdmitError::Verify(VerifyError::UntrustedKey { .. })));
}

#[test]
fn a_credential_that_the_authority_signed_in_another_name_is_refused() {
    let other = SpaceId::new(key(9).did().clone(), space().name);
    assert_is_of_another_space(&other);
}

#[test]
fn a_credential_for_another_space_of_the_same_authority_is_refused() {
    for name in ["Materials", "materials-2", "steel"] {
        let other = SpaceId::new(authority().did().clone(), name.parse().unwrap());
        assert_is_of_another_space(&other);
        // There it is good.
        let signed = Signed::sign(
            &MembershipCredential { space: other.clone(), ..credential() },
            &authority(),
        );
        assert!(TrustAnchors::new(other).admit(signed.unwrap(), now()).is_ok());
    }
}

fn assert_is_of_another_space(other: &SpaceId) {
    let swapped = MembershipCredential { space: other.clone(), ..credential() };
    match admit(&swapped, &authority(), now()).unwrap_err() {
        AdmitError::Space { expected, found } => {
            assert_eq!((*expected, &*found), (space(), other));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn anchors_of_a_credential_are_those_of_its_space() {
    let signed = Signed::sign(&credential(), &authority()).unwrap();
    let anchors = TrustAnchors::of_credential(&signed, authority().did(), now()).unwrap();
    assert_eq!(anchors.space(), &space());
    let error = TrustAnchors::of_credential(&signed, key(9).did(), now()).unwrap_err();
    assert!(matches!(error, AdmitError::Verify(VerifyError::UntrustedKey { .. })));
    // Signed by the authority, for a space that is not its own.
    let foreign = SpaceId::new(key(9).did().clone(), space().name);
    let foreign = MembershipCredential { space: foreign, ..credential() };
    let signed = Signed::sign(&foreign, &authority()).unwrap();
    let error = TrustAnchors::of_credential(&signed, authority().did(), now()).unwrap_err();
    assert!(matches!(error, AdmitError::Space { .. }));
}

#[test]
fn a_credential_issued_in_the_future_is_refused_beyond_the_skew() {
    for (ahead, is_good) in [(0, true), (60_000, true), (60_001, false), (86_400_000, false)] {
        let issued_at = now().checked_add(Duration::from_millis(ahead)).unwrap();
        let early = MembershipCredential { issued_at, ..credential() };
        let admitted = admit(&early, &authority(), now());
        let is_early = matches!(&admitted, Err(AdmitError::FromTheFuture { .. }));
        assert_eq!((admitted.is_ok(), is_early), (is_good, !is_good), "{ahead}");
    }
}

#[test]
fn of_two_credentials_one_is_the_newer_whichever_comes_first() {
    let at = |millis| credential().issued_at.checked_add(Duration::from_millis(millis)).unwrap();
    let one = |issued_at, serial, name: &str| {
        let name = name.parse().unwrap();
        let one = MembershipCredential { issued_at, serial, name, ..credential() };
        admit(&one, &authority(), now()).unwrap()
    };
    let ordered = [one(at(0), 9, "a"), one(at(1), 0, "a"), one(at(1), 1, "a"), one(at(2), 0, "a")];
    for (i, older) in ordered.iter().enumerate() {
        assert!(!older.is_newer_than(older));
        for newer in &ordered[i + 1..] {
            assert!(newer.is_newer_than(older) && !older.is_newer_than(newer));
        }
    }
    // For want of both, the content decides.
    let (one, two) = (one(at(0), 0, "a"), one(at(0), 0, "b"));
    assert_ne!(one.is_newer_than(&two), two.is_newer_than(&one));
}

#[test]
fn a_revocation_ends_what_was_issued_up_to_it() {
    let admitted = admit(&credential(), &authority(), now()).unwrap();
    let at = credential().issued_at;
    for (revoked_at, is_over) in [
        (UnixMillis::new(at.as_millis() - 1).unwrap(), false),
        (at, true),
        (UnixMillis::new(at.as_millis() + 1).unwrap(), true),
    ] {
        assert_eq!(admitted.is_revoked_by(revoked_at), is_over);
    }
}

#[test]
fn a_credential_of_the_authority_of_another_space_is_refused() {
    let other = key(9);
    let elsewhere = SpaceId::new(other.did().clone(), space().name);
    let foreign = MembershipCredential { space: elsewhere.clone(), ..credential() };
    let signed = Signed::sign(&foreign, &other).unwrap();
    assert!(anchors().admit(signed.clone(), now()).is_err());
    assert!(TrustAnchors::new(elsewhere).admit(signed, now()).is_ok());
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
    assert!(matches!(admit(&roles(0), &authority(), now()), Err(AdmitError::Roles)));
    for count in [ROLES_MAX + 1, 100] {
        let error = admit(&roles(count), &authority(), now()).unwrap_err();
        assert!(matches!(error, AdmitError::Verify(VerifyError::Content(_))));
    }
}

#[test]
fn a_membership_has_at_most_32_attributes() {
    for (count, is_good) in [(0, true), (ATTRIBUTES_MAX, true), (ATTRIBUTES_MAX + 1, false)] {
        let name = |n: usize| format!("attribute {n}").parse().unwrap();
        let attributes = (0..count).map(|n| (name(n), name(n))).collect();
        let one = MembershipCredential { attributes, ..credential() };
        assert_eq!(admit(&one, &authority(), now()).is_ok(), is_good, "{count}");
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
    for name in ["space", "subject", "name", "serial", "issuedAt", "roles", "region", "validity"] {
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
    for subject in ["did:web:Example.com", "did:key:z6Mk", "", "did:key:Z6MkiTBz1"] {
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
    assert_eq!(error.to_string(), "a membership has 1 to 16 roles, this one has none");
    let error = admit(&credential(), &institute(), now()).unwrap_err();
    assert_eq!(error.to_string(), "the membership credential does not verify");
}
