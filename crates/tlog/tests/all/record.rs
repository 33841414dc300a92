use std::collections::BTreeMap;

use dataspace_primitives::{Digest, cbor};
use dataspace_tlog::{
    AccessRecord, Event, Fact, LeafIndex, Record, Verdict,
    record::{
        ConsumerEvent, ContentVersion, FACTS_MAX, RECORD_LEN_MAX, ReceivedAnswer, ReceivedRecord,
        RecordError, ReleaseEnd, ReleaseReport, TEXT_LEN_MAX, TEXTS_MAX,
    },
};
use proptest::prelude::*;
use serde_bytes::ByteBuf;
use serde_cbor::Value;

use crate::support::{small, time};

fn access(verdict: Verdict) -> AccessRecord {
    AccessRecord {
        contract: Digest::of(b"contract"),
        program: Digest::of(b"program"),
        profile: 3,
        request: Digest::of(b"request"),
        part: None,
        facts: [
            ("purpose".to_owned(), Fact::Text("research".to_owned())),
            ("uses".to_owned(), Fact::Number(7)),
            ("roles".to_owned(), Fact::Texts(["consumer".to_owned(), "lab".to_owned()].into())),
        ]
        .into(),
        verdict,
    }
}

fn permit() -> Verdict {
    Verdict::Permit { uses: 8, duties: vec!["count".to_owned()] }
}

fn every_event() -> Vec<Event> {
    let document = || ByteBuf::from(b"signed".to_vec());
    let contract = Digest::of(b"contract");
    vec![
        Event::Profile { version: 2, document: document() },
        Event::Admission { document: document() },
        Event::MembershipRevoked { document: document() },
        small(1).event,
        Event::Concluded { contract, document: document() },
        Event::Terminated { contract, document: document() },
        Event::Policies { document: document() },
        Event::Access(access(permit())),
        Event::Access(access(Verdict::Deny { reasons: vec!["c2: expired".to_owned()] })),
    ]
}

#[test]
fn every_event_survives_its_encoding() {
    // The last one came after the bytes of the others were pinned.
    let stated = Event::Stated { document: ByteBuf::from(b"stated".to_vec()) };
    for event in every_event().into_iter().chain([stated]) {
        let record = Record::new(time(0), event);
        assert_eq!(Record::from_bytes(&record.to_bytes().unwrap()).unwrap(), record);
    }
}

fn report(end: ReleaseEnd, version: Option<ContentVersion>) -> ReleaseReport {
    ReleaseReport {
        access: LeafIndex::new(17),
        contract: Digest::of(b"contract"),
        end,
        pieces: 1,
        rows: 2,
        bytes: 8,
        content: Digest::of(b"a,1\nb,2\n"),
        version,
        subjects: None,
    }
}

fn every_report() -> [ReleaseReport; 4] {
    let content = Digest::of(b"content");
    [
        report(ReleaseEnd::Whole, Some(ContentVersion::Content(content))),
        report(ReleaseEnd::Stopped, Some(ContentVersion::Stamp(content))),
        report(ReleaseEnd::Failed, None),
        report(ReleaseEnd::Dropped, None),
    ]
}

#[test]
fn the_stored_bytes_of_a_report_do_not_change() {
    let mut all = Vec::new();
    for report in every_report() {
        let record = Record::new(time(0), Event::Released(report));
        let bytes = record.to_bytes().unwrap();
        assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
        assert!(bytes.len() < 300, "{}", bytes.len());
        all.extend(bytes);
    }
    assert_eq!(
        Digest::of(&all).to_string(),
        "sha256:a7e73206415059f7398442d94a01b67aee1d50b41c3ff7326aaebd211ae615b4"
    );
}

