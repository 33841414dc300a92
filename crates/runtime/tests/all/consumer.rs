//! Both halves: what a consumer's node keeps, checks and can show.

use dataspace_ledger::Refusal;
use dataspace_policy::duty::{PseudonymScope, Tolerance};
use dataspace_policy::{
    Action, ColumnMask, Duty, Legal, Limit, MaskMethod, Operator, RowFilter, Rule, Sample, Scalar,
    Terms, Watermark,
};
use dataspace_primitives::Part;
use dataspace_runtime::{
    Call, Complaint, NewOffer, NewRequest, Reply, Transport as _,
    consumer::{Arrived, ConsumerError, HeldFilter},
    entries::OfferFilter,
    exchange::CallError,
};
use dataspace_tlog::{
    Event, LeafIndex,
    record::{ConsumerEvent, ReceivedAnswer},
};

use crate::support::consumer::{Half, concluded, data, direct, reading};
use crate::support::{Node, authority, counted, days, name, records, revocation, rival, terms};

fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method })
}

fn masked() -> Terms {
    let filter = RowFilter {
        column: name("strength"),
        operator: Operator::Gteq,
        values: vec![Scalar::Number("203".parse().unwrap())],
    };
    counted(3)
        .duty(mask("furnace", MaskMethod::Drop))
        .duty(mask("alloy", MaskMethod::Hash))
        .duty(Duty::Filter(filter))
}

#[test]
fn a_consumer_holds_a_contract_and_gets_what_was_agreed() {
    let (node, _half, consumer, contract) = concluded(masked());
    let way = direct(&node.space);
    let mut incoming = data(consumer.access(&way, contract, reading()).unwrap());
    assert_eq!(incoming.columns().unwrap(), ["alloy", "strength"]);
    let mut csv = String::new();
    while let Some(Arrived::Rows(rows)) = incoming.next_piece() {
        csv.push_str(std::str::from_utf8(&rows).unwrap());
    }
    assert_eq!(csv.lines().count(), 7);
    let arrival = incoming.finish().unwrap();
    assert_eq!(arrival.complaints, []);
    let bytes = u64::try_from(csv.len()).unwrap();
    let content = dataspace_primitives::Digest::of(csv.as_bytes());
    let expected = ReceivedAnswer::Released { rows: 7, bytes, content, is_whole: true };
    assert_eq!(arrival.answer, expected);

    // It can show the decision to anybody, from its own files.
    let evidence = consumer.evidence_at(arrival.index).unwrap().unwrap();
    let shown = evidence.verify(authority().did()).unwrap();
    assert_eq!(shown.request().unwrap().purpose, name("research"));
    let report = shown.report().unwrap();
    assert_eq!((report.rows, report.bytes, report.content), (7, bytes, content));

    // Its own log has it.
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Received(received)) = &ours.last().unwrap().event else {
        panic!("{ours:?}")
    };
    assert_eq!(received.answer, expected);
    let held = consumer.list_contracts(&HeldFilter::default(), None, 10);
    assert_eq!((held[0].id, held[0].released, held[0].denied), (contract, 1, 0));
}

#[test]
fn numbers_that_are_marked_and_rows_that_are_few_are_as_agreed() {
    let pseudonyms =
        MaskMethod::Pseudonym { scope: PseudonymScope::Consumer, domain: Some(name("alloy")) };
    let filter = RowFilter {
        column: name("strength"),
        operator: Operator::Gteq,
        values: vec![Scalar::Number("203".parse().unwrap())],
    };
    let tolerance = Tolerance::Absolute("4".parse().unwrap());
    let terms = counted(3)
        .duty(Duty::Filter(filter))
        .duty(Duty::Watermark(Watermark { column: name("strength"), tolerance }))
        .duty(mask("alloy", pseudonyms))
        .duty(mask("furnace", MaskMethod::Constant(Scalar::Number("7".parse().unwrap()))))
        .duty(Duty::Sample(Sample { per_million: 1_000_000, subject: Some(name("alloy")) }))
        .duty(Duty::Limit(Limit { rows: 6 }));
    let (node, _half, consumer, contract) = concluded(terms);
    let way = direct(&node.space);
    let mut csv = Vec::new();
    for _ in 0..2 {
        let mut incoming = data(consumer.access(&way, contract, reading()).unwrap());
        let mut text = String::new();
        while let Some(Arrived::Rows(rows)) = incoming.next_piece() {
            text.push_str(std::str::from_utf8(&rows).unwrap());
        }
        assert_eq!(text.lines().count(), 6);
        // A number that passed the filter may leave below it.
        for line in text.lines() {
            let cells: Vec<_> = line.split(',').collect();
            assert!((199..214).contains(&cells[1].parse::<i64>().unwrap()), "{line}");
            assert_eq!((cells[0].len(), cells[2]), (32, "7"));
        }
        csv.push(text);
        assert_eq!(incoming.finish().unwrap().complaints, []);
    }
    assert_eq!(csv[0], csv[1]);
}

