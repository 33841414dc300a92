use dataspace_runtime::{Permit, Release, access::Submitted};

/// In the log's queue, but not durable.
fn release(submitted: Submitted<Permit<'_>>) -> Release {
    submitted.release()
}

fn main() {
    let _ = release;
}
