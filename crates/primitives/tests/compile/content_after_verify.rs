use dataspace_primitives::{Payload, Verified};

/// Seen once the signature was checked.
fn content<T: Payload>(note: &Verified<T>) -> &T {
    note.value()
}

fn main() {}
