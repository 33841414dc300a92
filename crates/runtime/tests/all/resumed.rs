//! Releases that the network cuts off, and that go on: as one access.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use dataspace_data_plane::Table;
use dataspace_policy::Terms;
use dataspace_primitives::Part;
use dataspace_runtime::{
    Arrival, Call, Complaint, ConsumerNode, DataSpace, Incoming, Reply, Transport,
    consumer::{Arrived, ConsumerError},
    exchange::{CallError, RESUMED_WITHIN},
};
use dataspace_tlog::record::ReleaseEnd;
use dataspace_usage_contract::ContractId;
use tempfile::TempDir;

use crate::reports::{replay, reports};
use crate::support::consumer::{Half, data, direct, reading};
use crate::support::{Node, counted, name, terms};

/// Rows of the table: several pieces.
pub(crate) const ROWS: i64 = 60_000;

/// How the way to a provider breaks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Broken {
    /// The provider learns of it: its end of the way is closed.
    BothEnds,
    /// The provider's end stays open, and it goes on writing.
    OneEnd,
}

/// A way that breaks after so many bytes of the answer to an access.
pub(crate) fn breaking(space: &DataSpace, after: usize, how: Broken) -> impl Transport + use<> {
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

pub(crate) type Shared = Arc<Mutex<Option<Box<dyn Read + Send>>>>;

pub(crate) struct Cut {
    pub(crate) answer: Shared,
    pub(crate) left: usize,
    pub(crate) how: Broken,
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

pub(crate) struct Halves {
    pub(crate) node: Node,
    half: Half,
    pub(crate) consumer: ConsumerNode,
    pub(crate) contract: ContractId,
    /// Of the table's file.
    _dir: Option<TempDir>,
}

/// A table in a file: what lies in memory is not resumed.
pub(crate) fn file(dir: &TempDir) -> Table {
    let path = dir.path().join("alloys.csv");
    let mut text = "alloy,strength,furnace\n".to_owned();
    for row in 0..ROWS {
        writeln!(text, "S{row:05},{},{}", 200 + row % 300, row % 7).unwrap();
    }
    std::fs::write(&path, text).unwrap();
    Table::open(path).unwrap()
}

impl Halves {
    pub(crate) fn new(terms: Terms) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let halves = Self::of(Node::with_table(file(&dir)), terms);
        Self { _dir: Some(dir), ..halves }
    }

    pub(crate) fn of(node: Node, terms: Terms) -> Self {
        let half = Half::new(&node);
        let way = direct(&node.space);
        node.space.publish_offer(node.offer(terms)).unwrap();
        let consumer = half.create(&way);
        let offers = consumer.read_catalogue(&way).unwrap();
        let contract = consumer.conclude(&way, offers[0]).unwrap();
        Self { node, half, consumer, contract, _dir: None }
    }

    /// An answer that breaks after so many bytes, read until there.
    pub(crate) fn broken(&self, after: usize, how: Broken) -> (Box<Incoming>, Vec<u8>) {
        let way = breaking(&self.node.space, after, how);
        let mut incoming = data(self.consumer.access(&way, self.contract, reading()).unwrap());
        let mut came = Vec::new();
        read(&mut incoming, &mut came);
        assert!(incoming.is_cut());
        (incoming, came)
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        let (way, mut came) = (direct(&self.node.space), Vec::new());
        let mut incoming = data(self.consumer.access(&way, self.contract, reading()).unwrap());
        read(&mut incoming, &mut came);
        assert!(incoming.finish().unwrap().is_whole());
        came
    }
}

pub(crate) fn read(incoming: &mut Incoming, came: &mut Vec<u8>) {
    while let Some(piece) = incoming.next_piece() {
        match piece {
            Arrived::Rows(csv) => came.extend(csv),
            Arrived::Bytes { bytes, .. } => came.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn is_good(arrival: &Arrival) -> bool {
    arrival.is_whole() && arrival.complaints.is_empty() && arrival.evidence.is_some()
}

pub(crate) fn refused(error: &ConsumerError) -> &str {
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
fn a_part_of_a_file_goes_on_where_it_broke_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film");
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
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
    let part = Some(Part::bytes(1_000, 3_900_000).unwrap());
    let new = dataspace_runtime::NewRequest { part, ..reading() };
    let cut = breaking(&node.space, 2_500_000, Broken::BothEnds);
    let mut incoming = data(consumer.access(&cut, contract, new).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    incoming.resume(&way).unwrap();
    read(&mut incoming, &mut came);
    assert!(came == bytes[1_000..3_900_000]);
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
    let [waiting] = halves.consumer.waiting()[..] else { panic!() };
    let way = direct(&halves.node.space);
    // Not while it is read.
    let error = halves.consumer.resume(&way, waiting).unwrap_err();
    assert!(matches!(error, ConsumerError::BeingRead { .. }), "{error:?}");
    // Killed: nothing is recorded of what came.
    let killed = tempfile::tempdir().unwrap();
    copy(&halves.half.path(), &killed.path().join("consumer"));
    let Halves { consumer, half, node, .. } = halves;
    let half = Half { dir: killed, clock: half.clock };
    drop((incoming, consumer));
    let consumer = half.setup().open().unwrap();
    let mut incoming = data(consumer.resume(&way, waiting).unwrap());
    let mut came = Vec::new();
    read(&mut incoming, &mut came);
    assert!(came == expected && is_good(&incoming.finish().unwrap()));
    assert_eq!(consumer.waiting(), []);
    assert_eq!(reports(&node).len(), 1);
    // It waits no longer.
    assert!(consumer.resume(&way, waiting).is_err());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
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
    // More had left than came, and nobody is accused of it.
    assert_eq!(arrival.complaints, []);
    let reports = reports(&halves.node);
    assert_eq!((reports.len(), reports[0].1.end), (1, ReleaseEnd::Stopped));
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
