//! The rows of a file of JSON lines: one object a line (RFC 8259), strictly.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use memchr::memchr;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::row_error::{ROW_LEN_MAX, RowError};

/// Bytes that are read at once.
const BUFFER_LEN: usize = 64 * 1024;

/// A value as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(&'static str),
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list or an object, as it is written.
    Nested(&'a str),
}

/// A line with an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    /// From 1.
    pub(crate) row: u64,
    pub(crate) number: u64,
}

/// The lines of a file that are not empty.
pub(crate) struct Lines<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    text: Vec<u8>,
    row: u64,
    line: u64,
}

impl<R: Read> Lines<R> {
    /// Leaves out a byte order mark.
    pub(crate) fn new(mut input: R) -> Result<Self, RowError> {
        let mut head = Vec::new();
        let read = input.by_ref().take(3).read_to_end(&mut head);
        read.map_err(|error| RowError::input(error, 1, 1))?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(RowError::not_utf8(&head, 1, 1));
        }
        if head == "\u{feff}".as_bytes() {
            head.clear();
        }
        let input = BufReader::with_capacity(BUFFER_LEN, Cursor::new(head).chain(input));
        Ok(Self { input, text: Vec::new(), row: 0, line: 0 })
    }

    /// The next line; `None` after the last. Lines of spaces alone are none.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, RowError> {
        loop {
            if !self.read()? {
                return Ok(None);
            }
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            if !self.text.iter().all(blank) {
                break;
            }
        }
        self.row += 1;
        let (row, line) = (self.row, self.line);
        match std::str::from_utf8(&self.text) {
            Ok(text) => Ok(Some(Line { text, row, number: line })),
            Err(_) => Err(RowError::not_utf8(&self.text, row, line)),
        }
    }

    /// Reads one line; false at the end of the file.
    fn read(&mut self) -> Result<bool, RowError> {
        self.text.clear();
        self.line += 1;
        let (row, line) = (self.row + 1, self.line);
        loop {
            let chunk = self.input.fill_buf();
            let chunk = chunk.map_err(|error| RowError::input(error, row, line))?;
            if chunk.is_empty() {
                return Ok(!self.text.is_empty());
            }
            let end = memchr(b'\n', chunk);
            let used = end.map_or(chunk.len(), |end| end + 1);
            if self.text.len() + used > ROW_LEN_MAX {
                return Err(RowError::TooLong { row, line });
            }
            self.text.extend_from_slice(chunk.get(..used).unwrap_or_default());
            self.input.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// The names of the columns, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    list: Vec<String>,
    places: BTreeMap<String, usize>,
    /// The row that had the column last.
    seen: Vec<u64>,
}

impl Names {
    pub(crate) fn push(&mut self, name: String) -> usize {
        let place = self.list.len();
        self.places.insert(name.clone(), place);
        self.list.push(name);
        self.seen.push(0);
        place
    }

    /// As before the first row.
    pub(crate) fn begin(&mut self) {
        self.seen.fill(0);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &String> {
        self.list.iter()
    }

    pub(crate) fn get(&self, place: usize) -> String {
        self.list.get(place).cloned().unwrap_or_default()
    }

    /// The column's place; most rows have their keys in the order of the columns.
    fn find(&self, name: &str, at: usize) -> Option<usize> {
        match self.list.get(at) {
            Some(next) if next == name => Some(at),
            _ => self.places.get(name).copied(),
        }
    }
}

/// What goes over the rows of a file.
pub(crate) trait Take<E> {
    fn names(&mut self) -> &mut Names;

    /// The place of a key that is no column yet.
    fn add(&mut self, key: &str, line: Line<'_>) -> Result<usize, E>;

    fn value(&mut self, place: usize, value: Value<'_>, line: Line<'_>) -> Result<(), E>;
}

/// Gives the values of a line to `take`.
pub(crate) fn row<E: From<RowError>>(line: Line<'_>, take: &mut impl Take<E>) -> Result<(), E> {
    let (row, number) = (line.row, line.number);
    let text = line.text.trim_end_matches([' ', '\t', '\r', '\n']);
    if !text.trim_start_matches([' ', '\t', '\r']).starts_with('{') {
        return Err(RowError::NotObject { row, line: number }.into());
    }
    let mut failed = None;
    let mut input = Deserializer::from_str(text);
    let visitor = Object { line, take, failed: &mut failed };
    let read = serde::Deserializer::deserialize_map(&mut input, visitor);
    match (failed, read.and_then(|()| input.end())) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(syntax(&error, line).into()),
        (None, Ok(())) => Ok(()),
    }
}

/// The texts of syntax errors are fixed; they hold no value.
fn syntax(error: &serde_json::Error, line: Line<'_>) -> RowError {
    let said = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Data => "of another form",
        _ => said.split(" at line ").next().unwrap_or_default(),
    };
    RowError::Json {
        row: line.row,
        line: line.number,
        byte: u64::try_from(error.column()).unwrap_or(u64::MAX),
        what: what.to_owned(),
    }
}

struct Object<'t, 'l, T, E> {
    line: Line<'l>,
    take: &'t mut T,
    failed: &'t mut Option<E>,
}

impl<T: Take<E>, E: From<RowError>> Object<'_, '_, T, E> {
    fn value(&mut self, place: usize, raw: &RawValue) -> Result<(), E> {
        let Line { row, number: line, .. } = self.line;
        if let Some(seen) = self.take.names().seen.get_mut(place)
            && std::mem::replace(seen, row) == row
        {
            let column = self.take.names().get(place);
            return Err(RowError::DuplicateKey { row, line, column }.into());
        }
        let value = scalar(raw.get(), self.line, || self.take.names().get(place))?;
        self.take.value(place, value, self.line)
    }
}

/// A value by its text, which is JSON.
pub(crate) fn scalar<'a>(
    text: &'a str,
    line: Line<'_>,
    column: impl FnOnce() -> String,
) -> Result<Value<'a>, RowError> {
    let Line { row, number: line, .. } = line;
    Ok(match text.as_bytes() {
        [b'n', ..] => Value::Null,
        [b't', ..] => Value::Boolean("true"),
        [b'f', ..] => Value::Boolean("false"),
        [b'{' | b'[', ..] => Value::Nested(text),
        [b'"', ..] => {
            let plain = text.get(1..text.len() - 1).filter(|text| !text.contains('\\'));
            let text = if let Some(plain) = plain {
                Cow::Borrowed(plain)
            } else if let Ok(text) = serde_json::from_str(text) {
                Cow::Owned(text)
            } else {
                return Err(RowError::Escape { row, line, column: column() });
            };
            if text.contains('\0') {
                return Err(RowError::Nul { row, line });
            }
            Value::Text(text)
        }
        _ => Value::Number(text),
    })
}

