use dataspace_primitives::cbor;
use dataspace_primitives::{Digest, KeyId, Name, Region, Signature, UnixMillis, Validity};
use proptest::prelude::*;
use serde_cbor::Value;

use crate::support::{LEN_MAX, decode, rich, sample, tree};

proptest! {
    #[test]
    fn a_structured_value_decodes_to_itself(value in rich()) {
        let bytes = cbor::to_canonical(&value).unwrap();
        prop_assert_eq!(cbor::from_canonical::<crate::support::Rich>(&bytes, LEN_MAX).unwrap(), value);
    }

    #[test]
    fn an_allowed_tree_decodes_to_itself(value in tree()) {
        let bytes = cbor::to_canonical(&value).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), value);
    }

    #[test]
    fn instants_and_validities_decode_to_themselves(a in 0..253_402_300_799_999_u64, len in 1..1_000_000_u64) {
        let from = UnixMillis::new(a).unwrap();
        let until = UnixMillis::new((a + len).min(UnixMillis::MAX.as_millis())).unwrap();
        let validity = Validity::new(from, until).unwrap();
        let bytes = cbor::to_canonical(&(from, validity)).unwrap();
        let back: (UnixMillis, Validity) = cbor::from_canonical(&bytes, 128).unwrap();
        prop_assert_eq!(back, (from, validity));
    }
}

#[test]
fn every_small_value_type_decodes_to_itself() {
    let name: Name = "Institute of Metals".parse().unwrap();
    let key: KeyId = "did:key:z6Mk#z6Mk".parse().unwrap();
    let value = (Digest::of(b"x"), Signature::from_bytes([7; 64]), name, key);
    let value = (value, Region::parse("DE").unwrap());
    let bytes = cbor::to_canonical(&value).unwrap();
    let back: ((Digest, Signature, Name, KeyId), Region) =
        cbor::from_canonical(&bytes, 512).unwrap();
    assert_eq!(back, value);
}

#[test]
fn every_integer_at_a_change_of_width_decodes_to_itself() {
    for power in 0..=64_u32 {
        for step in -2..=2_i128 {
            let value = (1_i128 << power) + step;
            for value in [value, -value] {
                if (-(1_i128 << 64)..1 << 64).contains(&value) {
                    let bytes = cbor::to_canonical(&value).unwrap();
                    assert_eq!(cbor::from_canonical::<i128>(&bytes, 9).unwrap(), value);
                }
            }
        }
    }
}

#[test]
fn the_cap_on_length_is_inclusive() {
    let bytes = cbor::to_canonical(&sample()).unwrap();
    assert!(cbor::from_canonical::<Value>(&bytes, bytes.len()).is_ok());
    let error = cbor::from_canonical::<Value>(&bytes, bytes.len() - 1).unwrap_err();
    assert!(matches!(
        error,
        cbor::DecodeError::TooLong { len, len_max } if len == bytes.len() && len_max == len - 1
    ));
}
