use dataspace_runtime::{Permit, Release, ReleaseError, Reserved};

/// Counted, but not recorded.
fn release(reserved: Reserved<Permit<'_>>) -> Result<Release, ReleaseError> {
    reserved.release()
}

fn main() {
    let _ = release;
}
