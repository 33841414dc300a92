use dataspace_runtime::{Permit, access::Recorded};

/// Permitted, but neither counted nor in the log.
fn record(permit: Permit<'_>) -> Recorded<Permit<'static>> {
    permit.wait().unwrap()
}

fn main() {
    let _ = record;
}
