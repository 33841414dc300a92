use dataspace_runtime::Permit;

/// One permit for two uses.
fn twice<'m>(permit: Permit<'m>) -> (Permit<'m>, Permit<'m>) {
    (permit.clone(), permit)
}

fn main() {
    let _ = twice;
}
