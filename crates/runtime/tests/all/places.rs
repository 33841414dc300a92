//! Two spaces, two nodes, two copies of one node: what is signed for one says nothing in another.

use std::sync::Arc;

use dataspace_identity::{Did, DidKeys, Origin, Resolver as _, SecretKey, SpaceId};
use dataspace_ledger::Refusal;
use dataspace_primitives::Signed;
use dataspace_runtime::{
    AccessError, ChangeError, DataSpace, ManualClock, Setup, request_access, setup::SetupError,
};
use dataspace_tlog::{Event, ForkProof, log_reader::ExtendsError};
use dataspace_usage_contract::{Acceptance, AccessRequest, Offer};
use tempfile::TempDir;

use crate::support::{
    Files, Node, TestClock, at, authority, consumer, counted, credential, keys, name, profile,
    provider, records, rival, rows, signed_credential, stranger, table, terms,
};

/// A node of `operator` in a space of `by`, with provider and consumer admitted.
fn node(by: &SecretKey, space: &str, operator: SecretKey) -> (DataSpace, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut profile = profile();
    (profile.space, profile.authority) = (name(space), by.did().clone());
    let clock = TestClock(Arc::new(ManualClock::new(at(0))));
    let node = Setup::new(dir.path().join("node"), keys(operator), by.did().clone()).clock(clock);
    let node = node.create(Signed::sign(&profile, by).unwrap()).unwrap();
    for member in [provider(), consumer()] {
        let mut credential = credential(&member);
        credential.space = profile.space_id();
        node.admit(Signed::sign(&credential, by).unwrap()).unwrap();
    }
    node.register(name("alloys"), name("test-results"), table(10)).unwrap();
    (node, dir)
}

fn accepted(offer: &Signed<Offer>, provider: &Did) -> Signed<Acceptance> {
    let verified = Offer::verify(offer.clone(), provider, &DidKeys, at(0)).unwrap();
    Acceptance::sign(&verified, &consumer(), at(0)).unwrap()
}

fn request(at_node: &DataSpace) -> Signed<AccessRequest> {
    let offer = at_node.offer(Node::new_offer(counted(1))).unwrap();
    let acceptance = accepted(&offer, at_node.provider());
    let agreement = at_node.conclude(offer, acceptance).unwrap();
    let clock = ManualClock::new(at(0));
    let (action, purpose) = (dataspace_policy::Action::Read, name("research"));
    request_access(&consumer(), &agreement, action, purpose, &clock).unwrap()
}

#[test]
fn a_member_of_one_space_of_an_authority_is_none_in_another() {
    let (here, _dir) = node(&authority(), "steel", provider());
    let mut elsewhere = credential(&rival());
    for space in [
        SpaceId::new(authority().did().clone(), name("demo")),
        SpaceId::new(stranger().did().clone(), name("steel")),
    ] {
        elsewhere.space = space;
        let refused = here.admit(Signed::sign(&elsewhere, &authority()).unwrap());
        assert!(
            matches!(refused, Err(ChangeError::Refused(Refusal::Credential(_)))),
            "{refused:?}"
        );
    }
    let offer = here.offer(Node::new_offer(terms())).unwrap();
    let verified = Offer::verify(offer.clone(), here.provider(), &DidKeys, at(0)).unwrap();
    let acceptance = Acceptance::sign(&verified, &rival(), at(0)).unwrap();
    let refused = here.conclude(offer, acceptance);
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::NotAMember { .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_revocation_in_one_space_of_an_authority_ends_nothing_in_another() {
    let (here, _dir) = node(&authority(), "steel", provider());
    let elsewhere = crate::support::revocation(consumer().did(), at(0));
    let refused = here.revoke(elsewhere);
    assert!(matches!(refused, Err(ChangeError::Refused(Refusal::Revocation(_)))), "{refused:?}");
    let request = request(&here);
    assert_eq!(rows(crate::support::released(here.access(request).unwrap())), 10);
}

#[test]
fn spaces_of_one_name_share_no_contracts() {
    let (here, _one) = node(&authority(), "steel", provider());
    let (there, _two) = node(&stranger(), "steel", provider());
    let offer = there.offer(Node::new_offer(terms())).unwrap();
    let acceptance = accepted(&offer, there.provider());
    let refused = here.conclude(offer, acceptance);
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::OtherSpace { .. }))),
        "{refused:?}"
    );
}

