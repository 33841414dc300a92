use dataspace_runtime::{Permit, access::Recorded};

/// The place of another record does not make a permit recorded.
fn forged(inner: Permit<'static>, other: Recorded<Permit<'static>>) -> Recorded<Permit<'static>> {
    Recorded { inner, ..other }
}

fn main() {
    let _ = forged;
}
