use dataspace_primitives::Verified;
use dataspace_runtime::{Monitor, access::Received};
use dataspace_usage_contract::AccessRequest;

/// Whoever verifies by keys of his own choice says nothing about the consumer.
fn receive<'m>(monitor: &'m Monitor<'m>, request: Verified<AccessRequest>) -> Received<'m> {
    monitor.receive(request).unwrap()
}

fn main() {
    let _ = receive;
}
