//! What left is in the log, whichever way a release ends, and nobody can say something else of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::thread;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use dataspace_data_plane::{
    Delivery, MediaFile, Piece, Product, Table,
    errors::{PlanError, RunError},
    product::{ProductError, Recipient},
};
use dataspace_ledger::{Replayed, outcome::report_words};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Sample, Scalar};
use dataspace_primitives::{Digest, Part, Secrets};
use dataspace_runtime::{
    Access, NewOffer, Observer, Release, access::ReleaseError, observer::Ended, replay_decisions,
};
use dataspace_tlog::{
    Event, LeafIndex, Record,
    record::{ContentVersion, ReleaseEnd, ReleaseReport},
};
use dataspace_usage_contract::ContractId;

use crate::index::fill_segment;
use crate::support::{
    Files, Node, authority, consumer, counted, days, name, provider, revocation, table, terms,
};

/// The reports in the log, with their places.
pub(crate) fn reports(node: &Node) -> Vec<(LeafIndex, ReleaseReport)> {
    node.space.tend().unwrap();
    let all = (0..).map(LeafIndex::new).zip(node.records());
    let reports = all.filter_map(|(index, Record { event, .. })| match event {
        Event::Released(report) => Some((index, report)),
        _ => None,
    });
    reports.collect()
}

/// The last of them, of this release.
pub(crate) fn report(node: &Node, release: &Release) -> ReleaseReport {
    let (index, report) = reports(node).pop().unwrap();
    assert_eq!(release.report(), Some(index));
    assert_eq!(report.access, release.receipt().index);
    assert_eq!(report.contract, *release.receipt().contract.as_digest());
    report
}

/// The rows as a consumer would write them down.
fn text(batch: &RecordBatch) -> String {
    let mut text = String::new();
    let number = |at: usize, row| batch.column(at).as_primitive::<Int64Type>().value(row);
    for row in 0..batch.num_rows() {
        let alloy = batch.column(0).as_string::<i32>().value(row);
        writeln!(text, "{alloy},{},{}", number(1, row), number(2, row)).unwrap();
    }
    text
}

pub(crate) fn replay(files: &Files) -> Replayed {
    replay_decisions(&files.log(), authority().did(), None).unwrap()
}

#[test]
fn a_whole_release_reports_all_that_left() {
    let node = Node::with_table(table(10_000));
    let contract = node.contract(terms());
    let mut release = node.released(contract);
    let (mut all, mut pieces) = (String::new(), 0);
    while let Some(piece) = release.next_piece().unwrap() {
        let Piece::Rows(batch) = piece else { panic!() };
        all.push_str(&text(&batch));
        pieces += 1;
        assert_eq!(release.report(), None, "it goes on");
    }
    let report = report(&node, &release);
    let bytes = u64::try_from(all.len()).unwrap();
    assert_eq!((report.end, report.pieces, report.rows), (ReleaseEnd::Whole, pieces, 10_000));
    assert_eq!((report.bytes, report.content), (bytes, Digest::of(all.as_bytes())));
    // What lies in memory has no version.
    assert_eq!(report.version, None);
    // One report, however often it is asked on.
    assert!(release.next_piece().unwrap().is_none() && release.next().is_none());
    drop(release);
    assert_eq!(reports(&node).len(), 1);
    let replayed = replay(&node.close());
    assert_eq!((replayed.reports, replayed.unreported), (1, 0));
    assert!(replayed.is_sound(), "{:?}", replayed.first);
}

#[test]
fn a_report_counts_the_subjects_that_left_if_a_duty_names_them() {
    let all = table(10_000);
    let subject = Some(name("alloy"));
    let sample = Duty::Sample(Sample { per_million: 500_000, subject });
    let hidden =
        Duty::Mask(ColumnMask { column: name("alloy"), method: MaskMethod::Truncate { chars: 1 } });
    let node = Node::with_table(all);
    let seen = node.contract(terms().duty(sample.clone()));
    let mut release = node.released(seen);
    let mut different = BTreeSet::new();
    while let Some(Piece::Rows(batch)) = release.next_piece().unwrap() {
        let alloys = batch.column(0).as_string::<i32>();
        different.extend(alloys.iter().map(|alloy| alloy.unwrap().to_owned()));
    }
    let whole = report(&node, &release);
    let count = u64::try_from(different.len()).unwrap();
    assert!((1..10_000).contains(&count), "{count}");
    assert_eq!((whole.end, whole.subjects), (ReleaseEnd::Whole, Some(count)));
    assert!(report_words(&whole).contains(&format!(" rows, {count} subjects, ")));
    // A piece only, which hides them.
    let masked = node.contract(terms().duty(sample).duty(hidden));
    let mut begun = node.released(masked);
    let rows = begun.next().unwrap().unwrap().num_rows();
    drop(begun);
    drop(node.released(masked));
    let [.., (_, begun), (_, never)] = &reports(&node)[..] else { panic!() };
    assert!(begun.subjects.is_some_and(|some| 0 < some && some <= rows as u64), "{begun:?}");
    assert_eq!((never.pieces, never.subjects), (0, Some(0)));
    let replayed = replay(&node.close());
    assert_eq!((replayed.reports, replayed.unreported), (3, 0));
    assert!(replayed.is_sound(), "{:?}", replayed.first);
}

