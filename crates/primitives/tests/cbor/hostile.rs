//! Bytes that would cost a careless decoder its stack, its memory or its time.

use dataspace_primitives::cbor::{self, DEPTH_MAX, DecodeError, Rule};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

use crate::support::{LEN_MAX, decode, nested_arrays, rule, sample};

#[test]
fn nesting_is_accepted_to_the_cap_and_refused_beyond() {
    assert!(decode(&nested_arrays(DEPTH_MAX)).is_ok());
    assert_eq!(rule(&nested_arrays(DEPTH_MAX + 1)), Rule::TooDeep);
    let maps = |depth: usize| [b"\xa1\x00".repeat(depth), vec![0]].concat();
    assert!(decode(&maps(DEPTH_MAX)).is_ok());
    assert_eq!(rule(&maps(DEPTH_MAX + 1)), Rule::TooDeep);
}

#[test]
fn an_empty_container_counts_as_a_level() {
    let ending = |depth: usize, last: u8| [vec![0x81; depth], vec![last]].concat();
    for last in [0x80, 0xa0] {
        assert!(decode(&ending(DEPTH_MAX - 1, last)).is_ok());
        assert_eq!(rule(&ending(DEPTH_MAX, last)), Rule::TooDeep);
    }
}

#[test]
fn nesting_inside_keys_counts() {
    let keys = [vec![0xa1; DEPTH_MAX + 1], vec![0; DEPTH_MAX + 2]].concat();
    assert_eq!(rule(&keys), Rule::TooDeep);
}

#[test]
fn a_megabyte_of_open_containers_is_refused_at_the_cap() {
    for open in [0x81, 0xa1, 0x82, 0x98] {
        let bytes = vec![open; 1 << 20];
        match cbor::check_canonical(&bytes, LEN_MAX) {
            Err(DecodeError::Form(error)) => assert!(error.position <= 2 * DEPTH_MAX + 2),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_giant_declared_length_is_refused_without_being_allocated() {
    // Ten thousand times each: a decoder that reserved any of this would not come back.
    for _ in 0..10_000 {
        for major in [0x40, 0x60, 0x80, 0xa0_u8] {
            for argument in [
                &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
                &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0],
                &[0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
                &[0x1a, 0xff, 0xff, 0xff, 0xff],
                &[0x19, 0xff, 0xff],
            ] {
                let mut bytes = argument.to_vec();
                bytes[0] |= major;
                assert_eq!(rule(&bytes), Rule::Truncated);
            }
        }
    }
}

#[test]
fn an_array_of_2_to_the_32_in_nine_bytes_is_refused() {
    assert_eq!(rule(b"\x9b\0\0\0\x01\0\0\0\0"), Rule::Truncated);
    assert_eq!(rule(&[&b"\x9b\0\0\0\x01\0\0\0\0"[..], &[0; 100]].concat()), Rule::Truncated);
}

#[test]
fn a_map_whose_length_doubles_past_64_bits_is_refused() {
    assert_eq!(rule(b"\xbb\x80\0\0\0\0\0\0\x01\0\0"), Rule::Truncated);
}

#[test]
fn a_container_one_item_short_is_refused() {
    for bytes in [&b"\x82\x00"[..], b"\xa1\x00", b"\xa2\x00\x00\x01", b"\x42\x00", b"\x62a"] {
        assert_eq!(rule(bytes), Rule::Truncated);
    }
}

#[test]
fn a_value_cut_at_any_byte_is_refused() {
    let bytes = cbor::to_canonical(&sample()).unwrap();
    for end in 0..bytes.len() {
        assert_eq!(rule(&bytes[..end]), Rule::Truncated, "cut at {end}");
    }
}

#[test]
fn a_hundred_thousand_keys_take_linear_time() {
    let map: std::collections::BTreeMap<u32, u8> = (0..100_000).map(|key| (key, 0)).collect();
    let bytes = cbor::to_canonical(&map).unwrap();
    assert!(cbor::check_canonical(&bytes, LEN_MAX).is_ok());
}

#[test]
fn the_cap_on_length_comes_before_everything_else() {
    let error = cbor::from_canonical::<Value>(&[0xff; 65], 64).unwrap_err();
    assert!(matches!(error, DecodeError::TooLong { len: 65, len_max: 64 }));
}

#[derive(Debug, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[test]
fn a_recursive_type_is_bounded_by_the_cap_on_depth() {
    let bytes = nested_arrays(10_000);
    assert!(cbor::from_canonical::<Chain>(&bytes, LEN_MAX).is_err());
    assert!(cbor::from_canonical::<Vec<Chain>>(&bytes, LEN_MAX).is_err());
}
