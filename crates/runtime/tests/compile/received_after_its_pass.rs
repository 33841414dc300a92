use dataspace_runtime::{DataSpace, access::{Received, VerifiedRequest}};

/// Taken in under one state, decided under another.
fn decide(space: &DataSpace, request: VerifiedRequest) {
    let monitor = space.enter();
    let received: Received<'_> = monitor.receive(request).unwrap();
    drop(monitor);
    let _decision = received.decide();
}

fn main() {
    let _ = decide;
}
