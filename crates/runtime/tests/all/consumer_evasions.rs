//! Ways by which a provider, or a stranger, once got past a consumer's checks.

use std::io::{Cursor, Read};

use dataspace_data_plane::{ColumnType, Table, TableOptions};
use dataspace_identity::{DidKeys, Resolver as _};
use dataspace_policy::{ColumnMask, Duty, KeptColumns, MaskMethod, Terms};
use dataspace_primitives::{Part, Signed};
use dataspace_runtime::exchange::CallError;
use dataspace_runtime::{
    Arrival, Call, Complaint, ConsumerNode, NewOffer, NewRequest, Reply, Transport,
};
use dataspace_tlog::record::ReceivedAnswer;
use serde_cbor::Value;

use crate::support::consumer::{
    Half, changing, concluded, concluded_at, data, direct, field, reading,
};
use crate::support::{Node, at, consumer, counted, name, revocation, rival, terms};

fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map(fields: &[(&str, Value)]) -> Value {
    Value::Map(fields.iter().map(|(name, value)| (text(name), value.clone())).collect())
}

fn permitted(columns: Option<&[&str]>) -> Value {
    let mut fields = vec![("record", Value::Integer(6))];
    let columns = columns.map(|columns| columns.iter().map(|one| text(one)).collect());
    fields.extend(columns.map(|columns| ("columns", Value::Array(columns))));
    map(&[("permitted", map(&fields))])
}

fn rows(csv: &str) -> Value {
    map(&[("rows", map(&[("csv", Value::Bytes(csv.as_bytes().to_vec()))]))])
}

fn bytes(at: i128, bytes: &[u8]) -> Value {
    let bytes = Value::Bytes(bytes.to_vec());
    map(&[("bytes", map(&[("at", Value::Integer(at)), ("bytes", bytes)]))])
}

/// What comes if the provider sends these frames before its good end.
fn sent(terms: Terms, new: NewRequest, frames: &[Value]) -> (Arrival, Half, ConsumerNode) {
    sent_at(Node::new(), terms, new, frames)
}

fn sent_at(
    node: Node,
    terms: Terms,
    new: NewRequest,
    frames: &[Value],
) -> (Arrival, Half, ConsumerNode) {
    let (node, half, consumer, contract) = concluded_at(node, terms);
    let way =
        changing(&node.space, |good| frames.iter().cloned().chain(good.last().cloned()).collect());
    let arrival = data(consumer.access(&way, contract, new).unwrap()).finish().unwrap();
    (arrival, half, consumer)
}

fn is_whole(arrival: &Arrival) -> bool {
    matches!(arrival.answer, ReceivedAnswer::Released { is_whole: true, .. })
}

fn part(part: Part) -> NewRequest {
    NewRequest { part: Some(part), ..reading() }
}

#[test]
fn complaints_and_reasons_fit_a_record_however_long_they_are() {
    let names: Vec<_> = (0..64).map(|at| format!("{at}{}", "x".repeat(1_100))).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("furnace");
    let columns = Part::rows(Some([name("alloy")].into()), None).unwrap();
    let duties = terms().duty(mask("furnace", MaskMethod::Drop));
    let (arrival, half, consumer) = sent(duties, part(columns), &[permitted(Some(&names))]);
    let told: Vec<_> = arrival.complaints.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|one| one == "duty-1 leaves out column `furnace`, which came"));
    assert!(told.iter().any(|one| one == "column `alloy` did not come"), "{told:?}");
    drop(consumer);
    half.setup().open().unwrap();

    let (node, half, consumer, contract) = concluded(counted(1));
    data(consumer.access(&direct(&node.space), contract, reading()).unwrap()).finish().unwrap();
    let reasons = Value::Array((0..128).map(|_| text(&"why ".repeat(1_000))).collect());
    let way = changing(&node.space, |mut frames| {
        *field(&mut frames[0], "denied", "reasons").unwrap() = reasons.clone();
        frames
    });
    let Reply::Denied(denied) = consumer.access(&way, contract, reading()).unwrap() else {
        panic!("released")
    };
    assert_eq!(denied.complaints, [Complaint::OtherDecision { what: "the reasons" }]);
    drop(consumer);
    half.setup().open().unwrap();
}