#[test]
fn a_denial_comes_with_evidence() {
    let (node, _half, consumer, contract) = concluded(counted(1));
    let way = direct(&node.space);
    let wrong = NewRequest::new(Action::Read, name("carbon-accounting"));
    let Reply::Denied(denied) = consumer.access(&way, contract, wrong).unwrap() else {
        panic!("released")
    };
    assert_eq!(denied.complaints, []);
    let ReceivedAnswer::Denied { reasons } = &denied.answer else { panic!("{denied:?}") };
    assert!(reasons[0].starts_with("permission-1: the purpose must be research"), "{reasons:?}");
    let evidence = consumer.evidence_at(denied.index).unwrap().unwrap();
    assert_eq!(evidence.verify(authority().did()).unwrap().index(), LeafIndex::new(6));
    assert_eq!(consumer.list_contracts(&HeldFilter::default(), None, 1)[0].denied, 1);
}

#[test]
fn everything_comes_back_when_it_is_opened_again() {
    let (node, half, consumer, contract) = concluded(counted(5));
    let way = direct(&node.space);
    let arrival = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
    let offers = consumer.list_offers(&OfferFilter::default(), None, 10).unwrap();
    let contracts = consumer.list_contracts(&HeldFilter::default(), None, 10);
    assert_eq!((offers.len(), contracts.len()), (1, 1));
    assert_eq!(offers[0].contract, Some(contract));
    // Signed, and never sent: nobody knows what came of it.
    let _lost = consumer.request(contract, reading()).unwrap();
    consumer.close().unwrap();

    let consumer = half.setup().open().unwrap();
    assert_eq!(consumer.list_offers(&OfferFilter::default(), None, 10).unwrap(), offers);
    assert_eq!(consumer.list_contracts(&HeldFilter::default(), None, 10), contracts);
    assert_eq!(consumer.waiting().len(), 1);
    assert!(consumer.evidence_at(arrival.index).unwrap().is_some());
    consumer.give_up(consumer.waiting()[0], "the process was stopped".to_owned()).unwrap();
    assert_eq!(consumer.waiting(), []);
    let again = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
    assert_eq!(again.complaints, []);
}

#[test]
fn it_holds_contracts_with_several_providers() {
    let (first, second) = (Node::new(), Node::new());
    let half = Half::new(&first);
    let consumer = half.create(&direct(&first.space));
    for node in [&first, &second] {
        let way = direct(&node.space);
        node.space.publish_offer(node.offer(terms())).unwrap();
        let offers = consumer.read_catalogue(&way).unwrap();
        let contract = consumer.conclude(&way, offers[0]).unwrap();
        let arrival = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
        assert_eq!(arrival.complaints, []);
    }
    assert_eq!(consumer.list_contracts(&HeldFilter::default(), None, 10).len(), 2);
    // Each page goes on where the last one ended.
    let page = consumer.list_contracts(&HeldFilter::default(), None, 1);
    let next = consumer.list_contracts(&HeldFilter::default(), Some(page[0].id), 1);
    assert_ne!(page[0].id, next[0].id);
    assert_eq!(consumer.list_contracts(&HeldFilter::default(), Some(next[0].id), 1), []);
    // At the wrong one, its contract is unknown; that is recorded.
    let other = consumer.access(&direct(&first.space), next[0].id, reading());
    let wrong = if next[0].released == 1 && other.is_ok() { &second } else { &first };
    let error = [page[0].id, next[0].id]
        .into_iter()
        .filter_map(|id| consumer.access(&direct(&wrong.space), id, reading()).err());
    assert_eq!(error.count(), 1);
}

