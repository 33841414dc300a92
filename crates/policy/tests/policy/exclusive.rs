//! Which contracts conflict with one that is exclusive.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Assurance, Constraint, Exclusive, Rule, Terms, terms::InvalidTerms,
};
use dataspace_primitives::{Region, UnixMillis, Validity, cbor};
use proptest::prelude::*;

fn regions(all: &[&str]) -> BTreeSet<Region> {
    all.iter().map(|one| Region::parse(one).unwrap()).collect()
}

fn day(day: u64) -> UnixMillis {
    UnixMillis::new(day * 86_400_000).unwrap()
}

fn going_to(territories: &[&str]) -> Terms {
    let to = Constraint::RecipientRegion(regions(territories));
    Terms::new().permit(Rule::new([Action::Read]).when(to))
}

fn anywhere() -> Terms {
    Terms::new().permit(Rule::new([Action::Read]))
}

fn exclusive(territories: &[&str], until: u64) -> Terms {
    let one = Exclusive { territories: regions(territories), until: day(until) };
    Terms { exclusive: Some(one), ..anywhere() }
}

#[test]
fn a_clause_says_whom_it_keeps_out() {
    for (terms, words) in [
        (
            exclusive(&[], 1),
            "until 1970-01-02T00:00:00Z, unless this contract is terminated before, the provider concludes no contract on the product with another \
             consumer",
        ),
        (
            exclusive(&["FR", "DE"], 1),
            "until 1970-01-02T00:00:00Z, unless this contract is terminated before, the provider concludes no contract on the product with another \
             consumer by which the data can go to DE or FR",
        ),
    ] {
        let clauses = terms.clauses();
        let last = clauses.last().unwrap();
        assert_eq!((last.id.to_string().as_str(), last.words.as_str()), ("exclusive-1", words));
        assert_eq!(last.assurance, Assurance::Enforced);
        assert_eq!("exclusive-1".parse(), Ok(last.id));
    }
}

#[test]
fn terms_that_keep_nobody_out_have_their_old_bytes() {
    let bytes = cbor::to_canonical(&anywhere()).unwrap();
    assert!(!bytes.windows(9).any(|part| part == b"exclusive"));
    let kept = cbor::to_canonical(&exclusive(&["FR"], 1)).unwrap();
    assert_eq!(cbor::from_canonical::<Terms>(&kept, 1 << 12).unwrap(), exclusive(&["FR"], 1));
}

#[test]
fn more_territories_than_people_read_are_refused() {
    let all: BTreeSet<Region> = (b'A'..=b'Z')
        .flat_map(|a| (b'A'..=b'Z').map(move |b| [a, b]))
        .filter_map(|code| Region::parse(std::str::from_utf8(&code).unwrap()).ok())
        .take(65)
        .collect();
    assert_eq!(all.len(), 65);
    let terms =
        Terms { exclusive: Some(Exclusive { territories: all, until: day(1) }), ..anywhere() };
    assert!(matches!(terms.check(), Err(InvalidTerms::ValueCount { found: 65, .. })));
    let bytes = cbor::to_canonical(&terms).unwrap();
    assert!(cbor::from_canonical::<Terms>(&bytes, 1 << 12).is_err());
}

/// Every instant and territory, asked one by one.
fn overlaps_naively(one: &(Vec<u8>, u64, u64), other: &(Option<Vec<u8>>, u64, u64)) -> bool {
    let (kept, from, until) = one;
    let (goes_to, starts, ends) = other;
    (0..12).any(|day| {
        let both = *from <= day && day < *until && *starts <= day && day < *ends;
        let places = (0..3_u8).any(|place| {
            let is_kept = kept.is_empty() || kept.contains(&place);
            is_kept && goes_to.as_ref().is_none_or(|all| all.contains(&place))
        });
        both && places
    })
}

proptest! {
    #[test]
    fn conflicts_are_those_of_a_naive_reading(
        kept in proptest::collection::vec(0..3_u8, 0..3),
        goes_to in proptest::option::of(proptest::collection::vec(0..3_u8, 1..3)),
        (from, until, starts, len) in (0..8_u64, 1..12_u64, 0..8_u64, 1..4_u64),
    ) {
        const PLACES: [&str; 3] = ["DE", "FR", "US"];
        let places = |all: &[u8]| all.iter().map(|one| PLACES[usize::from(*one)]).collect::<Vec<_>>();
        let exclusive =
            Exclusive { territories: regions(&places(&kept)), until: day(until) };
        let terms = goes_to.as_ref().map_or_else(anywhere, |all| going_to(&places(all)));
        let found = exclusive.conflicts(day(from), (&terms, Validity::new(day(starts), day(starts + len)).unwrap()));
        let expected =
            overlaps_naively(&(kept, from, until), &(goes_to, starts, starts + len));
        prop_assert_eq!(found, expected);
    }
}
