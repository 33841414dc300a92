use dataspace_runtime::{Monitor, Received};

/// One signed request, two accesses.
fn twice(monitor: &Monitor<'_>, received: Received) {
    let _first = monitor.decide(received);
    let _second = monitor.decide(received);
}

fn main() {
    let _ = twice;
}
