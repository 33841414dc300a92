//! Providers that do not keep what they signed, and what a consumer makes of it.

use std::io::{Cursor, Read};

use dataspace_ledger::Refusal;
use dataspace_policy::duty::Broader;
use dataspace_policy::{ColumnMask, Duty, Limit, MaskMethod, Operator, RowFilter, Scalar, Terms};
use dataspace_primitives::Part;
use dataspace_runtime::{
    Arrival, Call, Clock as _, Complaint, ConsumerNode, NewRequest, Reply, Transport,
    consumer::{ConsumerError, HeldFilter, fetch_profile},
    exchange::CallError,
};
use dataspace_tlog::{
    Event,
    record::{ConsumerEvent, ReceivedAnswer},
};
use serde_cbor::Value;

use crate::support::consumer::{Half, changing, concluded, data, direct, field, frame, reading};
use crate::support::{Node, counted, name, records, terms};

fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method })
}

fn strong() -> Duty {
    let values = vec![Scalar::Number("203".parse().unwrap())];
    Duty::Filter(RowFilter { column: name("strength"), operator: Operator::Gteq, values })
}

/// The arrival of an answer that the provider has changed.
fn arrival(
    terms: Terms,
    new: NewRequest,
    change: impl Fn(Vec<Value>) -> Vec<Value>,
) -> (Arrival, ConsumerNode) {
    let (node, _half, consumer, contract) = concluded(terms);
    let way = changing(&node.space, change);
    let arrival = data(consumer.access(&way, contract, new).unwrap()).finish().unwrap();
    (arrival, consumer)
}

/// Each frame that has this field, with another value in it.
fn with(kind: &'static str, name: &'static str, value: Value) -> impl Fn(Vec<Value>) -> Vec<Value> {
    move |mut frames| {
        for frame in &mut frames {
            if let Some(field) = field(frame, kind, name) {
                *field = value.clone();
            }
        }
        frames
    }
}

fn csv(text: &str) -> impl Fn(Vec<Value>) -> Vec<Value> {
    with("rows", "csv", Value::Bytes(text.as_bytes().to_vec()))
}

fn words(arrival: &Arrival) -> Vec<String> {
    arrival.complaints.iter().map(ToString::to_string).collect()
}

/// What is complained of beside that the provider's own report is of something else: who changes what
/// leaves must lie there, too.
fn besides_report(arrival: &Arrival) -> Vec<String> {
    let mut words = words(arrival);
    let all = words.len();
    words.retain(|one| !one.starts_with("the provider's log reports"));
    assert_eq!(words.len() + 1, all, "{:?}", arrival.complaints);
    words
}

#[test]
fn a_mask_or_filter_that_was_not_carried_out_is_seen() {
    let hash = "0123456789abcdef0123456789abcdef";
    let sealed = MaskMethod::Constant(Scalar::Number("7".parse().unwrap()));
    let broader =
        Broader { values: [(name("S00001"), name("S1"))].into(), others: name("elsewhere") };
    let broader = MaskMethod::Generalise(broader);
    let cases = [
        (mask("alloy", MaskMethod::Hash), "S00001,300,1\n", "duty-1", "alloy"),
        (mask("alloy", MaskMethod::Truncate { chars: 2 }), "S00,300,1\n", "duty-1", "alloy"),
        (mask("furnace", MaskMethod::Null), "S1,300,1\n", "duty-1", "furnace"),
        (mask("strength", MaskMethod::Round { decimals: -2 }), "S1,310,1\n", "duty-1", "strength"),
        (mask("furnace", sealed), "S1,300,1\n", "duty-1", "furnace"),
        (mask("alloy", broader), "S00001,300,1\n", "duty-1", "alloy"),
        (strong(), "S1,202,1\n", "duty-1", "strength"),
        (strong(), "S1,,1\n", "duty-1", "strength"),
    ];
    for (duty, bad, clause, column) in cases {
        let good = "S1,300,\n".to_owned();
        let good = if matches!(&duty, Duty::Mask(one) if one.method == MaskMethod::Hash) {
            good.replace("S1", hash)
        } else {
            good
        };
        let (fine, _) = arrival(terms().duty(duty.clone()), reading(), csv(&good));
        assert!(besides_report(&fine).is_empty(), "{good}");
        let text = format!("{good}{bad}{bad}");
        let (seen, consumer) = arrival(terms().duty(duty), reading(), csv(&text));
        let expected = format!("{clause} was not carried out: see column `{column}` of row 2");
        assert_eq!(besides_report(&seen), std::slice::from_ref(&expected));
        // It is in the consumer's log, and counted.
        let Event::Consumer(ConsumerEvent::Received(received)) =
            records(consumer.log()).pop().unwrap().event
        else {
            panic!()
        };
        assert_eq!((received.complaints.len(), &received.complaints[0]), (2, &expected));
        assert_eq!(consumer.list_contracts(&HeldFilter::default(), None, 1)[0].complained, 1);
    }
}