#[test]
fn nothing_is_a_report_too() {
    let node = Node::new();
    let values = vec![Scalar::Number("9999".parse().unwrap())];
    let filter = RowFilter { column: name("strength"), operator: Operator::Gteq, values };
    let contract = node.contract(terms().duty(Duty::Filter(filter)));
    let mut release = node.released(contract);
    assert!(release.next().is_none());
    let empty = report(&node, &release);
    assert_eq!((empty.end, empty.pieces, empty.rows, empty.bytes), (ReleaseEnd::Whole, 0, 0, 0));
    assert_eq!(empty.content, Digest::of(b""));
}

#[test]
fn a_release_that_is_stopped_at_a_piece_reports_just_what_left() {
    for pieces in 0..3_u64 {
        let node = Node::with_table(table(10_000));
        let contract = node.contract(terms());
        let mut release = node.released(contract);
        let mut left = String::new();
        for _ in 0..pieces {
            left.push_str(&text(&release.next().unwrap().unwrap()));
        }
        if pieces == 1 {
            node.space.revoke(revocation(consumer().did(), node.now())).unwrap();
        } else {
            node.space.end_contract(contract, name("over")).unwrap();
        }
        let stopped = release.next().unwrap();
        assert!(matches!(stopped, Err(ReleaseError::Stopped { .. })), "{stopped:?}");
        assert!(release.next().is_none());
        let report = report(&node, &release);
        assert_eq!((report.end, report.pieces), (ReleaseEnd::Stopped, pieces));
        assert_eq!(report.rows, u64::try_from(left.lines().count()).unwrap());
        assert_eq!(report.content, Digest::of(left.as_bytes()));
        drop(release);
        assert_eq!(reports(&node).len(), 1);
        assert!(replay(&node.close()).is_sound());
    }
}

#[test]
fn a_release_stops_when_its_time_is_over_and_nothing_else_has_changed() {
    let node = Node::with_table(table(10_000));
    let contract = node.contract(terms());
    let mut release = node.released(contract);
    let _left = release.next().unwrap().unwrap();
    node.advance(31 * 24 * 3600);
    assert!(matches!(release.next(), Some(Err(ReleaseError::Stopped { .. }))));
    assert_eq!(report(&node, &release).end, ReleaseEnd::Stopped);
}

#[test]
fn a_dropped_release_reports() {
    let node = Node::with_table(table(10_000));
    let contract = node.contract(terms());
    drop(node.released(contract));
    let mut begun = node.released(contract);
    let left = text(&begun.next().unwrap().unwrap());
    drop(begun);
    let all: Vec<_> = reports(&node).into_iter().map(|(_, report)| report).collect();
    let [never, begun] = &all[..] else { panic!("{all:?}") };
    assert_eq!((never.end, never.pieces, never.rows), (ReleaseEnd::Dropped, 0, 0));
    assert_eq!((begun.end, begun.pieces, begun.rows), (ReleaseEnd::Dropped, 1, 4_096));
    assert_eq!(begun.content, Digest::of(left.as_bytes()));
}

/// Gives one piece, and then fails.
struct Fails;

struct Failing(bool);

impl Product for Fails {
    fn descriptor_digest(&self) -> Digest {
        Digest::of(b"fails")
    }

    fn check(&self, _: &[Duty]) -> Result<(), PlanError> {
        Ok(())
    }

    fn open(
        &self,
        _: &[Duty],
        _: Option<&Part>,
        _: &dyn Secrets,
        _: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        Ok(Box::new(Failing(false)))
    }
}

impl Delivery for Failing {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        if std::mem::replace(&mut self.0, true) {
            return Err(RunError::ChangedFile);
        }
        Ok(Some(Piece::Bytes { at: 0, bytes: b"first".to_vec().into() }))
    }
}

fn contract_of(node: &Node, product: &str, data: impl Product + 'static) -> ContractId {
    node.space.register(name(product), name("test-results"), data).unwrap();
    let offer = NewOffer { product: name(product), ..Node::new_offer(terms()) };
    let offer = node.space.offer(offer).unwrap();
    node.conclude(&offer, &consumer()).unwrap()
}

