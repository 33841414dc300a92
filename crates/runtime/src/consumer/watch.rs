//! Compares data with the contract while they come.

use std::collections::BTreeSet;
use std::io::Read as _;

use dataspace_policy::duty::is_part_of;
use dataspace_policy::{ClauseId, ClauseKind, ColumnMask, Duty, MaskMethod, Terms};
use dataspace_primitives::{Digest, Name, Part};
use ring::digest::{Context, SHA256};

use crate::consumer::complaint::{Complaint, short};
use crate::consumer::parts;

/// Returns true if a column of CSV is what is named, or a part of it, or a list with it in its items.
fn is_about(name: &str, column: &str) -> bool {
    name == column || is_part_of(column, name) || is_part_of(name, column)
}

/// Most columns that are complained of one by one.
const OTHER_COLUMNS_MAX: usize = 8;

/// What is known of the data so far.
pub(crate) struct Watch {
    duties: Vec<(ClauseId, Duty)>,
    part: Option<Part>,
    /// The columns; `None` if the product is not a table.
    columns: Option<Vec<String>>,
    /// Duties that can be seen in a column: its place, and the one in `duties`.
    seen_in: Vec<(usize, usize)>,
    /// Duties about a part of a column of lists.
    seen_within: Vec<(usize, usize)>,
    /// The most rows that were agreed, or asked for.
    rows_max: Option<u64>,
    next_byte: Option<u64>,
    content: Context,
    rows: u64,
    bytes: u64,
    complaints: Vec<Complaint>,
    /// True once rows can no longer be told apart.
    is_lost: bool,
}

/// All that came.
pub(crate) struct Watched {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) content: Digest,
    pub(crate) complaints: Vec<Complaint>,
}

impl Watch {
    pub(crate) fn new(terms: &Terms, part: Option<Part>) -> Self {
        let number = |at: usize| u16::try_from(at.saturating_add(1)).unwrap_or(u16::MAX);
        let id = |at| ClauseId { kind: ClauseKind::Duty, number: number(at) };
        let duties = terms.duties.iter().enumerate().map(|(at, duty)| (id(at), duty.clone()));
        let asked = match part {
            Some(Part::Rows { rows_max, .. }) => rows_max,
            _ => None,
        };
        let agreed = terms.duties.iter().filter_map(|duty| match duty {
            Duty::Limit(limit) => Some(limit.rows),
            _ => None,
        });
        let rows_max = agreed.chain(asked).min();
        Self {
            duties: duties.collect(),
            part,
            columns: None,
            seen_in: Vec::new(),
            seen_within: Vec::new(),
            rows_max,
            next_byte: None,
            content: Context::new(&SHA256),
            rows: 0,
            bytes: 0,
            complaints: Vec::new(),
            is_lost: false,
        }
    }

