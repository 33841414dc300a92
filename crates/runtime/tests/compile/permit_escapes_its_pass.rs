use dataspace_runtime::{DataSpace, Decision, Permit, Received};

/// A permit kept for later.
fn keep(space: &DataSpace, received: Received) -> Option<Permit<'_>> {
    let monitor = space.enter();
    match monitor.decide(received) {
        Ok(Decision::Permit(permit)) => Some(permit),
        _ => None,
    }
}

fn main() {
    let _ = keep;
}
