use dataspace_primitives::{Payload, Verified, cbor::from_canonical};

/// Bytes never become a fact.
fn read<T: Payload>(bytes: &[u8]) -> Option<Verified<T>> {
    from_canonical::<Verified<T>>(bytes, bytes.len()).ok()
}

fn main() {}
