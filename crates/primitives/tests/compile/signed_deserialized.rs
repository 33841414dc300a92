use dataspace_primitives::{Payload, Signed, cbor::from_canonical};

/// Bytes become a claim.
fn read<T: Payload>(bytes: &[u8]) -> Option<Signed<T>> {
    from_canonical::<Signed<T>>(bytes, bytes.len()).ok()
}

fn main() {}
