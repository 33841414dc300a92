//! For each case beside this file, the twin that compiles.

use dataspace_runtime::{
    DataSpace, Decision, Denial, Monitor, Permit, Received, Recorded, Release,
};

/// Beside `release_of_a_permit`, `release_of_a_reserved_permit`, `release_of_a_recorded_denial`
/// and `recorded_by_hand`.
pub(crate) fn release(recorded: Recorded<Permit<'_>>) -> Release {
    recorded.release()
}

/// Beside `record_of_a_permit`, `permit_used_twice` and `permit_by_hand`.
pub(crate) fn record(permit: Permit<'_>) -> Option<Recorded<Permit<'static>>> {
    permit.reserve().ok()?.record().ok()
}

/// Beside `permit_cloned`.
pub(crate) fn moved(permit: Permit<'_>) -> Permit<'_> {
    permit
}

/// Beside `received_decided_twice`.
pub(crate) fn once(monitor: &Monitor<'_>, received: Received) {
    let _decision = monitor.decide(received);
}

/// Beside `permit_after_its_pass`, `reserved_after_its_pass` and `permit_escapes_its_pass`.
pub(crate) fn access(space: &DataSpace, received: Received) -> Option<Recorded<Permit<'static>>> {
    let monitor = space.enter();
    let Ok(Decision::Permit(permit)) = monitor.decide(received) else { return None };
    let recorded = permit.reserve().ok()?.record().ok();
    drop(monitor);
    recorded
}

/// Beside `denial_after_its_pass`.
pub(crate) fn refuse(space: &DataSpace, received: Received) -> Option<Recorded<Denial<'static>>> {
    let monitor = space.enter();
    let Ok(Decision::Denial(denial)) = monitor.decide(received) else { return None };
    let recorded = denial.record().ok();
    drop(monitor);
    recorded
}
