//! CSV files as tables: the separator, the columns' types, the rows.

use std::io::{Cursor, Read};
use std::path::Path;

use arrow_schema::Field;

use crate::charset::{Input, Malformed};
use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS, COLUMNS_MAX, Chunk};
use crate::csv_cells::{CellType, Cells, Guess, kind};
use crate::csv_records::{Record, Records};
use crate::file::Stamp;
use crate::options::{Reading, TableOptions};
use crate::row_error::RowError;
use crate::table_error::{OpenError, ReadError};

/// Bytes in which the separator is looked for.
const SAMPLE_LEN: usize = 64 * 1024;

/// The separators that are looked for, the usual one first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// How a file is read.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    delimiter: u8,
    line_breaks: bool,
    reading: Reading,
    pub(crate) columns: Vec<(String, CellType)>,
}

impl Format {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.columns.iter().map(|(name, cell_type)| cell_type.field(name)).collect()
    }
}

/// What separates the fields: what the rows agree on, not the header alone.
fn delimiter(path: &Path, options: &TableOptions) -> Result<u8, OpenError> {
    if let Some(delimiter) = options.delimiter {
        let fits = delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\n' | b'\r' | 0);
        return fits.then_some(delimiter).ok_or(OpenError::Delimiter);
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tsv")) {
        return Ok(b'\t');
    }
    let (file, _) = Input::open(path, options.reading.charset)?;
    let mut sample = Vec::new();
    let whole = match file.take(SAMPLE_LEN as u64 + 1).read_to_end(&mut sample) {
        Ok(_) => sample.len() <= SAMPLE_LEN,
        // The rows are read up to it, and the error names the line.
        Err(error) if Malformed::of(&error).is_some() => false,
        Err(error) => return Err(error.into()),
    };
    sample.truncate(SAMPLE_LEN);
    if !whole {
        let end = sample.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
        sample.truncate(end.map_or(0, |end| end + 1));
    }
    let possible = |one: &u8| *one != b',' || !options.reading.decimal_comma;
    let possible = DELIMITERS.into_iter().filter(possible);
    let mut fits = possible.clone().filter(|one| separates(&sample, *one, whole, options));
    match (fits.next(), fits.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(OpenError::AmbiguousDelimiter),
        (None, _) => {
            // One column, or a file that is not read anyway, with an error that says why.
            let line = sample.split(|byte| matches!(byte, b'\n' | b'\r')).next();
            let line = line.unwrap_or_default();
            let first = possible.clone().next().unwrap_or(b',');
            Ok(possible.clone().find(|one| line.contains(one)).unwrap_or(first))
        }
    }
}

/// Returns true if all rows of the sample have as many fields as the header, and several.
fn separates(sample: &[u8], delimiter: u8, whole: bool, options: &TableOptions) -> bool {
    let Ok(mut records) = Records::new(Cursor::new(sample), delimiter, options.line_breaks) else {
        return false;
    };
    let mut columns = 0;
    loop {
        match records.next() {
            Ok(Some(record)) => columns = record.found,
            Ok(None) => return columns > 1,
            // The sample may end inside a quoted cell.
            Err(RowError::Unclosed { .. }) if !whole => return columns > 1,
            Err(_) => return false,
        }
    }
}

