//! Plays and seconds against what leaves, second by second.

use dataspace_policy::{Action, Meters, facts::Metered};
use dataspace_primitives::Part;
use dataspace_usage_contract::meter::{Meter, Use, is_possible};
use proptest::prelude::*;

/// Seconds of the recording.
const LEN: u32 = 120;
const FREE: u32 = 30;

fn both() -> Meters {
    Meters { plays_after: Some(FREE), seconds: true }
}

fn meter() -> Meter {
    Meter::new(both()).unwrap()
}

fn seconds(from: u32, until: u32) -> Part {
    Part::seconds(from, until).unwrap()
}

fn play(from: u32, until: u32) -> Use {
    Use::new(Action::Play, Some(&seconds(from, until)))
}

/// The plays after each of these.
fn plays(accesses: &[Use]) -> Vec<u64> {
    let mut meter = meter();
    let each = accesses.iter().map(|access| {
        let counts = meter.with(access);
        meter.take(counts);
        counts.plays.unwrap()
    });
    each.collect()
}

#[derive(Clone, Debug)]
struct Asked {
    action: Action,
    part: Option<Part>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let action = prop_oneof![6 => Just(Action::Play), 1 => Just(Action::Transfer)];
    let edge = || prop_oneof![0..=LEN, Just(FREE), Just(FREE - 1), Just(FREE + 1), Just(60_u32)];
    let stretch = (edge(), edge()).prop_map(|(one, other)| {
        let (from, until) = (one.min(other).min(LEN - 1), one.max(other));
        Some(seconds(from, until.max(from + 1)))
    });
    let bytes = Just(Some(Part::bytes(0, 9).unwrap()));
    let part = prop_oneof![10 => stretch, 1 => Just(None), 1 => bytes];
    (action, part).prop_map(|(action, part)| Asked { action, part })
}

proptest! {
    #[test]
    fn no_second_after_the_first_ones_leaves_more_often_than_there_are_plays(
        all in proptest::collection::vec(asked(), 1..40),
    ) {
        let (mut meter, mut left, mut in_all) = (meter(), [0_u64; LEN as usize], 0_u64);
        for (made, Asked { action, part }) in (1..).zip(&all) {
            let access = Use::new(*action, part.as_ref());
            let counts = meter.with(&access);
            prop_assert!(is_possible(both(), &access, &counts), "{access:?} {counts:?}");
            meter.take(counts);
            // Some bytes may be any second.
            let (from, until) = match part {
                Some(Part::Seconds { from, until }) => (*from, *until),
                _ => (0, LEN),
            };
            left[from as usize..until as usize].iter_mut().for_each(|times| *times += 1);
            in_all += part.as_ref().map_or(0, |part| match part {
                Part::Seconds { from, until } => u64::from(until - from),
                _ => 0,
            });
            let most = left[FREE as usize..].iter().copied().max().unwrap();
            let plays = counts.plays.unwrap();
            prop_assert!(most <= plays, "{most} times under {plays} plays: {all:?}");
            prop_assert!(plays <= made, "{plays} plays of {made} accesses");
            prop_assert_eq!(meter.counted().seconds, Some(in_all));
        }
    }

    #[test]
    fn what_is_restored_goes_on_as_what_was_counted(
        all in proptest::collection::vec(asked(), 1..20),
    ) {
        let (mut live, mut recorded) = (meter(), Vec::new());
        for Asked { action, part } in &all {
            let counts = live.with(&Use::new(*action, part.as_ref()));
            live.take(counts);
            recorded.push(counts);
            let mut restored = meter();
            for counts in &recorded {
 restored.take(*counts);
}
            prop_assert_eq!(&restored, &live);
            // A snapshot has the counts alone.
            let mut stored = meter();
            stored.take(live.counted());
            prop_assert_eq!(&stored, &live);
        }
    }
}

