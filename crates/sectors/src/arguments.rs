//! What somebody gives for the parameters of a template or of a sector.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::strict::Strict;

/// Longest JSON of arguments, in bytes.
pub const ARGUMENTS_LEN_MAX: usize = 65_536;
/// Most arguments.
pub const ARGUMENTS_MAX: usize = 64;
/// Most entries of a list.
pub const ENTRIES_MAX: usize = 256;
/// Longest text, in bytes.
pub const TEXT_LEN_MAX: usize = 512;

/// One argument, not yet compared with its parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A whole number.
    Whole(i64),
    /// A text.
    Text(String),
    /// A list of texts and whole numbers.
    List(Vec<Argument>),
}

/// Arguments by the names of their parameters. What is left out has the parameter's default.
///
/// ```
/// use dataspace_sectors::Arguments;
///
/// let one = Arguments::new().with("monthly", 20).with("purposes", ["research"]);
/// let same = Arguments::from_json(br#"{ "monthly": 20, "purposes": ["research"] }"#)?;
/// assert_eq!(one, same);
/// # Ok::<(), dataspace_sectors::arguments::InvalidArguments>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments(BTreeMap<String, Argument>);

/// Why JSON is not arguments. What it says is not told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidArguments {
    /// Longer than [`ARGUMENTS_LEN_MAX`].
    #[error("the arguments have {len} bytes; {ARGUMENTS_LEN_MAX} are possible")]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// Not one JSON object, a member twice, a fraction, or nothing where a value belongs.
    #[error("line {line}: the arguments are one JSON object of texts, whole numbers and lists")]
    Json {
        /// Line, from 1; 0 if the whole is of another kind.
        line: usize,
    },
    /// More than [`ARGUMENTS_MAX`].
    #[error("there are {found} arguments; {ARGUMENTS_MAX} are possible")]
    TooMany {
        /// Arguments found.
        found: usize,
    },
    /// An argument is a list of more than [`ENTRIES_MAX`] entries, or holds a text longer than
    /// [`TEXT_LEN_MAX`] bytes.
    #[error(
        "argument {number} is too large: a list has at most {ENTRIES_MAX} entries, a text at most {TEXT_LEN_MAX} bytes"
    )]
    TooLarge {
        /// Its place in the order of the names, from 1.
        number: usize,
    },
    /// An argument is neither a text, a whole number, nor a list of those.
    #[error("argument {number} is not a text, a whole number, or a list of those")]
    Kind {
        /// Its place in the order of the names, from 1.
        number: usize,
    },
}

impl Arguments {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; an earlier one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, parameter: &str, argument: impl Into<Argument>) -> Self {
        self.0.insert(parameter.to_owned(), argument.into());
        self
    }

    /// Reads a JSON object: texts, whole numbers and lists by the names of their parameters.
    ///
    /// # Errors
    /// [`InvalidArguments`] for anything else, or too much of it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidArguments> {
        if bytes.len() > ARGUMENTS_LEN_MAX {
            return Err(InvalidArguments::Len { len: bytes.len() });
        }
        let json = serde_json::from_slice(bytes);
        let Strict(json) =
            json.map_err(|error: serde_json::Error| InvalidArguments::Json { line: error.line() })?;
        let Value::Object(all) = json else { return Err(InvalidArguments::Json { line: 0 }) };
        if all.len() > ARGUMENTS_MAX {
            return Err(InvalidArguments::TooMany { found: all.len() });
        }
        let read = |(number, (name, value)): (usize, (String, Value))| {
            if name.len() > TEXT_LEN_MAX {
                return Err(InvalidArguments::TooLarge { number });
            }
            Ok((name, argument(value, number)?))
        };
        Ok(Self((1..).zip(all).map(read).collect::<Result<_, _>>()?))
    }

    /// The argument for this parameter.
    #[must_use]
    pub fn get(&self, parameter: &str) -> Option<&Argument> {
        self.0.get(parameter)
    }

    /// The names for which there are arguments, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn argument(value: Value, number: usize) -> Result<Argument, InvalidArguments> {
    match value {
        Value::Array(all) if all.len() > ENTRIES_MAX => Err(InvalidArguments::TooLarge { number }),
        Value::Array(all) => {
            let all = all.into_iter().map(|one| entry(one, number));
            Ok(Argument::List(all.collect::<Result<_, _>>()?))
        }
        one => entry(one, number),
    }
}

fn entry(value: Value, number: usize) -> Result<Argument, InvalidArguments> {
    match value {
        Value::String(text) if text.len() > TEXT_LEN_MAX => {
            Err(InvalidArguments::TooLarge { number })
        }
        Value::String(text) => Ok(Argument::Text(text)),
        Value::Number(whole) => {
            whole.as_i64().map(Argument::Whole).ok_or(InvalidArguments::Kind { number })
        }
        _ => Err(InvalidArguments::Kind { number }),
    }
}

impl From<i64> for Argument {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Argument>> From<Vec<T>> for Argument {
    fn from(all: Vec<T>) -> Self {
        Self::List(all.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Argument>, const LEN: usize> From<[T; LEN]> for Argument {
    fn from(all: [T; LEN]) -> Self {
        Self::List(all.into_iter().map(Into::into).collect())
    }
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(json) = Deserialize::deserialize(deserializer)?;
        argument(json, 1).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Argument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => serializer.serialize_i64(*whole),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(all) => serializer.collect_seq(all),
        }
    }
}