/// How to read the file, how many rows it has, and the state in which it was found. Reads it once
/// in full.
pub(crate) fn infer(
    path: &Path,
    options: &TableOptions,
) -> Result<(Format, u64, Stamp), OpenError> {
    let delimiter = delimiter(path, options)?;
    let line_breaks = options.line_breaks;
    let (file, stamp) = Input::open(path, options.reading.charset)?;
    let mut records = Records::new(file, delimiter, line_breaks)?;
    let header = match records.next() {
        Ok(header) => header,
        // Another format under a wrong name, such as a database.
        Err(RowError::Nul { .. }) => return Err(OpenError::Format),
        Err(error) => return Err(error.into()),
    };
    let Some(header) = header else { return Err(OpenError::ColumnCount { found: 0 }) };
    if header.found > COLUMNS_MAX {
        return Err(OpenError::ColumnCount { found: header.found });
    }
    let names: Vec<String> = header.cells().map(str::to_owned).collect();
    let mut stated = options.types.iter();
    if let Some((column, _)) = stated.find(|(column, _)| !names.contains(column)) {
        return Err(OpenError::StatedColumn { column: column.clone() });
    }
    let mut columns: Vec<_> = names
        .into_iter()
        .map(|name| {
            let stated = options.types.iter().find(|(column, _)| *column == name);
            let stated = stated.map(|(_, stated)| CellType::stated(*stated));
            (name, stated, Guess::new())
        })
        .collect();
    let (reading, mut rows) = (&options.reading, 0_u64);
    while let Some(record) = records.next()? {
        rows += 1;
        for ((name, stated, guess), cell) in columns.iter_mut().zip(record.cells()) {
            match stated {
                _ if cell.is_empty() || reading.is_missing(cell) => {}
                None => guess.observe(cell, reading.decimal_comma),
                Some(stated) if stated.takes(cell, reading.decimal_comma) => {}
                Some(stated) => return Err(misfit(&record, name, *stated, cell).into()),
            }
        }
    }
    let columns = columns
        .into_iter()
        .map(|(name, stated, guess)| (name, stated.unwrap_or_else(|| guess.into_type())))
        .collect();
    let reading = reading.clone();
    Ok((Format { delimiter, line_breaks, reading, columns }, rows, stamp))
}

fn misfit(record: &Record<'_>, name: &str, cell_type: CellType, cell: &str) -> RowError {
    RowError::CellType {
        row: record.row,
        line: record.line,
        column: name.to_owned(),
        expected: cell_type.words(),
        found: kind(cell),
    }
}

/// The rows with the types that [`infer`] found.
pub(crate) struct CsvBatches {
    records: Records<Input>,
    format: Format,
    wanted: Vec<bool>,
}

impl CsvBatches {
    pub(crate) fn open(
        path: &Path,
        format: &Format,
        wanted: &[bool],
    ) -> Result<(Self, Stamp), ReadError> {
        let (file, stamp) = Input::open(path, format.reading.charset)?;
        let mut records = Records::new(file, format.delimiter, format.line_breaks)?;
        let names = format.columns.iter().map(|(name, _)| name.as_str());
        if !records.next()?.is_some_and(|header| header.cells().eq(names)) {
            return Err(ReadError::Changed);
        }
        Ok((Self { records, format: format.clone(), wanted: wanted.to_vec() }, stamp))
    }

    pub(crate) fn read(&mut self) -> Result<Option<Chunk>, ReadError> {
        let columns = self.format.columns.iter().zip(&self.wanted);
        let mut columns: Vec<_> = columns
            .map(|((name, cell_type), wanted)| {
                (name, *cell_type, wanted.then(|| Cells::new(*cell_type)))
            })
            .collect();
        let (mut rows, mut len) = (0, 0);
        while rows < BATCH_ROWS && len < BATCH_LEN_MAX {
            let Some(record) = self.records.next()? else {
                break;
            };
            for ((name, cell_type, cells), cell) in columns.iter_mut().zip(record.cells()) {
                let Some(cells) = cells else { continue };
                if cell.is_empty() || self.format.reading.is_missing(cell) {
                    cells.pad(rows + 1);
                    continue;
                }
                let pushed = cells.push(cell, self.format.reading.decimal_comma);
                pushed.ok_or_else(|| misfit(&record, name, *cell_type, cell))?;
            }
            rows += 1;
            len += record.len();
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = columns.into_iter().map(|(.., cells)| cells.map(Cells::finish)).collect();
        Ok(Some(Chunk { columns, rows }))
    }
}
