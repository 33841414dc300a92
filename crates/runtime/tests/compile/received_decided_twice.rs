use dataspace_runtime::access::Received;

/// One signed request, two accesses.
fn twice(received: Received<'_>) {
    let _first = received.decide();
    let _second = received.decide();
}

fn main() {
    let _ = twice;
}
