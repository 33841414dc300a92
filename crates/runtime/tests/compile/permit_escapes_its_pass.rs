use dataspace_runtime::{DataSpace, Permit, access::{Decision, VerifiedRequest}};

/// A permit kept for later.
fn keep(space: &DataSpace, request: VerifiedRequest) -> Option<Permit<'_>> {
    let monitor = space.enter();
    match monitor.receive(request).ok()?.decide() {
        Ok(Decision::Permit(permit)) => Some(permit),
        _ => None,
    }
}

fn main() {
    let _ = keep;
}
