//! Forgeries that do not compile, each beside a twin that does.

#[cfg(test)]
#[path = "compile/rustc.rs"]
mod rustc;

#[test]
fn what_is_not_verified_cannot_be_passed_off_as_verified() {
    let cases = [
        "verified_by_verify",
        "verified_by_hand",
        "content_after_verify",
        "content_before_verify",
        "signed_deserialized",
        "verified_deserialized",
    ];
    rustc::assert_errors("dataspace_primitives", &cases);
}
