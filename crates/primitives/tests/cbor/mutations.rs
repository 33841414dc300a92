//! Arbitrary and damaged bytes: never a panic, never two encodings of one value.

use dataspace_primitives::cbor;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_cbor::Value;

use crate::support::{LEN_MAX, Rich, decode, sample, tree};

/// Pieces of which almost-valid CBOR is made; pure noise rarely comes past the first byte.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (0_u8..24).prop_map(|n| vec![n]),
        2 => (0x80_u8..0x84).prop_map(|n| vec![n]),
        2 => (0xa0_u8..0xa4).prop_map(|n| vec![n]),
        2 => "[a-c]{0,2}".prop_map(|text| [&[0x60 | u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()),
        1 => any::<u8>().prop_map(|n| vec![0x18, n]),
        1 => any::<u16>().prop_map(|n| [&[0x19][..], &n.to_be_bytes()].concat()),
        1 => (0xf4_u8..0xf7).prop_map(|n| vec![n]),
        1 => any::<u8>().prop_map(|n| vec![n]),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check(bytes: &[u8]) {
    let form = cbor::check_canonical(bytes, LEN_MAX);
    match decode(bytes) {
        Ok(value) => {
            assert!(form.is_ok());
            assert_eq!(cbor::to_canonical(&value).unwrap(), bytes);
        }
        // All that has the form has a value, so the form is neither too wide nor too narrow.
        Err(_) => assert!(form.is_err(), "{bytes:02x?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn noise_is_refused_or_is_the_encoding_of_what_it_says(bytes in vec(any::<u8>(), 0..80)) {
        check(&bytes);
    }

    #[test]
    fn fragments_are_refused_or_are_the_encoding_of_what_they_say(bytes in fragments()) {
        check(&bytes);
    }

    #[test]
    fn noise_never_passes_for_a_structured_value(bytes in vec(any::<u8>(), 0..80)) {
        prop_assert!(cbor::from_canonical::<Rich>(&bytes, LEN_MAX).is_err());
    }
}

proptest! {
    #[test]
    fn a_tree_with_one_byte_changed_is_refused_or_says_something_else(
        value in tree(), at in any::<prop::sample::Index>(), xor in 1..=255_u8,
    ) {
        let mut bytes = cbor::to_canonical(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= xor;
        check(&bytes);
        if let Ok(other) = decode(&bytes) {
            prop_assert_ne!(other, value);
        }
    }
}

#[test]
fn a_structured_value_with_any_byte_changed_is_refused_or_says_something_else() {
    let good = cbor::to_canonical(&sample()).unwrap();
    let mut accepted = 0;
    for at in 0..good.len() {
        for byte in (0..=255).filter(|byte| *byte != good[at]) {
            let mut bytes = good.clone();
            bytes[at] = byte;
            if let Ok(value) = cbor::from_canonical::<Rich>(&bytes, LEN_MAX) {
                accepted += 1;
                assert_ne!(value, sample());
                assert_eq!(cbor::to_canonical(&value).unwrap(), bytes);
            }
        }
    }
    assert!(accepted > 0, "letters and numbers can change");
}

#[test]
fn every_input_of_two_bytes_is_refused_or_is_the_encoding_of_what_it_says() {
    let mut accepted = 0;
    for pair in 0..=u16::MAX {
        let bytes = pair.to_be_bytes();
        check(&bytes);
        accepted += usize::from(decode(&bytes).is_ok());
    }
    // 24..=255 and their negatives, 256 bytes, 128 characters, one item in an array (51 of them).
    assert_eq!(accepted, 232 * 2 + 256 + 128 + 48 + 3 + 4);
    assert_eq!(decode(b"\x81\xa0").unwrap(), Value::Array(vec![Value::Map([].into())]));
}
