//! The calendar, held against `chrono`.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use dataspace_primitives::{UnixMillis, time::ParseTimeError};
use proptest::prelude::*;

const MAX: u64 = 253_402_300_799_999;

fn oracle(millis: u64) -> String {
    let instant = DateTime::<Utc>::from_timestamp_millis(i64::try_from(millis).unwrap()).unwrap();
    let format =
        if millis.is_multiple_of(1000) { SecondsFormat::Secs } else { SecondsFormat::Millis };
    instant.to_rfc3339_opts(format, true)
}

fn check(millis: u64) {
    let instant = UnixMillis::new(millis).unwrap();
    let text = instant.to_string();
    assert_eq!(text, oracle(millis));
    assert_eq!(text.parse(), Ok(instant));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn days_and_months_are_numbered_as_chrono_counts_them(millis in 0..=MAX) {
        let instant = UnixMillis::new(millis).unwrap();
        let there = DateTime::<Utc>::from_timestamp_millis(i64::try_from(millis).unwrap()).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let days = there.date_naive().signed_duration_since(epoch).num_days();
        prop_assert_eq!(i64::try_from(instant.day_number()).unwrap(), days);
        let months = i64::from(there.year() - 1970) * 12 + i64::from(there.month0());
        prop_assert_eq!(i64::try_from(instant.month_number()).unwrap(), months);
    }

    #[test]
    fn the_text_of_an_instant_is_that_of_chrono_and_parses_to_it(millis in 0..=MAX) {
        check(millis);
    }

    #[test]
    fn whole_seconds_are_written_without_a_fraction(seconds in 0..=MAX / 1000) {
        check(seconds * 1000);
    }

    #[test]
    fn a_text_is_refused_or_read_as_chrono_reads_it_and_is_the_one_spelling(
        text in "(19[67][0-9]|20[0-9]{2}|[0-9]{4})-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,4})?[Zz]",
    ) {
        let theirs = DateTime::parse_from_rfc3339(&text);
        if let Ok(ours) = text.parse::<UnixMillis>() {
            prop_assert_eq!(theirs.unwrap().timestamp_millis(), i64::try_from(ours.as_millis()).unwrap());
            prop_assert!(ours.to_string() == text || text.contains(".000"));
        }
    }

    #[test]
    fn noise_is_refused(text in "\\PC{0,30}") {
        prop_assert!(text.parse::<UnixMillis>().is_err());
    }

    #[test]
    fn adding_and_subtracting_stay_in_range(millis in 0..=MAX, step in any::<u64>()) {
        let instant = UnixMillis::new(millis).unwrap();
        let duration = Duration::from_millis(step);
        let later = millis.checked_add(step).filter(|sum| *sum <= MAX);
        prop_assert_eq!(instant.checked_add(duration).map(UnixMillis::as_millis), later);
        prop_assert_eq!(instant.saturating_sub(duration).as_millis(), millis.saturating_sub(step));
        if let Some(later) = instant.checked_add(duration) {
            prop_assert_eq!(later.since(instant), duration);
            prop_assert_eq!(instant.since(later), Duration::ZERO);
        }
    }
}

#[test]
fn the_first_and_last_millisecond_of_every_day_until_2500_are_those_of_chrono() {
    for day in 0..193_600_u64 {
        check(day * 86_400_000);
        check(day * 86_400_000 + 86_399_999);
    }
}

#[test]
fn exactly_the_days_that_exist_are_read() {
    for year in [1970, 1972, 1999, 2000, 2024, 2026, 2100, 2400, 9999] {
        for month in 0..=13_u32 {
            for day in 0..=32_u32 {
                let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                let exists = NaiveDate::from_ymd_opt(year, month, day);
                let read = text.parse::<UnixMillis>();
                assert_eq!(read.is_ok(), exists.is_some(), "{text}");
                if let (Ok(read), Some(date)) = (read, exists) {
                    let days = i64::from(date.num_days_from_ce() - 719_163);
                    assert_eq!(i64::try_from(read.as_millis()), Ok(days * 86_400_000));
                }
            }
        }
    }
}

#[test]
fn leap_days_exist_only_in_leap_years() {
    for text in ["2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2400-02-29T23:59:59.999Z"] {
        assert_eq!(text.parse::<UnixMillis>().unwrap().to_string(), text);
    }
    for text in ["2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-02-30T00:00:00Z"] {
        assert_eq!(text.parse::<UnixMillis>(), Err(ParseTimeError));
    }
}

#[test]
fn the_range_is_from_1970_to_9999() {
    assert_eq!("1970-01-01T00:00:00Z".parse(), Ok(UnixMillis::MIN));
    assert_eq!("9999-12-31T23:59:59.999Z".parse(), Ok(UnixMillis::MAX));
    assert_eq!(UnixMillis::new(MAX), Some(UnixMillis::MAX));
    assert_eq!(UnixMillis::new(MAX + 1), None);
    assert_eq!(UnixMillis::try_from(u64::MAX), Err(ParseTimeError));
    assert_eq!(UnixMillis::MAX.checked_add(Duration::from_millis(1)), None);
    assert_eq!(UnixMillis::MAX.checked_add(Duration::MAX), None);
    assert_eq!(UnixMillis::MAX.saturating_sub(Duration::MAX), UnixMillis::MIN);
    for text in ["1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "0001-03-01T00:00:00Z"] {
        assert_eq!(text.parse::<UnixMillis>(), Err(ParseTimeError));
    }
}

#[test]
fn spellings_beside_the_one_are_refused() {
    for text in [
        "",
        "Z",
        ".123Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T23:60:00Z",
        "2026-11-23T23:59:60Z",
        "2026-11-23T21:00:00z",
        "2026-11-23t21:00:00Z",
        "2026-11-23 21:00:00Z",
        "2026-11-23T21:00:00",
        "2026-11-23T21:00:00+00:00",
        "2026-11-23T21:00:00-00:00",
        "2026-11-23T21:00:00+01:00",
        "2026-11-23T21:00Z",
        "2026-11-23",
        "2026-11-23T21:00:00.Z",
        "2026-11-23T21:00:00.1Z",
        "2026-11-23T21:00:00.12Z",
        "2026-11-23T21:00:00.1234Z",
        "2026-11-23T21:00:00,123Z",
        "2026-11-23T21:00:00.123ZZ",
        " 2026-11-23T21:00:00Z",
        "2026-11-23T21:00:00Z\n",
        "+2026-11-23T21:00:00Z",
        "-2026-11-23T21:00:00Z",
        "12026-11-23T21:00:00Z",
        "26-11-23T21:00:00Z",
        "2026-1-23T21:00:00Z",
        "2026-+1-23T21:00:00Z",
        "2026-11-23T-1:00:00Z",
        "2026-00-23T21:00:00Z",
        "2026-13-23T21:00:00Z",
        "2026-11-00T21:00:00Z",
        "2026-11-31T21:00:00Z",
        "٢٠٢٦-11-23T21:00:00Z",
        "20261123T210000Z",
        "2026-W48-1T21:00:00Z",
    ] {
        assert_eq!(text.parse::<UnixMillis>(), Err(ParseTimeError), "{text}");
    }
}