#[test]
fn two_nodes_of_one_provider_do_not_double_a_quota() {
    let (here, _one) = node(&authority(), "steel", provider());
    let (there, _two) = node(&authority(), "steel", provider());
    assert_ne!(here.log().origin(), there.log().origin());
    // Neither the offer of one is concluded by the other …
    let offer = there.offer(Node::new_offer(counted(2))).unwrap();
    let acceptance = accepted(&offer, there.provider());
    let refused = here.conclude(offer.clone(), acceptance.clone());
    assert!(matches!(refused, Err(ChangeError::Refused(Refusal::OtherNode { .. }))), "{refused:?}");
    there.conclude(offer, acceptance).unwrap();
    // … nor a request to one answered by the other, whatever contract it names.
    let asked = request(&there);
    let before = here.log().size().unwrap();
    let refused = here.access(asked.clone()).unwrap_err();
    assert!(matches!(refused, AccessError::OtherNode { .. }), "{refused:?}");
    assert_eq!(here.log().size().unwrap(), before);
    assert_eq!(rows(crate::support::released(there.access(asked).unwrap())), 10);
}

#[test]
fn a_request_under_a_contract_of_this_node_for_another_log_is_not_answered() {
    let node = Node::new();
    let contract = node.contract(terms());
    let signed = node.request(contract);
    let request = signed.verify(&DidKeys.keys(consumer().did()), at(0)).unwrap();
    let mut request = request.value().clone();
    request.log = Origin::named(provider().did(), "another").unwrap();
    let refused = node.space.access(Signed::sign(&request, &consumer()).unwrap()).unwrap_err();
    match refused {
        AccessError::OtherNode { expected, found } => {
            assert_eq!((&expected, &found), (node.space.log().origin(), &request.log));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_finds_its_name_in_its_own_log() {
    let files = Node::new().close();
    let origin = files.log().origin().clone();
    assert_eq!(origin.operator(), provider().did());
    let (_, name) = origin.as_str().split_once('/').unwrap();
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(files.open().unwrap().log().origin(), &origin);
    // The key of somebody else opens nothing.
    let refused = files.setup(rival()).open();
    let is_told = matches!(
        refused,
        Err(SetupError::Open(dataspace_audit_log::open::OpenError::Origin { .. }))
    );
    assert!(is_told, "{refused:?}");
}

#[test]
fn two_copies_of_a_node_that_are_opened_prove_a_fork() {
    let files = Node::new().close();
    let twin = files.copy();
    // Before anybody asked them anything.
    let (one, other) = (files.open().unwrap(), twin.open().unwrap());
    let origin = one.log().origin().clone();
    assert_eq!(&origin, other.log().origin());
    let (a, b) = (one.checkpoint().unwrap(), other.checkpoint().unwrap());
    let fork = ForkProof::of_one_size(&a, &b).unwrap();
    fork.verify(&origin).unwrap();
    // Neither extends what the other has signed, whatever comes after.
    assert!(matches!(other.log().verify_extends(&a), Err(ExtendsError::Forked { .. })));
    one.set_policies("").unwrap();
    let later = one.checkpoint().unwrap();
    assert!(one.log().verify_extends(&a).is_ok());
    assert!(later.size() > b.size() && one.log().verify_extends(&b).is_err());
}

#[test]
fn opening_is_signed_and_leaves_no_reading_of_a_clock() {
    let node = Node::new();
    let (len, last) = (node.len(), node.now());
    let files = node.close();
    files.clock.set("2100-01-01T00:00:00Z".parse().unwrap());
    for openings in 1..=3 {
        let space = files.open().unwrap();
        assert_eq!(space.log().size().unwrap().as_u64(), len + openings);
        let record = records(space.log()).pop().unwrap();
        assert!(matches!(record.event, Event::Opened { .. }) && record.time == last);
        drop(space);
    }
    // The wrong clock did no harm.
    files.clock.set(last);
    let _contract = files.reopen().contract(terms());
}

#[test]
fn credentials_of_a_space_are_not_those_of_its_namesake() {
    let files = Files::new();
    let node = files.setup(provider()).create(crate::support::signed_profile(|_| {})).unwrap();
    let of_namesake = signed_credential(&consumer(), |one| {
        one.space.authority = stranger().did().clone();
    });
    assert!(matches!(node.admit(of_namesake), Err(ChangeError::Refused(Refusal::Credential(_)))));
}
