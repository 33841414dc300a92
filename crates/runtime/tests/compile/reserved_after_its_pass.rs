use dataspace_runtime::{DataSpace, Decision, Permit, Received, Recorded};

/// Between the drop and the record, the contract may end.
fn access(space: &DataSpace, received: Received) -> Option<Recorded<Permit<'static>>> {
    let monitor = space.enter();
    let Ok(Decision::Permit(permit)) = monitor.decide(received) else { return None };
    let reserved = permit.reserve().ok()?;
    drop(monitor);
    reserved.record().ok()
}

fn main() {
    let _ = access;
}
