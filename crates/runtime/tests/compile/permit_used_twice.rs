use dataspace_runtime::Permit;

/// Submitting consumes the permit.
fn twice(permit: Permit<'_>) {
    let _first = Permit::submit(permit);
    let _second = Permit::submit(permit);
}

fn main() {
    let _ = twice;
}
