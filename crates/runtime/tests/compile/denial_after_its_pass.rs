use dataspace_runtime::{DataSpace, access::{Decision, Denial, Recorded, VerifiedRequest}};

/// Between the drop and the record, a newer profile may be in force.
fn access(space: &DataSpace, request: VerifiedRequest) -> Option<Recorded<Denial<'static>>> {
    let monitor = space.enter();
    let received = monitor.receive(request).ok()?;
    let Ok(Decision::Denial(denial)) = received.decide() else { return None };
    drop(monitor);
    denial.submit().ok()?.wait().ok()
}

fn main() {
    let _ = access;
}