#[test]
fn more_rows_than_were_agreed_are_seen() {
    let limited = || terms().duty(Duty::Limit(Limit { rows: 2 }));
    let (fine, _) = arrival(limited(), reading(), csv("S1,300,\nS2,300,\n"));
    assert!(besides_report(&fine).is_empty());
    let (seen, _) = arrival(limited(), reading(), csv("S1,300,\nS2,300,\nS3,300,\n"));
    assert_eq!(besides_report(&seen), [Complaint::Rows { max: 2 }.to_string()]);
}

#[test]
fn a_provider_that_reports_something_else_than_it_sends_is_seen_and_shown() {
    let differs = |arrival: &Arrival| {
        let words = words(arrival);
        assert!(arrival.evidence.is_some(), "its own log shows it: {words:?}");
        words
    };
    let report = |what| {
        [format!("the provider's log reports that something else left than came: {what} differs")]
    };
    // One digit in one of ten rows.
    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        let Some(Value::Bytes(csv)) = field(&mut frames[1], "rows", "csv") else { panic!() };
        let at = csv.iter().position(|byte| *byte == b'7').unwrap();
        csv[at] = b'8';
        frames
    });
    assert_eq!(differs(&seen), report("the digest"));
    // The first rows twice, and none.
    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        frames.insert(1, frames[1].clone());
        frames
    });
    assert_eq!(differs(&seen), report("the number of bytes"));
    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        frames.remove(1);
        frames
    });
    assert_eq!(differs(&seen), report("the number of bytes"));
    // All of it, and it says that it stopped.
    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        let Value::Map(end) = frames.last_mut().unwrap() else { panic!() };
        let Some(Value::Map(fields)) = end.values_mut().next() else { panic!() };
        fields.insert(Value::Text("stopped".to_owned()), Value::Text("enough".to_owned()));
        frames
    });
    assert_eq!(differs(&seen), report("how it ended"));
}

#[test]
fn what_was_left_out_or_not_asked_for_is_seen() {
    let columns = |names: &[&str]| {
        Value::Array(names.iter().map(|one| Value::Text((*one).to_owned())).collect())
    };
    let all = columns(&["alloy", "strength", "furnace"]);
    let change = with("permitted", "columns", all.clone());
    let (seen, _) = arrival(terms().duty(mask("furnace", MaskMethod::Drop)), reading(), |frames| {
        csv("S1,300,1\n")(change(frames))
    });
    assert_eq!(besides_report(&seen), ["duty-1 leaves out column `furnace`, which came"]);

    let part = Part::rows(Some([name("alloy")].into()), Some(2)).unwrap();
    let new = NewRequest { part: Some(part), ..reading() };
    let change = with("permitted", "columns", columns(&["alloy", "furnace"]));
    let (seen, _) = arrival(terms(), new, |frames| csv("a,1\nb,1\nc,1\nd,1\n")(change(frames)));
    let expected = [
        "column `furnace` was not asked for",
        "more than the 2 rows came that were agreed or asked for",
    ];
    assert_eq!(besides_report(&seen), expected);

    let (seen, _) = arrival(terms(), reading(), csv("S1,300,1\nS1,300\n"));
    assert_eq!(besides_report(&seen), ["row 2 is not a row of these columns"]);
}

#[test]
fn an_answer_that_is_cut_off_or_malformed_is_not_whole() {
    let is_whole = |arrival: &Arrival| {
        matches!(arrival.answer, ReceivedAnswer::Released { is_whole: true, .. })
    };
    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        frames.pop();
        frames
    });
    assert_eq!(seen.complaints, [Complaint::CutOff, Complaint::NoEvidence]);
    assert!(!is_whole(&seen));

    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        frames[1] = frames[0].clone();
        frames
    });
    assert!(matches!(seen.complaints[..], [Complaint::Malformed { .. }, Complaint::NoEvidence]));
    assert!(!is_whole(&seen));

    // What has no beginning is no answer, and recorded as none.
    let (node, _half, consumer, contract) = concluded(terms());
    for bytes in [&b""[..], b"\x44abcd", b"\x5a\xff\xff\xff\xff", b"\x58\x01a", b"\xff", b"hello"] {
        let way = |_: Call, _: Vec<u8>| Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>);
        let error = consumer.access(&way, contract, reading()).unwrap_err();
        assert!(matches!(error, ConsumerError::Message(_)), "{error}");
        assert_eq!(consumer.waiting(), []);
    }
    let no_end = |_: Call, _: Vec<u8>| {
        Ok(Box::new(Cursor::new(*b"\x5a\x00\x7f\xff\xff").chain(std::io::repeat(0)))
            as Box<dyn Read + Send>)
    };
    consumer.access(&no_end, contract, reading()).unwrap_err();
    // The provider is none the wiser.
    assert_eq!(node.space.uses(contract).unwrap().0, 0);
}

