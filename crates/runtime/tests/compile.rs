//! Shortcuts around the monitor that do not compile; `compile/twins.rs` holds their twins, which
//! do, with this file.

#[cfg(test)]
#[path = "../../primitives/tests/compile/rustc.rs"]
mod rustc;
#[cfg(test)]
#[path = "compile/twins.rs"]
mod twins;

#[test]
fn the_way_through_the_monitor_compiles() {
    std::hint::black_box((twins::release, twins::record, twins::moved, twins::once));
    std::hint::black_box((twins::access, twins::refuse));
}

#[test]
fn nothing_but_a_recorded_permit_opens_data() {
    let cases = [
        "release_of_a_permit",
        "release_of_a_submitted_permit",
        "release_of_a_recorded_denial",
        "record_of_a_permit",
        "permit_cloned",
        "permit_used_twice",
        "permit_by_hand",
        "recorded_by_hand",
        "received_decided_twice",
        "permit_after_its_pass",
        "received_after_its_pass",
        "permit_escapes_its_pass",
        "denial_after_its_pass",
        "request_verified_elsewhere",
    ];
    rustc::assert_errors("dataspace_runtime", &cases);
}
