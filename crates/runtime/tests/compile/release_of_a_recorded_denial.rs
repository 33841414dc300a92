use dataspace_runtime::{Denial, Recorded, Release, ReleaseError};

/// Recorded, but denied.
fn release(recorded: Recorded<Denial>) -> Result<Release, ReleaseError> {
    recorded.release()
}

fn main() {
    let _ = release;
}