#[test]
fn a_consumer_gets_no_agreement_but_its_own() {
    let node = Node::new();
    let offer = node.offer(terms());
    let theirs = node.conclude(&offer, &rival()).unwrap();
    node.conclude(&offer, &consumer()).unwrap();
    let keys = DidKeys.keys(consumer().did());
    let genuine = node.accept(&offer, &consumer()).verify(&keys, node.now()).unwrap();
    let mut acceptance = genuine.value().clone();
    acceptance.contract = theirs;
    let forged = Signed::sign(&acceptance, &consumer()).unwrap();
    let documents = [("acceptance", forged.as_bytes()), ("offer", offer.as_bytes())];
    let body = map(&documents.map(|(name, bytes)| (name, Value::Bytes(bytes.to_vec()))));
    let body = dataspace_primitives::cbor::to_canonical(&body).unwrap();
    let refused = node.space.answer(Call::Conclude, &body).unwrap_err();
    assert!(refused.words().contains("already accepted"), "{refused}");
}

#[test]
fn columns_that_no_table_has_are_refused_at_once() {
    let (node, _half, consumer, contract) = concluded(terms());
    let many: Vec<_> = (0..4_097).map(|at| at.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for columns in [&["alloy", "alloy"][..], &many] {
        let frames = [permitted(Some(columns))];
        let way = changing(&node.space, |_| frames.to_vec());
        let error = consumer.access(&way, contract, reading()).unwrap_err();
        assert!(error.to_string().contains("malformed"), "{error}");
        assert_eq!(consumer.waiting(), []);
    }
}

#[test]
fn data_of_another_kind_or_extent_are_seen() {
    let all = Some(&["alloy", "strength", "furnace"][..]);
    let secret = terms().duty(mask("alloy", MaskMethod::Hash));
    let cut = terms().duty(mask("alloy", MaskMethod::Truncate { chars: 2 }));
    let first = part(Part::rows(None, Some(1)).unwrap());
    let hundred = || part(Part::bytes(0, 100).unwrap());
    for (duties, new, frames, word) in [
        (secret.clone(), reading(), vec![permitted(None), bytes(0, b"S1,300,7")], "bytes came"),
        (terms(), first, vec![permitted(None), bytes(0, b"S1,300,7")], "bytes came"),
        (terms(), reading(), vec![permitted(None), rows("S1\n")], "rows came"),
        (terms(), hundred(), vec![permitted(None), bytes(0, b"1")], "the bytes end at 1"),
        (terms(), hundred(), vec![permitted(None)], "the bytes end at 0"),
        (secret, reading(), vec![permitted(Some(&["strength"]))], "column `alloy` did not come"),
        (
            cut.clone(),
            reading(),
            vec![permitted(all), rows("se"), rows("cr"), rows("et,1,1\n")],
            "row 1 is not a row",
        ),
        (cut, reading(), vec![permitted(all), rows("\"a,1,1\n")], "row 1 is not a row"),
    ] {
        // The contract of a part that does not exist is denied, so a whole release stands in for it.
        let (node, _half, consumer, contract) = concluded(duties);
        let whole = consumer.access(&direct(&node.space), contract, reading()).unwrap();
        let _recorded = data(whole).finish().unwrap();
        let sent = frames.iter().flat_map(crate::support::consumer::frame).collect::<Vec<_>>();
        let way =
            |_: Call, _: Vec<u8>| Ok(Box::new(Cursor::new(sent.clone())) as Box<dyn Read + Send>);
        let arrival = data(consumer.access(&way, contract, new).unwrap()).finish().unwrap();
        let told: Vec<_> = arrival.complaints.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|one| one.contains(word)), "{word}: {told:?}");
        assert!(!is_whole(&arrival));
    }
}

