//! The rows of a CSV file as texts: RFC 4180, strictly where a row could swallow others.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use memchr::{memchr, memchr3};

use crate::chunk::COLUMNS_MAX;
use crate::row_error::{ROW_LEN_MAX, RowError};

/// Bytes that are read at once.
const BUFFER_LEN: usize = 64 * 1024;

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    text: &'a str,
    ends: &'a [usize],
    /// Fields found; more than `ends` has for a header that is too wide.
    pub(crate) found: usize,
    pub(crate) row: u64,
    pub(crate) line: u64,
}

impl<'a> Record<'a> {
    pub(crate) fn cells(&self) -> impl Iterator<Item = &'a str> {
        let (text, mut start) = (self.text, 0);
        self.ends.iter().map(move |end| {
            let cell = text.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote that closes the cell, or is the first of two.
    Closed,
}

/// Counts the fields of lines inside a quoted cell, as if they lay outside.
#[derive(Debug, Default)]
struct Inside {
    separators: usize,
    quoted: bool,
}

/// Where the reader stands in a row.
#[derive(Debug)]
struct Row {
    delimiter: u8,
    /// True if cells may hold lines that look like rows.
    line_breaks: bool,
    /// Fields of the header, once it is read.
    expected: Option<usize>,
    state: State,
    text: Vec<u8>,
    ends: Vec<usize>,
    found: usize,
    /// Bytes of the row that are read, with its quotes and separators.
    len: usize,
    inside: Option<Inside>,
    number: u64,
    /// The line where the row begins, that of the last quote, and the present one.
    first_line: u64,
    quote_line: u64,
    line: u64,
    /// The last byte was a carriage return, which ended a line.
    after_return: bool,
}

type Input<R> = BufReader<io::Chain<Cursor<Vec<u8>>, R>>;

/// The rows of a file.
pub(crate) struct Records<R> {
    input: Input<R>,
    at: Row,
}

impl<R: Read> Records<R> {
    /// Leaves out a byte order mark.
    pub(crate) fn new(mut input: R, delimiter: u8, line_breaks: bool) -> Result<Self, RowError> {
        let mut head = Vec::new();
        input
            .by_ref()
            .take(3)
            .read_to_end(&mut head)
            .map_err(|error| RowError::input(error, 0, 1))?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(RowError::not_utf8(&head, 0, 1));
        }
        if head == "\u{feff}".as_bytes() {
            head.clear();
        }
        let input = BufReader::with_capacity(BUFFER_LEN, Cursor::new(head).chain(input));
        let at = Row {
            delimiter,
            line_breaks,
            expected: None,
            state: State::FieldStart,
            text: Vec::new(),
            ends: Vec::new(),
            found: 0,
            len: 0,
            inside: None,
            number: 0,
            first_line: 1,
            quote_line: 0,
            line: 1,
            after_return: false,
        };
        Ok(Self { input, at })
    }

    /// The next row; `None` after the last. Empty lines are none, except for a missing value in a
    /// table of one column.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, RowError> {
        loop {
            self.at.begin();
            if !self.read()? {
                return Ok(None);
            }
            let quoted = self.at.quote_line >= self.at.first_line;
            let blank = self.at.found == 1 && self.at.text.is_empty() && !quoted;
            if !blank || self.at.expected == Some(1) {
                break;
            }
        }
        self.at.finish().map(Some)
    }

    /// Reads one row; false at the end of the file.
    fn read(&mut self) -> Result<bool, RowError> {
        loop {
            let (row, line) = (self.at.number, self.at.line);
            let chunk = self.input.fill_buf();
            let chunk = chunk.map_err(|error| RowError::input(error, row, line))?;
            if chunk.is_empty() {
                return self.at.end_of_file();
            }
            let (used, ended) = self.at.scan(chunk)?;
            self.input.consume(used);
            if ended {
                return Ok(true);
            }
        }
    }
}

impl Row {
    fn begin(&mut self) {
        self.state = State::FieldStart;
        self.text.clear();
        self.ends.clear();
        (self.found, self.len) = (0, 0);
        self.inside = None;
        self.first_line = self.line;
    }

