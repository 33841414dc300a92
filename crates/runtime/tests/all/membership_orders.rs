//! Credentials and revocations, whatever the order in which they come.

use std::fs;

use dataspace_identity::{DidKeys, MembershipCredential, MembershipRevocation};
use dataspace_ledger::Refusal;
use dataspace_primitives::Signed;
use dataspace_runtime::{Applied, ChangeError, DataSpace};

use crate::support::{
    DAY, Files, Node, at, consumer, name, revocation, signed_credential, signed_profile, stranger,
    terms,
};

#[derive(Clone)]
enum Arrival {
    Credential(Signed<MembershipCredential>),
    Revocation(Signed<MembershipRevocation>),
}

/// The credential of this number, issued so many seconds after the beginning.
fn issued(secs: u64, serial: u64, roles: &[&str]) -> Arrival {
    Arrival::Credential(signed_credential(&stranger(), |one| {
        (one.issued_at, one.serial) = (at(secs), serial);
        one.roles = roles.iter().map(|role| name(role)).collect();
    }))
}

fn revoked(secs: u64) -> Arrival {
    Arrival::Revocation(revocation(stranger().did(), at(secs)))
}

fn arrive(space: &DataSpace, arrival: &Arrival) -> Result<Applied, ChangeError> {
    match arrival.clone() {
        Arrival::Credential(one) => space.admit(one),
        Arrival::Revocation(one) => space.revoke(one),
    }
}

/// Everything by which it shows who is a member: whether it can conclude, and what is refused.
fn standing(space: &DataSpace, all: &[Arrival]) -> (bool, Vec<bool>) {
    let offer = space.offer(Node::new_offer(terms())).unwrap();
    let now = space.now().unwrap();
    let verified =
        dataspace_usage_contract::Offer::verify(offer.clone(), space.provider(), &DidKeys, now)
            .unwrap();
    let acceptance =
        dataspace_usage_contract::Acceptance::sign(&verified, &stranger(), now).unwrap();
    let is_member = match space.conclude(offer, acceptance) {
        Ok(_) => true,
        Err(ChangeError::Refused(Refusal::NotAMember { did })) => {
            assert_eq!(&did, stranger().did());
            false
        }
        Err(error) => panic!("{error:?}"),
    };
    // A second time everything is known, or refused for good.
    let before = space.log().size().unwrap();
    let in_force = all.iter().map(|one| match arrive(space, one) {
        Ok(Applied::AlreadyInForce) => true,
        Err(ChangeError::Refused(Refusal::Revoked { .. } | Refusal::OlderCredential { .. })) => {
            false
        }
        other => panic!("{other:?}"),
    });
    let in_force = in_force.collect();
    assert_eq!(space.log().size().unwrap(), before);
    (is_member, in_force)
}

fn permutations(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(len - 1);
    let insert = |one: Vec<usize>| {
        (0..len).map(move |at| {
            let mut longer = one.clone();
            longer.insert(at, len - 1);
            longer
        })
    };
    shorter.into_iter().flat_map(insert).collect()
}

fn founded() -> Files {
    let node = Node::new();
    node.advance(DAY);
    node.close()
}

fn opened(files: &Files) -> DataSpace {
    let space = files.open().unwrap();
    space.register(name("alloys"), name("test-results"), crate::support::table(1)).unwrap();
    space
}

/// All orders of arrival end in the same standing, at once and in a node that was opened again, by
/// its index and by its log.
fn assert_one_standing(files: &Files, all: &[Arrival], is_member: bool) {
    let mut seen = None;
    for (turn, order) in permutations(all.len()).into_iter().enumerate() {
        let files = files.copy();
        let space = opened(&files);
        for place in &order {
            let refused = arrive(&space, &all[*place]).err();
            let is_told = matches!(
                refused,
                None | Some(ChangeError::Refused(
                    Refusal::Revoked { .. } | Refusal::OlderCredential { .. }
                ))
            );
            assert!(is_told, "{order:?}: {refused:?}");
        }
        drop(space);
        // A copy with the index and one without, for some of the orders; the index for the others.
        let by_log = (turn % 5 == 0).then(|| files.copy());
        let mut answers = vec![standing(&opened(&files), all)];
        if let Some(files) = by_log {
            fs::remove_file(files.path().join("index")).unwrap();
            answers.push(standing(&opened(&files), all));
        }
        for answer in answers {
            assert_eq!(answer.0, is_member, "{order:?}");
            assert_eq!(seen.get_or_insert(answer.clone()), &answer, "{order:?}");
        }
    }
}

