use std::marker::PhantomData;

use dataspace_runtime::Permit;

/// The fields are private, so no permit is made to last longer than its pass.
fn forged(permit: Permit<'_>) -> Permit<'static> {
    Permit { pass: PhantomData, ..permit }
}

fn main() {
    let _ = forged;
}
