//! What a provider may state about a file that it cannot say by itself.
//!
//! ```
//! use dataspace_data_plane::{ColumnType, Table, TableOptions, options::DateFormat};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("orders.csv");
//! std::fs::write(&path, "id;day;price\n7;31.01.2026;12,50\n8;n/a;3\n")?;
//! let options = TableOptions::new()
//!     .decimal_comma()
//!     .missing("n/a")
//!     .column("id", ColumnType::Text)
//!     .column("day", ColumnType::Date(DateFormat::DayMonthYear))
//!     .column("price", ColumnType::Decimal { precision: 10, scale: 2 });
//! let table = Table::open_with(&path, &options)?;
//! let mut out = Vec::new();
//! let batches = table.read()?.collect::<Result<Vec<_>, _>>()?;
//! dataspace_data_plane::write_csv(&mut out, &table.schema(), &batches)?;
//! assert_eq!(String::from_utf8(out)?, "id,day,price\n7,2026-01-31,12.50\n8,,3.00\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;

use crate::charset::Charset;

/// How a file is to be read where it leaves room for more than one reading.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    pub(crate) delimiter: Option<u8>,
    pub(crate) line_breaks: bool,
    pub(crate) int96_micros: bool,
    /// In the order in which they were stated.
    pub(crate) types: Vec<(String, ColumnType)>,
    /// What is stated to be nested.
    pub(crate) nests: Vec<(String, Nest)>,
    /// Every name that is stated, in the order of their first mention.
    pub(crate) stated: Vec<String>,
    pub(crate) reading: Reading,
    /// The name of a character set that does not exist.
    pub(crate) unknown_charset: Option<String>,
}

/// A kind of nested values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nest {
    Object,
    List,
    Map,
}

/// How the cells of a file are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) decimal_comma: bool,
    missing: BTreeSet<String>,
    pub(crate) charset: Option<Charset>,
}

impl Reading {
    /// Returns true if the text is a word for a missing value.
    pub(crate) fn is_missing(&self, text: &str) -> bool {
        !self.missing.is_empty() && self.missing.contains(text)
    }
}

/// A type that a provider states for a column of a CSV file or of JSON lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` and `false`, in lower, title or upper case.
    Boolean,
    /// Whole numbers of 64 bits, without a plus sign or leading zeros.
    Integer,
    /// Binary floats of 64 bits. Numbers that are spelled differently become one value. `NaN`, `inf`
    /// and `-inf` are such numbers, too.
    Float,
    /// Decimals. With two digits behind the point, `1.5` becomes `1.50`; a cell with more of them is
    /// refused.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits behind the point, at most 37 and at most as many as there are in all.
        scale: u8,
    },
    /// Texts as they stand in the file.
    Text,
    /// Days, in this format alone.
    Date(DateFormat),
    /// Days with a time of day, and without a zone: `2026-01-31 23:59:59.5`. A `T` may stand for the
    /// space, a comma for the point.
    DateTime {
        /// Format of the day.
        date: DateFormat,
        /// Most digits behind the second's point, at most 9. They decide whether the column holds
        /// seconds (0), milliseconds (up to 3), microseconds (up to 6) or nanoseconds.
        fraction_digits: u8,
    },
    /// Instants: as [`DateTime`](Self::DateTime), but each with its zone, `Z` or an offset such as
    /// `+01:00`, `+0100` or `+01`. They leave in UTC.
    Instant {
        /// Format of the day.
        date: DateFormat,
        /// As for [`DateTime`](Self::DateTime).
        fraction_digits: u8,
    },
}

/// How days are written: all digits are there, and the year has four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// `2026-01-31` (ISO 8601).
    YearMonthDay,
    /// `31.01.2026`.
    DayMonthYear,
    /// `01/31/2026`.
    MonthDayYear,
    /// `20260131` (ISO 8601, basic format).
    Digits,
}

impl DateFormat {
    /// Bytes of a day.
    pub(crate) fn len(self) -> usize {
        self.word().len()
    }

    fn word(self) -> &'static str {
        match self {
            Self::YearMonthDay => "YYYY-MM-DD",
            Self::DayMonthYear => "DD.MM.YYYY",
            Self::MonthDayYear => "MM/DD/YYYY",
            Self::Digits => "YYYYMMDD",
        }
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl TableOptions {
    /// Nothing stated: types and the separator follow from the file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The character that separates the fields of a CSV file.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Quoted cells may hold lines that look like rows of the table. Without this such a line is an
    /// error, because a quote that is missing would make rows part of another row's cell.
    #[must_use]
    pub fn line_breaks(mut self) -> Self {
        self.line_breaks = true;
        self
    }

    /// The type of a column of a CSV file or of JSON lines. Rows that are added later may have values
    /// that those of today do not need: `3.5` in a column that held whole numbers.
    ///
    /// Columns of JSON lines come in the order in which they are stated, and there may be rows that
    /// have none of them; the other columns follow, in the order of their first occurrence. A value of
    /// JSON is read by its text, with or without quotes. For values in others, see [`object`](Self::object),
    /// [`list`](Self::list) and [`map`](Self::map).
    #[must_use]
    pub fn column(mut self, name: impl Into<String>, column_type: ColumnType) -> Self {
        let name = name.into();
        self.mention(&name);
        match self.types.iter_mut().find(|(stated, _)| *stated == name) {
            Some((_, stated)) => *stated = column_type,
            None => self.types.push((name, column_type)),
        }
        self
    }

    /// A column of JSON lines that holds objects. Its fields are stated as columns of their own, with the way to
    /// them as their names: `address.city`. What objects hold beside is no part of the table and never leaves.
    ///
    /// ```
    /// use dataspace_data_plane::{ColumnType, Table, TableOptions};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("cars.jsonl");
    /// std::fs::write(&path, r#"{"car":{"vin":"X1","color":"red"},"parts":[{"no":"a"}],"km":{"may":7}}"#)?;
    /// let options = TableOptions::new()
    ///     .object("car")
    ///     .column("car.vin", ColumnType::Text)
    ///     .list("parts")
    ///     .column("parts.no", ColumnType::Text)
    ///     .map("km")
    ///     .column("km.value", ColumnType::Integer);
    /// let table = Table::open_with(&path, &options)?;
    /// let mut out = Vec::new();
    /// let batches = table.read()?.collect::<Result<Vec<_>, _>>()?;
    /// dataspace_data_plane::write_csv(&mut out, &table.schema(), &batches)?;
    /// let cells = r#"X1,"[{""no"":""a""}]","[{""key"":""may"",""value"":7}]""#;
    /// assert_eq!(String::from_utf8(out)?, format!("car.vin,parts,km\n{cells}\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn object(self, name: impl Into<String>) -> Self {
        self.nest(name.into(), Nest::Object)
    }

