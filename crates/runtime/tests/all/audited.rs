//! A whole log is replayed: what an honest node wrote comes out the same, what one did not shows.

use std::thread;

use dataspace_ledger::{
    Refusal, Replayed, Replayer,
    outcome::Outcome,
    replayed::{Deviation, ReplayError},
};
use dataspace_policy::{
    Action, ColumnMask, Constraint, Duty, Layer, MaskMethod, Policies, Rule, Terms,
    simulate::Simulated,
};
use dataspace_primitives::Digest;
use dataspace_runtime::{Access, replay_decisions};
use dataspace_tlog::{AccessRecord, Event, Fact, LeafIndex, Verdict};
use serde_bytes::ByteBuf;

use crate::support::{
    Files, Node, authority, consumer, counted, name, records, research, revocation, rival,
    signed_credential, signed_profile, stranger, terms,
};

const NO_TRAINING: &str = r#"@id("no-training") forbid (
    principal, action == Dataspace::Action::"train", resource);"#;
const CLOSED: &str = r#"@id("closed") forbid (principal, action, resource);"#;
const FROM_GERMANY: &str = r#"@id("embargo") forbid (principal, action, resource)
    when { principal.region == "DE" };"#;

fn replay(files: &Files) -> Replayed {
    replay_decisions(&files.log(), authority().did(), None).unwrap()
}

/// The only discrepancy of the log.
fn only(files: &Files) -> Deviation {
    let replayed = replay(files);
    assert_eq!(replayed.discrepancies, 1, "{:#?}", replayed.first);
    replayed.first.into_iter().next().unwrap().deviation
}

/// A log with one permit and one denial, the last decision changed and appended once more.
fn forged(change: impl FnOnce(&mut AccessRecord)) -> Files {
    let node = Node::new();
    let contract = node.contract(counted(2));
    drop(node.released(contract));
    let request = node.request_for(contract, Action::Read, "alloy-design");
    drop(node.space.access(request).unwrap());
    let mut last = node.decisions().pop().unwrap();
    last.request = Digest::of(b"another request");
    change(&mut last);
    let files = node.close();
    files.forge(Event::Access(last));
    files
}

#[test]
fn every_decision_of_a_busy_node_comes_out_the_same() {
    let node = Node::new();
    let both = Terms::new().permit(Rule::new([Action::Read, Action::Train]));
    let contracts = [
        node.contract(counted(3)),
        node.contract(both),
        node.contract(Terms::new().permit(research().when(Constraint::DayCount(2)))),
        node.contract(Terms::new().permit(research().when(Constraint::ConsumerCount(9)))),
    ];
    let turn = || {
        node.advance(3_600);
        for contract in contracts {
            for (action, purpose) in
                [(Action::Read, "research"), (Action::Train, "research"), (Action::Read, "no-such")]
            {
                drop(node.space.access(node.request_for(contract, action, purpose)).unwrap());
            }
        }
    };
    turn();
    node.space.set_policies(NO_TRAINING).unwrap();
    turn();
    node.space
        .publish(signed_profile(|profile| {
            profile.version = 2;
            FROM_GERMANY.clone_into(&mut profile.policies);
        }))
        .unwrap();
    turn();
    node.space.publish(signed_profile(|profile| profile.version = 3)).unwrap();
    node.space.end_contract(contracts[0], name("no longer needed")).unwrap();
    node.space.set_policies("").unwrap();
    turn();
    node.space.revoke(revocation(consumer().did(), node.now())).unwrap();
    turn();
    node.advance(1);
    let again = signed_credential(&consumer(), |credential| {
        let until = credential.validity.until();
        credential.validity = dataspace_primitives::Validity::new(node.now(), until).unwrap();
    });
    node.space.admit(again).unwrap();
    node.advance(86_400);
    turn();
    node.advance(40 * 86_400);
    turn();
    let files = node.close();
    let replayed = replay(&files);
    assert!(replayed.is_sound(), "{:#?}", replayed.first);
    assert_eq!(replayed.decisions, 7 * 12);
    assert!(replayed.permits > 12 && replayed.denials > 40, "{replayed:?}");
    assert!(replayed.simulation.is_none());
}

