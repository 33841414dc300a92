use dataspace_runtime::Permit;

/// Reserving consumes the permit.
fn twice(permit: Permit<'_>) {
    let _first = permit.reserve();
    let _second = permit.reserve();
}

fn main() {
    let _ = twice;
}
