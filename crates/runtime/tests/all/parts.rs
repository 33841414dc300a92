//! Parts of products: some columns, some rows, a range of bytes; and products that are no tables.

use std::fs;
use std::sync::Arc;

use arrow_array::RecordBatch;
use dataspace_data_plane::{MediaFile, Piece};
use dataspace_ledger::{Evidence, evidence::EvidenceError};
use dataspace_policy::{Action, ColumnMask, Duty, MaskMethod, Terms};
use dataspace_primitives::{Part, Signed};
use dataspace_runtime::{
    Access, ChangeError, NewRequest, Release, access::ReleaseError, replay_decisions,
    request_access_to,
};
use dataspace_tlog::{Event, Record};
use dataspace_usage_contract::{AccessRequest, ContractId};

use crate::support::{
    Node, TestClock, authority, codes, consumer, counted, denied, name, released, research,
};

fn request(node: &Node, contract: ContractId, part: Option<Part>) -> Signed<AccessRequest> {
    let agreement = node.space.agreement(contract).unwrap();
    let new = NewRequest { part, ..NewRequest::new(Action::Read, name("research")) };
    let clock = TestClock(Arc::clone(&node.files.clock));
    request_access_to(&consumer(), &agreement, new, &clock).unwrap()
}

fn access(node: &Node, contract: ContractId, part: Part) -> Access {
    node.space.access(request(node, contract, Some(part))).unwrap()
}

fn rows(columns: &[&str], rows_max: Option<u64>) -> Part {
    let columns = columns.iter().map(|column| name(column)).collect();
    Part::rows(Some(columns), rows_max).unwrap()
}

fn columns(release: &Release) -> Vec<String> {
    let schema = release.schema().unwrap();
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

fn batches(release: Release) -> Vec<RecordBatch> {
    release.map(Result::unwrap).collect()
}

fn terms() -> Terms {
    let mask = |column, method| Duty::Mask(ColumnMask { column: name(column), method });
    let hash = mask("alloy", MaskMethod::Hash);
    Terms::new().permit(research()).duty(hash).duty(mask("furnace", MaskMethod::Drop))
}

#[test]
fn a_consumer_gets_the_columns_and_rows_that_it_asks_for_and_no_more() {
    let node = Node::new();
    let contract = node.contract(terms());
    let all = batches(node.released(contract));
    assert_eq!((all[0].num_columns(), all[0].num_rows()), (2, 10));
    let release = released(access(&node, contract, rows(&["strength"], None)));
    assert_eq!(columns(&release), ["strength"]);
    let some = batches(release);
    assert_eq!((some[0].num_columns(), some[0].num_rows()), (1, 10));
    for (limit, expected) in [(1, 1), (3, 3), (10, 10), (11, 10), (u64::MAX, 10)] {
        let first = Part::rows(None, Some(limit)).unwrap();
        let first = batches(released(access(&node, contract, first)));
        assert_eq!(first.iter().map(RecordBatch::num_rows).sum::<usize>(), expected);
        assert_eq!(first[0], all[0].slice(0, expected), "those of the whole, in its order");
        // And their memory holds no others.
        let held: usize =
            first[0].columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        let whole: usize =
            all[0].columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        assert!(expected == 10 || held < whole, "{held} of {whole}");
    }
}

#[test]
fn what_the_contract_leaves_out_is_no_part_and_answered_like_what_is_not_there() {
    let node = Node::new();
    let contract = node.contract(terms());
    let answer = |column: &str| {
        let denied = denied(access(&node, contract, rows(&[column], None)));
        assert_eq!(codes(&denied), ["part"]);
        denied.to_string().replace(column, "…")
    };
    assert_eq!(answer("furnace"), answer("nothing-like-it"));
    let bytes = denied(access(&node, contract, Part::bytes(0, 1).unwrap()));
    assert_eq!(codes(&bytes), ["part"]);
    // A denial costs no use.
    assert_eq!(node.space.uses(contract), Some((0, None)));
}

#[test]
fn the_part_is_recorded_replayed_and_shown_as_evidence() {
    let node = Node::new();
    let contract = node.contract(terms());
    let part = rows(&["strength"], Some(2));
    let release = released(access(&node, contract, part.clone()));
    let evidence = node.space.evidence(release.receipt()).unwrap();
    let Record { event: Event::Access(recorded), .. } = node.records().pop().unwrap() else {
        panic!("an access")
    };
    assert_eq!(recorded.part, Some(part.clone()));
    let shown = evidence.clone().verify(authority().did()).unwrap();
    assert_eq!(shown.access().part, Some(part.clone()));
    assert_eq!(shown.request().unwrap().part, Some(part));
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert_eq!(replayed.discrepancies, 0);
    // Another request for another part is not the one that was decided on.
    let other = request(&node, contract, None);
    let lie = Evidence::from_bytes(&evidence.to_bytes().unwrap()).unwrap();
    let index = lie.verify(authority().did()).unwrap().index();
    let refused = node.space.evidence_at(index, Some(&other)).unwrap_err();
    let source = std::error::Error::source(&refused).unwrap();
    assert!(
        matches!(source.downcast_ref(), Some(EvidenceError::OtherRequest { .. })),
        "{refused:?}"
    );
}

/// A node with a film of so many bytes, 0, 1, 2, …
fn cinema(len: usize) -> (Node, std::path::PathBuf) {
    let node = Node::new();
    let path = node.files.dir.path().join("film.mp4");
    let content: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
    fs::write(&path, content).unwrap();
    let film = MediaFile::open(&path, name("video/mp4")).unwrap();
    node.space.register(name("film"), name("test-results"), film).unwrap();
    (node, path)
}

fn watch(node: &Node, terms: Terms) -> Result<ContractId, ChangeError> {
    let offer = dataspace_runtime::NewOffer { product: name("film"), ..Node::new_offer(terms) };
    node.conclude(&node.space.offer(offer)?, &consumer())
}

fn bytes(mut release: Release) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(piece) = release.next_piece().unwrap() {
        let Piece::Bytes { at, bytes } = piece else { panic!("bytes") };
        all.push((at, bytes.to_vec()));
    }
    assert!(release.next_piece().unwrap().is_none());
    all
}

