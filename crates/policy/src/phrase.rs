//! Numbers, names and lists in plain words.

use std::fmt::Display;

use dataspace_primitives::shown;
pub(crate) use dataspace_primitives::shown::counted;

use crate::engine::quote::{is_hidden, literal};

/// `90 days`, in the largest unit that fits.
pub(crate) fn seconds(secs: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (scale, unit) =
        units.into_iter().find(|(scale, _)| secs.is_multiple_of(*scale)).unwrap_or((1, "second"));
    counted(secs / scale, unit)
}

/// `a, b or c`.
pub(crate) fn list<T: Display>(items: impl ExactSizeIterator<Item = T>, join: &str) -> String {
    let last = items.len().saturating_sub(1);
    let mut words = String::new();
    for (i, item) in items.enumerate() {
        let before = match i {
            0 => "",
            i if i == last => &format!(" {join} "),
            _ => ", ",
        };
        words.push_str(before);
        words.push_str(&item.to_string());
    }
    words
}

/// A name as it is if it is one plain word, else in quotes: `a or b` must not read as two. Letters
/// that are written from right to left move nothing around them.
pub(crate) fn quoted(name: impl AsRef<str>) -> String {
    let name = name.as_ref();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    let is_plain = !name.is_empty() && name.chars().all(|c| plain(c) && !is_hidden(c));
    let text = if is_plain { name.to_owned() } else { literal(name) };
    shown(&text).to_string()
}