#[test]
fn a_report_has_counts_that_can_belong_together() {
    let good = report(ReleaseEnd::Whole, None);
    let empty = Digest::of(b"");
    let nothing = ReleaseReport { pieces: 0, rows: 0, bytes: 0, content: empty, ..good.clone() };
    // Of no row, for instance.
    let hollow = ReleaseReport { pieces: 1, ..nothing.clone() };
    assert!(good.is_possible() && nothing.is_possible() && hollow.is_possible());
    for impossible in [
        ReleaseReport { pieces: 0, ..good.clone() },
        ReleaseReport { rows: 9, ..good.clone() },
        ReleaseReport { rows: 1, ..nothing.clone() },
        ReleaseReport { bytes: 1, ..nothing.clone() },
        ReleaseReport { content: Digest::of(b"a"), ..nothing.clone() },
        ReleaseReport { subjects: Some(1), ..nothing },
        ReleaseReport { subjects: Some(0), ..good },
    ] {
        assert!(!impossible.is_possible(), "{impossible:?}");
    }
}

#[test]
fn a_report_with_another_field_end_or_version_is_no_record() {
    let record = Record::new(time(0), Event::Released(report(ReleaseEnd::Whole, None)));
    let text = record.to_bytes().unwrap();
    let value: Value = serde_cbor::from_slice(&text).unwrap();
    let change = |change: &dyn Fn(&mut BTreeMap<Value, Value>)| {
        let mut value = value.clone();
        let Value::Map(record) = &mut value else { panic!() };
        let Some(Value::Map(event)) = record.get_mut(&key("event")) else { panic!() };
        let Some(Value::Map(report)) = event.get_mut(&key("released")) else { panic!() };
        change(report);
        Record::from_bytes(&cbor::to_canonical(&value).unwrap())
    };
    assert!(change(&|_| {}).is_ok());
    for name in ["access", "contract", "end", "pieces", "rows", "bytes", "content"] {
        assert!(change(&|report| drop(report.remove(&key(name)))).is_err(), "{name}");
    }
    let put =
        |name: &str, value: Value| change(&|report| drop(report.insert(key(name), value.clone())));
    assert!(put("subjects", Value::Integer(3)).is_ok());
    assert!(put("subjects", Value::Integer(-1)).is_err());
    assert!(put("persons", Value::Integer(3)).is_err());
    assert!(put("end", key("perhaps")).is_err());
    assert!(put("rows", Value::Integer(-1)).is_err());
    assert!(put("bytes", key("8")).is_err());
    assert!(put("content", Value::Bytes(vec![0; 31])).is_err());
    assert!(put("version", Value::Null).is_err(), "it is left out instead");
    assert!(put("version", key("content")).is_err());
}

