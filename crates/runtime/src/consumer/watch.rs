//! Compares data with the contract while they come.

use dataspace_policy::{ClauseId, ClauseKind, Duty, Terms};
use dataspace_primitives::{Digest, Part};
use ring::digest::{Context, SHA256};

use crate::consumer::complaint::Complaint;

/// Most complaints of one answer; the first ones are kept.
const COMPLAINTS_MAX: usize = 64;

/// What is known of the data so far.
pub(crate) struct Watch {
    duties: Vec<(ClauseId, Duty)>,
    part: Option<Part>,
    columns: usize,
    /// Duties that can be seen in a column: its place, and the one in `duties`.
    seen_in: Vec<(usize, usize)>,
    next_byte: Option<u64>,
    content: Context,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) complaints: Vec<Complaint>,
}

impl Watch {
    pub(crate) fn new(terms: &Terms, part: Option<Part>) -> Self {
        let number = |at: usize| u16::try_from(at.saturating_add(1)).unwrap_or(u16::MAX);
        let id = |at| ClauseId { kind: ClauseKind::Duty, number: number(at) };
        let duties = terms.duties.iter().enumerate().map(|(at, duty)| (id(at), duty.clone()));
        Self {
            duties: duties.collect(),
            part,
            columns: 0,
            seen_in: Vec::new(),
            next_byte: None,
            content: Context::new(&SHA256),
            rows: 0,
            bytes: 0,
            complaints: Vec::new(),
        }
    }

    pub(crate) fn complain(&mut self, complaint: Complaint) {
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(complaint);
        }
    }

    /// The columns of the rows to come.
    pub(crate) fn begin(&mut self, columns: &[String]) {
        self.columns = columns.len();
        for (at, column) in columns.iter().enumerate() {
            if let Some(Part::Rows { columns: Some(asked), .. }) = &self.part
                && !asked.iter().any(|one| one.as_str() == column)
            {
                self.complain(Complaint::OtherColumn { column: column.clone() });
            }
            let is_of = |duty: &Duty| duty.column().is_some_and(|one| one.as_str() == column);
            let is_mask = |duty: &Duty| matches!(duty, Duty::Mask(_));
            let masked = self.duties.iter().any(|(_, duty)| is_of(duty) && is_mask(duty));
            let mut hidden = Vec::new();
            for (number, (clause, duty)) in self.duties.iter().enumerate() {
                // What a filter was compared with cannot be seen behind a mask.
                if !is_of(duty) || (masked && !is_mask(duty)) {
                    continue;
                }
                if duty.leaves_out() {
                    hidden.push(*clause);
                } else {
                    self.seen_in.push((at, number));
                }
            }
            for clause in hidden {
                self.complain(Complaint::HiddenColumn { clause, column: column.clone() });
            }
        }
    }

    /// Rows as CSV.
    pub(crate) fn rows(&mut self, csv: &[u8], columns: &[String]) {
        self.count(csv);
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {}
                Err(_) => {
                    let row = self.rows.saturating_add(1);
                    return self.complain(Complaint::Row { row });
                }
            }
            self.rows = self.rows.saturating_add(1);
            self.row(&record, columns);
        }
    }

    fn row(&mut self, record: &csv::StringRecord, columns: &[String]) {
        let row = self.rows;
        if record.len() != self.columns {
            self.complain(Complaint::Row { row });
        }
        if let Some(Part::Rows { rows_max: Some(max), .. }) = self.part
            && row == max.saturating_add(1)
        {
            self.complain(Complaint::Rows { max });
        }
        let mut broken = Vec::new();
        self.seen_in.retain(|(at, number)| {
            let duty = self.duties.get(*number);
            let Some((cell, (clause, duty))) = record.get(*at).zip(duty) else { return true };
            let is_good = duty.allows(cell);
            if !is_good {
                let column = columns.get(*at).cloned().unwrap_or_default();
                broken.push(Complaint::Duty { clause: *clause, column, row });
            }
            // One complaint of each is enough.
            is_good
        });
        for complaint in broken {
            self.complain(complaint);
        }
    }

    /// Bytes of a file.
    pub(crate) fn bytes(&mut self, at: u64, bytes: &[u8]) {
        self.count(bytes);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = at.saturating_add(len);
        let (from, until) = match self.part {
            Some(Part::Bytes { from, until }) => (from, until),
            _ => (0, u64::MAX),
        };
        if at != self.next_byte.unwrap_or(from) || end > until {
            self.complain(Complaint::Bytes { at });
        }
        self.next_byte = Some(end);
    }

    fn count(&mut self, bytes: &[u8]) {
        self.content.update(bytes);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// SHA-256 of everything that came.
    pub(crate) fn content(&self) -> Digest {
        let digest = self.content.clone().finish();
        let bytes = <[u8; Digest::LEN]>::try_from(digest.as_ref());
        // SHA-256 has this length.
        Digest::from_bytes(bytes.unwrap_or_default())
    }
}