    /// Each complaint once.
    pub(crate) fn complain(&mut self, complaint: Complaint) {
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    pub(crate) fn complaints(&self) -> &[Complaint] {
        &self.complaints
    }

    pub(crate) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The columns of the rows to come, `None` if there are none. False if they cannot be those of a table.
    pub(crate) fn begin(&mut self, columns: Option<Vec<String>>) -> bool {
        let Some(columns) = columns else { return true };
        let names: BTreeSet<&str> = columns.iter().map(String::as_str).collect();
        if names.len() != columns.len() {
            return false;
        }
        let is_asked = |column: &str| match &self.part {
            Some(Part::Rows { columns: Some(asked), .. }) => {
                asked.iter().any(|one| is_about(one.as_str(), column))
            }
            _ => true,
        };
        // As a whole, in parts, or as a part of a list.
        let came = |name: &str| columns.iter().any(|column| is_about(name, column));
        let is_of =
            |duty: &Duty, column: &str| duty.column().is_some_and(|one| one.as_str() == column);
        let is_left_out =
            |column: &str| self.duties.iter().any(|(_, duty)| duty.leaves_out(column));
        let has_mask = |column: &str| {
            let is_change = |duty: &Duty| matches!(duty, Duty::Mask(_) | Duty::Watermark(_));
            self.duties.iter().any(|(_, duty)| is_of(duty, column) && is_change(duty))
        };
        // Where figures leave, a duty about another column than those of groups cannot be seen.
        let figures = self.duties.iter().find_map(|(_, duty)| match duty {
            Duty::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        });
        let is_seen = |duty: &Duty| match (figures, duty.column()) {
            (Some(figures), Some(column)) => figures.by.contains(column),
            _ => true,
        };
        let mut complaints = Vec::new();
        let others = columns.iter().filter(|column| !is_asked(column)).take(OTHER_COLUMNS_MAX);
        complaints.extend(others.map(|column| Complaint::OtherColumn { column: short(column) }));
        for (clause, duty) in self.duties.iter().filter(|(_, duty)| is_seen(duty)) {
            let hidden = columns.iter().filter(|column| duty.leaves_out(column));
            complaints.extend(
                hidden.take(OTHER_COLUMNS_MAX).map(|column| Complaint::HiddenColumn {
                    clause: *clause,
                    column: short(column),
                }),
            );
            let Duty::Keep(keep) = duty else { continue };
            let missing = keep
                .columns
                .iter()
                .map(Name::as_str)
                .filter(|column| !came(column) && is_asked(column) && !is_left_out(column));
            complaints.extend(
                missing
                    .take(OTHER_COLUMNS_MAX)
                    .map(|column| Complaint::MissingColumn { column: short(column) }),
            );
        }
        for (number, (_, duty)) in self.duties.iter().enumerate() {
            if !is_seen(duty) {
                continue;
            }
            let Some(column) = duty.column().map(Name::as_str) else { continue };
            let at = columns.iter().position(|one| one == column);
            match at {
                Some(_) if duty.leaves_out(column) => {}
                // What a filter was compared with cannot be seen behind a mask or a watermark.
                Some(at) if !matches!(duty, Duty::Filter(_)) || !has_mask(column) => {
                    self.seen_in.push((at, number));
                }
                // Rows are chosen by single values, which have columns of their own.
                None if came(column) && !matches!(duty, Duty::Filter(_)) => {
                    let parts = columns.iter().enumerate();
                    for (at, one) in parts.filter(|(_, one)| is_about(column, one)) {
                        let is_within = is_part_of(column, one);
                        let seen =
                            if is_within { &mut self.seen_within } else { &mut self.seen_in };
                        // Of a whole that came in parts, only that all of them are empty can be seen.
                        let is_emptied =
                            matches!(duty, Duty::Mask(ColumnMask { method: MaskMethod::Null, .. }));
                        if is_within || is_emptied {
                            seen.push((at, number));
                        }
                    }
                }
                None if is_asked(column) && !is_left_out(column) => {
                    complaints.push(Complaint::MissingColumn { column: short(column) });
                }
                _ => {}
            }
        }
        if let Some(Part::Rows { columns: Some(asked), .. }) = &self.part {
            let missing =
                asked.iter().filter(|one| !came(one.as_str()) && !is_left_out(one.as_str()));
            let missing =
                missing.map(|one| Complaint::MissingColumn { column: short(one.as_str()) });
            complaints.extend(missing.take(OTHER_COLUMNS_MAX));
        }
        for complaint in complaints {
            self.complain(complaint);
        }
        self.look_into(&columns);
        self.columns = Some(columns);
        true
    }

    /// Of lists, it is seen whether they have parts that are left out.
    fn look_into(&mut self, columns: &[String]) {
        let lists = self.duties.iter().enumerate().filter_map(|(number, (_, duty))| match duty {
            Duty::Keep(keep) => Some((number, keep)),
            _ => None,
        });
        for (number, keep) in lists {
            for (at, column) in columns.iter().enumerate() {
                let is_whole = keep.columns.iter().any(|one| one.as_str() == column);
                let has_parts = keep.columns.iter().any(|one| is_part_of(one.as_str(), column));
                if has_parts && !is_whole {
                    self.seen_within.push((at, number));
                }
            }
        }
    }

    /// Rows as CSV.
    pub(crate) fn rows(&mut self, csv: &[u8]) {
        self.count(csv);
        if self.columns.is_none()
            || matches!(self.part, Some(Part::Bytes { .. } | Part::Seconds { .. }))
        {
            self.complain(Complaint::Kind { kind: "rows" });
        }
        if self.is_lost {
            return;
        }
        // In whole rows, quotes come in pairs.
        let is_quoted = csv.iter().fold(false, |is_quoted, byte| is_quoted ^ (*byte == b'"'));
        if !csv.is_empty() && (csv.last() != Some(&b'\n') || is_quoted) {
            return self.lose();
        }
        // The reader would take a mark at the beginning for one of the file, and not for a value.
        let csv = (&b"\n"[..]).chain(csv);
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) if self.row(&record) => {}
                Ok(true) | Err(_) => return self.lose(),
            }
        }
    }

    fn lose(&mut self) {
        self.is_lost = true;
        self.complain(Complaint::Row { row: self.rows.saturating_add(1) });
    }

    /// False if it is no row of these columns.
    fn row(&mut self, record: &csv::StringRecord) -> bool {
        if self.columns.as_ref().is_some_and(|columns| columns.len() != record.len()) {
            return false;
        }
        self.rows = self.rows.saturating_add(1);
        let row = self.rows;
        if let Some(max) = self.rows_max
            && row > max
        {
            self.complain(Complaint::Rows { max });
        }
        let mut broken = Vec::new();
        self.seen_in.retain(|(at, number)| {
            let duty = self.duties.get(*number);
            let Some((cell, (clause, duty))) = record.get(*at).zip(duty) else { return true };
            // Of a column of lists, each item, where a duty changes items.
            let has_items = match duty {
                Duty::Mask(mask) => !matches!(mask.method, MaskMethod::Null | MaskMethod::Drop),
                Duty::Watermark(_) => true,
                _ => false,
            };
            let is_good = duty.allows(cell)
                || has_items && {
                    let column = duty.column().map(Name::as_str).unwrap_or_default();
                    parts::allows(duty, column, cell) == Some(true)
                };
            if !is_good {
                let column = duty.column().map(|name| short(name.as_str())).unwrap_or_default();
                broken.push(Complaint::Duty { clause: *clause, column, row });
            }
            // One complaint of each is enough.
            is_good
        });
        let columns = self.columns.as_deref().unwrap_or_default();
        self.seen_within.retain(|(at, number)| {
            let (duty, column) = (self.duties.get(*number), columns.get(*at));
            let Some(((clause, duty), column)) = duty.zip(column) else { return true };
            let Some(cell) = record.get(*at).filter(|cell| !cell.is_empty()) else { return true };
            // Beside a part that is left out there may be a column that is no list.
            let is_good = parts::allows(duty, column, cell).unwrap_or_else(|| {
                duty.column().is_some_and(|part| duty.leaves_out(part.as_str()))
            });
            if !is_good {
                broken.push(Complaint::Duty { clause: *clause, column: short(column), row });
            }
            is_good
        });
        for complaint in broken {
            self.complain(complaint);
        }
        true
    }

    /// Bytes of a file.
    pub(crate) fn bytes(&mut self, at: u64, bytes: &[u8]) {
        self.count(bytes);
        let is_table = self.columns.is_some()
            || matches!(self.part, Some(Part::Rows { .. }))
            || self.duties.iter().any(|(_, duty)| !duty.is_for_documents() && !duty.is_for_media());
        if is_table {
            self.complain(Complaint::Kind { kind: "bytes" });
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = at.saturating_add(len);
        let (from, until) = match self.part {
            Some(Part::Bytes { from, until }) => (from, until),
            _ => (0, u64::MAX),
        };
        let is_next = at == self.next_byte.unwrap_or(from) && end <= until;
        if !is_next && !self.complaints.iter().any(|one| matches!(one, Complaint::Bytes { .. })) {
            self.complain(Complaint::Bytes { at });
        }
        self.next_byte = Some(end);
    }

    fn count(&mut self, bytes: &[u8]) {
        self.content.update(bytes);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// How many bytes came, and their digest.
    pub(crate) fn had(&self) -> (u64, Digest) {
        (self.bytes, finish(self.content.clone()))
    }

    /// All that came, of an answer that `is_whole` by what the provider says.
    pub(crate) fn end(mut self, is_whole: bool) -> Watched {
        if let Some(Part::Bytes { from, until }) = self.part {
            let end = self.next_byte.unwrap_or(from);
            if is_whole && end < until {
                self.complain(Complaint::Short { end, until });
            }
        }
        let Self { rows, bytes, content, complaints, .. } = self;
        Watched { rows, bytes, content: finish(content), complaints }
    }
}

fn finish(content: Context) -> Digest {
    let digest = content.finish();
    // SHA-256 has this length.
    Digest::from_bytes(<[u8; Digest::LEN]>::try_from(digest.as_ref()).unwrap_or_default())
}
