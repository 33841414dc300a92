//! Forgeries that do not compile, each beside a twin that does.

#[test]
fn what_is_not_verified_cannot_be_passed_off_as_verified() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/verified_by_verify.rs");
    cases.compile_fail("tests/compile/verified_by_hand.rs");
    cases.pass("tests/compile/content_after_verify.rs");
    cases.compile_fail("tests/compile/content_before_verify.rs");
    cases.pass("tests/compile/signed_deserialized.rs");
    cases.compile_fail("tests/compile/verified_deserialized.rs");
}
