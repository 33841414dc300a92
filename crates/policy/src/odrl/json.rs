//! JSON as it stands in the text: members in their order, duplicates kept, with the place of each
//! value. `serde_json::Value` would drop duplicates and take decimals for binary floats.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{OdrlError, OdrlErrorKind};
use super::{ODRL_DEPTH_MAX, ODRL_LEN_MAX};

#[derive(Debug)]
pub(super) enum Json {
    Null,
    Boolean(bool),
    Integer(i128),
    /// A number with a fraction or exponent, or beyond 64 bits. Its digits are lost.
    Float,
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// What is nested deeper than [`ODRL_DEPTH_MAX`], skipped.
    TooDeep,
}

/// Reads a whole text; refuses what is too long, too deep or ambiguous.
pub(super) fn parse(text: &str) -> Result<Json, OdrlError> {
    let root = |kind| OdrlError { pointer: String::new(), kind };
    if text.len() > ODRL_LEN_MAX {
        return Err(root(OdrlErrorKind::TooLong { len: text.len() }));
    }
    let syntax = |error: serde_json::Error| {
        root(OdrlErrorKind::Syntax { line: error.line(), column: error.column() })
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let json = Level(0).deserialize(&mut reader).map_err(syntax)?;
    reader.end().map_err(syntax)?;
    check(&json)?;
    Ok(json)
}

/// Refuses what is too deep or stands twice.
// WHY: the place is put together on the way out: with it on the way in, one long name around many
// values would cost their product.
fn check(json: &Json) -> Result<(), OdrlError> {
    let here = |kind| OdrlError { pointer: String::new(), kind };
    let within = |name: &str| {
        let name = escaped(name);
        move |error: OdrlError| OdrlError { pointer: format!("/{name}{}", error.pointer), ..error }
    };
    match json {
        Json::TooDeep => Err(here(OdrlErrorKind::TooDeep)),
        Json::Array(all) => (0_usize..)
            .zip(all)
            .try_for_each(|(i, json)| check(json).map_err(|error| within(&i.to_string())(error))),
        Json::Object(all) => {
            let mut seen = BTreeSet::new();
            all.iter().try_for_each(|(name, json)| {
                let checked = if seen.insert(name) {
                    check(json)
                } else {
                    Err(here(OdrlErrorKind::DuplicateMember))
                };
                checked.map_err(|error| within(name)(error))
            })
        }
        _ => Ok(()),
    }
}

/// A name in a pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub(super) json: &'a Json,
    pub(super) pointer: String,
}

impl<'a> At<'a> {
    pub(super) fn error(&self, kind: OdrlErrorKind) -> OdrlError {
        OdrlError { pointer: self.pointer.clone(), kind }
    }

    pub(super) fn expected(&self, expected: &'static str) -> OdrlError {
        self.error(OdrlErrorKind::Value { expected })
    }

    fn child(&self, json: &'a Json, name: &str) -> Self {
        At { json, pointer: format!("{}/{}", self.pointer, escaped(name)) }
    }

    /// The members of an object, in the order of the text.
    pub(super) fn members(&self) -> Result<Vec<(&'a str, Self)>, OdrlError> {
        let Json::Object(all) = self.json else { return Err(self.expected("an object")) };
        Ok(all.iter().map(|(name, json)| (name.as_str(), self.child(json, name))).collect())
    }

    /// The items of an array; any other value stands for an array of itself (JSON-LD).
    pub(super) fn items(&self) -> Vec<Self> {
        let Json::Array(all) = self.json else { return vec![self.clone()] };
        all.iter().enumerate().map(|(i, json)| self.child(json, &i.to_string())).collect()
    }

    pub(super) fn text(&self) -> Result<&'a str, OdrlError> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// An identifier: a text, or `{"@id": text}`, which says the same (JSON-LD).
    pub(super) fn id(&self) -> Result<&'a str, OdrlError> {
        match self.json {
            Json::Object(all) => match all.as_slice() {
                [(name, Json::Text(text))] if name == "@id" => Ok(text),
                _ => Err(self.expected("an identifier")),
            },
            _ => self.text(),
        }
    }
}

/// Reads one value inside this many objects and arrays.
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Float)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        if self.0 >= ODRL_DEPTH_MAX {
            // Skipping does not recurse.
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        }
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Level(self.0 + 1))? {
            all.push(item);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        if self.0 >= ODRL_DEPTH_MAX {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        }
        let mut all = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            all.push((name, members.next_value_seed(Level(self.0 + 1))?));
        }
        Ok(Json::Object(all))
    }
}
