//! Turns at one release that race, lie, or come too often: nothing leaves that is not reported, and no use is given twice.

use std::io::Read;
use std::sync::{Arc, Mutex};

use dataspace_identity::{Origin, SecretKey};
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{
    Call, DataSpace, Transport as _,
    consumer::ConsumerError,
    exchange::{CallError, RESUMED_MAX, RESUMED_WITHIN},
};
use dataspace_tlog::record::{ConsumerEvent, ReceivedAnswer, ReleaseEnd};
use dataspace_tlog::{Event, Record};
use dataspace_usage_contract::ResumeRequest;
use serde_bytes::ByteArray;
use serde_cbor::Value;

use crate::reports::{replay, reports};
use crate::resumed::{Broken, Cut, Halves, ROWS, file, is_good, read, refused};
use crate::support::consumer::{data, direct, reading};
use crate::support::{Node, at, consumer, counted, name, rival, table, terms};

#[test]
fn it_is_resumed_so_many_times() {
    let halves = Halves::new(terms());
    let (mut incoming, _) = halves.broken(5_000, Broken::OneEnd);
    let again = |space: &DataSpace| {
        let direct = direct(space);
        move |call: Call, body: Vec<u8>| {
            let answer = direct.call(call, body)?;
            let answer = Arc::new(Mutex::new(Some(answer)));
            let cut = Cut { answer, left: 300, how: Broken::BothEnds };
            Ok(Box::new(cut) as Box<dyn Read + Send>)
        }
    };
    for _ in 0..RESUMED_MAX {
        incoming.resume(&again(&halves.node.space)).unwrap();
        while incoming.next_piece().is_some() {}
        assert!(incoming.is_cut());
    }
    let error = incoming.resume(&direct(&halves.node.space)).unwrap_err();
    assert!(matches!(error, ConsumerError::NotResumable { .. }), "{error}");
    // The provider counts for itself.
    let call = body(&resuming(&halves, |_| {}), &consumer());
    let refused = halves.node.space.call(Call::Resume, call).err().unwrap();
    assert!(refused.to_string().contains("it was resumed 8 times"), "{refused}");
    assert_eq!(halves.node.decisions().len(), 1);
}

