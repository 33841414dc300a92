//! JSON lines as tables: the columns and their types, the rows.

use std::path::Path;

use arrow_schema::Field;
use dataspace_primitives::Name;

use crate::charset::Input;
use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS, COLUMNS_MAX, Chunk};
use crate::csv_cells::{CellType, Cells, Guess, is_float};
use crate::file::Stamp;
use crate::json_cell::{Kind, cell, misfit};
use crate::json_lines::{Line, Lines, Names, Take, Value, row};
use crate::json_nest::{self, Grown, RowRead};
use crate::options::{Reading, TableOptions};
use crate::outline::{Outline, outlines};
use crate::render::escape;
use crate::row_error::RowError;
use crate::table_error::{OpenError, ReadError};

/// A column as it is read.
#[derive(Clone, Debug)]
enum Column {
    Plain {
        cell_type: CellType,
        /// What its values are in JSON; `None` if its type is stated, as then every value that fits
        /// will do.
        kind: Option<Kind>,
    },
    Nested(Outline),
}

/// How a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    names: Names,
    columns: Vec<Column>,
    reading: Reading,
}

impl Format {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let columns = self.names.iter().zip(&self.columns);
        let field = |(name, column): (&String, &Column)| match column {
            Column::Plain { cell_type, .. } => cell_type.field(name),
            Column::Nested(outline) => Field::new(name, json_nest::data_type(outline), true),
        };
        columns.map(field).collect()
    }
}