#[test]
fn evidence_that_does_not_hold_or_belong_is_seen() {
    let (seen, _) = arrival(terms(), reading(), with("end", "evidence", Value::Bytes(vec![0; 40])));
    assert!(words(&seen)[0].starts_with("the evidence of the decision does not hold"));
    assert!(seen.evidence.is_none());

    let (seen, _) = arrival(terms(), reading(), |mut frames| {
        let end = frames.last_mut().unwrap();
        let Some(Value::Bytes(bytes)) = field(end, "end", "evidence") else { panic!() };
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        frames
    });
    assert_eq!(seen.complaints.len(), 1);
    assert!(seen.evidence.is_none());

    // Good evidence of another access, and of another verdict.
    let (node, _half, consumer, contract) = concluded(counted(1));
    let first = data(consumer.access(&direct(&node.space), contract, reading()).unwrap());
    let first = first.finish().unwrap().evidence.unwrap().to_bytes().unwrap();
    let Reply::Denied(denied) = consumer
        .access(
            &changing(&node.space, with("end", "evidence", Value::Bytes(first.clone()))),
            contract,
            reading(),
        )
        .unwrap()
    else {
        panic!("released")
    };
    assert_eq!(denied.complaints, [Complaint::OtherDecision { what: "the request" }]);

    // A denial that is shown as a release of nothing.
    let as_release = |mut frames: Vec<Value>| {
        let permitted = serde_cbor::value::to_value(std::collections::BTreeMap::from([(
            "permitted",
            std::collections::BTreeMap::from([("record", 9)]),
        )]));
        frames[0] = permitted.unwrap();
        frames
    };
    let way = changing(&node.space, as_release);
    let arrival = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
    assert_eq!(arrival.complaints, [Complaint::OtherDecision { what: "the verdict" }]);
}

/// A node that goes on after a copy of it was made, and a consumer that has seen `seen` accesses since; then
/// the arrival of an answer from the copy, and of one more from the node.
fn copied(seen: usize) -> (Arrival, Arrival, Half) {
    let (node, half, consumer, contract) = concluded(terms());
    let way = direct(&node.space);
    node.space.checkpoint().unwrap();
    let copy = node.files.copy();
    let access = |way: &dyn Transport| {
        data(consumer.access(way, contract, reading()).unwrap()).finish().unwrap()
    };
    for _ in 0..seen {
        assert_eq!(access(&way).complaints, []);
    }
    let copy = copy.reopen().close().reopen();
    (access(&direct(&copy.space)), access(&way), half)
}

#[test]
fn two_histories_of_a_log_are_found_and_proved() {
    // The copy records that it was opened, twice, one access and its end: as many as the node has.
    let (copy, node, half) = copied(2);
    assert_eq!(copy.complaints, [Complaint::Forked]);
    assert_eq!(node.complaints, []);
    let names = std::fs::read_dir(half.path().join("seen")).unwrap();
    let names: Vec<_> = names.map(|one| one.unwrap().file_name()).collect();
    assert!(names.iter().any(|one| one.to_str().unwrap().contains("fork")), "{names:?}");
}

#[test]
fn a_log_that_became_shorter_or_does_not_follow_is_seen() {
    let (copy, node, _) = copied(5);
    assert!(matches!(copy.complaints[..], [Complaint::RolledBack { .. }]), "{copy:?}");
    // What is held stays, so the honest one is believed as before.
    assert_eq!(node.complaints, []);
    let (copy, node, _) = copied(1);
    assert!(
        matches!(copy.complaints[..], [Complaint::Forked | Complaint::Unproved]),
        "{:?}",
        copy.complaints
    );
    assert_eq!(node.complaints, []);
}

