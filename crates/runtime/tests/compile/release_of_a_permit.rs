use dataspace_runtime::{Permit, Release, ReleaseError};

/// Permitted, but neither counted nor recorded.
fn release(permit: Permit<'_>) -> Result<Release, ReleaseError> {
    permit.release()
}

fn main() {
    let _ = release;
}