#[test]
fn a_revocation_wins_in_any_order_over_all_that_was_issued_up_to_it() {
    let consumer = &["consumer"][..];
    assert_one_standing(&founded(), &[issued(10, 1, consumer), revoked(10)], false);
    let renewed = [issued(10, 1, consumer), issued(20, 2, consumer), revoked(20)];
    assert_one_standing(&founded(), &renewed, false);
    let twice = [issued(10, 1, consumer), revoked(30), issued(20, 2, consumer), revoked(15)];
    assert_one_standing(&founded(), &twice, false);
}

#[test]
fn what_was_issued_after_a_revocation_stays_in_any_order() {
    let consumer = &["consumer"][..];
    let renewed = [issued(10, 1, consumer), revoked(15), issued(20, 2, consumer)];
    assert_one_standing(&founded(), &renewed, true);
    let twice = [issued(10, 1, consumer), revoked(5), issued(20, 2, consumer), revoked(15)];
    assert_one_standing(&founded(), &twice, true);
}

#[test]
fn of_several_credentials_the_newest_is_in_force_in_any_order() {
    // Issued at the same time: the serial number counts, then the content.
    let all = [
        issued(10, 1, &["consumer"]),
        issued(10, 2, &["consumer", "provider"]),
        issued(10, 2, &["provider"]),
        issued(9, 3, &["consumer"]),
    ];
    assert_one_standing(&founded(), &all, true);
}

#[test]
fn a_revocation_of_somebody_unknown_is_recorded_and_kept() {
    let node = Node::new();
    node.advance(100);
    let before = node.len();
    assert_eq!(node.space.revoke(revocation(stranger().did(), at(50))).unwrap(), Applied::Now);
    assert_eq!(node.len(), before + 1);
    let late = node.space.admit(signed_credential(&stranger(), |_| {}));
    assert!(matches!(late, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{late:?}");
    let files = node.close();
    fs::remove_file(files.path().join("index")).unwrap();
    let late = files.open().unwrap().admit(signed_credential(&stranger(), |_| {}));
    assert!(matches!(late, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{late:?}");
}

#[test]
fn a_renewal_issued_before_the_revocation_for_a_later_time_does_not_readmit() {
    let node = Node::new();
    let renewal = signed_credential(&consumer(), |one| {
        one.issued_at = at(10);
        one.validity = dataspace_primitives::Validity::new(at(200), at(DAY)).unwrap();
    });
    node.advance(100);
    node.space.revoke(revocation(consumer().did(), at(100))).unwrap();
    node.advance(150);
    let back = node.space.admit(renewal);
    assert!(matches!(back, Err(ChangeError::Refused(Refusal::Revoked { .. }))), "{back:?}");
}

#[test]
fn what_is_in_force_is_not_recorded_again() {
    let node = Node::new();
    node.advance(10);
    let credential = signed_credential(&stranger(), |_| {});
    let revocation = revocation(consumer().did(), at(5));
    let profile = signed_profile(|profile| profile.version = 2);
    for applied in [Applied::Now, Applied::AlreadyInForce, Applied::AlreadyInForce] {
        let before = node.len();
        assert_eq!(node.space.admit(credential.clone()).unwrap(), applied);
        assert_eq!(node.space.revoke(revocation.clone()).unwrap(), applied);
        assert_eq!(node.space.publish(profile.clone()).unwrap(), applied);
        assert_eq!(node.len(), before + if applied == Applied::Now { 3 } else { 0 });
    }
}

#[test]
fn a_change_that_could_not_be_signed_is_told_to_be_in_force() {
    let node = Node::new();
    let checkpoint = node.files.path().join("checkpoint");
    fs::remove_file(&checkpoint).unwrap();
    fs::create_dir(&checkpoint).unwrap();
    let credential = signed_credential(&stranger(), |_| {});
    let error = node.space.admit(credential.clone()).unwrap_err();
    assert!(matches!(error, ChangeError::Unsigned(_)), "{error:?}");
    assert!(error.to_string().contains("in force"), "{error}");
    fs::remove_dir(&checkpoint).unwrap();
    node.space.checkpoint().unwrap();
    assert_eq!(node.space.admit(credential).unwrap(), Applied::AlreadyInForce);
    // It is there when the node opens again.
    let again = node.close().open().unwrap().admit(signed_credential(&stranger(), |_| {}));
    assert_eq!(again.unwrap(), Applied::AlreadyInForce);
}
