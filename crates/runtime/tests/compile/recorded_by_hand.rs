use dataspace_audit_log::Appended;
use dataspace_runtime::{Permit, access::Recorded};

/// The place of another record does not make a permit recorded.
fn forged(inner: Permit<'static>, appended: Appended) -> Recorded<Permit<'static>> {
    Recorded { inner, appended }
}

fn main() {
    let _ = forged;
}