#[test]
fn a_flood_of_complaints_hides_nothing() {
    let names: Vec<_> = (0..70).map(|at| format!("other{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (node, _half, consumer, contract) = concluded(terms());
    let columns = Part::rows(Some([name("alloy")].into()), None).unwrap();
    let frames = [permitted(Some(&names))];
    let way = changing(&node.space, |_| frames.to_vec());
    let arrival = data(consumer.access(&way, contract, part(columns)).unwrap()).finish().unwrap();
    assert!(arrival.complaints.contains(&Complaint::CutOff) && !is_whole(&arrival));
}

#[test]
fn evidence_says_of_a_request_what_was_asked() {
    let (node, _half, consumer, contract) = concluded(terms());
    let way = changing(&node.space, |mut frames| {
        let Some(Value::Bytes(bytes)) = field(frames.last_mut().unwrap(), "end", "evidence") else {
            panic!("no evidence")
        };
        let Value::Map(mut evidence) = serde_cbor::from_slice(bytes).unwrap() else { panic!() };
        evidence.remove(&text("request")).unwrap();
        *bytes = dataspace_primitives::cbor::to_canonical(&Value::Map(evidence)).unwrap();
        frames
    });
    let arrival = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
    assert_eq!(arrival.complaints, [Complaint::OtherDecision { what: "the request" }]);
    assert!(arrival.evidence.is_none());
}

#[test]
fn a_catalogue_of_ever_more_pages_ends() {
    let (node, _half, consumer, _) = concluded(terms());
    let other = node.conclude(&node.offer(counted(7)), &rival()).unwrap();
    let other = node.space.agreement(other).unwrap().signed().as_bytes().to_vec();
    // Empty pages, and pages of a thousand offers that are none.
    for (offers, pages) in [(0, 1), (1_000, 11)] {
        let calls = std::sync::atomic::AtomicU8::new(1);
        let endless = |_: Call, _: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
            let number = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut bytes = Vec::new();
            direct(&node.space).call(Call::Catalogue, vec![0xa0])?.read_to_end(&mut bytes)?;
            let Value::Map(mut page) = serde_cbor::from_slice(&bytes).unwrap() else { panic!() };
            page.insert(text("offers"), Value::Array(vec![Value::Bytes(other.clone()); offers]));
            page.insert(text("next"), Value::Bytes(vec![number; 32]));
            let page = dataspace_primitives::cbor::to_canonical(&Value::Map(page)).unwrap();
            Ok(Box::new(Cursor::new(page)))
        };
        let read = consumer.read_catalogue(&endless);
        assert!(read.map_or(true, |new| new.is_empty()));
        assert!(calls.into_inner() <= pages + 1);
    }
}

#[test]
fn two_histories_are_found_although_answers_overlap() {
    for seen in [0, 1] {
        let (node, _half, consumer, contract) = concluded(terms());
        let way = direct(&node.space);
        let access = |way: &dyn Transport| data(consumer.access(way, contract, reading()).unwrap());
        for _ in 0..seen {
            access(&way).finish().unwrap();
        }
        node.space.checkpoint().unwrap();
        let copy = node.files.copy().reopen();
        let (one, two) = (access(&way), access(&direct(&copy.space)));
        let (one, two) = (one.finish().unwrap(), two.finish().unwrap());
        let later = access(&way).finish().unwrap();
        let told = [one.complaints, two.complaints, later.complaints].concat();
        let is_found = |one: &Complaint| matches!(one, Complaint::Forked | Complaint::Unproved);
        assert!(told.iter().any(is_found), "{seen}: {told:?}");
        assert_eq!(access(&way).finish().unwrap().complaints, [], "what is held stays");
    }
}

#[test]
fn a_lost_conclusion_is_made_again_after_the_offer_and_the_membership_ended() {
    let node = Node::new();
    let (half, way) = (Half::new(&node), direct(&node.space));
    let soon = NewOffer { expires_at: at(3_600), ..Node::new_offer(terms()) };
    node.space.publish_offer(node.space.offer(soon).unwrap()).unwrap();
    let consumer = half.create(&way);
    let offer = consumer.read_catalogue(&way).unwrap()[0];
    let lossy = |call: Call, body: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        let _lost = way.call(call, body)?;
        Err(CallError::Io(std::io::ErrorKind::ConnectionReset.into()))
    };
    assert!(consumer.conclude(&lossy, offer).is_err());
    node.advance(7_200);
    consumer.revoke(&revocation(crate::support::provider().did(), node.now())).unwrap();
    let contract = consumer.conclude(&way, offer).unwrap();
    assert_eq!(node.space.contracts(), [contract]);
    drop(consumer);
    half.setup().open().unwrap();
}

