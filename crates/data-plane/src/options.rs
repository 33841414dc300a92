//! What a provider may state about a file that it cannot say by itself.

/// How a file is to be read where it leaves room for more than one reading.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    pub(crate) delimiter: Option<u8>,
    pub(crate) line_breaks: bool,
    pub(crate) int96_micros: bool,
    /// In the order in which they were stated.
    pub(crate) types: Vec<(String, ColumnType)>,
}

/// A type that a provider states for a column of a CSV file or of JSON lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` and `false`, in lower, title or upper case.
    Boolean,
    /// Whole numbers of 64 bits, without a plus sign or leading zeros.
    Integer,
    /// Binary floats of 64 bits. Numbers that are spelled differently become one value.
    Float,
    /// Decimals with at most so many digits behind the point, 38 in all. `1.5` becomes `1.50`.
    Decimal {
        /// Digits behind the point, at most 37.
        scale: u8,
    },
    /// Texts as they stand in the file.
    Text,
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
    /// have none of them; the other columns follow, in the order of their first occurrence.
    #[must_use]
    pub fn column(mut self, name: impl Into<String>, column_type: ColumnType) -> Self {
        let name = name.into();
        match self.types.iter_mut().find(|(stated, _)| *stated == name) {
            Some((_, stated)) => *stated = column_type,
            None => self.types.push((name, column_type)),
        }
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
}