#[test]
fn a_film_is_released_in_ranges_that_are_those_of_the_file() {
    const LEN: usize = (1 << 20) + 1_000;
    let (node, path) = cinema(LEN);
    let contract = watch(&node, Terms::new().permit(research())).unwrap();
    let content = fs::read(&path).unwrap();
    let whole = bytes(node.released(contract));
    assert_eq!(whole.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1 << 20]);
    assert_eq!(whole.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>(), content);
    let len = u64::try_from(LEN).unwrap();
    for (from, until) in [(0, 1), (len - 1, len), (7, 1 << 20), (1_000, (1 << 20) + 7), (0, len)] {
        let range = Part::bytes(from, until).unwrap();
        let release = released(access(&node, contract, range));
        assert!(release.schema().is_none());
        let found = bytes(release);
        assert_eq!(found[0].0, from);
        let found: Vec<u8> = found.into_iter().flat_map(|(_, bytes)| bytes).collect();
        let (from, until) = (usize::try_from(from).unwrap(), usize::try_from(until).unwrap());
        assert_eq!(found, content[from..until]);
    }
    for part in [Part::bytes(0, len + 1).unwrap(), Part::bytes(u64::MAX - 1, u64::MAX).unwrap()] {
        assert_eq!(codes(&denied(access(&node, contract, part))), ["part"]);
    }
    assert_eq!(codes(&denied(access(&node, contract, rows(&["a"], None)))), ["part"]);
    // As batches of rows there is nothing of it.
    let mut release = node.released(contract);
    assert!(matches!(release.next(), Some(Err(ReleaseError::NotRows))));
    assert!(release.next().is_none());
}

#[test]
fn a_film_stops_when_the_contract_ends_and_duties_that_nobody_carries_out_keep_it_back() {
    let (node, path) = cinema(3 << 20);
    let contract = watch(&node, Terms::new().permit(research())).unwrap();
    let mut release = node.released(contract);
    assert!(release.next_piece().unwrap().is_some());
    node.space.end_contract(contract, name("over")).unwrap();
    assert!(matches!(release.next_piece(), Err(ReleaseError::Stopped { .. })));
    assert!(release.next_piece().unwrap().is_none());
    let refused = watch(&node, terms()).unwrap_err();
    assert!(matches!(refused, ChangeError::Duty { .. }), "{refused:?}");
    // Another file under the same name is another product, and is not given out.
    let other = watch(&node, counted(3)).unwrap();
    fs::write(&path, "short").unwrap();
    assert_eq!(codes(&node.denied(other)), ["unavailable"]);
    let film = MediaFile::open(&path, name("video/mp4")).unwrap();
    assert!(node.space.register(name("film"), name("test-results"), film).is_err());
}

#[test]
fn parts_that_are_none_are_not_made_and_not_read() {
    assert!(Part::rows(None, None).is_err() && Part::rows(None, Some(0)).is_err());
    assert!(Part::rows(Some([].into()), None).is_err());
    let many = (0..257).map(|number| name(&format!("c{number}"))).collect();
    assert!(Part::rows(Some(many), None).is_err());
    assert!(Part::bytes(3, 3).is_err() && Part::bytes(4, 3).is_err());
    assert!(Part::seconds(3, 3).is_err() && Part::seconds(4, 3).is_err());
    let good = Part::rows(Some([name("a")].into()), Some(3)).unwrap();
    let bytes = dataspace_primitives::cbor::to_canonical(&good).unwrap();
    let read = |bytes: &[u8]| dataspace_primitives::cbor::from_canonical::<Part>(bytes, 1_000);
    assert_eq!(read(&bytes).unwrap(), good);
    let stretch = read(b"\xa1gseconds\xa2dfrom\x03euntil\x04").unwrap();
    assert_eq!(stretch, Part::seconds(3, 4).unwrap());
    for bad in [
        // {"rows": {}}, {"bytes": {"from": 3, "until": 3}}, the same of seconds, 2³² seconds,
        // {"rows": {"columns": []}}
        &b"\xa1drows\xa0"[..],
        b"\xa1ebytes\xa2dfrom\x03euntil\x03",
        b"\xa1gseconds\xa2dfrom\x03euntil\x03",
        b"\xa1gseconds\xa2dfrom\x00euntil\x1b\x00\x00\x00\x01\x00\x00\x00\x00",
        b"\xa1drows\xa1gcolumns\x80",
        b"\xa1drows\xa1growsMax\x00",
    ] {
        assert!(read(bad).is_err(), "{bad:x?}");
    }
}
