//! Duties in words and in bytes: what is signed is what is read, and old bytes mean what they meant.

use dataspace_policy::duty::{Broader, PseudonymScope, Tolerance};
use dataspace_policy::{
    Action, Assurance, ColumnMask, Duty, Limit, MaskMethod, Persons, Rule, Sample, Scalar, Terms,
    Watermark,
};
use dataspace_primitives::{Name, cbor};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn mask(method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: name("vin"), method })
}

fn pseudonym(scope: PseudonymScope, domain: Option<&str>) -> Duty {
    mask(MaskMethod::Pseudonym { scope, domain: domain.map(name) })
}

fn broader() -> Broader {
    let values = [("Ulm", "South"), ("Augsburg", "South"), ("Bonn", "the \"West\"")];
    Broader {
        values: values.into_iter().map(|(value, broader)| (name(value), name(broader))).collect(),
        others: name("elsewhere"),
    }
}

fn all() -> Vec<(Duty, &'static str)> {
    vec![
        (
            mask(MaskMethod::Hash),
            "column vin is replaced by pseudonyms of this contract, rows reordered",
        ),
        (
            pseudonym(PseudonymScope::Contract, Some("car")),
            "column vin is replaced by pseudonyms of the domain car: equal values of all columns with \
             pseudonyms of car can be joined, in this contract and in no other, rows reordered",
        ),
        (
            pseudonym(PseudonymScope::Consumer, Some("a person")),
            "column vin is replaced by pseudonyms of the domain \"a person\": equal values of all \
             columns with pseudonyms of \"a person\" can be joined, in all contracts of this consumer \
             with this provider, and not with those of others, rows reordered",
        ),
        (
            pseudonym(PseudonymScope::Consumer, None),
            "column vin is replaced by pseudonyms of this consumer: equal values of columns vin with \
             such pseudonyms can be joined, in all contracts of this consumer with this provider, and \
             not with those of others, rows reordered",
        ),
        (
            mask(MaskMethod::Constant(Scalar::Text(name("say \"no\"")))),
            "every value of column vin is replaced by \"say \\\"no\\\"\", missing ones stay missing, rows \
             reordered",
        ),
        (
            mask(MaskMethod::Generalise(broader())),
            "values of column vin are replaced by broader ones: \"South\" for \"Augsburg\", \"Ulm\", \
             \"the \\\"West\\\"\" for \"Bonn\", \"elsewhere\" for all others; missing ones stay missing, rows \
             reordered",
        ),
        (
            Duty::Sample(Sample { per_million: 125_000, subject: None }),
            "only a sample of 12.5 % of the rows, while a row does not change the same at every access \
             under this contract",
        ),
        (
            Duty::Sample(Sample { per_million: 1, subject: Some(name("vin")) }),
            "only a sample of 0.0001 % of the different vin, with all of their rows, the same at every \
             access under this contract",
        ),
        (
            Duty::Persons(Persons {
                column: name("phone"),
                at_most: 100_000,
                zone: name("Asia/Shanghai"),
                register: name("export 1"),
            }),
            "only while the different persons (by phone) of a calendar year (Asia/Shanghai) are at most \
             100000, counted once each under all contracts of the register \"export 1\"; no row without a \
             person",
        ),
        (Duty::Limit(Limit { rows: 1 }), "at most 1 row at one access"),
        (Duty::Limit(Limit { rows: 1000 }), "at most 1000 rows at one access"),
        (
            Duty::Watermark(Watermark {
                column: name("S_p"),
                tolerance: Tolerance::Absolute("0.05".parse().unwrap()),
            }),
            "numbers of column S_p are moved by at most 0.05, so that a copy can be traced to this \
             contract",
        ),
        (
            Duty::Watermark(Watermark {
                column: name("S_p"),
                tolerance: Tolerance::Relative(1000),
            }),
            "numbers of column S_p are moved by at most 0.1 % of their amount, so that a copy can be \
             traced to this contract",
        ),
    ]
}

#[test]
fn the_words_say_what_is_done_and_what_can_be_joined() {
    for (duty, words) in all() {
        assert_eq!(duty.to_string(), words);
        assert!(duty.check().is_ok());
        let terms = Terms::new().permit(Rule::new([Action::Read])).duty(duty.clone());
        assert!(terms.check().is_ok());
        assert_eq!(terms.clauses()[1].words, words);
        let deters = matches!(duty, Duty::Watermark(_));
        let label = if deters { Assurance::Deterrent } else { Assurance::Enforced };
        assert_eq!(terms.clauses()[1].assurance, label);
    }
}