#[test]
fn accesses_at_the_same_time_are_no_discrepancies() {
    let node = Node::new();
    let contracts = [node.contract(counted(40)), node.contract(terms())];
    thread::scope(|scope| {
        for turn in 0..8 {
            let (node, contract) = (&node, contracts[turn % 2]);
            scope.spawn(move || {
                for _ in 0..20 {
                    drop(node.space.access(node.request(contract)).unwrap());
                }
            });
        }
    });
    let replayed = replay(&node.close());
    assert!(replayed.is_sound(), "{:#?}", replayed.first);
    assert_eq!((replayed.permits, replayed.denials), (120, 40));
}

#[test]
fn a_verdict_that_does_not_follow_is_found() {
    let files = forged(|access| {
        access.verdict = Verdict::Permit { uses: 2, duties: Vec::new() };
    });
    match only(&files) {
        Deviation::Verdict { recorded: Outcome::Permit(_), again: Outcome::Deny(reasons) } => {
            assert!(reasons[0].starts_with("unmet: permission-1"), "{reasons:?}");
        }
        other => panic!("{other:?}"),
    }
    let files = forged(|access| {
        access.facts.insert("purpose".to_owned(), Fact::Text("research".to_owned()));
        access.facts.insert("purposes".to_owned(), Fact::Texts(["research".to_owned()].into()));
    });
    match only(&files) {
        Deviation::Verdict { recorded: Outcome::Deny(_), again: Outcome::Permit(clauses) } => {
            assert_eq!(clauses, ["permission-1"]);
        }
        other => panic!("{other:?}"),
    }
    let files = forged(|access| {
        access.verdict = Verdict::Deny { reasons: vec!["not-active: it was closed".to_owned()] };
    });
    assert!(matches!(only(&files), Deviation::Reasons { .. }));
}

#[test]
fn a_fact_that_the_records_before_contradict_is_found() {
    let text = |text: &str| Fact::Text(text.to_owned());
    for (fact, value) in [
        ("region", text("FR")),
        ("participant", text(rival().did().as_str())),
        ("roles", Fact::Texts(["consumer".to_owned(), "provider".to_owned()].into())),
        ("credentials", Fact::Texts(["Diploma".to_owned()].into())),
        ("product", text("another")),
        ("productLevel", Fact::Number(3)),
        ("agreedAt", Fact::Number(7)),
        ("now", Fact::Number(7)),
        ("space", text("another")),
        ("payment", text("paid")),
        ("attribute:level", text("gold")),
    ] {
        let files = forged(|access| {
            access.facts.insert(fact.to_owned(), value.clone());
        });
        match only(&files) {
            Deviation::Fact { name, recorded, .. } => {
                assert_eq!((name.as_str(), recorded), (fact, Some(value)));
            }
            other => panic!("{fact}: {other:?}"),
        }
    }
    for fact in ["action", "purpose", "uses", "usesToday"] {
        let files = forged(|access| drop(access.facts.remove(fact)));
        assert!(
            matches!(only(&files), Deviation::Fact { name, expected: None, .. } if name == fact)
        );
    }
    let files = forged(|access| access.program = Digest::of(b"another"));
    assert_eq!(only(&files), Deviation::Program);
    let files = forged(|access| access.profile = 9);
    assert_eq!(only(&files), Deviation::Profile { recorded: 9, in_force: 1 });
}