/// The columns that are stated, in the order in which they are, then the others in the order in
/// which they occur first; how many rows there are, and the state in which the file was found. Reads
/// it once in full.
pub(crate) fn infer(
    path: &Path,
    options: &TableOptions,
) -> Result<(Format, u64, Stamp), OpenError> {
    let (file, stamp) = Input::open(path, options.reading.charset)?;
    let mut lines = Lines::new(file)?;
    let reading = options.reading.clone();
    let mut finder = Finder { names: Names::default(), columns: Vec::new(), reading };
    for (name, outline) in outlines(options)? {
        let found = match outline {
            Outline::Plain(column_type) => Found::Stated(CellType::stated(column_type)),
            nested => Found::Nested(Box::new((Grown::new(&nested), nested, 0))),
        };
        finder.add_column(&name, found)?;
    }
    let mut rows = 0_u64;
    while let Some(line) = lines.next()? {
        rows += 1;
        row(line, &mut finder)?;
    }
    let Finder { names, columns, reading } = finder;
    let columns = names.iter().zip(columns).map(|(name, found)| found.into_column(name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok((Format { names, columns, reading }, rows, stamp))
}

enum Found {
    Stated(CellType),
    /// With what was read of it last.
    /// With the bytes that were read into it, about.
    Nested(Box<(Grown, Outline, usize)>),
    Open {
        kind: Option<Kind>,
        guess: Guess,
        /// Where the first number stands that a float would not tell from others.
        long: Option<(u64, u64)>,
    },
}

impl Found {
    fn observe(
        &mut self,
        name: &str,
        (found, text): (Kind, &str),
        comma: bool,
        line: Line<'_>,
    ) -> Result<(), RowError> {
        match self {
            Self::Stated(stated) if stated.takes(text, comma) => Ok(()),
            Self::Stated(stated) => Err(misfit(line, name, *stated, found, text)),
            Self::Nested(_) => Ok(()),
            Self::Open { kind, guess, long } => {
                let expected = *kind.get_or_insert(found);
                if expected != found {
                    return Err(mixed(line, name, expected, found));
                }
                if found == Kind::Number {
                    guess.observe(text, false);
                    if long.is_none() && !is_float(text) {
                        *long = Some((line.row, line.number));
                    }
                }
                Ok(())
            }
        }
    }

    fn into_column(self, name: &str) -> Result<Column, RowError> {
        let (kind, guess, long) = match self {
            Self::Stated(cell_type) => return Ok(Column::Plain { cell_type, kind: None }),
            Self::Nested(nested) => return Ok(Column::Nested(nested.1)),
            Self::Open { kind, guess, long } => (kind.unwrap_or(Kind::Text), guess, long),
        };
        let cell_type = match (kind, guess.into_type(), long) {
            (Kind::Boolean, ..) => CellType::AnyBoolean,
            (Kind::Text, ..) => CellType::Text,
            // Spelled in several ways: what counts is the value.
            (Kind::Number, CellType::Text, None) => CellType::AnyFloat,
            (Kind::Number, CellType::Text, Some((row, line))) => {
                return Err(RowError::LongNumber { row, line, column: name.to_owned() });
            }
            (Kind::Number, numbers, _) => numbers,
        };
        Ok(Column::Plain { cell_type, kind: Some(kind) })
    }
}

/// Finds the columns and their types.
struct Finder {
    names: Names,
    columns: Vec<Found>,
    reading: Reading,
}

impl Finder {
    fn add_column(&mut self, name: &str, found: Found) -> Result<usize, OpenError> {
        let index = self.columns.len();
        if index == COLUMNS_MAX {
            return Err(OpenError::ColumnCount { found: index + 1 });
        }
        // Now, and not when all is read: a row may have many long keys.
        if name.is_empty() {
            return Err(OpenError::UnnamedColumn { index });
        }
        if let Err(source) = name.parse::<Name>() {
            return Err(OpenError::ColumnName { index, shown: escape(name), source });
        }
        self.columns.push(found);
        Ok(self.names.push(name.to_owned()))
    }
}

impl Take<OpenError> for Finder {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn add(&mut self, key: &str, _: Line<'_>) -> Result<usize, OpenError> {
        self.add_column(key, Found::Open { kind: None, guess: Guess::new(), long: None })
    }

    fn value(&mut self, place: usize, value: Value<'_>, line: Line<'_>) -> Result<(), OpenError> {
        let Some(found) = self.columns.get_mut(place) else { return Ok(()) };
        let name = self.names.iter().nth(place).map_or("", String::as_str);
        if let Found::Nested(nested) = found {
            let (grown, outline, len) = nested.as_mut();
            if grown.len() >= BATCH_ROWS || *len >= BATCH_LEN_MAX {
                (*grown, *len) = (Grown::new(outline), 0);
            }
            let mut read = RowRead { line, reading: &self.reading, cells: 0 };
            grown.push(name, &value, &mut read)?;
            *len = len.saturating_add(line.text.len().max(read.cells.saturating_mul(8)));
            return Ok(());
        }
        no_nest(&value, name, line)?;
        let Some(cell) = cell(&value, &self.reading) else { return Ok(()) };
        Ok(found.observe(name, cell, cell.0.has_comma(&self.reading), line)?)
    }
}

/// Refuses lists and objects where none are stated.
fn no_nest(value: &Value<'_>, name: &str, line: Line<'_>) -> Result<(), RowError> {
    let (row, line, column) = (line.row, line.number, name.to_owned());
    if matches!(value, Value::Nested(_)) {
        return Err(RowError::Nested { row, line, column });
    }
    Ok(())
}

fn mixed(line: Line<'_>, name: &str, expected: Kind, found: Kind) -> RowError {
    RowError::MixedTypes {
        row: line.row,
        line: line.number,
        column: name.to_owned(),
        expected: expected.word(),
        found: found.word(),
    }
}

/// The rows with the types that [`infer`] found.
pub(crate) struct JsonBatches {
    lines: Lines<Input>,
    format: Format,
    wanted: Vec<bool>,
}

impl JsonBatches {
    pub(crate) fn open(
        path: &Path,
        format: &Format,
        wanted: &[bool],
    ) -> Result<(Self, Stamp), ReadError> {
        let (file, stamp) = Input::open(path, format.reading.charset)?;
        let (lines, mut format) = (Lines::new(file)?, format.clone());
        format.names.begin();
        Ok((Self { lines, format, wanted: wanted.to_vec() }, stamp))
    }

    pub(crate) fn read(&mut self) -> Result<Option<Chunk>, ReadError> {
        let columns = self.format.columns.iter().zip(&self.wanted);
        let cells = columns.map(|(column, wanted)| {
            wanted.then(|| match column {
                Column::Plain { cell_type, .. } => Collected::Plain(Cells::new(*cell_type)),
                Column::Nested(outline) => Collected::Nested(Grown::new(outline)),
            })
        });
        let cells = cells.collect();
        let mut reader = Reader { cells, format: &mut self.format, rows: 0, nested: 0 };
        // What a row takes even if it is `{}`.
        let row_len = reader.cells.iter().flatten().count().saturating_mul(8);
        let mut len = 0;
        while reader.rows < BATCH_ROWS && len < BATCH_LEN_MAX {
            let Some(line) = self.lines.next()? else { break };
            reader.nested = 0;
            row(line, &mut reader)?;
            reader.rows += 1;
            let nested = reader.nested.saturating_mul(8);
            len += line.text.len().max(row_len).max(nested);
        }
        let (rows, reading) = (reader.rows, &reader.format.reading);
        if rows == 0 {
            return Ok(None);
        }
        let from = RowRead { line: Line { text: "", row: 0, number: 0 }, reading, cells: 0 };
        let columns = reader.cells.into_iter().map(|cells| {
            let Some(cells) = cells else { return Ok(None) };
            match cells {
                Collected::Plain(mut cells) => {
                    cells.pad(rows);
                    Ok(Some(cells.finish()))
                }
                Collected::Nested(mut grown) => {
                    grown.pad(rows, &from)?;
                    grown.finish().map(Some).map_err(|_| ReadError::Changed)
                }
            }
        });
        Ok(Some(Chunk { columns: columns.collect::<Result<_, ReadError>>()?, rows }))
    }
}

/// The values of a column.
enum Collected {
    Plain(Cells),
    Nested(Grown),
}

/// Collects the values of a batch.
struct Reader<'f> {
    format: &'f mut Format,
    cells: Vec<Option<Collected>>,
    rows: usize,
    /// Values in nested columns of this row.
    nested: usize,
}

impl Take<RowError> for Reader<'_> {
    fn names(&mut self) -> &mut Names {
        &mut self.format.names
    }

    fn add(&mut self, key: &str, line: Line<'_>) -> Result<usize, RowError> {
        Err(RowError::UnknownKey { row: line.row, line: line.number, shown: escape(key) })
    }

    fn value(&mut self, place: usize, value: Value<'_>, line: Line<'_>) -> Result<(), RowError> {
        let (Some(Some(cells)), Some(column)) =
            (self.cells.get_mut(place), self.format.columns.get(place))
        else {
            return Ok(());
        };
        let reading = &self.format.reading;
        let name = || self.format.names.get(place);
        let (cells, cell_type, kind) = match (cells, column) {
            (Collected::Plain(cells), Column::Plain { cell_type, kind }) => {
                (cells, *cell_type, *kind)
            }
            (Collected::Nested(grown), _) => {
                let mut from = RowRead { line, reading, cells: self.nested };
                grown.pad(self.rows, &from)?;
                grown.push(&name(), &value, &mut from)?;
                self.nested = from.cells;
                return Ok(());
            }
            _ => return Ok(()),
        };
        no_nest(&value, &name(), line)?;
        let Some((found, text)) = cell(&value, reading) else { return Ok(()) };
        if let Some(expected) = kind.filter(|kind| *kind != found) {
            return Err(mixed(line, &name(), expected, found));
        }
        // Rows before this one that do not have the column.
        cells.pad(self.rows);
        let pushed = cells.push(text, found.has_comma(reading));
        pushed.ok_or_else(|| misfit(line, &name(), cell_type, found, text))
    }
}