#[test]
fn every_duty_comes_back_from_its_bytes() {
    for (duty, _) in all() {
        let bytes = cbor::to_canonical(&duty).unwrap();
        assert_eq!(cbor::from_canonical::<Duty>(&bytes, 1 << 15).unwrap(), duty);
        for end in 0..bytes.len() {
            assert!(cbor::from_canonical::<Duty>(&bytes[..end], 1 << 15).is_err());
        }
    }
}

#[test]
fn a_hash_has_the_bytes_that_it_had() {
    let bytes = cbor::to_canonical(&mask(MaskMethod::Hash)).unwrap();
    // {"mask": {"column": "vin", "method": "hash"}}
    let expected = b"\xa1\x64mask\xa2\x66column\x63vin\x66method\x64hash";
    assert_eq!(bytes, expected);
    assert_eq!(cbor::from_canonical::<Duty>(expected, 1 << 15).unwrap(), mask(MaskMethod::Hash));
}

#[test]
fn the_year_of_persons_is_that_of_the_zone() {
    let of = |zone: &str| Persons {
        column: name("phone"),
        at_most: 1,
        zone: name(zone),
        register: name("export"),
    };
    for (zone, now, year) in [
        ("Asia/Shanghai", "2026-12-31T15:59:59.999Z", Some(2026)),
        ("Asia/Shanghai", "2026-12-31T16:00:00Z", Some(2027)),
        ("America/New_York", "2027-01-01T04:59:59Z", Some(2026)),
        ("UTC", "1970-01-01T00:00:00Z", Some(1970)),
        ("America/New_York", "1970-01-01T00:00:00Z", Some(1969)),
        ("Asia/Peking", "2026-06-01T00:00:00Z", None),
        ("asia/shanghai", "2026-06-01T00:00:00Z", None),
    ] {
        assert_eq!(of(zone).year_at(now.parse().unwrap()), year, "{zone} {now}");
    }
}

#[test]
fn what_nobody_writes_is_not_read() {
    for json in [
        r#"{"mask": {"column": "vin", "method": {"pseudonym": {"scope": "world"}}}}"#,
        r#"{"mask": {"column": "vin", "method": {"pseudonym": {}}}}"#,
        r#"{"mask": {"column": "vin", "method": {"generalise": {"values": {"a": "b"}}}}}"#,
        r#"{"mask": {"column": "vin", "method": {"generalise": {"values": {"a": ""}, "others": "x"}}}}"#,
        r#"{"mask": {"column": "vin", "method": {"constant": {"number": "1e3"}}}}"#,
        r#"{"sample": {"perMillion": 1, "seed": 7}}"#,
        r#"{"sample": {"perMillion": 4294967296}}"#,
        r#"{"limit": {"rows": -1}}"#,
        r#"{"limit": {}}"#,
        r#"{"persons": {"column": "c", "atMost": 1, "zone": "UTC"}}"#,
        r#"{"persons": {"column": "c", "atMost": -1, "zone": "UTC", "register": "r"}}"#,
        r#"{"persons": {"column": "c", "atMost": 1, "zone": "UTC", "register": "r", "year": 2026}}"#,
        r#"{"watermark": {"column": "c", "tolerance": {"absolute": "NaN"}}}"#,
        r#"{"watermark": {"column": "c", "tolerance": {"absolute": "inf"}}}"#,
        r#"{"watermark": {"column": "c"}}"#,
    ] {
        assert!(serde_json::from_str::<Duty>(json).is_err(), "{json}");
    }
    // A domain that is not there has one encoding.
    let null = b"\xa1\x64mask\xa2\x66column\x63vin\x66method\xa1\x69pseudonym\xa2\x65scope\x68consumer\x66domain\xf6";
    assert!(cbor::from_canonical::<Duty>(null, 1 << 15).is_err());
}

#[test]
fn none_of_them_but_masks_is_for_documents() {
    for (duty, _) in all() {
        let mut of_a_part = duty.clone();
        match &mut of_a_part {
            Duty::Mask(mask) => mask.column = name("/vin"),
            Duty::Watermark(mark) => mark.column = name("/vin"),
            _ => {}
        }
        assert_eq!(of_a_part.is_for_documents(), matches!(duty, Duty::Mask(_)), "{duty}");
    }
}
