//! JSON for programs, which people look at in a terminal, too.

use std::fmt::Write as _;

use dataspace_primitives::shown;
use serde_json::{Map, Value};

/// An object of these fields. As `serde_json::json!`, in a fraction of the code.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {{
        let mut object = serde_json::Map::new();
        $($crate::json::put(&mut object, $key, serde_json::Value::from($value));)*
        serde_json::Value::Object(object)
    }};
}
pub(crate) use object;

/// One field of an [`object!`].
#[inline(never)]
pub(crate) fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_owned(), value);
}

/// The value over several lines.
pub(crate) fn pretty(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// The value on one line.
pub(crate) fn line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// The same JSON, with characters as `\u202e` that would steer a terminal, move their neighbours or
/// not be seen. All of JSON's own characters are ASCII, so that these stand in strings alone.
fn escaped(json: &str) -> String {
    let is_plain = |c: char| matches!(c, '\n' | ' '..='~');
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) || is_seen(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

fn is_seen(c: char) -> bool {
    let mut buffer = [0; 4];
    let text = &*c.encode_utf8(&mut buffer);
    shown(text).to_string() == text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_means_the_same() {
        let text = "a\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{2028}שלום\u{e0041}漢é😀\n\"\\";
        let value = json!({ "text": text, text: 1 });
        for json in [pretty(&value), line(&value)] {
            let is_safe = |c: char| matches!(c, '\n' | ' '..='~' | '漢' | 'é' | '😀');
            assert!(json.chars().all(is_safe), "{json:?}");
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
        assert!(!line(&value).contains('\n'));
    }
}
