//! The profile of names, held against another implementation of Unicode's tables, for every
//! character there is.

use dataspace_primitives::{Name, name::InvalidName, shown};
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{BidiClass, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use proptest::prelude::*;

/// Assigned, and still nothing that is seen as itself; Unicode has no property for them.
const BLANKS: [char; 10] = [
    '\u{2800}',
    '\u{303f}',
    '\u{fffc}',
    '\u{fffd}',
    '\u{13441}',
    '\u{13442}',
    '\u{16fe4}',
    '\u{1d159}',
    '\u{2d7f}',
    '\u{1107f}',
];

fn is_safe(c: char) -> bool {
    use GeneralCategory as G;
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_unsafe = matches!(
        category,
        G::Control
            | G::Format
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::PrivateUse
            | G::Surrogate
            | G::Unassigned
    );
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    let is_space = category == G::SpaceSeparator && c != ' ';
    !is_unsafe && !is_ignorable && !is_space && !BLANKS.contains(&c)
}

fn is_right_to_left(c: char) -> bool {
    let class = CodePointMapData::<BidiClass>::new().get(c);
    matches!(class, BidiClass::RightToLeft | BidiClass::ArabicLetter | BidiClass::ArabicNumber)
}

#[test]
fn a_name_has_every_character_that_is_safe_and_no_other() {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    for c in char::MIN..=char::MAX {
        let text = format!("a{c}b");
        match text.parse::<Name>() {
            Ok(name) => {
                assert!(is_safe(c) && nfc.is_normalized(name.as_str()), "{c:?} passes");
            }
            Err(InvalidName::Character { character }) => {
                assert!(character == c && !is_safe(c), "{c:?} is refused");
            }
            Err(InvalidName::NotNormal { normal }) => {
                assert_eq!(normal, nfc.normalize(&text), "{c:?}");
                assert!(is_safe(c) && normal != text, "{c:?}");
            }
            Err(error) => panic!("{c:?}: {error}"),
        }
    }
}

#[test]
fn every_character_is_shown_as_itself_or_escaped_and_moves_nothing() {
    for c in char::MIN..=char::MAX {
        let text = format!("a{c}b");
        let expected = match (is_safe(c), is_right_to_left(c)) {
            (false, _) => format!("a{}b", c.escape_default()),
            (true, true) => format!("\u{2068}a{c}b\u{2069}"),
            (true, false) => text.clone(),
        };
        let found = shown(&text).to_string();
        // Marks take their direction from what is before them, so isolating them is not wrong.
        let isolated = format!("\u{2068}{expected}\u{2069}");
        assert!(found == expected || (c > '\u{590}' && found == isolated), "{c:?}: {found:?}");
        assert_eq!(shown(&found).to_string(), found, "{c:?} is cleaned once");
    }
}

/// Texts of what matters here, more often than of all characters.
fn text() -> impl Strategy<Value = String> {
    let some = prop::sample::select(vec![
        'a', '1', ' ', '\\', '\n', '\u{1b}', '\u{9b}', 'א', 'ش', '٣', '\u{5b0}', '\u{301}',
        '\u{202e}', '\u{2067}', '\u{2068}', '\u{2068}', '\u{2069}', '\u{2069}', '\u{200b}', '漢',
    ]);
    prop::collection::vec(prop_oneof![4 => some, 1 => any::<char>()], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

/// What the characters of a line do to what comes after it: 0 is nothing.
fn left_open(text: &str) -> i32 {
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '\u{2068}' => depth += 1,
            '\u{2069}' => depth -= 1,
            c if is_right_to_left(c) => assert!(depth > 0, "{text:?} moves its neighbours"),
            c => assert!(is_safe(c), "{c:?} in {text:?}"),
        }
        assert!(depth >= 0, "{text:?} ends what it has not begun");
    }
    depth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_shown_is_isolated_and_stays_as_it_is(text in text(), max in 0_usize..30) {
        let once = shown(&text).to_string();
        prop_assert_eq!(left_open(&once), 0);
        prop_assert_eq!(shown(&once).to_string(), once);
        let cut = shown(&text).at_most(max).to_string();
        prop_assert_eq!(left_open(&cut), 0);
    }

    #[test]
    fn a_name_is_shown_as_it_is(text in text()) {
        if let Ok(name) = text.parse::<Name>() {
            let found = shown(&name).to_string();
            prop_assert_eq!(found.trim_matches(['\u{2068}', '\u{2069}']), name.as_str());
        }
    }

    #[test]
    fn no_two_names_are_one_for_unicode(one in text()) {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        if let Ok(name) = one.parse::<Name>() {
            prop_assert_eq!(nfc.normalize(name.as_str()), name.as_str());
        }
    }
}