#[test]
fn a_play_counts_once_when_it_goes_beyond_the_first_seconds() {
    let whole = Use::new(Action::Play, None);
    for (accesses, expected) in [
        (vec![play(0, 30), play(0, 30), play(10, 29)], vec![0, 0, 0]),
        (vec![play(0, 30), play(30, 120)], vec![0, 1]),
        (vec![play(0, 31)], vec![1]),
        (vec![play(29, 31)], vec![1]),
        (vec![play(30, 31)], vec![1]),
        // One stretch after the other is one play; a leap ahead, too.
        (vec![play(0, 30), play(30, 60), play(60, 90), play(100, 120)], vec![0, 1, 1, 1]),
        // Back is another one, be it by a second; the beginning is free again.
        (vec![play(30, 60), play(59, 90), play(0, 30), play(90, 120)], vec![1, 2, 2, 2]),
        (vec![play(30, 60), play(30, 60), play(30, 60)], vec![1, 2, 3]),
        (vec![whole, whole], vec![1, 2]),
        // The whole opens nothing that could go on.
        (vec![whole, play(30, 60), play(60, 90)], vec![1, 2, 2]),
        (vec![play(30, 60), whole, play(60, 90)], vec![1, 2, 2]),
    ] {
        assert_eq!(plays(&accesses), expected, "{accesses:?}");
    }
}

#[test]
fn only_to_play_is_free_and_only_a_stretch_of_seconds() {
    let beginning = seconds(0, 10);
    let bytes = Part::bytes(0, 1).unwrap();
    for access in [
        Use::new(Action::Transfer, Some(&beginning)),
        Use::new(Action::Display, Some(&beginning)),
        Use::new(Action::Play, Some(&bytes)),
        Use::new(Action::Play, None),
    ] {
        assert_eq!(plays(&[access, access, play(0, 10)]), [1, 2, 2], "{access:?}");
    }
}

#[test]
fn an_access_without_a_stretch_has_no_seconds_and_changes_none() {
    let mut meter = meter();
    meter.take(meter.with(&play(0, 10)));
    let whole = meter.with(&Use::new(Action::Play, None));
    assert_eq!(whole.seconds, None);
    meter.take(whole);
    assert_eq!(meter.counted().seconds, Some(10));
}

#[test]
fn what_is_not_counted_is_not_known() {
    assert_eq!(Meter::new(Meters::default()), None);
    let plays = Meter::new(Meters { plays_after: Some(0), seconds: false }).unwrap();
    let counts = plays.with(&play(0, 1));
    assert_eq!((counts.plays, counts.seconds), (Some(1), None));
    let seconds = Meter::new(Meters { plays_after: None, seconds: true }).unwrap();
    let counts = seconds.with(&play(0, 1));
    assert_eq!(counts, Metered { plays: None, played_until: None, seconds: Some(1) });
}

#[test]
fn counts_do_not_wrap_at_their_end() {
    let mut meter = meter();
    let end = Some(u64::MAX);
    meter.take(Metered { plays: end, played_until: None, seconds: end });
    let counts = meter.with(&play(0, u32::MAX));
    assert_eq!((counts.plays, counts.seconds), (end, end));
}

#[test]
fn counts_that_no_access_can_bring_about_are_found_out() {
    let beyond = play(30, 60);
    let good = Metered { plays: Some(1), played_until: Some(60), seconds: Some(30) };
    assert!(is_possible(both(), &beyond, &good));
    for (access, bad) in [
        (beyond, Metered { plays: Some(0), ..good }),
        (beyond, Metered { plays: None, ..good }),
        (beyond, Metered { played_until: None, ..good }),
        (beyond, Metered { played_until: Some(59), ..good }),
        (beyond, Metered { seconds: Some(29), ..good }),
        (beyond, Metered { seconds: None, ..good }),
        // Nothing within the first seconds is ever open, and nothing before the first play.
        (play(0, 30), Metered { played_until: Some(30), ..good }),
        (play(0, 30), Metered { plays: Some(0), ..good }),
        (
            Use::new(Action::Play, None),
            Metered { plays: Some(0), played_until: None, seconds: None },
        ),
        (Use::new(Action::Play, None), good),
    ] {
        assert!(!is_possible(both(), &access, &bad), "{access:?} {bad:?}");
    }
    let none = Metered::default();
    assert!(is_possible(Meters::default(), &beyond, &none));
    for bad in [Metered { plays: Some(1), ..none }, Metered { played_until: Some(60), ..none }] {
        assert!(!is_possible(Meters::default(), &beyond, &bad), "{bad:?}");
    }
}