#[test]
fn a_release_that_fails_reports_what_left_before() {
    let node = Node::new();
    let contract = contract_of(&node, "fails", Fails);
    let mut release = node.released(contract);
    assert!(matches!(release.next_piece(), Ok(Some(Piece::Bytes { .. }))));
    assert!(matches!(release.next_piece(), Err(ReleaseError::Run(_))));
    let failed = report(&node, &release);
    assert_eq!((failed.end, failed.pieces, failed.bytes), (ReleaseEnd::Failed, 1, 5));
    assert_eq!((failed.rows, failed.content), (0, Digest::of(b"first")));
    // A piece that was refused did not leave.
    let mut release = node.released(contract);
    assert!(matches!(release.next(), Some(Err(ReleaseError::NotRows))));
    let refused = report(&node, &release);
    assert_eq!((refused.end, refused.pieces, refused.bytes), (ReleaseEnd::Failed, 0, 0));
}

#[test]
fn a_changed_file_leaves_another_report_even_where_only_hidden_data_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("heats.csv");
    std::fs::write(&path, "id,secret\na,17\nb,18\n").unwrap();
    let node = Node::new();
    node.space.register(name("heats"), name("test-results"), Table::open(&path).unwrap()).unwrap();
    let mask = ColumnMask { column: name("secret"), method: MaskMethod::Drop };
    let hidden = terms().duty(Duty::Mask(mask));
    let offer = NewOffer { product: name("heats"), ..Node::new_offer(hidden) };
    let contract = node.conclude(&node.space.offer(offer).unwrap(), &consumer()).unwrap();
    let read = || {
        let mut release = node.released(contract);
        assert!(release.by_ref().all(|batch| batch.is_ok()));
        report(&node, &release)
    };
    let (first, same) = (read(), read());
    assert_eq!(first.version, same.version);
    // The same length, and nothing that leaves is another.
    std::fs::write(&path, "id,secret\na,17\nb,19\n").unwrap();
    let other = read();
    assert_eq!((other.content, other.rows, other.bytes), (first.content, 2, first.bytes));
    let (Some(ContentVersion::Stamp(old)), Some(ContentVersion::Stamp(new))) =
        (first.version, other.version)
    else {
        panic!("{first:?}")
    };
    assert_ne!(old, new);
    // What leaves is another.
    std::fs::write(&path, "id,secret\nc,17\nb,19\n").unwrap();
    let third = read();
    assert_ne!((third.content, third.version), (other.content, other.version));
    // The stamp is another one at a node with other secrets, of the same file: it tells nothing.
    let sister = Node::new();
    sister
        .space
        .register(name("heats"), name("test-results"), Table::open(&path).unwrap())
        .unwrap();
    let files = sister.close();
    let keys = dataspace_runtime::NodeKeys::new(
        provider(),
        dataspace_identity::RootSecret::from_bytes(&mut [99; 32]),
    );
    let setup =
        dataspace_runtime::Setup::new(files.path(), keys.unwrap(), authority().did().clone());
    let clock = crate::support::TestClock(Arc::clone(&files.clock));
    let space = setup.clock(clock).open().unwrap();
    space.register(name("heats"), name("test-results"), Table::open(&path).unwrap()).unwrap();
    let sister = Node { space, files };
    let offer = NewOffer { product: name("heats"), ..Node::new_offer(terms()) };
    let contract = sister.conclude(&sister.space.offer(offer).unwrap(), &consumer()).unwrap();
    let mut release = sister.released(contract);
    assert!(release.by_ref().all(|batch| batch.is_ok()));
    let there = report(&sister, &release);
    assert!(there.version.is_some() && there.version != third.version);
}

#[test]
fn a_media_file_reports_its_digest_and_a_range_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film.mp4");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    std::fs::write(&path, &bytes).unwrap();
    let node = Node::new();
    let file = MediaFile::open(&path, name("video/mp4")).unwrap();
    let contract = contract_of(&node, "film", file);
    let mut release = node.released(contract);
    while release.next_piece().unwrap().is_some() {}
    let whole = report(&node, &release);
    assert_eq!((whole.end, whole.pieces, whole.bytes), (ReleaseEnd::Whole, 3, 3_000_000));
    let content = Digest::of(&bytes);
    assert_eq!((whole.content, whole.version), (content, Some(ContentVersion::Content(content))));
}