impl<'de, T: Take<E>, E: From<RowError>> serde::de::Visitor<'de> for Object<'_, '_, T, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let stop = |_: &mut Option<E>| serde::de::Error::custom("refused");
        let mut at = 0;
        while let Some(key) = map.next_key_seed(Key { names: self.take.names(), at })? {
            let place = match key {
                Place::Known(place) => place,
                Place::New(key) => match self.take.add(&key, self.line) {
                    Ok(place) => place,
                    Err(error) => {
                        *self.failed = Some(error);
                        return Err(stop(self.failed));
                    }
                },
            };
            let raw: &'de RawValue = map.next_value()?;
            if let Err(error) = self.value(place, raw) {
                *self.failed = Some(error);
                return Err(stop(self.failed));
            }
            at = place + 1;
        }
        Ok(())
    }
}

enum Place {
    Known(usize),
    New(String),
}

/// Finds the place of a key without keeping it.
struct Key<'n> {
    names: &'n Names,
    at: usize,
}

impl<'de> serde::de::DeserializeSeed<'de> for Key<'_> {
    type Value = Place;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<Place, D::Error> {
        input.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for Key<'_> {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Place, E> {
        let place = self.names.find(key, self.at);
        Ok(place.map_or_else(|| Place::New(key.to_owned()), Place::Known))
    }
}
