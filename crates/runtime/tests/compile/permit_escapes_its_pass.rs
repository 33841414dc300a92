use dataspace_primitives::Verified;
use dataspace_runtime::{DataSpace, Decision, Permit};
use dataspace_usage_contract::AccessRequest;

/// A permit kept for later.
fn keep(space: &DataSpace, request: Verified<AccessRequest>) -> Option<Permit<'_>> {
    let monitor = space.enter();
    match monitor.receive(request).ok()?.decide() {
        Ok(Decision::Permit(permit)) => Some(permit),
        _ => None,
    }
}

fn main() {
    let _ = keep;
}
