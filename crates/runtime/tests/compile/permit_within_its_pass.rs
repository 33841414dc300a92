use dataspace_runtime::{DataSpace, Decision, Permit, Received, Recorded};

fn access(space: &DataSpace, received: Received) -> Option<Recorded<Permit<'static>>> {
    let monitor = space.enter();
    let Ok(Decision::Permit(permit)) = monitor.decide(received) else { return None };
    let recorded = permit.reserve().ok()?.record().ok();
    drop(monitor);
    recorded
}

fn main() {
    let _ = access;
}
