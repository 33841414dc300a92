use dataspace_runtime::{DataSpace, Permit, access::{Decision, Recorded, VerifiedRequest}};

/// Between the drop and the record, the contract may end.
fn access(space: &DataSpace, request: VerifiedRequest) -> Option<Recorded<Permit<'static>>> {
    let monitor = space.enter();
    let received = monitor.receive(request).ok()?;
    let Ok(Decision::Permit(permit)) = received.decide() else { return None };
    drop(monitor);
    permit.submit().ok()?.wait().ok()
}

fn main() {
    let _ = access;
}
