//! Colours and shapes of the output; `anstream` takes the colours away where there is no terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use dataspace_policy::{Assurance, Clause};
use dataspace_primitives::shown;

use crate::out::say;

fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn title(text: impl Display) -> String {
    paint(Style::new().bold(), text)
}

pub(crate) fn good(text: impl Display) -> String {
    paint(AnsiColor::Green.on_default().bold(), text)
}

pub(crate) fn bad(text: impl Display) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// [`good`], as a function of texts.
pub(crate) fn good_text(text: &str) -> String {
    good(text)
}

/// [`bad`], as a function of texts.
pub(crate) fn bad_text(text: &str) -> String {
    bad(text)
}

pub(crate) fn dim(text: impl Display) -> String {
    paint(Style::new().dimmed(), text)
}

pub(crate) fn command(text: impl Display) -> String {
    paint(AnsiColor::Cyan.on_default(), text)
}

/// The label of a clause, as wide as most are.
pub(crate) fn label(assurance: Assurance) -> String {
    let text = format!("{assurance:<9}");
    match assurance {
        Assurance::Enforced | Assurance::Key => good(text),
        Assurance::Attested | Assurance::Deterrent => paint(AnsiColor::Yellow.on_default(), text),
        Assurance::Legal => dim(text),
        Assurance::Unsupported => bad(text),
    }
}

/// Clauses, one for each line: label, id, words.
pub(crate) fn clauses(clauses: &[Clause]) {
    for Clause { id, words, assurance } in clauses {
        say!("   {}  {:<14}{}", label(*assurance), id.to_string(), shown(words));
    }
}

/// `1,234`.
pub(crate) fn thousands(number: impl Display) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
