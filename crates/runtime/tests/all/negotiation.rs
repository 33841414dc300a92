//! From offer to contract.

use dataspace_identity::{DidKeys, Origin, Resolver as _, SecretKey, SpaceId};
use dataspace_ledger::Refusal;
use dataspace_policy::{ColumnMask, Constraint, Duty, MaskMethod, Terms};
use dataspace_primitives::Signed;
use dataspace_runtime::ChangeError;
use dataspace_usage_contract::{Acceptance, Offer, Termination, agreement::AgreeError};

use crate::support::{
    DAY, Node, at, authority, consumer, counted, days, name, provider, research, revocation, rival,
    space_id, stranger, terms,
};

#[test]
fn one_consumer_cannot_double_its_quota_by_accepting_twice() {
    let node = Node::new();
    let offer = node.offer(counted(1));
    let contract = node.conclude(&offer, &consumer()).unwrap();
    drop(node.released(contract));
    node.advance(1); // another time of acceptance, so another agreement
    let again = node.conclude(&offer, &consumer());
    assert!(
        matches!(again, Err(ChangeError::Refused(Refusal::AlreadyAccepted { .. }))),
        "{again:?}"
    );
    assert_eq!(node.space.contracts().len(), 1);
}

#[test]
fn the_same_offer_made_again_is_the_same_offer() {
    let node = Node::new();
    node.contract(counted(1));
    let again = node.conclude(&node.offer(counted(1)), &consumer());
    assert!(matches!(again, Err(ChangeError::Refused(Refusal::AlreadyAccepted { .. }))));
}

#[test]
fn two_consumers_can_accept_one_offer_and_count_apart() {
    let node = Node::new();
    let offer = node.offer(counted(1));
    let contract = node.conclude(&offer, &consumer()).unwrap();
    let other = node.conclude(&offer, &rival()).unwrap();
    assert_ne!(contract, other);
    drop(node.released(contract));
    assert_eq!(node.space.uses(other), Some((0, Some(1))));
}

#[test]
fn racing_acceptances_of_one_consumer_make_one_contract() {
    let node = Node::new();
    let offer = node.offer(counted(1));
    let acceptances: Vec<_> = (0..6)
        .map(|_| {
            node.advance(1);
            node.accept(&offer, &consumer())
        })
        .collect();
    let concluded: usize = std::thread::scope(|scope| {
        let conclude =
            |acceptance| usize::from(node.space.conclude(offer.clone(), acceptance).is_ok());
        let threads: Vec<_> =
            acceptances.into_iter().map(|one| scope.spawn(move || conclude(one))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((concluded, node.space.contracts().len()), (1, 1));
}

#[test]
fn a_replayed_acceptance_makes_no_second_contract_after_a_restart_either() {
    let node = Node::new();
    let offer = node.offer(terms());
    let acceptance = node.accept(&offer, &consumer());
    node.space.conclude(offer.clone(), acceptance.clone()).unwrap();
    let node = node.close().reopen();
    let again = node.space.conclude(offer, acceptance);
    assert!(matches!(again, Err(ChangeError::Refused(Refusal::AlreadyAccepted { .. }))));
}

#[test]
fn an_offer_of_an_unknown_product_is_not_signed() {
    let node = Node::new();
    let mut offer = Node::new_offer(terms());
    offer.product = name("gold");
    assert!(matches!(
        node.space.offer(offer),
        Err(ChangeError::Refused(Refusal::UnknownProduct { .. }))
    ));
}

#[test]
fn an_offer_for_an_unknown_purpose_is_not_signed() {
    let node = Node::new();
    let purposes = [name("research"), name("resale")];
    let rule = dataspace_policy::Rule::new([dataspace_policy::Action::Read])
        .when(Constraint::Purpose(purposes.into()));
    let refused = node.space.offer(Node::new_offer(Terms::new().permit(rule)));
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::UnknownPurpose { purpose })) if purpose == name("resale"))
    );
}

