//! Who belongs to the space, and who says so.

use dataspace_identity::{MembershipRevocation, SpaceId};
use dataspace_ledger::Refusal;
use dataspace_policy::{Constraint, Terms};
use dataspace_primitives::{Region, Signed, Validity};
use dataspace_runtime::{Applied, ChangeError};

use crate::support::{
    DAY, Node, at, authority, codes, consumer, credential, days, name, research, revocation, rival,
    signed_credential, signed_profile, stranger, terms,
};

fn from(secs: u64) -> Validity {
    Validity::new(at(secs), at(365 * DAY)).unwrap()
}

#[test]
fn the_old_credential_does_not_bring_a_revoked_member_back() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(100);
    node.space.revoke(revocation(consumer().did(), at(99))).unwrap();
    let old = node.space.admit(signed_credential(&consumer(), |_| {}));
    assert!(matches!(old, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{old:?}");
    assert_eq!(codes(&node.denied(contract)), ["membership-revoked"]);
    let new = signed_credential(&consumer(), |one| one.validity = from(100));
    node.space.admit(new).unwrap();
    drop(node.released(contract));
}

#[test]
fn after_readmission_the_old_credential_does_not_come_back_either() {
    let node = Node::new();
    node.advance(100);
    node.space.revoke(revocation(consumer().did(), at(99))).unwrap();
    let new = signed_credential(&consumer(), |one| one.validity = from(100));
    node.space.admit(new).unwrap();
    let old = node.space.admit(signed_credential(&consumer(), |_| {}));
    assert!(matches!(old, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{old:?}");
}

#[test]
fn an_earlier_credential_does_not_bring_back_what_the_authority_has_changed() {
    let node = Node::new();
    let rule = research().when(Constraint::Jurisdiction([Region::parse("DE").unwrap()].into()));
    let contract = node.contract(Terms::new().permit(rule));
    node.advance(100);
    let moved = signed_credential(&consumer(), |one| {
        one.region = Region::parse("US").unwrap();
        one.validity = from(100);
    });
    node.space.admit(moved).unwrap();
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
    assert!(node.space.admit(signed_credential(&consumer(), |_| {})).is_err());
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
}

#[test]
fn an_old_revocation_cannot_be_used_again_to_undo_a_later_one() {
    let node = Node::new();
    let contract = node.contract(terms());
    let first = revocation(consumer().did(), at(99));
    let second_credential = signed_credential(&consumer(), |one| one.validity = from(100));
    node.advance(100);
    node.space.revoke(first.clone()).unwrap();
    node.space.admit(second_credential.clone()).unwrap();
    node.advance(100);
    node.space.revoke(revocation(consumer().did(), at(200))).unwrap();
    let before = node.len();
    assert_eq!(node.space.revoke(first).unwrap(), Applied::AlreadyInForce);
    assert_eq!(node.len(), before);
    let back = node.space.admit(second_credential);
    assert!(matches!(back, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{back:?}");
    assert_eq!(codes(&node.denied(contract)), ["membership-revoked"]);
}

#[test]
fn an_old_revocation_does_not_end_a_new_membership() {
    let node = Node::new();
    let contract = node.contract(terms());
    let old = revocation(consumer().did(), at(99));
    node.advance(200);
    node.space.revoke(old.clone()).unwrap();
    node.space.admit(signed_credential(&consumer(), |one| one.validity = from(150))).unwrap();
    assert_eq!(node.space.revoke(old).unwrap(), Applied::AlreadyInForce);
    drop(node.released(contract));
}

#[test]
fn a_credential_of_another_authority_admits_nobody() {
    let node = Node::new();
    let mut forged = credential(&stranger());
    let by_stranger = Signed::sign(&forged, &stranger()).unwrap();
    assert!(matches!(
        node.space.admit(by_stranger),
        Err(ChangeError::Refused(Refusal::Credential(_)))
    ));
    forged.space.authority = stranger().did().clone();
    for signer in [stranger(), authority()] {
        let signed = Signed::sign(&forged, &signer).unwrap();
        assert!(matches!(
            node.space.admit(signed),
            Err(ChangeError::Refused(Refusal::Credential(_)))
        ));
    }
}

#[test]
fn a_credential_out_of_its_time_admits_nobody() {
    let node = Node::new();
    for validity in [days(1, 2), days(5, 9)] {
        let signed = signed_credential(&stranger(), |one| one.validity = validity);
        assert!(matches!(
            node.space.admit(signed),
            Err(ChangeError::Refused(Refusal::Credential(_)))
        ));
    }
}

#[test]
fn a_role_or_region_outside_the_profile_is_not_admitted() {
    let node = Node::new();
    let with_role = signed_credential(&stranger(), |one| {
        one.roles.insert(name("regulator"));
    });
    let refused = node.space.admit(with_role);
    assert!(matches!(
        refused,
        Err(ChangeError::Refused(Refusal::NotAdmissible { what: "role", .. }))
    ));
    let profile = signed_profile(|profile| {
        profile.version = 2;
        profile.entities.regions.insert(Region::parse("FR").unwrap());
    });
    node.space.publish(profile).unwrap();
    let refused = node.space.admit(signed_credential(&stranger(), |_| {}));
    assert!(matches!(
        refused,
        Err(ChangeError::Refused(Refusal::NotAdmissible { what: "region", .. }))
    ));
}

#[test]
fn only_the_authority_revokes() {
    let node = Node::new();
    let contract = node.contract(terms());
    for forger in [rival(), crate::support::provider(), stranger()] {
        for issuer in [authority(), stranger()] {
            let revocation = MembershipRevocation {
                space: SpaceId::new(issuer.did().clone(), name("demo")),
                subject: consumer().did().clone(),
                revoked_at: at(0),
                reason: name("competition"),
            };
            let signed = Signed::sign(&revocation, &forger).unwrap();
            assert!(matches!(
                node.space.revoke(signed),
                Err(ChangeError::Refused(Refusal::Revocation(_)))
            ));
        }
    }
    drop(node.released(contract));
}

#[test]
fn a_renewed_membership_goes_on_without_a_gap() {
    let node = Node::new();
    let first = signed_credential(&consumer(), |one| one.validity = days(0, 10));
    node.space.admit(first).unwrap();
    let contract = node.contract(terms());
    node.advance(9 * DAY);
    let renewed = signed_credential(&consumer(), |one| one.validity = days(9, 20));
    node.space.admit(renewed).unwrap();
    node.advance(2 * DAY);
    drop(node.released(contract));
}
