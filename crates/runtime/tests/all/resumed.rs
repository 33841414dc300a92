//! Releases that the network cuts off, and that go on by the same signed request: as one access.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::Mutex;

use dataspace_policy::{Duty, Persons, Terms};
use dataspace_primitives::Part;
use dataspace_runtime::{
    Arrival, Call, Complaint, ConsumerNode, DataSpace, Incoming, Reply, Transport,
    consumer::{Arrived, ConsumerError},
    exchange::{CallError, RESUMED_MAX, RESUMED_WITHIN},
};
use dataspace_tlog::record::ReleaseEnd;
use dataspace_usage_contract::ContractId;

use crate::reports::{replay, reports};
use crate::support::consumer::{Half, data, direct, reading};
use crate::support::{Node, counted, name, table, terms};

/// Rows of the table: several pieces.
const ROWS: i64 = 60_000;

/// How the way to a provider breaks.
#[derive(Clone, Copy, PartialEq)]
enum Broken {
    /// The provider learns of it: its end of the way is closed.
    BothEnds,
    /// The provider's end stays open, and it goes on writing.
    OneEnd,
}

/// A way that breaks after so many bytes of the answer to an access.
fn breaking(space: &DataSpace, after: usize, how: Broken) -> impl Transport + use<> {
    let direct = direct(space);
    let open = Mutex::new(Vec::new());
    move |call: Call, body: Vec<u8>| {
        let answer = direct.call(call, body)?;
        if call != Call::Access {
            return Ok(answer);
        }
        let answer = Arc::new(Mutex::new(Some(answer)));
        if how == Broken::OneEnd {
            open.lock().unwrap().push(Arc::clone(&answer));
        }
        Ok(Box::new(Cut { answer, left: after, how }) as Box<dyn Read + Send>)
    }
}

type Shared = Arc<Mutex<Option<Box<dyn Read + Send>>>>;

struct Cut {
    answer: Shared,
    left: usize,
    how: Broken,
}

impl Read for Cut {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut answer = self.answer.lock().unwrap();
        let len = into.len().min(self.left);
        let read = match &mut *answer {
            Some(answer) if len > 0 => answer.read(&mut into[..len])?,
            _ => 0,
        };
        self.left -= read;
        if read == 0 {
            if self.how == Broken::BothEnds {
                *answer = None;
            }
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(read)
    }
}

struct Halves {
    node: Node,
    _half: Half,
    consumer: ConsumerNode,
    contract: ContractId,
}

impl Halves {
    fn new(terms: Terms) -> Self {
        Self::of(Node::with_table(table(ROWS)), terms)
    }

    fn of(node: Node, terms: Terms) -> Self {
        let half = Half::new(&node);
        let way = direct(&node.space);
        node.space.publish_offer(node.offer(terms)).unwrap();
        let consumer = half.create(&way);
        let offers = consumer.read_catalogue(&way).unwrap();
        let contract = consumer.conclude(&way, offers[0]).unwrap();
        Self { node, _half: half, consumer, contract }
    }

    /// An answer that breaks after so many bytes, read until there.
    fn broken(&self, after: usize, how: Broken) -> (Box<Incoming>, Vec<u8>) {
        let way = breaking(&self.node.space, after, how);
        let mut incoming = data(self.consumer.access(&way, self.contract, reading()).unwrap());
        let mut came = Vec::new();
        read(&mut incoming, &mut came);
        assert!(incoming.is_cut());
        (incoming, came)
    }

    fn whole(&self) -> Vec<u8> {
        let (way, mut came) = (direct(&self.node.space), Vec::new());
        let mut incoming = data(self.consumer.access(&way, self.contract, reading()).unwrap());
        read(&mut incoming, &mut came);
        assert!(incoming.finish().unwrap().is_whole());
        came
    }
}