#[test]
fn long_rows_and_archived_decisions_are_no_reason_to_complain() {
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    let (node, _half, consumer, contract) = concluded(counted(50));
    let way = direct(&node.space);
    let slow = data(consumer.access(&way, contract, reading()).unwrap());
    for _ in 0..3 {
        crate::index::fill_segment(&node, contract);
    }
    node.space.archive(dataspace_tlog::LeafIndex::new(node.len() - 1)).unwrap();
    assert_eq!(slow.finish().unwrap().complaints, []);

    let long: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["\"".repeat(5 << 20)]));
    let batch = RecordBatch::try_from_iter([("text", long)]).unwrap();
    let texts = dataspace_data_plane::Table::from_batches(&batch.schema(), vec![batch]).unwrap();
    node.space.register(name("texts"), name("test-results"), texts).unwrap();
    let offer = NewOffer { product: name("texts"), ..Node::new_offer(terms()) };
    let offer = consumer.keep(&node.space.offer(offer).unwrap()).unwrap();
    let contract = consumer.conclude(&way, offer).unwrap();
    let arrival = data(consumer.access(&way, contract, reading()).unwrap()).finish().unwrap();
    assert_eq!(arrival.complaints, []);
    assert!(is_whole(&arrival));
}

#[test]
fn a_stranger_learns_nothing_about_contracts() {
    let (node, _half, consumer, contract) = concluded(terms());
    drop(consumer);
    let words = |contract| {
        let (by, declared_at) = (rival().did().clone(), node.now());
        let reason = name("over");
        let end = dataspace_usage_contract::Termination { contract, by, declared_at, reason };
        let end = Signed::sign(&end, &rival()).unwrap();
        node.space.answer(Call::Terminate, end.as_bytes()).unwrap_err().words()
    };
    let unknown = dataspace_primitives::Digest::of(b"no contract");
    let unknown = dataspace_usage_contract::ContractId::from_digest(unknown);
    assert_eq!(words(contract), words(unknown));
}

fn keep(columns: &[&str]) -> Duty {
    Duty::Keep(KeptColumns { columns: columns.iter().map(|column| name(column)).collect() })
}

/// A node with a table that has an address, a list of parts, a list of tags, and plain columns.
fn nested() -> Node {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nested.jsonl");
    let line = r#"{"address":{"city":"Ulm","zip":"1"},"parts":[{"serial":"X1","kg":1.5}],"tags":["t"],"a":"x","a.b":"y"}"#;
    std::fs::write(&path, line).unwrap();
    let options = TableOptions::new()
        .object("address")
        .column("address.city", ColumnType::Text)
        .column("address.zip", ColumnType::Text)
        .list("parts")
        .column("parts.serial", ColumnType::Text)
        .column("parts.kg", ColumnType::Float)
        .list("tags")
        .column("tags", ColumnType::Text);
    let file = Table::open_with(&path, &options).unwrap();
    let batches = file.read().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    Node::with_table(Table::from_batches(&file.schema(), batches).unwrap())
}

