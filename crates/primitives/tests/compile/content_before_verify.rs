use dataspace_primitives::{Payload, Signed};

/// Not seen before the signature was checked.
fn content<T: Payload>(note: &Signed<T>) -> &T {
    note.value()
}

fn main() {}
