use dataspace_runtime::{Monitor, Received};

fn once(monitor: &Monitor<'_>, received: Received) {
    let _decision = monitor.decide(received);
}

fn main() {
    let _ = once;
}
