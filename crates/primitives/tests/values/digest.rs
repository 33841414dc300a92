use dataspace_primitives::{Digest, digest::ParseDigestError};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn the_vectors_of_fips_180_hold() {
    let million = vec![b'a'; 1_000_000];
    for (message, expected) in [
        (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ] {
        assert_eq!(Digest::of(message).to_string(), format!("sha256:{expected}"));
    }
}

#[test]
fn texts_that_are_not_a_digest_are_refused() {
    let good = Digest::of(b"").to_string();
    let hex = &good[7..];
    for text in [
        String::new(),
        "sha256:".to_owned(),
        hex.to_owned(),
        format!("SHA256:{hex}"),
        format!("sha512:{hex}"),
        format!("sha256:{}", hex.to_uppercase()),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{}", &hex[2..]),
        format!("{good}0"),
        format!("{good}00"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("sha256:0x{}", &hex[2..]),
        format!("sha256:g{}", &hex[1..]),
        format!("sha256:+{}", &hex[1..]),
        format!("sha256:{}é", &hex[2..]),
        format!("sha256:sha256:{hex}"),
    ] {
        assert_eq!(text.parse::<Digest>(), Err(ParseDigestError), "{text}");
    }
}

#[test]
fn the_short_form_is_the_beginning_of_the_long_one() {
    assert_eq!(Digest::of(b"abc").to_short(), "ba7816bf8f01");
}

#[test]
fn debug_is_the_text() {
    let digest = Digest::of(b"abc");
    assert_eq!(format!("{digest:?}"), digest.to_string());
}

proptest! {
    #[test]
    fn the_text_of_a_digest_parses_to_it(bytes in any::<[u8; 32]>()) {
        let digest = Digest::from_bytes(bytes);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert_eq!(digest.as_bytes(), &bytes);
    }

    #[test]
    fn a_digest_of_parts_is_that_of_their_concatenation(parts in vec(vec(any::<u8>(), 0..100), 0..8)) {
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(Digest::of_parts(&slices), Digest::of(&parts.concat()));
    }

    #[test]
    fn a_text_is_refused_or_is_the_one_spelling(text in "(sha256:)?[0-9a-fA-F:g]{60,66}") {
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(digest.to_string(), text);
        }
    }
}