fn key(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// What a consumer's log has beside these.
fn every_event_of_a_consumer() -> Vec<Event> {
    let document = || ByteBuf::from(b"signed".to_vec());
    let (request, contract) = (Digest::of(b"request"), Digest::of(b"contract"));
    let answers = [
        ReceivedAnswer::Released {
            rows: 2,
            bytes: 9,
            content: Digest::of(b"a,1\nb,2\n"),
            is_whole: true,
        },
        ReceivedAnswer::Denied { reasons: vec!["expired".to_owned()] },
        ReceivedAnswer::None { why: "unreachable".to_owned() },
    ];
    let evidence = [Some(Digest::of(b"evidence")), None, None];
    let received = answers.into_iter().zip(evidence).map(|(answer, evidence)| {
        let complaints = evidence.iter().map(|_| "row 1 is no row".to_owned()).collect();
        let sealed = None;
        let received = ReceivedRecord { request, contract, answer, evidence, sealed, complaints };
        ConsumerEvent::Received(received)
    });
    let mut events = vec![
        ConsumerEvent::Begun,
        ConsumerEvent::Offered { document: document() },
        ConsumerEvent::Accepted { document: document() },
        ConsumerEvent::Requested { contract, document: document() },
    ];
    events.extend(received);
    events.into_iter().map(Event::Consumer).collect()
}

/// Of the bytes of all records, each of which is read back.
fn digest_of_records(events: Vec<Event>) -> String {
    let mut all = Vec::new();
    for event in events {
        let record = Record::new(time(0), event);
        let bytes = record.to_bytes().unwrap();
        assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
        all.extend(bytes);
    }
    Digest::of(&all).to_string()
}

#[test]
fn the_stored_bytes_of_a_consumers_record_do_not_change() {
    assert_eq!(
        digest_of_records(every_event_of_a_consumer()),
        "sha256:22a502f7cc82a7505b719a12980e0dd20076c9197e569331adef41828498d793"
    );
}

/// What came with sealed delivery: the records of before stay as they were.
fn every_event_of_sealed_delivery() -> Vec<Event> {
    let (request, contract) = (Digest::of(b"request"), Digest::of(b"contract"));
    let content = Digest::of(b"sealed file");
    let answer = ReceivedAnswer::Released { rows: 0, bytes: 11, content, is_whole: true };
    let (evidence, complaints) = (None, Vec::new());
    let sealed = Some(Digest::of(b"header"));
    let received = ReceivedRecord { request, contract, answer, evidence, sealed, complaints };
    let denied = Verdict::Deny { reasons: vec!["contract-over: it is over".to_owned()] };
    vec![
        Event::Consumer(ConsumerEvent::Received(received)),
        Event::Consumer(ConsumerEvent::Opening(access(permit()))),
        Event::Consumer(ConsumerEvent::Opening(access(denied))),
        Event::Deleted { contract, document: ByteBuf::from(b"signed".to_vec()) },
    ]
}

#[test]
fn the_stored_bytes_of_records_of_sealed_delivery_do_not_change() {
    assert_eq!(
        digest_of_records(every_event_of_sealed_delivery()),
        "sha256:2853eeec561c75bf5bad8b48efe0f1340a5358ec81e4a5130113012b38bf71f1"
    );
}

#[test]
fn an_opening_is_checked_as_an_access_is() {
    let refused = access(Verdict::Deny { reasons: Vec::new() });
    let record = Record::new(time(0), Event::Consumer(ConsumerEvent::Opening(refused)));
    assert!(matches!(record.to_bytes(), Err(RecordError::NoReason)));
}

#[test]
fn the_stored_bytes_of_a_record_do_not_change() {
    let all: Vec<u8> = every_event()
        .into_iter()
        .flat_map(|event| Record::new(time(0), event).to_bytes().unwrap())
        .collect();
    let digest = Digest::of(&all).to_string();
    assert_eq!(digest, "sha256:951da8f0ea9ad85402bfc91eae327acb11be2ea676fa61a773ff3ee4a845a40b");
}

#[test]
fn every_kind_of_fact_survives_its_encoding() {
    for fact in [
        Fact::Text(String::new()),
        Fact::Text("7".to_owned()),
        Fact::Number(0),
        Fact::Number(u64::MAX),
        Fact::Texts([].into()),
        Fact::Texts(["a".to_owned(), "bb".to_owned()].into()),
    ] {
        let mut access = access(permit());
        access.facts.insert("fact".to_owned(), fact.clone());
        let bytes = Record::new(time(0), Event::Access(access)).to_bytes().unwrap();
        let Event::Access(found) = Record::from_bytes(&bytes).unwrap().event else { panic!() };
        assert_eq!(found.facts["fact"], fact);
    }
}

proptest! {
    #[test]
    fn any_facts_survive_their_encoding(
        facts in proptest::collection::btree_map(
            ".{0,8}",
            prop_oneof![
                ".{0,30}".prop_map(Fact::Text),
                any::<u64>().prop_map(Fact::Number),
                proptest::collection::btree_set(".{0,8}", 0..5).prop_map(Fact::Texts),
            ],
            0..6,
        ),
    ) {
        let mut access = access(permit());
        access.facts = facts;
        let record = Record::new(time(0), Event::Access(access));
        prop_assert_eq!(Record::from_bytes(&record.to_bytes().unwrap()).unwrap(), record);
    }
}

#[test]
fn a_fact_of_another_kind_is_refused() {
    let bytes = Record::new(time(0), Event::Access(access(permit()))).to_bytes().unwrap();
    // The number 7 becomes -8 (major type 1), `false`, or a byte string of none.
    let at = bytes.windows(5).position(|w| w == b"uses\x07").unwrap() + 4;
    for other in [0x27, 0xf4, 0x40, 0xf6] {
        let mut bytes = bytes.clone();
        bytes[at] = other;
        assert!(matches!(Record::from_bytes(&bytes), Err(RecordError::Decode(_))), "{other:x}");
    }
}

#[test]
fn a_text_fact_written_as_bytes_is_refused() {
    let mut bytes = Record::new(time(0), Event::Access(access(permit()))).to_bytes().unwrap();
    let at = bytes.windows(9).position(|w| w == b"\x68research").unwrap();
    bytes[at] = 0x48;
    assert!(matches!(Record::from_bytes(&bytes), Err(RecordError::Decode(_))));
}

#[test]
fn an_unknown_version_is_refused_both_ways() {
    let mut record = small(0);
    record.v = 2;
    assert!(matches!(record.to_bytes(), Err(RecordError::Version { found: 2 })));
    let bytes = cbor::to_canonical(&record).unwrap();
    assert!(matches!(Record::from_bytes(&bytes), Err(RecordError::Version { found: 2 })));
}

#[test]
fn the_longest_document_fits_and_one_byte_more_is_refused() {
    let record =
        |len| Record::new(time(0), Event::Admission { document: ByteBuf::from(vec![7; len]) });
    let overhead = record(60_000).to_bytes().unwrap().len() - 60_000;
    let longest = record(RECORD_LEN_MAX - overhead);
    assert_eq!(longest.to_bytes().unwrap().len(), RECORD_LEN_MAX);
    let longer = record(RECORD_LEN_MAX - overhead + 1).to_bytes();
    assert!(matches!(longer, Err(RecordError::Len { len: 65_536 })));
}

#[test]
fn the_caps_on_facts_and_texts_hold_both_ways() {
    let refused = |change: &dyn Fn(&mut dataspace_tlog::AccessRecord)| {
        let mut access = access(permit());
        change(&mut access);
        let record = Record::new(time(0), Event::Access(access));
        let decoded = Record::from_bytes(&cbor::to_canonical(&record).unwrap());
        assert!(decoded.is_err());
        record.to_bytes().unwrap_err()
    };
    let error = refused(&|access| {
        access.facts = (0..=FACTS_MAX).map(|n| (n.to_string(), Fact::Number(1))).collect();
    });
    assert!(matches!(error, RecordError::Facts { .. }));
    let error = refused(&|access| {
        access.facts.insert("x".repeat(TEXT_LEN_MAX + 1), Fact::Number(1));
    });
    assert!(matches!(error, RecordError::TextLen { .. }));
    let error = refused(&|access| {
        let texts = (0..=TEXTS_MAX).map(|n| n.to_string()).collect();
        access.facts.insert("x".to_owned(), Fact::Texts(texts));
    });
    assert!(matches!(error, RecordError::Texts { .. }));
    let error = refused(&|access| {
        access.verdict = Verdict::Deny { reasons: vec!["no".to_owned(); TEXTS_MAX + 1] };
    });
    assert!(matches!(error, RecordError::Texts { .. }));
    let error = refused(&|access| {
        access.verdict = Verdict::Permit { uses: 1, duties: vec!["x".repeat(TEXT_LEN_MAX + 1)] };
    });
    assert!(matches!(error, RecordError::TextLen { .. }));
}

#[test]
fn a_denial_without_a_reason_is_refused() {
    let record = Record::new(time(0), Event::Access(access(Verdict::Deny { reasons: vec![] })));
    assert!(matches!(record.to_bytes(), Err(RecordError::NoReason)));
}

#[test]
fn no_changed_byte_gives_the_same_record() {
    let record = Record::new(time(0), Event::Access(access(permit())));
    let bytes = record.to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(Record::from_bytes(&changed).ok().as_ref() != Some(&record));
        }
    }
}