#[test]
fn a_use_that_is_made_twice_or_left_out_is_found() {
    let node = Node::new();
    let contract = node.contract(counted(2));
    drop(node.released(contract));
    let mut first = node.decisions().pop().unwrap();
    first.request = Digest::of(b"another request");
    let files = node.close();
    files.forge(Event::Access(first));
    let found: Vec<_> = replay(&files).first.into_iter().map(|one| one.deviation).collect();
    assert!(found.contains(&Deviation::Use { recorded: 1 }), "{found:?}");
    // None of its counts is that of its place in the log either.
    assert_eq!(found.len(), 5);

    // A denial of a use that was never made.
    let files = forged(|access| {
        access.facts.insert("uses".to_owned(), Fact::Number(2));
        access.verdict =
            Verdict::Deny { reasons: vec!["unmet: permission-1: two demands".to_owned(); 1] };
    });
    let replayed = replay(&files);
    let beyond = Deviation::Fact {
        name: "uses".to_owned(),
        recorded: Some(Fact::Number(2)),
        expected: Some(Fact::Number(1)),
    };
    assert!(replayed.first.iter().any(|one| one.deviation == beyond), "{:#?}", replayed.first);
}

/// A log with a permit under a contract with two duties, then the permit once more, changed.
fn released_again(change: impl FnOnce(&mut AccessRecord)) -> Files {
    let node = Node::new();
    let drop_furnace = ColumnMask { column: name("furnace"), method: MaskMethod::Drop };
    let null_alloy = ColumnMask { column: name("alloy"), method: MaskMethod::Null };
    let terms = counted(5).duty(Duty::Mask(drop_furnace)).duty(Duty::Mask(null_alloy));
    let contract = node.contract(terms);
    for _ in 0..2 {
        drop(node.released(contract));
    }
    let mut again = node.decisions().pop().unwrap();
    again.request = Digest::of(b"another request");
    let number = |access: &mut AccessRecord, uses| {
        for count in ["uses", "usesByConsumer", "usesToday", "usesThisMonth"] {
            access.facts.insert(count.to_owned(), Fact::Number(uses));
        }
        let Verdict::Permit { uses: number, .. } = &mut access.verdict else { panic!() };
        *number = uses + 1;
    };
    number(&mut again, 2);
    change(&mut again);
    let files = node.close();
    files.forge(Event::Access(again));
    files
}

#[test]
fn duties_that_are_not_those_of_the_contract_are_found() {
    assert!(replay(&released_again(|_| {})).is_sound());
    for duties in [&[][..], &["duty-1"], &["duty-2", "duty-1"], &["duty-1", "duty-2", "duty-3"]] {
        let duties: Vec<_> = duties.iter().map(ToString::to_string).collect();
        let files = released_again(|access| {
            access.verdict = Verdict::Permit { uses: 3, duties: duties.clone() };
        });
        let deviation = only(&files);
        let expected = vec!["duty-1".to_owned(), "duty-2".to_owned()];
        assert_eq!(deviation, Deviation::Duties { recorded: duties, expected });
        assert!(deviation.to_string().contains("the contract has duty-1, duty-2"), "{deviation}");
    }
}

#[test]
fn one_request_that_is_decided_twice_is_found() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    drop(node.released(contract));
    let first = node.decisions().pop().unwrap().request;
    let place = LeafIndex::new(node.len() - 1);
    let files = released_again(|access| access.request = first);
    assert!(replay(&files).is_sound(), "it is another log's");
    let earlier = Deviation::Request { earlier: place };
    let request = node.decisions().pop().unwrap();
    let denied = Verdict::Deny { reasons: vec!["duty: it cannot be carried out".to_owned()] };
    let files = node.close();
    let uses = Fact::Number(1);
    let mut again = AccessRecord { verdict: denied, ..request };
    for count in ["uses", "usesByConsumer", "usesToday", "usesThisMonth"] {
        again.facts.insert(count.to_owned(), uses.clone());
    }
    files.forge(Event::Access(again));
    assert_eq!(only(&files), earlier);
}

