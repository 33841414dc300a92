use dataspace_primitives::{UnixMillis, Validity, validity::EmptyValidity};
use proptest::prelude::*;

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

#[test]
fn the_first_instant_is_inside_and_the_last_is_not() {
    let validity = Validity::new(at(10), at(20)).unwrap();
    for (instant, inside) in [(9, false), (10, true), (19, true), (20, false), (21, false)] {
        assert_eq!(validity.contains(at(instant)), inside);
    }
}

#[test]
fn the_shortest_validity_is_one_millisecond() {
    let validity = Validity::new(at(10), at(11)).unwrap();
    assert!(validity.contains(at(10)) && !validity.contains(at(11)));
}

#[test]
fn an_empty_or_reversed_validity_cannot_be_made() {
    for (from, until) in [(10, 10), (11, 10), (0, 0)] {
        let (from, until) = (at(from), at(until));
        assert_eq!(Validity::new(from, until), Err(EmptyValidity { from, until }));
    }
}

#[test]
fn always_lasts_to_the_last_millisecond_of_9999_which_is_outside() {
    assert!(Validity::ALWAYS.contains(UnixMillis::MIN));
    assert!(Validity::ALWAYS.contains(at(253_402_300_799_998)));
    assert!(!Validity::ALWAYS.contains(UnixMillis::MAX));
}

#[test]
fn adjoining_validities_leave_no_gap_and_no_overlap() {
    let (first, second) =
        (Validity::new(at(0), at(5)).unwrap(), Validity::new(at(5), at(9)).unwrap());
    for instant in 0..9 {
        assert_ne!(first.contains(at(instant)), second.contains(at(instant)));
    }
}

#[test]
fn the_text_names_both_ends() {
    let validity = Validity::new(at(0), at(86_400_000)).unwrap();
    assert_eq!(validity.to_string(), "from 1970-01-01T00:00:00Z until 1970-01-02T00:00:00Z");
    assert_eq!(
        Validity::new(at(1000), at(0)).unwrap_err().to_string(),
        "a validity must end after it begins: from 1970-01-01T00:00:01Z, until 1970-01-01T00:00:00Z"
    );
}

proptest! {
    #[test]
    fn enclosing_is_containing_every_instant(a in 0..12_u64, b in 1..12_u64, c in 0..12_u64, d in 1..12_u64) {
        let (outer, inner) = (Validity::new(at(a), at(a + b)).unwrap(), Validity::new(at(c), at(c + d)).unwrap());
        let every = (0..30).all(|instant| !inner.contains(at(instant)) || outer.contains(at(instant)));
        prop_assert_eq!(outer.encloses(&inner), every);
        prop_assert!(outer.encloses(&outer) && Validity::ALWAYS.encloses(&inner));
    }
}
