use dataspace_primitives::{KeyId, Name, key::InvalidKeyId, name::InvalidName};
use proptest::prelude::*;

#[test]
fn names_of_many_scripts_are_taken() {
    for text in [
        "Institute of Metals",
        "Härterei Müller & Söhne",
        "株式会社データ",
        "مؤسسة",
        "שלום",
        "a",
        "Việt Nam",
        "हिन्दी",
        "မွှို့",
        "ข้อมูลที่",
        "温度🌡",
        "👍🏽",
        "Ω-7 (EU)",
    ] {
        assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
    }
}

#[test]
fn characters_that_reorder_text_are_refused() {
    for c in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}']
        .into_iter()
        .chain(['\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'])
    {
        assert_eq!(
            format!("a{c}b").parse::<Name>(),
            Err(InvalidName::Character { character: c }),
            "{c:?}"
        );
    }
}

#[test]
fn characters_that_cannot_be_seen_are_refused() {
    // Default_Ignorable_Code_Point of Unicode: two names would look the same.
    for c in [
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{17b5}',
        '\u{180b}',
        '\u{180e}',
        '\u{180f}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{2060}',
        '\u{2064}',
        '\u{2065}',
        '\u{206f}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff0}',
        '\u{fff9}',
        '\u{fffb}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e01ef}',
        '\u{e0fff}',
    ] {
        for text in [format!("a{c}b"), format!("{c}a"), format!("a{c}")] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName::Character { character: c }), "{c:?}");
        }
    }
}

#[test]
fn control_characters_and_line_ends_are_refused() {
    for c in (0..0x20).chain(0x7f..=0x9f).chain([0x2028, 0x2029]) {
        let c = char::from_u32(c).unwrap();
        assert_eq!(
            format!("a{c}b").parse::<Name>(),
            Err(InvalidName::Character { character: c }),
            "{c:?}"
        );
    }
}

#[test]
fn white_space_at_the_ends_is_refused() {
    for text in [" a", "a ", " ", "  "] {
        assert_eq!(text.parse::<Name>(), Err(InvalidName::Space), "{text:?}");
    }
    for character in ['\u{a0}', '\u{3000}', '\u{2003}', '\u{202f}', '\u{1680}', '\t', '\n'] {
        for text in [format!("{character}a"), format!("a{character}"), format!("a{character}b")] {
            let error = Err(InvalidName::Character { character });
            assert_eq!(text.parse::<Name>(), error, "{text:?}");
        }
    }
}

#[test]
fn blank_characters_are_refused() {
    for character in ['\u{2800}', '\u{303f}', '\u{fffc}', '\u{fffd}', '\u{13441}', '\u{13442}']
        .into_iter()
        .chain(['\u{16fe4}', '\u{1d159}', '\u{2d7f}', '\u{1107f}', '\u{600}', '\u{13430}'])
    {
        let error = Err(InvalidName::Character { character });
        assert_eq!(format!("a{character}b").parse::<Name>(), error, "{character:?}");
    }
}

#[test]
fn of_names_that_unicode_takes_for_one_there_is_one() {
    for (text, normal) in [
        ("Ha\u{308}rterei", "Härterei"),
        ("\u{212b}ngstro\u{308}m", "Ångström"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
        ("a\u{323}\u{307}", "ạ\u{307}"),
        ("a\u{307}\u{323}", "ạ\u{307}"),
        ("\u{2126}-7", "Ω-7"),
        ("\u{f900}", "豈"),
    ] {
        let error = InvalidName::NotNormal { normal: normal.to_owned() };
        assert!(error.to_string().contains(normal));
        assert_eq!(text.parse::<Name>(), Err(error), "{text:?}");
        assert_eq!(normal.parse::<Name>().unwrap().as_str(), normal);
    }
}

#[test]
fn marks_have_something_to_combine_with_and_do_not_pile_up() {
    assert!(format!("x{}", "\u{334}".repeat(6)).parse::<Name>().is_ok());
    for text in [
        format!("x{}", "\u{334}".repeat(7)),
        format!("x{}y", "\u{e47}".repeat(7)),
        "\u{301}x".to_owned(),
        "\u{20dd}".to_owned(),
    ] {
        assert_eq!(text.parse::<Name>(), Err(InvalidName::Marks), "{text:?}");
    }
}

#[test]
fn an_error_names_the_character_and_shows_none() {
    let error = "a\u{202e}b".parse::<Name>().unwrap_err().to_string();
    assert!(error.contains("U+202E") && !error.contains('\u{202e}'), "{error}");
    let error = "a\u{7}".parse::<Name>().unwrap_err().to_string();
    assert!(error.contains("U+0007"), "{error}");
}

#[test]
fn the_length_of_a_name_is_counted_in_bytes() {
    assert!("x".repeat(Name::LEN_MAX).parse::<Name>().is_ok());
    assert_eq!("x".repeat(129).parse::<Name>(), Err(InvalidName::Len { len: 129 }));
    assert!("é".repeat(64).parse::<Name>().is_ok());
    assert_eq!("é".repeat(65).parse::<Name>(), Err(InvalidName::Len { len: 130 }));
    assert_eq!("".parse::<Name>(), Err(InvalidName::Len { len: 0 }));
}

#[test]
fn debug_of_a_name_is_quoted() {
    let name: Name = "a \"b\" \\".parse().unwrap();
    assert_eq!(format!("{name:?}"), r#""a \"b\" \\""#);
    assert_eq!(name.to_string(), "a \"b\" \\");
}

#[test]
fn a_key_identifier_is_printable_ascii_without_spaces() {
    for text in ["a", "did:key:z6Mk#z6Mk", "~!", &"k".repeat(KeyId::LEN_MAX)] {
        let id: KeyId = text.parse().unwrap();
        assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
        assert_eq!(format!("{id:?}"), text);
    }
    for text in ["", " ", "a b", "a\t", "a\n", "é", "\u{7f}", "a\0", &"k".repeat(257)] {
        assert_eq!(text.parse::<KeyId>(), Err(InvalidKeyId), "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_name_is_taken_as_it_is_or_not_at_all(text in "\\PC{0,40}") {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert_eq!(String::from(name), text);
        }
    }
}
