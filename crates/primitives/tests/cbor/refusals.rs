//! Each form that RFC 8949 §4.2.1 excludes, refused under the name of its rule.

use dataspace_primitives::cbor::{self, Rule};
use serde_cbor::Value;

use crate::support::{decode, head, rule, sample};

#[test]
fn a_key_that_appears_twice_is_refused() {
    for bytes in
        [&b"\xa2\x00\x00\x00\x01"[..], b"\xa2\x61a\x00\x61a\x00", b"\x81\xa2\x20\xf6\x20\xf6"]
    {
        assert_eq!(rule(bytes), Rule::DuplicateKey);
    }
}

#[test]
fn a_key_that_appears_twice_is_found_behind_other_keys_by_its_order() {
    assert_eq!(rule(b"\xa3\x00\x00\x01\x00\x00\x00"), Rule::KeyOrder);
}

#[test]
fn keys_out_of_order_are_refused() {
    for bytes in [
        &b"\xa2\x01\x00\x00\x00"[..],
        b"\xa2\x61b\x00\x61a\x00",
        b"\xa2\x18\x18\x00\x17\x00",
        b"\xa2\x41\x01\x00\x41\x00\x00",
        b"\xa2\xf5\x00\xf4\x00",
        b"\x81\x81\xa1\x00\xa2\x01\x00\x00\x00",
    ] {
        assert_eq!(rule(bytes), Rule::KeyOrder);
    }
}

#[test]
fn text_keys_in_alphabetical_instead_of_bytewise_order_are_refused() {
    // "aa" before "b" reads well, yet the length stands in the head: 0x61 before 0x62.
    assert_eq!(rule(b"\xa2\x62aa\x00\x61b\x00"), Rule::KeyOrder);
    assert!(decode(b"\xa2\x61b\x00\x62aa\x00").is_ok());
}

#[test]
fn keys_in_the_length_first_order_of_rfc_7049_are_refused() {
    // RFC 7049 §3.9 puts the shorter encoding first: -1 (one byte) before 100 (two bytes).
    assert_eq!(rule(b"\xa2\x20\x00\x18\x64\x00"), Rule::KeyOrder);
    assert!(decode(b"\xa2\x18\x64\x00\x20\x00").is_ok());
    // And "z" (two bytes) before 1000 (three bytes).
    assert_eq!(rule(b"\xa2\x61z\x00\x19\x03\xe8\x00"), Rule::KeyOrder);
    assert!(decode(b"\xa2\x19\x03\xe8\x00\x61z\x00").is_ok());
}

#[test]
fn bytes_after_the_end_are_refused() {
    for end in [&b"\x00"[..], b"\xf6", b"\xff", b"\x00\x00", b"\xa1"] {
        let bytes = [&cbor::to_canonical(&sample()).unwrap()[..], end].concat();
        assert_eq!(rule(&bytes), Rule::TrailingBytes);
    }
    assert_eq!(rule(b"\x80\x80"), Rule::TrailingBytes);
}

#[test]
fn nothing_at_all_is_refused() {
    assert_eq!(rule(b""), Rule::Truncated);
}

