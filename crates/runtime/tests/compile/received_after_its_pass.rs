use dataspace_primitives::Verified;
use dataspace_runtime::{DataSpace, Received};
use dataspace_usage_contract::AccessRequest;

/// Taken in under one state, decided under another.
fn decide(space: &DataSpace, request: Verified<AccessRequest>) {
    let monitor = space.enter();
    let received: Received<'_> = monitor.receive(request).unwrap();
    drop(monitor);
    let _decision = received.decide();
}

fn main() {
    let _ = decide;
}
