//! Texts as Cedar writes them, in quotes: a reader sees every character of them, and Cedar reads
//! the same text back.

use std::fmt::{self, Write};

/// The text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    // Writing to a `String` does not fail.
    let _infallible = write_literal(&mut literal, text);
    literal
}

pub(crate) fn write_literal(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    text.chars().try_for_each(|character| write_character(out, character))?;
    out.write_char('"')
}

/// What stands between the wildcards, as the literal of a pattern.
pub(crate) fn write_pattern(out: &mut impl Write, parts: &[Box<str>]) -> fmt::Result {
    out.write_char('"')?;
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.write_char('*')?;
        }
        for character in part.chars() {
            match character {
                '*' => out.write_str("\\*")?,
                character => write_character(out, character)?,
            }
        }
    }
    out.write_char('"')
}

fn write_character(out: &mut impl Write, character: char) -> fmt::Result {
    match character {
        '\'' => out.write_char('\''),
        // WHY the grave accent: conditions are quoted between two of them.
        c if c == '`' || is_hidden(c) => write!(out, "{}", c.escape_unicode()),
        c => write!(out, "{}", c.escape_debug()),
    }
}

/// A text that Cedar wrote, with every character to be seen.
pub(crate) fn shown(cedar: &str) -> String {
    let mut text = String::with_capacity(cedar.len());
    for character in cedar.chars() {
        if character == '`' || character.is_control() || is_hidden(character) {
            // In Cedar's own text, such a character stands in a string alone.
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text
}

/// Returns true if the text can be written as it is into one that Cedar reads: `.name`.
pub(crate) fn is_identifier(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "true",
        "false",
        "if",
        "then",
        "else",
        "in",
        "is",
        "like",
        "has",
        "principal",
        "action",
        "resource",
        "context",
        "when",
        "unless",
        "permit",
        "forbid",
        "__cedar",
    ];
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty()
        && text.chars().all(is_word)
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !WORDS.contains(&text)
}

/// Returns true if a character is not shown at all, or moves others: the default-ignorable code points of
/// Unicode 17, the bidirectional ones among them.
pub(crate) fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use cedar_policy::{Context, Entities, EvalResult, Expression, Request, eval_expression};

    use super::*;

    const TEXTS: [&str; 16] = [
        "",
        "plain",
        "it's",
        "\"",
        "\\",
        "a\\\"b",
        "\\u{22}",
        "line\nbreak\r\t",
        "\0\u{1}\u{7f}\u{85}\u{9b}",
        "`tick`",
        "\u{202e}\u{2066}\u{200f}\u{61c}",
        "\u{3164}\u{115f}\u{200b}\u{feff}\u{ad}\u{e0041}",
        "e\u{301}क्षि材料",
        "\u{2028}\u{a0}\u{1f600}\u{10ffff}",
        "*a\\*b*",
        "${x} {} // ; @",
    ];

    fn value(text: &str) -> EvalResult {
        let uid = |text: &str| text.parse().unwrap();
        let (p, a, r) = (uid("A::\"a\""), uid("Action::\"a\""), uid("A::\"a\""));
        let request = Request::new(p, a, r, Context::empty(), None).unwrap();
        let expression = Expression::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        eval_expression(&request, &Entities::empty(), &expression).unwrap()
    }

    #[test]
    fn cedar_reads_every_text_back_and_people_see_it_whole() {
        for text in TEXTS {
            let literal = literal(text);
            assert_eq!(value(&literal), EvalResult::String(text.to_owned()), "{literal}");
            assert!(!literal.chars().any(|c| c.is_control() || is_hidden(c)), "{literal}");
            assert!(!literal.contains('`'), "{literal}");
        }
    }

    #[test]
    fn a_pattern_fits_its_own_text_alone() {
        for text in TEXTS {
            let mut pattern = String::new();
            write_pattern(&mut pattern, &[text.into()]).unwrap();
            for (other, fits) in [(text.to_owned(), true), (format!("{text}x"), false)] {
                let found = value(&format!("{} like {pattern}", literal(&other)));
                assert_eq!(found, EvalResult::Bool(fits), "{pattern}");
            }
        }
    }
}
