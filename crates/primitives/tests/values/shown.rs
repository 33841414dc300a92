use dataspace_primitives::shown;

#[test]
fn what_steers_a_terminal_is_escaped() {
    for (text, expected) in [
        ("fees\u{1b}[2K\rpermitted", r"fees\u{1b}[2K\rpermitted"),
        ("\u{9b}31m", r"\u{9b}31m"),
        ("one\ntwo\ttabs", r"one\ntwo\ttabs"),
        ("\u{7f}\u{8}", r"\u{7f}\u{8}"),
        ("a\u{2028}b\u{85}c", r"a\u{2028}b\u{85}c"),
        ("bell\u{7}", r"bell\u{7}"),
    ] {
        assert_eq!(shown(text).to_string(), expected);
    }
}

#[test]
fn what_moves_its_neighbours_is_isolated() {
    assert_eq!(format!("{} 12", shown("שלום")), "\u{2068}שלום\u{2069} 12");
    assert_eq!(format!("{}: 1 use", shown("٣")), "\u{2068}٣\u{2069}: 1 use");
    assert_eq!(shown("a\u{202e}b").to_string(), r"a\u{202e}b");
    assert_eq!(shown("a\u{2067}b\u{2069}").to_string(), r"a\u{2067}b\u{2069}");
    // An isolate's end that does not belong there would end ours.
    assert_eq!(shown("א\u{2069}b").to_string(), "\u{2068}א\\u{2069}b\u{2069}");
}

#[test]
fn what_cannot_be_seen_is_escaped() {
    for (text, expected) in [
        ("a\u{200b}b", r"a\u{200b}b"),
        ("a\u{2800}b", r"a\u{2800}b"),
        ("a\u{a0}b", r"a\u{a0}b"),
        ("\u{feff}a", r"\u{feff}a"),
        ("\u{e0041}", r"\u{e0041}"),
        ("a\u{2068}b\u{2069}", r"a\u{2068}b\u{2069}"),
    ] {
        assert_eq!(shown(text).to_string(), expected);
    }
}

#[test]
fn marks_that_pile_up_are_escaped() {
    let pile = format!("x{}", "\u{334}".repeat(8));
    let expected = format!("x{}\\u{{334}}\\u{{334}}", "\u{334}".repeat(6));
    assert_eq!(shown(&pile).to_string(), expected);
    assert_eq!(shown("\u{301}x").to_string(), r"\u{301}x");
}

#[test]
fn a_text_that_was_cleaned_stays_in_a_longer_one() {
    let line = format!("{} asked 3 times", shown("שלום"));
    assert_eq!(shown(&line).to_string(), line);
}

#[test]
fn a_long_text_is_cut_where_it_is_asked_for() {
    assert_eq!(shown("abcdef").at_most(3).to_string(), "abc…");
    assert_eq!(shown("abc").at_most(3).to_string(), "abc");
    assert_eq!(shown("אבג").at_most(2).to_string(), "\u{2068}אב…\u{2069}");
    let inner = shown("אבג").to_string();
    assert_eq!(shown(&inner).at_most(2).to_string(), "\u{2068}א…\u{2069}");
}

#[test]
fn a_column_is_as_wide_as_it_is_asked_for() {
    assert_eq!(format!("{:6}|", shown("abc")), "abc   |");
    assert_eq!(format!("{:6}|", shown("a\n")), "a\\n   |");
    assert_eq!(format!("{:6}|", shown("אבג")), "\u{2068}אבג\u{2069}   |");
}