    fn finish(&mut self) -> Result<Record<'_>, RowError> {
        let (row, line) = (self.number, self.first_line);
        if memchr(0, &self.text).is_some() {
            return Err(RowError::Nul { row, line });
        }
        let Ok(text) = std::str::from_utf8(&self.text) else {
            return Err(RowError::not_utf8(&self.text, row, line));
        };
        let expected = *self.expected.get_or_insert(self.found);
        if self.found != expected {
            let count = |fields| u64::try_from(fields).unwrap_or(u64::MAX);
            let (expected, found) = (count(expected), count(self.found));
            return Err(RowError::Ragged { row, line, expected, found });
        }
        self.number += 1;
        Ok(Record { text, ends: &self.ends, found: self.found, row, line })
    }

    /// Takes bytes up to the end of the row: how many, and whether it ended.
    fn scan(&mut self, chunk: &[u8]) -> Result<(usize, bool), RowError> {
        let mut rest = chunk;
        let used = |rest: &[u8]| chunk.len() - rest.len();
        while let Some((byte, after)) = rest.split_first() {
            // The second half of a line end.
            if std::mem::take(&mut self.after_return) && *byte == b'\n' {
                if self.state == State::Quoted {
                    self.text.push(b'\n');
                }
                rest = after;
                continue;
            }
            // Not what is before it: that is the row's own line.
            let (before, looking) = (rest, self.inside.is_some());
            let ended;
            (rest, ended) = self.step(*byte, rest, after)?;
            self.len += before.len() - rest.len();
            if self.len > ROW_LEN_MAX {
                return Err(RowError::TooLong { row: self.number, line: self.first_line });
            }
            if looking {
                self.look_inside(before.get(..before.len() - rest.len()).unwrap_or_default())?;
            }
            if ended {
                return Ok((used(rest), true));
            }
        }
        Ok((chunk.len(), false))
    }

    /// One piece of a row: what is left of the bytes, and whether the row ended.
    fn step<'a>(
        &mut self,
        byte: u8,
        rest: &'a [u8],
        after: &'a [u8],
    ) -> Result<(&'a [u8], bool), RowError> {
        match self.state {
            State::FieldStart if byte == b'"' => {
                (self.state, self.quote_line) = (State::Quoted, self.line);
                Ok((after, false))
            }
            State::FieldStart | State::Bare => {
                let end = memchr3(self.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
                let (text, rest) = rest.split_at(end);
                self.text.extend_from_slice(text);
                self.state = State::Bare;
                match rest.split_first() {
                    Some((end, after)) => Ok((after, self.end_field(*end))),
                    None => Ok((rest, false)),
                }
            }
            State::Quoted => {
                let end = memchr3(b'"', b'\n', b'\r', rest).unwrap_or(rest.len());
                let (text, rest) = rest.split_at(end);
                self.text.extend_from_slice(text);
                match rest.split_first() {
                    Some((b'"', after)) => {
                        self.state = State::Closed;
                        Ok((after, false))
                    }
                    Some((end, after)) => {
                        self.text.push(*end);
                        self.end_line(*end);
                        if self.expected.is_some() && !self.line_breaks {
                            self.inside.get_or_insert_default();
                        }
                        Ok((after, false))
                    }
                    None => Ok((rest, false)),
                }
            }
            State::Closed if byte == b'"' => {
                self.text.push(b'"');
                self.state = State::Quoted;
                Ok((after, false))
            }
            State::Closed if byte == self.delimiter || matches!(byte, b'\n' | b'\r') => {
                Ok((after, self.end_field(byte)))
            }
            State::Closed => Err(RowError::AfterQuote { row: self.number, line: self.line }),
        }
    }

    /// Ends a field and, with it, a row if `end` is a line's end.
    fn end_field(&mut self, end: u8) -> bool {
        self.found += 1;
        // A row with too many is refused anyway.
        if self.found <= self.expected.unwrap_or(COLUMNS_MAX) {
            self.ends.push(self.text.len());
        }
        self.state = State::FieldStart;
        if end == self.delimiter {
            return false;
        }
        self.end_line(end);
        true
    }

    fn end_line(&mut self, end: u8) {
        self.line += 1;
        self.after_return = end == b'\r';
    }

    /// Counts in lines inside a quoted cell, up to the end of the row.
    fn look_inside(&mut self, bytes: &[u8]) -> Result<(), RowError> {
        for byte in bytes {
            let Some(inside) = &mut self.inside else { return Ok(()) };
            match byte {
                b'"' => inside.quoted = !inside.quoted,
                b'\n' | b'\r' => {
                    // `line` counts this line's end already.
                    self.end_inside(self.line - 1)?;
                    self.inside = Some(Inside::default());
                }
                _ if *byte == self.delimiter && !inside.quoted => inside.separators += 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn end_inside(&self, line: u64) -> Result<(), RowError> {
        let fields = self.inside.as_ref().map(|inside| inside.separators + 1);
        if fields.is_some() && fields == self.expected {
            return Err(RowError::LineInQuotes { row: self.number, line });
        }
        Ok(())
    }

    fn end_of_file(&mut self) -> Result<bool, RowError> {
        if self.len == 0 {
            return Ok(false);
        }
        if self.state == State::Quoted {
            return Err(RowError::Unclosed { row: self.number, line: self.quote_line });
        }
        self.end_inside(self.line)?;
        // The last line may lack its end.
        self.found += 1;
        if self.found <= self.expected.unwrap_or(COLUMNS_MAX) {
            self.ends.push(self.text.len());
        }
        Ok(true)
    }
}