#[test]
fn a_number_longer_than_needed_is_refused_in_every_major_type_and_width() {
    let edges = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff];
    for major in 0..=6 {
        for value in edges {
            for width in [1, 2, 4, 8] {
                let shorter = [0, 1, 2, 4].into_iter().filter(|shorter| *shorter < width).max();
                let fits = match shorter {
                    Some(0) => value < 24,
                    Some(bytes) => value < 1 << (8 * bytes),
                    None => false,
                };
                if fits {
                    assert_eq!(
                        rule(&head(major, value, width)),
                        Rule::LongNumber,
                        "{major} {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_whole_string_or_container_under_a_long_head_is_refused() {
    for width in [1, 2, 4, 8] {
        for (major, content) in [(2, &b"ab"[..]), (3, b"ab"), (4, b"\0\0"), (5, b"\0\0\x01\0")] {
            assert_eq!(rule(&[&head(major, 2, width), content].concat()), Rule::LongNumber);
            assert!(decode(&[&head(major, 2, 0), content].concat()).is_ok());
        }
    }
}

#[test]
fn an_indefinite_length_is_refused_in_every_major_type() {
    for bytes in [
        &b"\x5f\x41\x00\xff"[..],
        b"\x5f\xff",
        b"\x7f\x61a\xff",
        b"\x7f\xff",
        b"\x9f\x00\xff",
        b"\x9f\xff",
        b"\xbf\x00\x00\xff",
        b"\xbf\xff",
        b"\x1f",
        b"\x3f",
        b"\xdf\x00",
        b"\x82\x00\x9f\xff",
        b"\xa1\x00\xbf\xff",
    ] {
        assert_eq!(rule(bytes), Rule::IndefiniteLength);
    }
}

#[test]
fn a_break_code_alone_is_refused() {
    for bytes in [&b"\xff"[..], b"\x81\xff", b"\xa1\xff\x00", b"\xa1\x00\xff"] {
        assert_eq!(rule(bytes), Rule::IndefiniteLength);
    }
}

#[test]
fn a_reserved_head_is_refused_in_every_major_type() {
    for major in 0..=7_u8 {
        for info in 28..=30 {
            assert_eq!(rule(&[major << 5 | info, 0, 0, 0, 0, 0, 0, 0, 0]), Rule::ReservedHead);
        }
    }
}

#[test]
fn floats_of_every_width_are_refused() {
    for bytes in [
        &b"\xf9\x3c\x00"[..],
        b"\xf9\x00\x00",
        b"\xf9\x80\x00",
        b"\xf9\x7e\x00",
        b"\xf9\x7c\x00",
        b"\xfa\x47\xc3\x50\x00",
        b"\xfa\x00\x00\x00\x00",
        b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
        b"\xfb\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x81\xf9\x3c\x00",
        b"\xa1\xf9\x3c\x00\x00",
    ] {
        assert_eq!(rule(bytes), Rule::Unsupported);
    }
}

#[test]
fn a_float_with_the_bit_pattern_of_true_is_refused() {
    // The arguments 20 to 22 name false, true and null in the first byte only.
    for bytes in [&b"\xf9\x00\x15"[..], b"\xfa\0\0\0\x15", b"\xfb\0\0\0\0\0\0\0\x15"] {
        assert_eq!(rule(bytes), Rule::Unsupported);
    }
}

#[test]
fn tags_are_refused() {
    for bytes in [
        &b"\xc0\x61a"[..],
        b"\xc1\x00",
        b"\xc2\x41\x01",
        b"\xc2\x49\x01\0\0\0\0\0\0\0\0",
        b"\xd2\x80",
        b"\xd8\x18\x41\0",
        b"\xd9\xd9\xf7\x00",
        b"\x81\xc1\x00",
        b"\xa1\xc1\x00\x00",
    ] {
        assert_eq!(rule(bytes), Rule::Unsupported);
    }
}

#[test]
fn undefined_and_every_other_simple_value_are_refused() {
    for first in 0xe0..=0xf8_u8 {
        let bytes = if first == 0xf8 { vec![first, 32] } else { vec![first] };
        if !matches!(first, 0xf4..=0xf6) {
            assert_eq!(rule(&bytes), Rule::Unsupported, "{bytes:02x?}");
        }
    }
    for value in 0..=255 {
        assert_eq!(rule(&[0xf8, value]), Rule::Unsupported);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for content in [
        &b"\xff"[..],
        b"\x80",
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"a\xf0\x9f\x98",
    ] {
        let text = [&head(3, content.len() as u64, 0), content].concat();
        assert_eq!(rule(&text), Rule::Utf8);
        assert_eq!(rule(&[b"\xa1", &text[..], b"\0"].concat()), Rule::Utf8);
        let bytes = [&head(2, content.len() as u64, 0), content].concat();
        assert_eq!(decode(&bytes).unwrap(), Value::Bytes(content.to_vec()));
    }
}

#[test]
fn the_error_names_the_offending_byte() {
    for (bytes, position) in [
        (&b"\x82\x00\x18\x01"[..], 2),
        (b"\xa2\x01\x00\x00\x00", 3),
        (b"\x00\x00", 1),
        (b"\x62a", 0),
    ] {
        match cbor::check_canonical(bytes, 64) {
            Err(cbor::DecodeError::Form(error)) => assert_eq!(error.position, position),
            other => panic!("{other:?}"),
        }
    }
}
