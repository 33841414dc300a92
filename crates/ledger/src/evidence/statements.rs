//! What trusted parties stated, as far as the file shows it.

use dataspace_identity::{Did, KnownKeys};
use dataspace_primitives::{Name, Signed, UnixMillis};
use dataspace_tlog::{AccessRecord, Event, LeafIndex, Record};
use dataspace_usage_contract::{
    Agreement, Statement,
    statement::{StatementError, Subject},
};

use crate::evidence::error::EvidenceError;
use crate::evidence::part::Part;
use crate::evidence::{Entry, Evidence};
use crate::facts::{PLACE, Stated, Vouched, statement_places};

/// A statement on which was decided.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) kind: Name,
    pub(super) place: LeafIndex,
    /// Who stated it; `None` if the file does not hold it.
    pub(super) issuer: Option<Did>,
}

/// The decision that statements are compared with.
pub(super) struct Decided<'a> {
    pub(super) agreement: &'a Agreement,
    pub(super) contract: Subject,
    pub(super) stated: &'a Stated<'a>,
    pub(super) access: &'a AccessRecord,
    pub(super) index: LeafIndex,
    pub(super) now: UnixMillis,
}

/// What was stated, by the statements in the file if there are some, or else by the record of the decision.
pub(super) fn read_all(
    evidence: &Evidence,
    decided: &Decided<'_>,
    known: &dyn Fn(LeafIndex) -> Result<KnownKeys, EvidenceError>,
) -> Result<(Vouched, Vec<Shown>), EvidenceError> {
    let places = statement_places(&decided.access.facts);
    let wrong = |name: String| {
        let recorded = decided.access.facts.get(&name).cloned();
        EvidenceError::Fact { name, recorded, expected: None, by: Part::Decision }
    };
    if let Some((kind, _)) = places.iter().find(|(_, place)| **place >= decided.index) {
        return Err(wrong(format!("{PLACE}{kind}")));
    }
    if evidence.statements.is_empty() {
        let vouched = Vouched::read(&decided.access.facts).map_err(wrong)?;
        let shown =
            vouched.places().map(|(kind, place)| Shown { kind: kind.clone(), place, issuer: None });
        let shown = shown.collect();
        return Ok((vouched, shown));
    }
    let (mut vouched, mut shown) = (Vouched::default(), Vec::new());
    for entry in &evidence.statements {
        let keys = known(entry.index)?;
        let statement = read_one(entry, decided, &keys)?;
        let Statement { kind, issuer, value, .. } = &statement;
        let is_named = places.get(kind.as_str()) == Some(&entry.index);
        // Each once, in one order.
        let is_next = shown.last().is_none_or(|last: &Shown| last.kind < *kind);
        let (true, Some(value)) = (is_named && is_next, value) else {
            return Err(EvidenceError::OtherStatement { kind: kind.clone(), what: "record" });
        };
        vouched.add(kind, (value, decided.now), entry.index);
        let issuer = Some(issuer.clone());
        shown.push(Shown { kind: kind.clone(), place: entry.index, issuer });
    }
    // One that is named and left out shows as a fact that does not follow.
    Ok((vouched, shown))
}

fn read_one(
    entry: &Entry,
    decided: &Decided<'_>,
    known: &KnownKeys,
) -> Result<Statement, EvidenceError> {
    let part = Part::Statement;
    let record = Record::from_bytes(&entry.record)
        .map_err(|source| EvidenceError::Record { part, source })?;
    let Event::Stated { document } = record.event else {
        return Err(EvidenceError::Event { part });
    };
    let document = Signed::from_bytes(document.into_vec())
        .map_err(|source| EvidenceError::Document { part, source })?;
    let statement = Statement::verify(document, known, record.time);
    let statement = statement.map_err(|source: StatementError| EvidenceError::Statement(source))?;
    let value = statement.value();
    let Decided { agreement, contract, stated, now, .. } = decided;
    let is_about = match &value.subject {
        subject @ Subject::Contract(_) => subject == contract,
        Subject::Product(product) => *product == agreement.product,
        Subject::Member(member) => *member == agreement.consumer,
        Subject::Environment { of, id } => {
            let environment = stated.told.environment;
            *of == agreement.consumer && environment.is_some_and(|one| one.id == id.as_str())
        }
        Subject::Space => true,
    };
    for (holds, what) in [
        (value.space == agreement.space, "space"),
        (value.log.as_ref().is_none_or(|log| *log == agreement.log), "node"),
        (is_about, "subject"),
        (value.validity.contains(*now), "time"),
    ] {
        if !holds {
            return Err(EvidenceError::OtherStatement { kind: value.kind.clone(), what });
        }
    }
    Ok(value.clone())
}
