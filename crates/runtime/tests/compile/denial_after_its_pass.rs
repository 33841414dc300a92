use dataspace_runtime::{DataSpace, Decision, Denial, Received, Recorded};

/// Between the drop and the record, a newer profile may be in force.
fn access(space: &DataSpace, received: Received) -> Option<Recorded<Denial<'static>>> {
    let monitor = space.enter();
    let Ok(Decision::Denial(denial)) = monitor.decide(received) else { return None };
    drop(monitor);
    denial.record().ok()
}

fn main() {
    let _ = access;
}
