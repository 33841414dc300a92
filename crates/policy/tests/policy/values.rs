//! Numbers, actions and clause ids have one spelling; duties are checked.

use dataspace_policy::{
    Action, ClauseId, ClauseKind, ColumnMask, Duty, MaskMethod, Number, Operator, RowFilter,
    Scalar,
    duty::{DECIMALS_MAX, FILTER_VALUES_MAX, InvalidDuty},
};
use proptest::prelude::*;

use crate::support::name;

#[test]
fn every_action_parses_from_its_name_alone() {
    for action in Action::ALL {
        assert_eq!(action.to_string().parse(), Ok(action));
        for other in [action.as_str().to_uppercase(), format!(" {action}"), format!("{action}s")] {
            assert!(other.parse::<Action>().is_err(), "{other}");
        }
    }
    assert!("".parse::<Action>().is_err());
}

#[test]
fn clause_ids_have_one_spelling() {
    for text in ["permission-1", "prohibition-64", "duty-65535", "legal-2"] {
        assert_eq!(text.parse::<ClauseId>().unwrap().to_string(), text);
    }
    let id = ClauseId { kind: ClauseKind::Duty, number: 3 };
    assert_eq!("duty-3".parse(), Ok(id));
    for text in [
        "",
        "-",
        "duty",
        "duty-",
        "duty-0",
        "duty-01",
        "duty-+1",
        "duty--1",
        "duty-65536",
        "Duty-1",
        "duty-1 ",
        " duty-1",
        "duty-1-1",
        "duties-1",
        "duty-١",
        "duty_1",
    ] {
        assert!(text.parse::<ClauseId>().is_err(), "{text:?}");
    }
}

#[test]
fn numbers_are_finite_decimals_in_their_one_spelling() {
    for text in [
        "0",
        "12",
        "-1",
        "-0.5",
        "0.1",
        "100000",
        "9223372036854775807",
        "-9223372036854775808",
        "9007199254740993",
        "100000000000000000000",
        "0.000001",
    ] {
        let number: Number = text.parse().unwrap();
        assert_eq!((number.as_str(), number.to_string().as_str()), (text, text));
    }
    for text in [
        "",
        "-",
        "+1",
        "01",
        "1.0",
        "-0",
        "-0.0",
        ".5",
        "5.",
        "1e3",
        "1E3",
        "0x10",
        "NaN",
        "inf",
        "-inf",
        "infinity",
        "1_000",
        " 1",
        "1 ",
        "1,5",
        "٣",
        "0.10",
        "9223372036854775808",
        "1e400",
        "0.1000000000000000055511151231257827",
        "--1",
    ] {
        assert!(text.parse::<Number>().is_err(), "{text:?}");
    }
}

#[test]
fn whole_numbers_beyond_a_float_stay_exact() {
    let number: Number = "9007199254740993".parse().unwrap();
    assert_eq!(number.as_i64(), Some(9_007_199_254_740_993));
    let half: Number = "-0.5".parse().unwrap();
    assert_eq!(half.as_i64(), None);
    assert_eq!(half.as_f64().to_bits(), (-0.5_f64).to_bits());
}

proptest! {
    #[test]
    fn every_whole_number_and_short_decimal_round_trips(whole in any::<i64>(), cents in -99_999_i32..99_999) {
        prop_assert_eq!(whole.to_string().parse::<Number>().unwrap().as_i64(), Some(whole));
        let decimal = (f64::from(cents) / 100.0).to_string();
        let parsed = decimal.parse::<Number>();
        prop_assert_eq!(parsed.is_ok(), decimal != "-0");
    }

    #[test]
    fn what_parses_as_a_number_is_its_own_spelling(text in "[-+0-9.eE]{0,8}") {
        if let Ok(number) = text.parse::<Number>() {
            prop_assert_eq!(number.as_str(), text.as_str());
            prop_assert!(number.as_f64().is_finite());
        }
    }
}

fn filter(operator: Operator, values: usize) -> Duty {
    let values = vec![Scalar::Boolean(true); values];
    Duty::Filter(RowFilter { column: name("c"), operator, values })
}

#[test]
fn a_comparison_takes_one_value_and_any_of_up_to_256() {
    use Operator::{Eq, Gt, Gteq, IsAnyOf, Lt, Lteq, Neq};
    for operator in [Eq, Neq, Lt, Lteq, Gt, Gteq] {
        assert!(filter(operator, 1).check().is_ok());
        for found in [0, 2] {
            let error = filter(operator, found).check().unwrap_err();
            assert!(matches!(error, InvalidDuty::ValueCount { found: f, .. } if f == found));
        }
    }
    assert!(
        filter(IsAnyOf, 1).check().is_ok() && filter(IsAnyOf, FILTER_VALUES_MAX).check().is_ok()
    );
    assert!(filter(IsAnyOf, 0).check().is_err());
    assert!(filter(IsAnyOf, FILTER_VALUES_MAX + 1).check().is_err());
}

#[test]
fn rounding_is_possible_to_eighteen_digits_on_either_side() {
    let round = |decimals| {
        Duty::Mask(ColumnMask { column: name("c"), method: MaskMethod::Round { decimals } }).check()
    };
    for decimals in [0, 1, DECIMALS_MAX, -DECIMALS_MAX] {
        assert!(round(decimals).is_ok());
    }
    for decimals in [DECIMALS_MAX + 1, -DECIMALS_MAX - 1, i8::MAX, i8::MIN] {
        assert!(matches!(round(decimals), Err(InvalidDuty::Decimals { .. })));
    }
}
