use dataspace_runtime::{Release, access::{Denial, Recorded}};

/// Recorded, but denied.
fn release(recorded: Recorded<Denial<'_>>) -> Release {
    recorded.release()
}

fn main() {
    let _ = release;
}
