use dataspace_runtime::Permit;

/// Reserving consumes the permit.
fn twice(permit: Permit<'_>) {
    let _first = Permit::reserve(permit);
    let _second = Permit::reserve(permit);
}

fn main() {
    let _ = twice;
}
