//! Persons of a calendar year where another one begins.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::Table;
use dataspace_primitives::Validity;
use dataspace_runtime::access::ReleaseError;
use dataspace_tlog::record::ReleaseEnd;
use dataspace_usage_contract::ContractId;

use crate::persons::{count, counted, is_refused, left, people};
use crate::reports::report;
use crate::support::{
    Files, Node, consumer, name, provider, rival, signed_credential, signed_profile,
};

/// A year under a contract is not longer than its validity in these tests, so the node begins late in it.
fn late(clock: &str) -> Node {
    late_of(clock, people())
}

fn late_of(clock: &str, table: Table) -> Node {
    let files = Files::new();
    files.clock.set(clock.parse().unwrap());
    let year = || {
        let (from, until) = ("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
        Validity::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    };
    let space = files.setup(provider()).create(signed_profile(|_| {})).unwrap();
    for member in [provider(), consumer(), rival()] {
        space.admit(signed_credential(&member, |one| one.validity = year())).unwrap();
    }
    space.register(name("alloys"), name("test-results"), table).unwrap();
    Node { space, files }
}

fn late_contract(node: &Node, group: u32, at_most: u32) -> ContractId {
    let (from, until) = ("2026-06-01T00:00:00Z", "2027-12-01T00:00:00Z");
    let validity = Validity::new(from.parse().unwrap(), until.parse().unwrap()).unwrap();
    let terms = counted(Some(group), at_most);
    let offer = dataspace_runtime::NewOffer {
        validity,
        expires_at: validity.until(),
        ..Node::new_offer(terms)
    };
    node.conclude(&node.space.offer(offer).unwrap(), &consumer()).unwrap()
}

#[test]
fn a_year_begins_at_midnight_in_the_zone_of_the_duty() {
    // In Shanghai it is 23:59:59 on the last day of 2026.
    let node = late("2026-12-31T15:59:59Z");
    let (first, second) = (late_contract(&node, 0, 10), late_contract(&node, 1, 10));
    assert_eq!(left(&node, first).unwrap(), 10);
    assert!(is_refused(&left(&node, second)));
    node.files.clock.set("2026-12-31T16:00:00Z".parse().unwrap());
    assert_eq!(left(&node, second).unwrap(), 10);
    assert_eq!((count(&node, 2026), count(&node, 2027)), (10, 10));
    assert!(is_refused(&left(&node, first)));
}

/// Three pieces about ten persons, each in all of them; and more persons behind.
fn long() -> Table {
    let rows = 30_000_i64;
    let who = (0..rows).map(|row| match row {
        0..20_000 => format!("person {:02}", row % 10),
        _ => format!("stranger {:02}", row % 5),
    });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("alloy", Arc::new(StringArray::from_iter_values(who))),
        ("group", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row / 20_000)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Table::from_batches(&batch.schema(), vec![batch]).unwrap()
}

#[test]
fn a_release_over_new_year_counts_in_both() {
    let node = late_of("2026-12-31T15:59:59Z", long());
    let (long, other) = (late_contract(&node, 0, 10), late_contract(&node, 1, 10));
    let mut release = node.released(long);
    let mut rows = release.next().unwrap().unwrap().num_rows();
    assert_eq!((count(&node, 2026), count(&node, 2027)), (10, 0));
    node.files.clock.set("2026-12-31T16:00:00Z".parse().unwrap());
    rows += release.next().unwrap().unwrap().num_rows();
    assert_eq!((count(&node, 2026), count(&node, 2027)), (10, 10));
    rows += release.map(|batch| batch.unwrap().num_rows()).sum::<usize>();
    assert_eq!(rows, 20_000);
    assert!(is_refused(&left(&node, other)), "ten persons have left in the new year");

    // One that was begun in the old year does not slip in.
    let node = late_of("2026-12-31T15:59:59Z", self::long());
    let (long, other) = (late_contract(&node, 0, 10), late_contract(&node, 1, 10));
    let mut release = node.released(long);
    let _in_the_old_year = release.next().unwrap().unwrap();
    node.files.clock.set("2026-12-31T16:00:00Z".parse().unwrap());
    assert_eq!(left(&node, other).unwrap(), 5);
    assert!(matches!(release.next(), Some(Err(ReleaseError::TooManyPersons))));
    assert!(release.next().is_none());
    assert_eq!((count(&node, 2026), count(&node, 2027)), (10, 5));
    let report = report(&node, &release);
    assert_eq!((report.end, report.pieces, report.subjects), (ReleaseEnd::Failed, 1, Some(10)));
}

#[test]
fn a_clock_that_is_set_back_over_new_year_finds_the_old_year_as_it_was() {
    let node = late("2026-12-31T15:00:00Z");
    let contract = late_contract(&node, 0, 10);
    assert_eq!(left(&node, contract).unwrap(), 10);
    node.files.clock.set("2027-01-02T00:00:00Z".parse().unwrap());
    assert_eq!((left(&node, contract).unwrap(), count(&node, 2027)), (10, 10));
    node.files.clock.set("2026-12-31T15:30:00Z".parse().unwrap());
    assert!(node.space.access(node.request(contract)).is_err(), "a clock behind the log");
    let files = node.close();
    let space = files.setup(provider()).set_clock_back().unwrap();
    space.register(name("alloys"), name("test-results"), people()).unwrap();
    let node = Node { space, files };
    // The contracts ended with the wrong clock; a new one counts on in the old year.
    let next = late_contract(&node, 1, 19);
    assert!(is_refused(&left(&node, next)));
    assert_eq!((count(&node, 2026), count(&node, 2027)), (10, 10));
}