#[test]
fn parts_of_nested_columns_are_compared_with_the_duties_on_them() {
    let pseudonym = "0123456789abcdef0123456789abcdef";
    let quoted = |json: &str| format!("\"{}\"\n", json.replace('"', "\"\""));
    let list = |serial: &str| quoted(&format!(r#"[{{"serial":"{serial}","kg":1.5}},null]"#));
    let hash = mask("parts.serial", MaskMethod::Hash);
    let items = mask("tags", MaskMethod::Hash);
    let emptied = mask("address", MaskMethod::Null);
    let dropped = mask("parts.serial", MaskMethod::Drop);
    for (duty, columns, csv, is_good) in [
        (hash.clone(), &["parts"][..], list(pseudonym), true),
        (hash.clone(), &["parts"], list("X1"), false),
        (hash.clone(), &["parts"], "\n".to_owned(), true),
        (hash.clone(), &["parts"], "X1\n".to_owned(), false),
        // What a reader would take of two fields of one name.
        (
            hash.clone(),
            &["parts"],
            quoted(&format!(r#"[{{"serial":"X1","serial":"{pseudonym}"}}]"#)),
            false,
        ),
        (hash.clone(), &["parts"], quoted(r#"[[[{"serial":{"x":["X1"]}}]]]"#), false),
        // Hidden in an object, where a value should be changed or gone.
        (mask("tags", MaskMethod::Null), &["tags"], quoted(r#"[{"x":"X1"}]"#), false),
        (mask("tags", MaskMethod::Null), &["tags"], quoted("[null,null]"), false),
        (items.clone(), &["tags"], quoted(r#"[{"x":"X1"}]"#), false),
        (keep(&["parts.kg"]), &["parts"], quoted(r#"["X1"]"#), false),
        (hash, &["parts"], quoted(&format!("{}{}", "[".repeat(60), "]".repeat(60))), false),
        (items.clone(), &["tags"], quoted(&format!("[\"{pseudonym}\",null]")), true),
        (items.clone(), &["tags"], quoted(&format!("[\"{pseudonym}\",\"X1\"]")), false),
        (items, &["tags"], quoted("[\"X1\""), false),
        (emptied.clone(), &["address.city", "address.zip"], ",\n".to_owned(), true),
        (emptied.clone(), &["address"], "\"\"\n".to_owned(), true),
        (emptied, &["address.city", "address.zip"], ",89073\n".to_owned(), false),
        (dropped.clone(), &["parts"], quoted(r#"[{"kg":1.5}]"#), true),
        (dropped, &["parts"], list("X1"), false),
        (mask("address", MaskMethod::Drop), &["address.city"], "Ulm\n".to_owned(), false),
        (keep(&["parts.kg"]), &["parts"], quoted(r#"[{"kg":1.5},null]"#), true),
        (keep(&["parts.kg"]), &["parts"], list("X1"), false),
        (keep(&["address"]), &["address.city", "address.zip"], "Ulm,1\n".to_owned(), true),
        (keep(&["address.city"]), &["address.city"], "Ulm\n".to_owned(), true),
        (keep(&["address.city"]), &["address.city", "address.zip"], "Ulm,1\n".to_owned(), false),
        (keep(&["address"]), &["addressee"], "Ulm\n".to_owned(), false),
        // Columns that are not nested, whatever their names.
        (keep(&["a", "a.b"]), &["a", "a.b"], "x,y\n".to_owned(), true),
    ] {
        let frames = [permitted(Some(columns)), rows(&csv)];
        let (arrival, _half, _consumer) =
            sent_at(nested(), terms().duty(duty.clone()), reading(), &frames);
        let told: Vec<_> = arrival.complaints.iter().map(ToString::to_string).collect();
        // The report is of another delivery, always.
        let told: Vec<_> = told.iter().filter(|one| !one.contains("report")).collect();
        let other =
            arrival.complaints.iter().filter(|one| !matches!(one, Complaint::OtherDelivery { .. }));
        assert_eq!(other.count() == 0, is_good, "{duty} of {csv}: {told:?}");
    }
    // Asked for as a whole, or in part.
    for (asked, columns) in
        [("address", &["address.city", "address.zip"][..]), ("parts.kg", &["parts"])]
    {
        let new = part(Part::rows(Some([name(asked)].into()), None).unwrap());
        let frames = [permitted(Some(columns))];
        let (arrival, _half, _consumer) = sent_at(nested(), terms(), new, &frames);
        let is_other = |one: &&Complaint| {
            matches!(one, Complaint::OtherColumn { .. } | Complaint::MissingColumn { .. })
        };
        assert_eq!(arrival.complaints.iter().filter(is_other).count(), 0, "{asked}");
    }
}
