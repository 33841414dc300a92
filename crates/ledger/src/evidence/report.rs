//! The report of a release, compared with the decision.

use dataspace_primitives::{Part as Asked, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Event, LeafIndex, Record, Verdict,
    record::{ReleaseEnd, ReleaseReport},
};

use crate::evidence::Entry;
use crate::evidence::error::EvidenceError;
use crate::evidence::part::Part;

/// The report in the record, of the release of this access.
pub(super) fn check(
    entry: &Entry,
    (index, time): (LeafIndex, UnixMillis),
    access: &AccessRecord,
) -> Result<ReleaseReport, EvidenceError> {
    let part = Part::Report;
    let record = Record::from_bytes(&entry.record);
    let record = record.map_err(|source| EvidenceError::Record { part, source })?;
    let Event::Released(report) = record.event else { return Err(EvidenceError::Event { part }) };
    let differs = |what| Err(EvidenceError::OtherReport { what });
    if report.access != index {
        return differs("it is of another decision");
    }
    if report.contract != access.contract {
        return differs("it is of another contract");
    }
    if !matches!(access.verdict, Verdict::Permit { .. }) {
        return differs("the decision was a denial");
    }
    if entry.index <= index || record.time < time {
        return differs("it is before the decision");
    }
    if !report.is_possible() {
        return differs("its counts and its digest cannot belong together");
    }
    let is_whole = report.end == ReleaseEnd::Whole;
    let fits = match &access.part {
        None => true,
        Some(Asked::Rows { rows_max, .. }) => rows_max.is_none_or(|max| report.rows <= max),
        Some(Asked::Bytes { from, until }) => {
            let asked = until.saturating_sub(*from);
            report.rows == 0 && report.bytes <= asked && (!is_whole || report.bytes == asked)
        }
        // How many bytes a second has, the record does not say.
        Some(Asked::Seconds { .. }) => report.rows == 0,
    };
    if fits { Ok(report) } else { differs("it is of more or less than was asked for") }
}