#[test]
fn an_offer_with_a_duty_that_the_table_does_not_bear_is_not_signed() {
    let node = Node::new();
    for (column, method) in [
        ("missing", MaskMethod::Drop),
        ("alloy", MaskMethod::Round { decimals: 1 }),
        ("furnace", MaskMethod::Truncate { chars: 1 }),
    ] {
        let duty = Duty::Mask(ColumnMask { column: name(column), method });
        let refused = node.space.offer(Node::new_offer(terms().duty(duty)));
        assert!(matches!(refused, Err(ChangeError::Duty { .. })), "{column}");
    }
}

#[test]
fn an_offer_without_a_permission_is_not_signed() {
    let node = Node::new();
    let refused = node.space.offer(Node::new_offer(Terms::new()));
    assert!(matches!(refused, Err(ChangeError::Refused(Refusal::Offer(_)))));
}

#[test]
fn an_offer_that_outlives_its_contract_is_not_signed() {
    let node = Node::new();
    let mut offer = Node::new_offer(terms());
    offer.expires_at = at(31 * DAY);
    assert!(matches!(node.space.offer(offer), Err(ChangeError::Refused(Refusal::Offer(_)))));
}

#[test]
fn an_expired_offer_cannot_be_concluded_though_it_was_accepted_in_time() {
    let node = Node::new();
    let mut offer = Node::new_offer(terms());
    offer.expires_at = at(3600);
    let offer = node.space.offer(offer).unwrap();
    let acceptance = node.accept(&offer, &consumer());
    node.advance(3600);
    let late = node.space.conclude(offer, acceptance);
    assert!(
        matches!(late, Err(ChangeError::Refused(Refusal::Agree(AgreeError::Expired { .. })))),
        "{late:?}"
    );
}

#[test]
fn who_is_not_a_member_concludes_nothing() {
    let node = Node::new();
    let outsider = node.conclude(&node.offer(terms()), &stranger());
    assert!(
        matches!(outsider, Err(ChangeError::Refused(Refusal::NotAMember { did })) if did == *stranger().did())
    );
    node.space.revoke(revocation(rival().did(), at(1))).unwrap();
    let revoked = node.conclude(&node.offer(terms()), &rival());
    assert!(matches!(revoked, Err(ChangeError::Refused(Refusal::NotAMember { .. }))));
}

#[test]
fn an_offer_to_somebody_else_cannot_be_taken() {
    let node = Node::new();
    let mut offer = Node::new_offer(terms());
    offer.consumer = Some(rival().did().clone());
    let offer =
        Offer::verify(node.space.offer(offer).unwrap(), provider().did(), &DidKeys, at(0)).unwrap();
    let refused = Acceptance::sign(&offer, &consumer(), at(0));
    assert!(matches!(refused, Err(AgreeError::NotAddressed { .. })));
}

/// An unsigned offer in the name of `named`.
fn offer_by(named: &SecretKey, log: &Origin) -> Offer {
    Offer {
        space: space_id(),
        log: log.clone(),
        provider: named.did().clone(),
        consumer: None,
        product: name("alloys"),
        product_class: name("test-results"),
        terms: terms(),
        validity: days(0, 30),
        expires_at: at(30 * DAY),
    }
}

#[test]
fn another_providers_offer_is_not_concluded_here() {
    let node = Node::new();
    let their_log = Origin::named(rival().did(), "node-1").unwrap();
    let theirs = offer_by(&rival(), &their_log).sign(&rival()).unwrap();
    let verified = Offer::verify(theirs.clone(), rival().did(), &DidKeys, at(0)).unwrap();
    let acceptance = Acceptance::sign(&verified, &consumer(), at(0)).unwrap();
    let refused = node.space.conclude(theirs, acceptance);
    assert!(matches!(refused, Err(ChangeError::Refused(Refusal::Offer(_)))), "{refused:?}");
}

#[test]
fn an_offer_for_another_class_is_not_concluded_here() {
    let node = Node::new();
    let mut other_class = offer_by(&provider(), node.space.log().origin());
    other_class.product_class = name("process-data");
    let refused = node.conclude(&other_class.sign(&provider()).unwrap(), &consumer());
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::UnknownProduct { .. }))),
        "{refused:?}"
    );
}