#[test]
fn it_gets_the_part_that_it_asks_for() {
    let (node, _half, consumer, contract) = concluded(masked());
    let part = Part::rows(Some([name("strength")].into()), Some(2)).unwrap();
    let new = NewRequest { part: Some(part), ..reading() };
    let incoming = data(consumer.access(&direct(&node.space), contract, new).unwrap());
    assert_eq!(incoming.columns().unwrap(), ["strength"]);
    let arrival = incoming.finish().unwrap();
    assert_eq!(arrival.complaints, []);
    assert!(matches!(arrival.answer, ReceivedAnswer::Released { rows: 2, is_whole: true, .. }));
}

#[test]
fn it_knows_what_it_owes() {
    let terms = terms()
        .prohibit(Rule::new([Action::Share]))
        .legal(Legal::DeleteAfter(86_400))
        .legal(Legal::Text(name("results name the provider")));
    let (node, _half, consumer, contract) = concluded(terms);
    let owed = consumer.owed(contract).unwrap();
    let clauses: Vec<_> = owed.iter().map(|one| one.clause.to_string()).collect();
    assert_eq!(clauses, ["prohibition-1", "legal-1", "legal-2"]);
    let day = node.now().checked_add(std::time::Duration::from_secs(86_400));
    assert_eq!([owed[0].due, owed[1].due, owed[2].due], [None, day, None]);
}

#[test]
fn a_contract_that_the_consumer_ends_has_ended_at_both() {
    let (node, half, consumer, contract) = concluded(terms());
    let way = direct(&node.space);
    consumer.terminate(&way, contract, name("no longer needed")).unwrap();
    let refused = consumer.access(&way, contract, reading()).unwrap_err();
    assert!(matches!(refused, ConsumerError::Refused(Refusal::AlreadyTerminated { .. })));
    assert_eq!(crate::support::codes(&node.denied(contract)), ["contract-terminated"]);
    // It survives; and telling the provider again is no second end.
    drop(consumer);
    let consumer = half.setup().open().unwrap();
    assert!(consumer.list_contracts(&HeldFilter::default(), None, 1)[0].is_ended);
    let again = consumer.terminate(&way, contract, name("no longer needed")).unwrap_err();
    assert!(
        matches!(&again, ConsumerError::Call(CallError::Refused { words })
        if words.contains("already terminated")),
        "{again}"
    );
}

#[test]
fn a_conclusion_whose_answer_was_lost_is_made_again() {
    let node = Node::new();
    let half = Half::new(&node);
    let way = direct(&node.space);
    node.space.publish_offer(node.offer(counted(1))).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let lossy = |call: Call, body: Vec<u8>| {
        let _lost = way.call(call, body)?;
        Err(CallError::Io(std::io::ErrorKind::ConnectionReset.into()))
    };
    assert!(matches!(
        consumer.conclude(&lossy, offers[0]),
        Err(ConsumerError::Call(CallError::Io(_)))
    ));
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    assert_eq!(node.space.contracts(), [contract]);
    assert_eq!(consumer.conclude(&way, offers[0]).unwrap(), contract);
    assert_eq!(node.space.contracts(), [contract]);
}

#[test]
fn answers_of_many_threads_fit_together() {
    let (node, _half, consumer, contract) = concluded(terms());
    let way = direct(&node.space);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (consumer, way) = (&consumer, way.clone());
            scope.spawn(move || {
                for _ in 0..8 {
                    let reply = consumer.access(&way, contract, reading()).unwrap();
                    assert_eq!(data(reply).finish().unwrap().complaints, []);
                }
            });
        }
    });
    let held = consumer.list_contracts(&HeldFilter::default(), None, 1);
    assert_eq!((held[0].released, held[0].complained), (64, 0));
}

