use dataspace_runtime::{Permit, Release};

/// Permitted, but neither counted nor recorded.
fn release(permit: Permit<'_>) -> Release {
    permit.release()
}

fn main() {
    let _ = release;
}
