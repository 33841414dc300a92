//! JSON that is taken in only if it says one thing: no member twice, no number that would be changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A value. Members are in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// A name of the kind of value.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) | Self::Float(_) => "number",
            Self::Text(_) => "text",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Appends its shape: names of members and kinds of values; of an array, the shapes of its items, each once.
    pub(crate) fn write_shape(&self, out: &mut Vec<u8>) {
        match self {
            Self::Object(members) => {
                out.push(b'{');
                for (name, value) in members {
                    write_text(name, out);
                    value.write_shape(out);
                }
                out.push(b'}');
            }
            Self::Array(items) => {
                let shape = |item: &Self| {
                    let mut shape = Vec::new();
                    item.write_shape(&mut shape);
                    shape
                };
                let shapes: BTreeSet<Vec<u8>> = items.iter().map(shape).collect();
                out.push(b'[');
                for shape in &shapes {
                    out.extend_from_slice(shape);
                }
                out.push(b']');
            }
            single => out.extend_from_slice(single.kind().as_bytes()),
        }
    }

    /// Appends it as JSON without spaces.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            // The shortest spelling that reads back as the same number.
            Self::Float(value) => out.extend_from_slice(format!("{value:?}").as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing a text to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        // A whole number that is too long comes as a float, and would lose digits.
        if value.fract() == 0.0 && value.abs() >= 9_007_199_254_740_992.0 {
            return Err(E::custom("a number has more digits than can be kept"));
        }
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("an object has a member twice"));
            }
        }
        Ok(Json::Object(members))
    }
}

/// The parts of a JSON pointer (RFC 6901); `None` if it is none. The empty pointer, the whole document,
/// is none here: duties are about parts of it.
pub(crate) fn pointer(text: &str) -> Option<Vec<String>> {
    let parts = text.strip_prefix('/')?.split('/');
    parts.map(unescape).collect()
}

fn unescape(part: &str) -> Option<String> {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(one) = chars.next() {
        out.push(match one {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}