    /// A column of JSON lines that holds lists. The type of their items is stated under the same name, or, if
    /// they are objects, the types of their fields: `parts.serial`. Stated twice, it holds lists of lists.
    #[must_use]
    pub fn list(self, name: impl Into<String>) -> Self {
        self.nest(name.into(), Nest::List)
    }

    /// A column of JSON lines that holds objects whose keys are values themselves, each with a value of the type
    /// that is stated for `codes.value`. The keys are texts, `codes.key`.
    #[must_use]
    pub fn map(self, name: impl Into<String>) -> Self {
        self.nest(name.into(), Nest::Map)
    }

    fn nest(mut self, name: String, nest: Nest) -> Self {
        self.mention(&name);
        self.nests.push((name, nest));
        self
    }

    fn mention(&mut self, name: &str) {
        if !self.stated.iter().any(|stated| stated == name) {
            self.stated.push(name.to_owned());
        }
    }

    /// Numbers in texts and in cells of a CSV file have a comma where others have a point: `12,5`.
    /// They have no separators between thousands, and a cell with a point is not a number. Commas then
    /// separate the fields of a CSV file only if [`delimiter`](Self::delimiter) says so.
    #[must_use]
    pub fn decimal_comma(mut self) -> Self {
        self.reading.decimal_comma = true;
        self
    }

    /// A word that stands for a missing value in every column, such as `NA` or `-`; may be called for
    /// several. In a CSV file an empty field is a missing value in any case; in JSON lines an empty text
    /// is one if `""` is such a word.
    #[must_use]
    pub fn missing(mut self, word: impl Into<String>) -> Self {
        self.reading.missing.insert(word.into());
        self
    }

    /// The character set of a CSV file or of JSON lines, by one of its names in the
    /// [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels): `gb18030`, `windows-1252`,
    /// `shift_jis`, `utf-16le` and so on. Without this it is UTF-8.
    ///
    /// The standard reads `iso-8859-1` as `windows-1252`, and `utf-16` in the order of bytes that the
    /// file's byte order mark tells. Such a mark at the beginning of the file, of UTF-16 or UTF-8, goes
    /// before what is stated here. Bytes that mean nothing in the character set are an error that names
    /// the line; no character is replaced by another.
    #[must_use]
    pub fn charset(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.reading.charset = Charset::named(&name);
        self.unknown_charset = self.reading.charset.is_none().then_some(name);
        self
    }

    /// Reads the instants of type INT96 in a Parquet file in microseconds (290,000 years around
    /// 1970) and refuses those that have a finer part. Without this they are read in nanoseconds,
    /// and those before 1677 or after 2262 are refused.
    #[must_use]
    pub fn int96_in_microseconds(mut self) -> Self {
        self.int96_micros = true;
        self
    }

    /// What is stated that only a file of texts can have, in words.
    pub(crate) fn of_texts(&self) -> Option<&'static str> {
        let Reading { decimal_comma, missing, charset } = &self.reading;
        let words = (!missing.is_empty()).then_some("a word for missing values");
        let charset = charset.is_some().then_some("a character set");
        decimal_comma.then_some("the decimal comma").or(words).or(charset)
    }

    /// What is stated and changes the values, but does not show in the columns' types: for the
    /// digest, as pairs of a name and a value.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let Reading { decimal_comma, missing, charset } = &self.reading;
        let mut told = Vec::new();
        for (column, column_type) in &self.types {
            if let ColumnType::Date(date)
            | ColumnType::DateTime { date, .. }
            | ColumnType::Instant { date, .. } = column_type
            {
                told.push((format!("date {column}"), date.to_string()));
            }
        }
        // The order in which columns are stated is that of the columns or does not matter.
        told.sort();
        told.extend(decimal_comma.then(|| ("decimal".to_owned(), ",".to_owned())));
        told.extend(missing.iter().map(|word| ("missing".to_owned(), word.clone())));
        let charset = charset.map(Charset::name).filter(|name| *name != "UTF-8");
        told.extend(charset.map(|name| ("charset".to_owned(), name.to_owned())));
        told
    }
}
