use dataspace_primitives::{Digest, Payload, Signed, Verified};

/// No constructor: the fields are private.
fn forged<T: Payload>(note: T, digest: Digest, signed: Signed<T>) -> Verified<T> {
    Verified { value: note, digest, signed }
}

fn main() {}
