use dataspace_runtime::{Permit, Release, Reserved};

/// Counted, but not recorded.
fn release(reserved: Reserved<Permit<'_>>) -> Release {
    reserved.release()
}

fn main() {
    let _ = release;
}
