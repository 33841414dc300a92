use dataspace_runtime::{Denial, Recorded, Release};

/// Recorded, but denied.
fn release(recorded: Recorded<Denial<'_>>) -> Release {
    recorded.release()
}

fn main() {
    let _ = release;
}
