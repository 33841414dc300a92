//! Shortcuts around the monitor that do not compile, each beside a twin that does.

#[test]
fn nothing_but_a_recorded_permit_opens_data() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/release_of_a_recorded_permit.rs");
    cases.compile_fail("tests/compile/release_of_a_permit.rs");
    cases.compile_fail("tests/compile/release_of_a_reserved_permit.rs");
    cases.compile_fail("tests/compile/release_of_a_recorded_denial.rs");
    cases.pass("tests/compile/record_of_a_reserved_permit.rs");
    cases.compile_fail("tests/compile/record_of_a_permit.rs");
    cases.pass("tests/compile/permit_moved.rs");
    cases.compile_fail("tests/compile/permit_cloned.rs");
    cases.compile_fail("tests/compile/permit_used_twice.rs");
    cases.compile_fail("tests/compile/permit_by_hand.rs");
    cases.compile_fail("tests/compile/recorded_by_hand.rs");
    cases.pass("tests/compile/received_decided_once.rs");
    cases.compile_fail("tests/compile/received_decided_twice.rs");
    cases.pass("tests/compile/permit_within_its_pass.rs");
    cases.compile_fail("tests/compile/permit_after_its_pass.rs");
    cases.compile_fail("tests/compile/reserved_after_its_pass.rs");
    cases.compile_fail("tests/compile/permit_escapes_its_pass.rs");
}
