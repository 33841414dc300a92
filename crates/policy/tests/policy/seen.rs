//! What a consumer sees of a duty in one cell: no honest cell is complained of, and no spelling hides a breach.

use dataspace_policy::duty::{CalendarPart, Characters};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};

fn mask(method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: "c".parse().unwrap(), method })
}

fn filter(operator: Operator, value: Scalar) -> Duty {
    Duty::Filter(RowFilter { column: "c".parse().unwrap(), operator, values: vec![value] })
}

fn number(text: &str) -> Scalar {
    Scalar::Number(text.parse().unwrap())
}

#[test]
fn honest_cells_pass() {
    let text = |text: &str| Scalar::Text(text.parse().unwrap());
    for (duty, cells) in [
        (mask(MaskMethod::Null), &[""][..]),
        (mask(MaskMethod::Hash), &["", "0123456789abcdef0123456789abcdef"]),
        (mask(MaskMethod::Truncate { chars: 2 }), &["", "a", "äö", "日本"]),
        (mask(MaskMethod::Round { decimals: 2 }), &["1.23", "-0.1", "3", "1e22", "NaN", "inf"]),
        (mask(MaskMethod::Round { decimals: -1 }), &["-600.0", "0", "1230"]),
        (mask(MaskMethod::Round { decimals: 18 }), &["0.30000000000000004"]),
        (mask(MaskMethod::Bin { width: 7 }), &["49", "-7.0", "16777228", "inf", ""]),
        (mask(MaskMethod::Grid { cells: 3600 }), &["48.12347", "48.123472222222224"]),
        (mask(MaskMethod::Grid { cells: 360 }), &["64.00694", "0.0013888889"]),
        (mask(MaskMethod::Grid { cells: 3 }), &["0.16666667"]),
        (mask(MaskMethod::Bin { width: 3 }), &["100000000.0"]),
        (mask(MaskMethod::Bin { width: 60 }), &["2000000000.0"]),
        (filter(Operator::Gt, text("2026-11-23")), &["+10000-01-01", "2026-11-24"]),
        (
            mask(MaskMethod::Calendar { part: CalendarPart::Month }),
            &["2024-02-01", "2024-02-01 00:00:00Z", "-0044-03-01"],
        ),
        (
            mask(MaskMethod::Calendar { part: CalendarPart::Minute }),
            &["2024-02-03", "2024-02-03 13:47:00", "2024-02-03T13:47:00.000Z"],
        ),
        (mask(MaskMethod::Redact { characters: Characters::Digits }), &["B-## é", ""]),
        (mask(MaskMethod::Redact { characters: Characters::Letters }), &["x-12 x"]),
        (filter(Operator::Gteq, number("203")), &["203", "203.0", "1e9", "203.00000000000001"]),
        // A column of 32 bits is compared in 32 bits.
        (filter(Operator::Eq, number("16777217")), &["16777216"]),
        (filter(Operator::Lteq, number("0.1234567891")), &["0.12345679"]),
        (filter(Operator::Neq, text("a")), &["b", ""]),
        (filter(Operator::Gt, text("a")), &["b", "\u{feff}a"]),
        (filter(Operator::Eq, Scalar::Boolean(true)), &["true", "True", "TRUE"]),
    ] {
        for cell in cells {
            assert!(duty.allows(cell), "{duty}: {cell}");
        }
    }
}

#[test]
fn a_breach_is_seen_however_it_is_spelt() {
    for (duty, cells) in [
        (mask(MaskMethod::Drop), &["", "x"][..]),
        (mask(MaskMethod::Null), &["0", " "]),
        (mask(MaskMethod::Hash), &["mp-1", "0123456789ABCDEF0123456789ABCDEF", "0123"]),
        (mask(MaskMethod::Truncate { chars: 2 }), &["abc", "äöü"]),
        (mask(MaskMethod::Round { decimals: -2 }), &["310.5", "310.5MPa", "~310", " 317", "1e1"]),
        (mask(MaskMethod::Round { decimals: 1 }), &["0.25", "1e-9x"]),
        (mask(MaskMethod::Bin { width: 7 }), &["48", "7.5", "seven"]),
        (mask(MaskMethod::Grid { cells: 10 }), &["48.1", "48.123", "48.151", "N48.15"]),
        (
            mask(MaskMethod::Calendar { part: CalendarPart::Month }),
            &["2024-02-03", "2024-02-01 00:00:01", "2024-02-01 00:00:00.001", "February"],
        ),
        (
            mask(MaskMethod::Calendar { part: CalendarPart::Minute }),
            &["2024-02-03 13:47:01", "2024-02-03 13:47:00.5", "2024-02-03 13:47", "13:47:00 today"],
        ),
        (mask(MaskMethod::Redact { characters: Characters::Digits }), &["B-1# é", "Ⅷ"]),
        (mask(MaskMethod::Redact { characters: Characters::Letters }), &["X-12", "xé"]),
        (
            filter(Operator::Gteq, number("203")),
            &["202", " 202", "202kg", "202.00000000000000", "0000000000000000202", "NaN", "'1", ""],
        ),
        (filter(Operator::Neq, number("5")), &["5", "5.0", ""]),
        (filter(Operator::Eq, Scalar::Boolean(true)), &["false", "False", "1", "yes", ""]),
    ] {
        for cell in cells {
            assert!(!duty.allows(cell), "{duty}: {cell}");
        }
    }
}
