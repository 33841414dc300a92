//! Reading JSON as it stands in the text.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{OdrlError, OdrlErrorKind, Refused};
use crate::json::Json;
use crate::limits::{ODRL_DEPTH_MAX, ODRL_LEN_MAX, ODRL_VALUES_MAX};

/// Reads a whole text; refuses what is too long, too much, too deep or ambiguous.
pub(crate) fn parse(text: &str) -> Result<Json<'_>, OdrlError> {
    if text.len() > ODRL_LEN_MAX {
        return Err(OdrlError::whole(OdrlErrorKind::TooLong { len: text.len() }));
    }
    let left = Cell::new(ODRL_VALUES_MAX);
    let refused = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        OdrlError::whole(match left.get() {
            0 => OdrlErrorKind::TooMany,
            _ => OdrlErrorKind::Syntax { line, column },
        })
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let json = Level { depth: 0, left: &left }.deserialize(&mut reader).map_err(&refused)?;
    reader.end().map_err(&refused)?;
    check(&json).map_err(|error| error.within(&json))?;
    Ok(json)
}

/// Refuses what is too deep or stands twice.
fn check<'a>(json: &'a Json<'a>) -> Result<(), Refused<'a>> {
    match json {
        Json::TooDeep => Err(Refused::new(json, OdrlErrorKind::TooDeep)),
        Json::Array(all) => all.iter().try_for_each(check),
        Json::Object(all) => {
            let mut seen = BTreeSet::new();
            all.iter().try_for_each(|(name, json)| {
                if !seen.insert(name.as_ref()) {
                    return Err(Refused::new(json, OdrlErrorKind::DuplicateMember));
                }
                check(json)
            })
        }
        _ => Ok(()),
    }
}

/// Reads one value inside this many objects and arrays.
#[derive(Clone, Copy)]
struct Level<'l> {
    depth: usize,
    /// How many values may still come.
    left: &'l Cell<usize>,
}

impl Level<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        if left == 0 {
            return Err(E::custom("too many values"));
        }
        Ok(Level { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json<'de>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer { is_negative: value < 0, magnitude: value.unsigned_abs() })
    }

    fn visit_u64<E>(self, magnitude: u64) -> Result<Json<'de>, E> {
        Ok(Json::Integer { is_negative: false, magnitude })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::Float)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        if self.depth >= ODRL_DEPTH_MAX {
            // Skipping does not recurse.
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        }
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            all.push(item);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        if self.depth >= ODRL_DEPTH_MAX {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        }
        let mut all = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            all.push((name, members.next_value_seed(self.deeper()?)?));
        }
        Ok(Json::Object(all))
    }
}

/// The name of a member, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
