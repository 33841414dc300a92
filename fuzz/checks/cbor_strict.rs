//! What strict CBOR accepts is the one encoding of what it says.

use dataspace_primitives::cbor;
use serde_cbor::Value;

const LEN_MAX: usize = 1 << 16;

pub(crate) fn check(bytes: &[u8]) {
    let form = cbor::check_canonical(bytes, LEN_MAX);
    match cbor::from_canonical::<Value>(bytes, LEN_MAX) {
        Ok(value) => {
            assert!(form.is_ok(), "decoded without having the form");
            let again = cbor::to_canonical(&value).ok();
            assert_eq!(again.as_deref(), Some(bytes), "a second encoding");
        }
        Err(_) => assert!(form.is_err(), "has the form, but no value"),
    }
}
