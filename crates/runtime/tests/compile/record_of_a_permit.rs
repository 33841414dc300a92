use dataspace_runtime::{Permit, Recorded};

/// Recorded, but not counted.
fn record(permit: Permit<'_>) -> Recorded<Permit<'static>> {
    permit.record().unwrap()
}

fn main() {
    let _ = record;
}