#[test]
fn the_turn_before_ends_and_takes_no_second_place() {
    let files = Node::new().close();
    let dir = tempfile::tempdir().unwrap();
    let space = files.setup(crate::support::provider()).open_releases_max(1).open().unwrap();
    space.register(name("alloys"), name("test-results"), file(&dir)).unwrap();
    let node = Node { space, files };
    let halves = Halves::of(node, terms());
    // The provider's end stays open, and holds the only place.
    let open = Mutex::new(None);
    let space = direct(&halves.node.space);
    let way = |call: Call, body: Vec<u8>| {
        let answer = Arc::new(Mutex::new(Some(space.call(call, body)?)));
        *open.lock().unwrap() = Some(Arc::clone(&answer));
        Ok(Box::new(Cut { answer, left: 300_000, how: Broken::OneEnd }) as Box<dyn Read + Send>)
    };
    let mut incoming = data(halves.consumer.access(&way, halves.contract, reading()).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    incoming.resume(&space).unwrap();
    // The old turn says nothing more of the data.
    let old = open.lock().unwrap().take().unwrap();
    let (mut rest, mut answer) = (Vec::new(), old.lock().unwrap().take().unwrap());
    let _end = answer.read_to_end(&mut rest);
    assert!(rest.len() < 600_000, "{} bytes", rest.len());
    drop((answer, old));
    read(&mut incoming, &mut came);
    assert!(came == Halves::new(terms()).whole());
    assert!(is_good(&incoming.finish().unwrap()));
    assert_eq!(reports(&halves.node).len(), 1);
}

/// A request to resume the access that broke off, with a change.
fn resuming(halves: &Halves, change: impl FnOnce(&mut ResumeRequest)) -> ResumeRequest {
    let record = halves.consumer.waiting()[0];
    let record = halves.consumer.log().read(record).unwrap();
    let Event::Consumer(ConsumerEvent::Requested { document, .. }) =
        Record::from_bytes(&record).unwrap().event
    else {
        panic!()
    };
    let mut asked = ResumeRequest {
        request: Digest::of(&document),
        log: halves.node.space.log().origin().clone(),
        consumer: consumer().did().clone(),
        bytes: 0,
        content: Digest::of(b""),
        requested_at: halves.node.now(),
        nonce: ByteArray::new([7; 16]),
    };
    change(&mut asked);
    asked
}

/// The body of a call with it.
fn body(request: &ResumeRequest, signer: &SecretKey) -> Vec<u8> {
    body_of(Signed::sign(request, signer).unwrap().as_bytes())
}

fn body_of(signed: &[u8]) -> Vec<u8> {
    let fields = [
        (Value::Text("held".into()), Value::Integer(0)),
        (Value::Text("request".into()), Value::Bytes(signed.to_vec())),
    ];
    serde_cbor::to_vec(&Value::Map(fields.into())).unwrap()
}

type Change = fn(&mut ResumeRequest);

#[test]
fn nobody_but_its_consumer_resumes_it() {
    let halves = Halves::new(terms());
    let (mut incoming, mut came) = halves.broken(300_000, Broken::BothEnds);
    let space = direct(&halves.node.space);
    let whole = halves.whole();
    let refused = |body| match space.call(Call::Resume, body) {
        Err(CallError::Refused { words }) => words,
        other => panic!("{}", other.is_ok()),
    };
    // The signed request of the access, which evidence shows, is none.
    let record = halves.consumer.log().read(halves.consumer.waiting()[0]).unwrap();
    let Event::Consumer(ConsumerEvent::Requested { document, .. }) =
        Record::from_bytes(&record).unwrap().event
    else {
        panic!()
    };
    refused(body_of(&document));
    let asked = resuming(&halves, |_| {});
    let expected = "there is no such contract between this provider and who signed";
    // Of the consumer's name, by somebody else; and by a member in its own name.
    assert_eq!(refused(body(&asked, &rival())), expected);
    let of_rival = resuming(&halves, |asked| asked.consumer = rival().did().clone());
    let unknown = resuming(&halves, |asked| {
        asked.consumer = rival().did().clone();
        asked.request = Digest::of(b"none");
    });
    // That there is one of another consumer cannot be told from none.
    assert_eq!(refused(body(&of_rival, &rival())), refused(body(&unknown, &rival())));
    let changes: [(Change, &str); 4] = [
        (|asked| asked.log = Origin::named(consumer().did(), "other").unwrap(), "the log"),
        (|asked| asked.request = Digest::of(b"none"), "none is waiting"),
        (|asked| asked.requested_at = at(100_000_000), "s old"),
        (|asked| asked.bytes = 1 << 40, "has not given out"),
    ];
    for (change, why) in changes {
        let words = refused(body(&resuming(&halves, change), &consumer()));
        assert!(words.contains(why), "{words}");
    }
    let mut flipped = Signed::sign(&asked, &consumer()).unwrap().as_bytes().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(refused(body_of(&flipped)), expected);
    // Nothing of this disturbs who may.
    incoming.resume(&space).unwrap();
    read(&mut incoming, &mut came);
    assert!(came == whole && is_good(&incoming.finish().unwrap()));
    assert_eq!(halves.node.decisions().len(), 2);
}

#[test]
fn a_request_to_resume_is_good_for_one_turn() {
    let halves = Halves::new(terms());
    let (incoming, _) = halves.broken(300_000, Broken::BothEnds);
    let space = direct(&halves.node.space);
    let call = body(&resuming(&halves, |_| {}), &consumer());
    let mut answer = Vec::new();
    space.call(Call::Resume, call.clone()).unwrap().read_to_end(&mut answer).unwrap();
    assert!(answer.len() > 300_000);
    let Err(CallError::Refused { words }) = space.call(Call::Resume, call) else { panic!() };
    assert!(words.contains("answered before"), "{words}");
    drop(incoming);
}

#[test]
fn a_refused_turn_ends_the_one_before_and_hides_nothing() {
    let halves = Halves::new(terms());
    let space = &halves.node.space;
    let mut incoming = data(halves.consumer.access(space, halves.contract, reading()).unwrap());
    assert!(incoming.next_piece().is_some());
    let mut number = 0;
    let mut resume = |bytes: u64, content: Digest| {
        number += 1;
        let asked = resuming(&halves, |asked| {
            (asked.bytes, asked.content) = (bytes, content);
            asked.nonce = ByteArray::new([number; 16]);
        });
        space.call(Call::Resume, body(&asked, &consumer()))
    };
    let other = Digest::from_bytes([7; 32]);
    // What was never sent does not disturb who reads.
    assert!(resume(1 << 40, other).is_err());
    halves.node.advance(RESUMED_WITHIN.as_secs() + 1);
    assert_eq!(reports(&halves.node), []);
    assert!(incoming.next_piece().is_some());
    // Other content: a turn that begins, and stops without data. The one before ends, too.
    let mut answer = resume(10, other).unwrap();
    let mut sent = Vec::new();
    answer.read_to_end(&mut sent).unwrap();
    assert!(!sent.is_empty() && sent.len() < 20_000, "{}", sent.len());
    while incoming.next_piece().is_some() {}
    let arrival = incoming.finish().unwrap();
    assert!(!arrival.is_whole());
    let reports = reports(&halves.node);
    assert_eq!((reports.len(), reports[0].1.end), (1, ReleaseEnd::Failed));
    // All that came is in the report.
    let ReceivedAnswer::Released { bytes, .. } = arrival.answer else { panic!() };
    assert!(reports[0].1.bytes >= bytes);
}

#[test]
fn what_lies_in_memory_is_not_resumed() {
    let halves = Halves::of(Node::with_table(table(ROWS)), counted(1));
    let (mut incoming, _) = halves.broken(300_000, Broken::BothEnds);
    // Other data may be there the next time, and a use gives one release.
    let error = incoming.resume(&direct(&halves.node.space)).unwrap_err();
    assert!(refused(&error).contains("none is waiting"), "{error}");
    assert_eq!(reports(&halves.node).len(), 1);
}

#[test]
fn turns_that_race_leave_one_report_of_all_that_came() {
    let halves = Halves::new(terms());
    let expected = halves.whole();
    let before = reports(&halves.node).len();
    for round in 0..20_usize {
        let (mut incoming, mut came) = halves.broken(200_000 + round * 20_000, Broken::OneEnd);
        let direct = direct(&halves.node.space);
        let way = |call: Call, body: Vec<u8>| {
            // Several at once; the answer of one is read, and the others are dropped at any time.
            let others: Vec<_> = (0..3)
                .map(|other| {
                    let (direct, body) = (direct.clone(), body.clone());
                    std::thread::spawn(move || {
                        if let Ok(mut answer) = direct.call(Call::Resume, body) {
                            let mut some = vec![0; other * 40_000];
                            let _any = answer.read(&mut some);
                        }
                    })
                })
                .collect();
            let answer = direct.call(call, body);
            for other in others {
                other.join().unwrap();
            }
            answer
        };
        while came.len() < expected.len() && incoming.resume(&way).is_ok() {
            let before = came.len();
            read(&mut incoming, &mut came);
            if came.len() == before {
                // It was told that another turn took its place.
                break;
            }
        }
        let arrival = incoming.finish().unwrap();
        let reports = reports(&halves.node);
        let last = &reports.last().unwrap().1;
        let ReceivedAnswer::Released { bytes, .. } = arrival.answer else { panic!() };
        if arrival.is_whole() {
            assert_eq!((last.end, last.bytes), (ReleaseEnd::Whole, bytes));
        }
        halves.node.advance(RESUMED_WITHIN.as_secs() + 1);
        let reports = crate::reports::reports(&halves.node);
        assert_eq!(reports.len(), before + round + 1);
        assert!(reports.last().unwrap().1.bytes >= bytes);
    }
    let replayed = replay(&halves.node.close());
    assert!(replayed.is_sound(), "{:?}", replayed.first);
}