#[test]
fn a_revocation_stops_what_comes_and_is_told() {
    let (node, _half, consumer, contract) = concluded(terms());
    let mut incoming = data(consumer.access(&direct(&node.space), contract, reading()).unwrap());
    node.space.revoke(revocation(crate::support::consumer().did(), node.now())).unwrap();
    assert_eq!(incoming.next_piece(), None);
    let arrival = incoming.finish().unwrap();
    assert!(arrival.stopped.unwrap().contains("revoked"));
    assert!(matches!(arrival.answer, ReceivedAnswer::Released { is_whole: false, rows: 0, .. }));
    assert_eq!(arrival.complaints, []);
}

#[test]
fn offers_are_published_to_everybody_or_sent_to_one() {
    let node = Node::new();
    let to_one = NewOffer { consumer: Some(rival().did().clone()), ..Node::new_offer(terms()) };
    let to_one = node.space.offer(to_one).unwrap();
    let error = node.space.publish_offer(to_one.clone()).unwrap_err();
    assert!(error.to_string().contains("send it there"), "{error}");
    let soon = NewOffer { expires_at: days(0, 1).until(), ..Node::new_offer(terms()) };
    let soon = node.space.publish_offer(node.space.offer(soon).unwrap()).unwrap();
    let later = node.space.publish_offer(node.offer(counted(2))).unwrap();
    let ids = |node: &Node| {
        let listed = node.space.list_offers(&OfferFilter::default(), None, 10).unwrap();
        listed.into_iter().map(|one| one.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&node), [soon, later].into());
    node.advance(2 * 86_400);
    assert_eq!(ids(&node), [later].into());

    let node = node.close().reopen();
    assert_eq!(ids(&node), [later].into());
    let half = Half::new(&node);
    let (way, other) = (direct(&node.space), Node::new());
    let consumer = half.create(&way);
    assert_eq!(consumer.read_catalogue(&way).unwrap(), [later]);
    assert_eq!(consumer.read_catalogue(&way).unwrap(), []);
    assert!(node.space.withdraw_offer(later).unwrap());
    assert!(!node.space.withdraw_offer(later).unwrap());
    assert_eq!(ids(&node), [].into());
    // One of another node is no offer of this one; one for another consumer is not kept.
    assert!(node.space.publish_offer(other.offer(terms())).is_err());
    let refused = consumer.keep(&to_one).unwrap_err();
    assert!(matches!(refused, ConsumerError::Refused(Refusal::OtherConsumer { .. })), "{refused}");
}

#[test]
fn a_stranger_offers_nothing() {
    let node = Node::new();
    let half = Half::new(&node);
    let consumer = half.create(&direct(&node.space));
    // Its credential has not been seen yet.
    let refused = consumer.keep(&node.offer(terms())).unwrap_err();
    assert!(matches!(refused, ConsumerError::Refused(Refusal::NotAMember { .. })), "{refused}");
    consumer.read_catalogue(&direct(&node.space)).unwrap();
    consumer.keep(&node.offer(terms())).unwrap();
    // Nor does one whose membership was revoked.
    consumer.revoke(&revocation(crate::support::provider().did(), node.now())).unwrap();
    let refused = consumer.keep(&node.offer(counted(7))).unwrap_err();
    assert!(matches!(refused, ConsumerError::Refused(Refusal::NotAMember { .. })), "{refused}");
}

#[test]
fn another_consumers_contract_is_not_held() {
    let (node, _half, consumer, _) = concluded(terms());
    let offer = node.offer(counted(4));
    let theirs = node.conclude(&offer, &rival()).unwrap();
    let theirs = node.space.agreement(theirs).unwrap();
    let refused = consumer.hold(theirs.signed()).unwrap_err();
    assert!(matches!(refused, ConsumerError::Refused(Refusal::OtherConsumer { .. })), "{refused}");
}

#[test]
fn an_answer_that_is_dropped_is_recorded_as_far_as_it_came() {
    let (node, _half, consumer, contract) = concluded(terms());
    drop(consumer.access(&direct(&node.space), contract, reading()).unwrap());
    assert_eq!(consumer.waiting(), []);
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Received(received)) = &ours.last().unwrap().event else {
        panic!("{ours:?}")
    };
    assert!(matches!(received.answer, ReceivedAnswer::Released { is_whole: false, .. }));
    let texts = [Complaint::NoEvidence.to_string()];
    assert_eq!(received.complaints, texts);
}
