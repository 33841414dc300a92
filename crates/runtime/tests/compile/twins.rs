//! For each case beside this file, the twin that compiles.

use dataspace_runtime::{
    DataSpace, Monitor, Permit, Release,
    access::{Decision, Denial, Received, Recorded, VerifiedRequest},
};

/// Beside `release_of_a_permit`, `release_of_a_submitted_permit`, `release_of_a_recorded_denial`
/// and `recorded_by_hand`.
pub(crate) fn release(recorded: Recorded<Permit<'_>>) -> Release {
    recorded.release()
}

/// Beside `record_of_a_permit`, `permit_used_twice` and `permit_by_hand`.
pub(crate) fn record(permit: Permit<'_>) -> Option<Recorded<Permit<'static>>> {
    permit.submit().ok()?.wait().ok()
}

/// Beside `permit_cloned`.
pub(crate) fn moved(permit: Permit<'_>) -> Permit<'_> {
    permit
}

/// Beside `received_decided_twice` and `received_after_its_pass`.
pub(crate) fn once(received: Received<'_>) {
    let _decision = received.decide();
}

/// Beside `permit_after_its_pass`, `received_after_its_pass` and `permit_escapes_its_pass`. What was
/// submitted waits outside of the pass.
pub(crate) fn access(
    space: &DataSpace,
    request: VerifiedRequest,
) -> Option<Recorded<Permit<'static>>> {
    let monitor = space.enter();
    let received = monitor.receive(request).ok()?;
    let Ok(Decision::Permit(permit)) = received.decide() else { return None };
    let submitted = permit.submit().ok()?;
    drop(monitor);
    submitted.wait().ok()
}

/// Beside `denial_after_its_pass`.
pub(crate) fn refuse(
    monitor: &Monitor<'_>,
    request: VerifiedRequest,
) -> Option<Recorded<Denial<'static>>> {
    let received = monitor.receive(request).ok()?;
    let Ok(Decision::Denial(denial)) = received.decide() else { return None };
    denial.submit().ok()?.wait().ok()
}
