//! `vectors/cbor/*.tsv`: input in hexadecimal, `ok` or `err`, the rule that it breaks, a note.

use dataspace_primitives::cbor;

use crate::support::{LEN_MAX, decode, rule, unhex};

fn replay(file: &str) -> (usize, usize) {
    let (mut ok, mut err) = (0, 0);
    for line in file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [hex, expected, broken, _note] = fields[..] else { panic!("four fields: {line}") };
        let bytes = unhex(hex);
        match expected {
            "ok" => {
                let value = decode(&bytes).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(cbor::to_canonical(&value).unwrap(), bytes, "{line}");
                assert_eq!(broken, "-", "{line}");
                ok += 1;
            }
            "err" => {
                assert_eq!(format!("{:?}", rule(&bytes)), broken, "{line}");
                assert!(cbor::from_canonical::<serde_cbor::Value>(&bytes, LEN_MAX).is_err());
                err += 1;
            }
            _ => panic!("{line}"),
        }
    }
    (ok, err)
}

#[test]
fn the_examples_of_rfc_8949_appendix_a_are_taken_where_they_are_deterministic() {
    let (ok, err) = replay(include_str!("../../../../vectors/cbor/rfc8949_appendix_a.tsv"));
    assert_eq!((ok, err), (37, 44));
}

#[test]
fn the_malformed_examples_of_rfc_8949_appendix_f_are_refused() {
    let (ok, err) = replay(include_str!("../../../../vectors/cbor/rfc8949_appendix_f.tsv"));
    assert_eq!(ok, 0);
    assert!(err > 70);
}

#[test]
fn well_formed_but_not_deterministic_items_are_refused() {
    let (ok, err) = replay(include_str!("../../../../vectors/cbor/not_deterministic.tsv"));
    assert!(ok >= 10 && err >= 20);
}