#[test]
fn reasons_in_other_words_are_told_and_reasons_of_other_clauses_are_found() {
    let denied = |reason: &str| {
        let reasons = vec![reason.to_owned()];
        forged(|access| access.verdict = Verdict::Deny { reasons })
    };
    let replayed = replay(&denied("unmet: permission-1: permitted, all is well"));
    assert!(replayed.is_sound());
    assert_eq!((replayed.reworded, replayed.first_reworded), (1, Some(LeafIndex::new(9))));
    assert!(replayed.findings()[0].to_string().contains("record 9"), "{:?}", replayed.findings());
    let files = denied("unmet: permission-2: the purpose must be research");
    assert!(matches!(only(&files), Deviation::Reasons { .. }));
}

#[test]
fn a_product_whose_columns_change_ends_the_replay() {
    let files = Node::new().close();
    let (id, class, descriptor) =
        (name("alloys"), name("test-results"), Digest::of(b"other columns"));
    files.forge(Event::Product { id, class, descriptor, forbids: Vec::new() });
    let ended = replay_decisions(&files.log(), authority().did(), None);
    assert!(matches!(
        ended,
        Err(ReplayError::Record { source: Refusal::ProductChanged { .. }, .. })
    ));
}

#[test]
fn a_document_of_nobody_who_may_make_it_ends_the_replay() {
    for document in [
        signed_credential(&stranger(), |credential| credential.roles = [name("emperor")].into()),
        signed_credential(&stranger(), |credential| {
            credential.space.authority = rival().did().clone();
        }),
    ] {
        let node = Node::new();
        let files = node.close();
        let document = ByteBuf::from(document.as_bytes());
        files.forge(Event::Admission { document });
        match replay_decisions(&files.log(), authority().did(), None) {
            Err(ReplayError::Record { index, .. }) => assert_eq!(index, LeafIndex::new(5)),
            other => panic!("{other:?}"),
        }
    }
    let files = Node::new().close();
    let foreign = replay_decisions(&files.log(), stranger().did(), None);
    assert!(matches!(foreign, Err(ReplayError::Record { index, .. }) if index.as_u64() == 0));
    let empty = Replayer::new(authority().did().clone(), files.log().origin().clone()).finish();
    assert!(matches!(empty, Err(ReplayError::NoProfile)));
}

#[test]
fn changed_policies_show_what_they_would_have_decided_otherwise() {
    let node = Node::new();
    let contract = node.contract(counted(2));
    for _ in 0..3 {
        drop(node.space.access(node.request(contract)).unwrap());
    }
    node.space
        .publish(signed_profile(|profile| {
            profile.version = 2;
            CLOSED.clone_into(&mut profile.policies);
        }))
        .unwrap();
    let other = node.contract(terms());
    assert!(matches!(node.space.access(node.request(other)).unwrap(), Access::Denied(_)));
    let log = records(node.space.log());
    let files = node.close();

    let with = Policies::parse(FROM_GERMANY, Layer::Space).unwrap();
    let replayed = replay_decisions(&files.log(), authority().did(), Some(&with)).unwrap();
    assert!(replayed.is_sound(), "{:#?}", replayed.first);
    let simulation = replayed.simulation.unwrap();
    assert_eq!(
        (simulation.accesses, simulation.newly_denied, simulation.newly_permitted),
        (4, 2, 0)
    );
    for difference in &simulation.differences {
        let place = usize::try_from(difference.place).unwrap();
        assert!(matches!(&log[place].event, Event::Access(access)
            if access.contract == difference.contract));
        assert!(matches!(&difference.outcome.after, Simulated::Deny(reasons)
            if reasons[0].to_string().contains("embargo")));
    }

    let open = Policies::parse("", Layer::Space).unwrap();
    let replayed = replay_decisions(&files.log(), authority().did(), Some(&open)).unwrap();
    assert!(replayed.is_sound());
    let simulation = replayed.simulation.unwrap();
    assert_eq!((simulation.newly_denied, simulation.newly_permitted), (0, 1));
}