fn read(incoming: &mut Incoming, came: &mut Vec<u8>) {
    while let Some(piece) = incoming.next_piece() {
        match piece {
            Arrived::Rows(csv) => came.extend(csv),
            Arrived::Bytes { bytes, .. } => came.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
}

fn is_good(arrival: &Arrival) -> bool {
    arrival.is_whole() && arrival.complaints.is_empty() && arrival.evidence.is_some()
}

fn refused(error: &ConsumerError) -> &str {
    match error {
        ConsumerError::Call(CallError::Refused { words }) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_that_breaks_anywhere_goes_on_and_counts_once() {
    let expected = Halves::new(terms()).whole();
    for how in [Broken::BothEnds, Broken::OneEnd] {
        // In the first frame and beyond it, between frames and in the middle of them, and in the last one.
        for after in [200, 5_000, 262_300, expected.len() / 2, expected.len() + 300] {
            let halves = Halves::new(counted(1));
            let (mut incoming, mut came) = halves.broken(after, how);
            assert!(came.len() <= after);
            incoming.resume(&direct(&halves.node.space)).unwrap();
            assert!(!incoming.is_cut());
            read(&mut incoming, &mut came);
            assert!(came == expected, "after {after}");
            let arrival = incoming.finish().unwrap();
            assert!(is_good(&arrival), "after {after}: {arrival:?}");
            // The one use is taken, and there is one report, of all of it.
            let again =
                halves.consumer.access(&direct(&halves.node.space), halves.contract, reading());
            assert!(matches!(again.unwrap(), Reply::Denied(_)));
            let reports = reports(&halves.node);
            assert_eq!(reports.len(), 1);
            assert_eq!(reports[0].1.end, ReleaseEnd::Whole);
            assert_eq!(usize::try_from(reports[0].1.bytes).unwrap(), expected.len());
            let replayed = replay(&halves.node.close());
            assert!(replayed.is_sound(), "{:?}", replayed.first);
        }
    }
}

#[test]
fn persons_of_a_release_that_goes_on_are_counted_once() {
    let (column, zone, register) = (name("furnace"), name("Asia/Shanghai"), name("export"));
    let duty = Duty::Persons(Persons { column, at_most: 7, zone, register: register.clone() });
    let halves = Halves::new(counted(1).duty(duty));
    let (mut incoming, mut came) = halves.broken(300_000, Broken::BothEnds);
    assert_eq!(halves.node.space.persons(&register, 2026).unwrap(), 7);
    incoming.resume(&direct(&halves.node.space)).unwrap();
    read(&mut incoming, &mut came);
    let rows = came.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(rows, usize::try_from(ROWS).unwrap());
    let arrival = incoming.finish().unwrap();
    assert!(is_good(&arrival), "{arrival:?}");
    assert_eq!(halves.node.space.persons(&register, 2026).unwrap(), 7);
    let reports = reports(&halves.node);
    assert_eq!((reports.len(), reports[0].1.subjects), (1, Some(7)));
}

#[test]
fn a_part_of_a_file_goes_on_where_it_broke_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film");
    let bytes: Vec<u8> = (0..900_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    std::fs::write(&path, &bytes).unwrap();
    let node = Node::new();
    let file = dataspace_data_plane::MediaFile::open(path, name("video/mp4")).unwrap();
    node.space.register(name("film"), name("test-results"), file).unwrap();
    let half = Half::new(&node);
    let way = direct(&node.space);
    let offer =
        dataspace_runtime::NewOffer { product: name("film"), ..Node::new_offer(counted(1)) };
    node.space.publish_offer(node.space.offer(offer).unwrap()).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    let part = Some(Part::bytes(1_000, 800_000).unwrap());
    let new = dataspace_runtime::NewRequest { part, ..reading() };
    let cut = breaking(&node.space, 300_000, Broken::BothEnds);
    let mut incoming = data(consumer.access(&cut, contract, new).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    incoming.resume(&way).unwrap();
    read(&mut incoming, &mut came);
    assert!(came == bytes[1_000..800_000]);
    let arrival = incoming.finish().unwrap();
    assert!(is_good(&arrival), "{arrival:?}");
}

#[test]
fn an_answer_of_which_nothing_came_is_asked_for_once_more_by_itself() {
    let halves = Halves::new(counted(1));
    let expected = Halves::new(terms()).whole();
    let way = breaking(&halves.node.space, 0, Broken::BothEnds);
    let mut incoming = data(halves.consumer.access(&way, halves.contract, reading()).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    assert!(came == expected && is_good(&incoming.finish().unwrap()));

    // So it is if the provider cannot be reached at all; then there is nothing, and that is recorded.
    let dead = |_: Call, _: Vec<u8>| Err(CallError::Io(io::ErrorKind::TimedOut.into()));
    let error = halves.consumer.access(&dead, halves.contract, reading()).unwrap_err();
    assert!(matches!(error, ConsumerError::Call(CallError::Io(_))), "{error:?}");
    assert_eq!(halves.consumer.waiting(), []);
}

#[test]
fn a_consumer_that_was_killed_asks_from_the_beginning() {
    let halves = Halves::new(counted(1));
    let expected = Halves::new(terms()).whole();
    let (incoming, _) = halves.broken(300_000, Broken::BothEnds);
    // Killed: nothing is recorded of what came.
    std::mem::forget(incoming);
    let [waiting] = halves.consumer.waiting()[..] else { panic!() };
    let way = direct(&halves.node.space);
    let mut incoming = data(halves.consumer.resume(&way, waiting).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    assert!(came == expected && is_good(&incoming.finish().unwrap()));
    assert_eq!(halves.consumer.waiting(), []);
    // It waits no longer, here and there.
    assert!(halves.consumer.resume(&way, waiting).is_err());
}

#[test]
fn what_is_not_resumed_in_time_is_reported_as_it_was() {
    let halves = Halves::new(terms());
    let (mut incoming, came) = halves.broken(300_000, Broken::BothEnds);
    assert_eq!(reports(&halves.node), []);
    halves.node.advance(RESUMED_WITHIN.as_secs() + 1);
    let reports = reports(&halves.node);
    assert_eq!((reports.len(), reports[0].1.end), (1, ReleaseEnd::Dropped));
    // What had left when it broke off; not all of it came.
    assert!(usize::try_from(reports[0].1.bytes).unwrap() >= came.len());
    let error = incoming.resume(&direct(&halves.node.space)).unwrap_err();
    assert!(refused(&error).contains("none is waiting"), "{error}");
    let arrival = incoming.finish().unwrap();
    assert!(!arrival.is_whole() && arrival.complaints.contains(&Complaint::CutOff));

    // A node that is closed reports it, too.
    let halves = Halves::new(terms());
    let (incoming, _) = halves.broken(300_000, Broken::BothEnds);
    drop(incoming);
    let replayed = replay(&halves.node.close());
    assert_eq!((replayed.reports, replayed.unreported), (1, 0));
}

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
    assert!(refused(&error).contains("it was resumed 8 times"), "{error}");
    assert_eq!(halves.node.decisions().len(), 1);
}

#[test]
fn what_is_no_longer_permitted_does_not_go_on() {
    let halves = Halves::new(terms());
    let (mut incoming, mut came) = halves.broken(300_000, Broken::BothEnds);
    halves.node.space.end_contract(halves.contract, name("over")).unwrap();
    incoming.resume(&direct(&halves.node.space)).unwrap();
    let before = came.len();
    read(&mut incoming, &mut came);
    assert_eq!(came.len(), before);
    let arrival = incoming.finish().unwrap();
    assert!(!arrival.is_whole() && arrival.stopped.is_some(), "{arrival:?}");
    let reports = reports(&halves.node);
    assert_eq!((reports.len(), reports[0].1.end), (1, ReleaseEnd::Stopped));
}

#[test]
fn the_turn_before_ends_and_takes_no_second_place() {
    let node = Node::with_table(table(ROWS));
    let files = node.close();
    let space = files.setup(crate::support::provider()).open_releases_max(1).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(ROWS)).unwrap();
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

type Change = fn(&mut serde_cbor::Value);

#[test]
fn who_has_other_data_or_another_request_gets_nothing() {
    let halves = Halves::new(terms());
    let (mut incoming, _) = halves.broken(300_000, Broken::BothEnds);
    let direct = direct(&halves.node.space);
    // More than has left; other bytes than have; bytes of a request that was never made.
    let changes: [(&str, Change); 3] = [
        ("bytes", |value| *value = serde_cbor::Value::Integer(1 << 40)),
        ("content", |value| *value = serde_cbor::Value::Bytes(vec![7; 32])),
        ("request", |value| {
            let serde_cbor::Value::Bytes(bytes) = value else { panic!() };
            *bytes.last_mut().unwrap() ^= 1;
        }),
    ];
    for (field, change) in changes {
        let sent = Mutex::new(0);
        let way = |call: Call, body: Vec<u8>| {
            let mut body: serde_cbor::Value = serde_cbor::from_slice(&body).unwrap();
            let serde_cbor::Value::Map(fields) = &mut body else { panic!() };
            change(fields.get_mut(&serde_cbor::Value::Text(field.to_owned())).unwrap());
            let body = serde_cbor::to_vec(&body).unwrap();
            let mut answer = direct.call(call, body)?;
            let mut bytes = Vec::new();
            answer.read_to_end(&mut bytes)?;
            *sent.lock().unwrap() = bytes.len();
            // What came is lost again, so that the answer can be tried once more.
            Err(CallError::Io(io::ErrorKind::ConnectionReset.into()))
        };
        let error = incoming.resume(&way).unwrap_err();
        let sent = *sent.lock().unwrap();
        if field == "content" {
            // A first frame and an end; no data.
            assert!(sent > 0 && sent < 20_000, "{field}: {sent}");
        } else {
            assert!(matches!(error, ConsumerError::Call(CallError::Refused { .. })), "{error:?}");
        }
    }
    assert_eq!(halves.node.decisions().len(), 1);
}

#[test]
fn data_that_changed_meanwhile_do_not_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alloys.csv");
    let write = |strength: u32| {
        let mut text = "alloy,strength,furnace\n".to_owned();
        for row in 0..40_000 {
            writeln!(text, "S{row:05},{},7", strength + row % 9).unwrap();
        }
        std::fs::write(&path, text).unwrap();
    };
    write(200);
    let node = Node::with_table(dataspace_data_plane::Table::open(&path).unwrap());
    let halves = Halves::of(node, terms());
    let (mut incoming, _) = halves.broken(300_000, Broken::BothEnds);
    write(700);
    let error = incoming.resume(&direct(&halves.node.space)).unwrap_err();
    let words = refused(&error);
    assert!(words.contains("changed") || words.contains("none is waiting"), "{words}");
    assert!(!incoming.finish().unwrap().is_whole());
}