#[test]
fn a_release_may_end_after_its_access_was_archived() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    drop(node.released(contract));
    let mut release = node.released(contract);
    fill_segment(&node, contract);
    let last = LeafIndex::new(node.len() - 1);
    node.space.archive(last).unwrap();
    assert!(node.space.log().read(release.receipt().index).is_err());
    assert!(release.by_ref().all(|batch| batch.is_ok()));
    let index = release.report().unwrap();
    drop(release);
    let node = node.close().reopen();
    let record = Record::from_bytes(&node.space.log().read(index).unwrap()).unwrap();
    assert!(matches!(record.event, Event::Released(ReleaseReport { rows: 10, .. })));
    assert_eq!(node.released(contract).uses(), 3);
}

#[test]
fn a_release_outlives_no_node_and_then_has_no_report() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut release = node.released(contract);
    let _left = release.next();
    let files = node.close();
    assert!(matches!(release.next(), None | Some(Err(ReleaseError::Closed))));
    drop(release);
    let replayed = replay(&files);
    assert_eq!((replayed.permits, replayed.reports, replayed.unreported), (1, 0, 1));
    assert!(replayed.is_sound());
    let findings: Vec<_> = replayed.findings().iter().map(ToString::to_string).collect();
    assert!(findings.iter().any(|one| one.contains("what left under 1 permit")), "{findings:?}");
    // What it had begun is not ended by the next one.
    let node = files.reopen();
    let mut release = node.released(contract);
    assert!(release.by_ref().all(|batch| batch.is_ok()));
    assert_eq!(reports(&node).len(), 1);
}

#[test]
fn releases_of_several_threads_have_one_report_each() {
    let node = Node::new();
    let contracts = [node.contract(terms()), node.contract(counted(1_000))];
    thread::scope(|scope| {
        for contract in contracts.into_iter().chain(contracts) {
            let node = &node;
            scope.spawn(move || {
                for round in 0..25 {
                    let mut release = node.released(contract);
                    if round % 3 > 0 {
                        assert!(release.by_ref().take(round % 3).all(|batch| batch.is_ok()));
                    }
                }
            });
        }
    });
    let all = reports(&node);
    assert_eq!(all.len(), 100);
    let mut accesses: Vec<_> = all.iter().map(|(_, report)| report.access).collect();
    accesses.sort_unstable();
    accesses.dedup();
    assert_eq!(accesses.len(), 100);
    let files = node.close();
    let replayed = replay(&files);
    assert_eq!((replayed.permits, replayed.reports, replayed.unreported), (100, 100, 0));
    assert!(replayed.is_sound(), "{:?}", replayed.first);
    files.open().unwrap();
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Observer for Ear {
    fn ended(&self, ended: &Ended<'_>) {
        let report = ended.report.map(LeafIndex::as_u64).map_err(ToString::to_string);
        self.0.lock().unwrap().push(format!("{:?} {report:?}", ended.end));
    }
}

#[test]
fn who_drops_a_release_inside_a_pass_waits_for_nobody() {
    let (ear, node) = (Ear::default(), Node::new());
    let contract = node.contract(terms());
    let files = node.close();
    let space = files.setup(provider()).observer(ear.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let releases = [node.released(contract), node.released(contract)];
    thread::scope(|scope| {
        let pass = node.space.enter();
        // A change that waits for the pass.
        let change = scope.spawn(|| node.space.end_contract(contract, name("over")));
        thread::sleep(std::time::Duration::from_millis(30));
        drop(releases);
        drop(pass);
        change.join().unwrap().unwrap();
    });
    assert_eq!(ear.0.lock().unwrap().len(), 2);
    assert_eq!(reports(&node).len(), 2);
    // The log is in order: it can be opened and replayed.
    let files = node.close();
    assert!(replay(&files).is_sound());
    files.open().unwrap();
}

#[test]
fn a_clock_that_is_wrong_keeps_no_report_back() {
    let node = Node::with_table(table(10_000));
    let contract = node.contract(terms());
    node.advance(100);
    let mut release = node.released(contract);
    let _left = release.next().unwrap().unwrap();
    node.files.clock.set(days(0, 1).from());
    assert!(matches!(release.next(), Some(Err(ReleaseError::Clock(_)))));
    node.space.tend().unwrap();
    node.files.clock.set(days(1, 2).from());
    let report = report(&node, &release);
    assert_eq!((report.end, report.pieces), (ReleaseEnd::Failed, 1));
    drop(release);
    let files = node.close();
    assert!(replay(&files).is_sound());
    files.open().unwrap();
}

#[test]
fn only_accesses_that_were_released_have_reports() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    drop(node.released(contract));
    let Access::Denied(_denied) = node.space.access(node.request(contract)).unwrap() else {
        panic!()
    };
    assert_eq!(reports(&node).len(), 1);
    assert_eq!(provider().did(), node.space.provider());
}
