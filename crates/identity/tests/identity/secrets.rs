//! Secrets that follow from a root.

use dataspace_identity::{RootSecret, SecretKey};
use dataspace_primitives::Secrets as _;
use proptest::prelude::*;

fn root(byte: u8) -> RootSecret {
    RootSecret::from_bytes(&mut [byte; 32])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn derived_secrets_never_change() {
    // Golden: pseudonyms in delivered data depend on it. HKDF-SHA-256 with the seed 01…01, the salt
    // "dataspace/derive/v1" and the info 00…07 "purpose" "context", computed independently.
    assert_eq!(
        hex(&root(1).derive("purpose", b"context").unwrap()[..]),
        "9d13853c7b48ed62f5b161d9f391c4d6b73544073fb5fb38b9dec21a59656c8b"
    );
}

#[test]
fn purpose_and_context_are_kept_apart() {
    let secret = root(1);
    let of = |purpose, context: &[u8]| hex(&secret.derive(purpose, context).unwrap()[..]);
    let secrets = [
        of("a", b"bc"),
        of("ab", b"c"),
        of("abc", b""),
        of("", b"abc"),
        of("", b""),
        of("a", b""),
        of("", b"a"),
        of("", &[0, 0, 0, 0, 0, 0, 0, 0]),
        of("\0\0\0\0\0\0\0\0", b""),
        of("A", b"bc"),
    ];
    let different: std::collections::BTreeSet<_> = secrets.iter().collect();
    assert_eq!(different.len(), secrets.len());
}

#[test]
fn derived_secrets_are_neither_the_seed_nor_zero_nor_the_signing_key() {
    let derived = root(1).derive("", b"").unwrap();
    assert_ne!(*derived, [1; 32]);
    assert_ne!(*derived, [0; 32]);
    let as_key = SecretKey::from_seed(&mut derived.clone()).unwrap();
    let signing = SecretKey::from_seed(&mut [1; 32]).unwrap();
    assert_ne!(as_key.did(), signing.did());
}

#[test]
fn a_long_context_changes_the_secret_to_its_last_byte() {
    let mut context = vec![0; 100_000];
    let before = root(1).derive("p", &context).unwrap();
    context[99_999] = 1;
    assert_ne!(*root(1).derive("p", &context).unwrap(), *before);
}

#[test]
fn a_root_is_wiped_where_it_came_from_and_never_shown() {
    let mut bytes = [7; 32];
    let root = RootSecret::from_bytes(&mut bytes);
    assert_eq!(bytes, [0; 32]);
    assert_eq!(format!("{root:?}"), "RootSecret(..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn different_roots_purposes_and_contexts_give_different_secrets(
        a in (1..200_u8, "[ab]{0,3}", prop::collection::vec(0..2_u8, 0..4)),
        b in (1..200_u8, "[ab]{0,3}", prop::collection::vec(0..2_u8, 0..4)),
    ) {
        let equal = root(a.0).derive(&a.1, &a.2) == root(b.0).derive(&b.1, &b.2);
        prop_assert_eq!(equal, a == b);
    }
}