#[test]
fn a_catalogue_of_another_authority_changes_nothing() {
    let (node, half, consumer, _) = concluded(terms());
    let before = records(consumer.log()).len();
    let garbage = |_: Call, _: Vec<u8>| {
        Ok(Box::new(Cursor::new(b"no catalogue".to_vec())) as Box<dyn Read + Send>)
    };
    assert!(consumer.read_catalogue(&garbage).is_err());
    let forged = |call: Call, body: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        let mut bytes = Vec::new();
        direct(&node.space).call(call, body)?.read_to_end(&mut bytes)?;
        let mut page: Value = serde_cbor::from_slice(&bytes).unwrap();
        let Value::Map(fields) = &mut page else { panic!() };
        let Some(Value::Bytes(profile)) = fields.get_mut(&Value::Text("profile".to_owned())) else {
            panic!()
        };
        *profile.last_mut().unwrap() ^= 1;
        Ok(Box::new(Cursor::new(serde_cbor::to_vec(&page).unwrap())))
    };
    assert!(consumer.read_catalogue(&forged).is_err());
    assert!(half.setup().create(fetch_profile(&forged).unwrap()).is_err());
    assert_eq!(records(consumer.log()).len(), before);
}

#[test]
fn a_catalogue_without_an_end_ends() {
    let (node, _half, consumer, _) = concluded(terms());
    let way = direct(&node.space);
    let calls = std::sync::atomic::AtomicU32::new(0);
    // Each page says that another one follows, from the same place.
    let endless = |call: Call, _: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let first = serde_cbor::to_vec(&Value::Map(std::collections::BTreeMap::new())).unwrap();
        way.call(call, first)
    };
    consumer.read_catalogue(&endless).unwrap();
    assert!(calls.into_inner() <= 2);
}

#[test]
fn another_contract_than_the_accepted_one_is_not_taken_for_it() {
    let node = Node::new();
    let half = Half::new(&node);
    let way = direct(&node.space);
    for terms in [counted(1), counted(2)] {
        node.space.publish_offer(node.offer(terms)).unwrap();
    }
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let first = consumer.conclude(&way, offers[0]).unwrap();
    let first = node.space.agreement(first).unwrap().signed().as_bytes().to_vec();
    let swapped =
        |_: Call, _: Vec<u8>| Ok(Box::new(Cursor::new(first.clone())) as Box<dyn Read + Send>);
    let error = consumer.conclude(&swapped, offers[1]).unwrap_err();
    assert!(matches!(error, ConsumerError::OtherContract), "{error}");
}

#[test]
fn a_refusal_is_recorded_with_its_words() {
    let (_node, _half, consumer, contract) = concluded(terms());
    let refusing = |_: Call, _: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        Err(CallError::Refused { words: "the node cannot answer\u{1b}[2J now".repeat(200) })
    };
    consumer.access(&refusing, contract, reading()).unwrap_err();
    let Event::Consumer(ConsumerEvent::Received(received)) =
        records(consumer.log()).pop().unwrap().event
    else {
        panic!()
    };
    assert!(matches!(received.answer, ReceivedAnswer::None { .. }));
}

#[test]
fn calls_of_strangers_are_told_only_what_is_theirs() {
    let node = Node::new();
    for call in Call::ALL {
        let error = node.space.answer(call, b"what is this").unwrap_err();
        assert_eq!(error.fault(), dataspace_tlog::Fault::Caller, "{call}");
    }
    let frame = frame(&Value::Null);
    assert!(node.space.answer(Call::Access, &frame).is_err());
    let forged = node.space.answer(Call::Terminate, node.offer(terms()).as_bytes()).unwrap_err();
    assert!(matches!(forged.fault(), dataspace_tlog::Fault::Caller));
}

#[test]
fn a_providers_log_is_no_consumers_and_the_other_way_round() {
    let (node, half, consumer, _) = concluded(terms());
    let event = records(consumer.log()).pop().unwrap().event;
    drop(consumer);
    let files = node.close();
    files.forge(Event::Consumer(ConsumerEvent::Offered { document: vec![1].into() }));
    let error = files.open().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("only the log of a consumer"), "{source}");

    let origin = dataspace_identity::Origin::new(crate::support::consumer().did()).unwrap();
    let (log, _) = dataspace_audit_log::Log::open_of(&half.path(), &origin).unwrap();
    let product = Event::Product {
        id: name("alloys"),
        class: name("test-results"),
        descriptor: dataspace_primitives::Digest::of(b""),
        forbids: Vec::new(),
    };
    let time = half.clock.now();
    let _appended = log.append(&dataspace_tlog::Record::new(time, product)).unwrap();
    drop(log);
    let error = half.setup().open().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("only the log of a provider"), "{source}");
    assert!(matches!(event, Event::Concluded { .. }), "{event:?}");
    let refusal = Refusal::OtherHalf { whose: "consumer" };
    assert_eq!(refusal.to_string(), "only the log of a consumer has such a record");
}
