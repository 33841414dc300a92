use std::marker::PhantomData;

use dataspace_runtime::{Denial, Permit};

/// No constructor: the fields are private.
fn forged(denial: Denial) -> Permit<'static> {
    Permit { grant: denial, pass: PhantomData }
}

fn main() {
    let _ = forged;
}
