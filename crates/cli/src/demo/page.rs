//! The demo's lines: none is wider than a narrow terminal.

use arrow_array::RecordBatch;
use dataspace_data_plane::preview;
use dataspace_primitives::shown;

use crate::out::say;
use crate::paint;

/// Columns of a narrow terminal.
const WIDTH: usize = 60;
/// Before everything but titles.
const INDENT: usize = 3;

pub(super) fn heading(number: u8, text: &str) {
    say!("\n{}", paint::title(format!("{number}  {text}")));
}

/// A label of at most `width` columns, and a text beside it.
pub(super) fn entry(paint: fn(&str) -> String, label: &str, width: usize, text: &str) {
    let pad = " ".repeat(width.saturating_sub(label.chars().count()));
    let (at, mut lead) = (INDENT + width + 1, format!("{}{pad} ", paint(label)));
    for line in wrap(text, WIDTH.saturating_sub(at)) {
        say!("{:INDENT$}{lead}{line}", "");
        lead = " ".repeat(width + 1);
    }
}

/// A text of its own.
pub(super) fn text(text: &str) {
    for line in wrap(text, WIDTH.saturating_sub(INDENT)) {
        say!("{:INDENT$}{}", "", shown(&line));
    }
}

/// A text below a line.
pub(super) fn inner(text: &str) {
    let at = INDENT + 3;
    for line in wrap(text, WIDTH.saturating_sub(at)) {
        say!("{:at$}{}", "", shown(&line));
    }
}

/// A text of its own, `indent` columns further in.
pub(super) fn note(indent: usize, text: &str) {
    let at = INDENT + indent;
    for line in wrap(text, WIDTH.saturating_sub(at)) {
        say!("{:at$}{}", "", paint::dim(line));
    }
}

/// A command that can be copied as it stands. Its words are not taken apart.
pub(super) fn command(words: &[&str], what: &str) {
    let mut lines = fill(words.iter().copied(), WIDTH.saturating_sub(INDENT + 4));
    let last = lines.len().saturating_sub(1);
    for (number, line) in lines.iter_mut().enumerate() {
        let indent = if number == 0 { INDENT } else { INDENT + 2 };
        let more = if number < last { " \\" } else { "" };
        say!("{:indent$}{}", "", paint::command(format!("{line}{more}")));
    }
    inner(what);
}

/// The first three rows; the number of all of them is said elsewhere.
pub(super) fn rows(batches: &[RecordBatch]) {
    let first = batches.first().map(|batch| batch.slice(0, batch.num_rows().min(3)));
    for line in preview(first.as_slice(), 3, WIDTH.saturating_sub(INDENT + 3)).lines() {
        say!("{:2$}{}", "", paint::dim(shown(line)), INDENT + 3);
    }
}

/// Lines of at most `width` characters; a longer word, such as a digest, goes over several.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let parts: Vec<String> = text.split(' ').flat_map(|word| parts(word, width)).collect();
    fill(parts.iter().map(String::as_str), width)
}

fn parts(word: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    match chars.chunks(width.max(1)).map(|part| part.iter().collect()).collect::<Vec<_>>() {
        none if none.is_empty() => vec![String::new()],
        parts => parts,
    }
}

/// A longer word has a line of its own.
fn fill<'t>(words: impl Iterator<Item = &'t str>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let fits = |line: &String| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        };
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) if line.is_empty() => word.clone_into(line),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_are_as_wide_as_they_may_be_and_lose_no_word() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("a bb ccc", 3), ["a", "bb", "ccc"]);
        assert_eq!(wrap("longer a", 3), ["lon", "ger", "a"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
