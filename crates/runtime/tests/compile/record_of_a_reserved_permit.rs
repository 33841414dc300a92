use dataspace_runtime::{Permit, Recorded};

fn record(permit: Permit<'_>) -> Recorded<Permit<'static>> {
    permit.reserve().unwrap().record().unwrap()
}

fn main() {
    let _ = record;
}
