use dataspace_runtime::{Permit, Recorded, Release, ReleaseError};

fn release(recorded: Recorded<Permit<'_>>) -> Result<Release, ReleaseError> {
    recorded.release()
}

fn main() {
    let _ = release;
}