#[test]
fn an_offer_for_another_space_is_not_concluded_here() {
    let node = Node::new();
    for space in [
        SpaceId::new(authority().did().clone(), name("another space")),
        SpaceId::new(rival().did().clone(), name("demo")),
    ] {
        let offer = offer_by(&provider(), node.space.log().origin());
        let offer = Offer { space: space.clone(), ..offer }.sign(&provider()).unwrap();
        match node.conclude(&offer, &consumer()) {
            Err(ChangeError::Refused(Refusal::OtherSpace { expected, found })) => {
                assert_eq!((*expected, *found), (space_id(), space));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_offer_of_the_providers_other_node_is_not_concluded_here() {
    let node = Node::new();
    for log in [
        Origin::new(provider().did()).unwrap(),
        Origin::named(provider().did(), "00112233445566778899aabbccddeeff").unwrap(),
    ] {
        let offer = offer_by(&provider(), &log).sign(&provider()).unwrap();
        match node.conclude(&offer, &consumer()) {
            Err(ChangeError::Refused(Refusal::OtherNode { expected, found })) => {
                assert_eq!((&expected, &found), (node.space.log().origin(), &log));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_acceptance_of_one_offer_does_not_conclude_another() {
    let node = Node::new();
    let (cheap, dear) = (node.offer(counted(1)), node.offer(counted(1000)));
    let refused = node.space.conclude(dear, node.accept(&cheap, &consumer()));
    assert!(matches!(
        refused,
        Err(ChangeError::Refused(Refusal::Agree(AgreeError::OtherOffer { .. })))
    ));
}

#[test]
fn an_acceptance_in_another_members_name_concludes_nothing() {
    let node = Node::new();
    let offer = node.offer(terms());
    let acceptance = node.accept(&offer, &consumer());
    let acceptance = acceptance.verify(&DidKeys.keys(consumer().did()), at(0)).unwrap();
    let stolen = Signed::sign(acceptance.value(), &rival()).unwrap();
    let refused = node.space.conclude(offer, stolen);
    assert!(matches!(
        refused,
        Err(ChangeError::Refused(Refusal::Agree(AgreeError::Consumer { .. })))
    ));
}

#[test]
fn only_a_party_ends_a_contract_and_only_in_its_own_name() {
    let node = Node::new();
    let contract = node.contract(terms());
    let termination = |by: &SecretKey| Termination {
        contract,
        by: by.did().clone(),
        declared_at: at(0),
        reason: name("over"),
    };
    for (by, signer) in [
        (rival(), rival()),
        (consumer(), rival()),
        (provider(), consumer()),
        (stranger(), consumer()),
    ] {
        let signed = Signed::sign(&termination(&by), &signer).unwrap();
        let refused = node.space.terminate(signed);
        assert!(
            matches!(refused, Err(ChangeError::Refused(Refusal::Termination(_)))),
            "{refused:?}"
        );
    }
    let own = Signed::sign(&termination(&consumer()), &consumer()).unwrap();
    node.space.terminate(own.clone()).unwrap();
    let twice = node.space.terminate(own);
    assert!(matches!(twice, Err(ChangeError::Refused(Refusal::AlreadyTerminated { .. }))));
}

#[test]
fn a_product_keeps_its_class_and_columns() {
    let node = Node::new();
    let register = |id: &str, class: &str, table| node.space.register(name(id), name(class), table);
    let other_class = register("alloys", "process-data", crate::support::table(1));
    assert!(matches!(other_class, Err(ChangeError::Refused(Refusal::ProductChanged { .. }))));
    let batch = arrow_array::RecordBatch::try_from_iter([(
        "furnace",
        std::sync::Arc::new(arrow_array::StringArray::from(vec!["7"])) as arrow_array::ArrayRef,
    )]);
    let batch = batch.unwrap();
    let table = dataspace_data_plane::Table::from_batches(&batch.schema(), vec![batch]).unwrap();
    let other_columns = register("alloys", "test-results", table);
    assert!(matches!(other_columns, Err(ChangeError::Refused(Refusal::ProductChanged { .. }))));
    let unknown = register("ore", "weapons", crate::support::table(1));
    assert!(matches!(unknown, Err(ChangeError::Refused(Refusal::ProductClass { .. }))));
    // The rows may change.
    register("alloys", "test-results", crate::support::table(3)).unwrap();
    let contract = node.contract(Terms::new().permit(research()));
    assert_eq!(crate::support::rows(node.released(contract)), 3);
}
