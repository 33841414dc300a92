//! An index, read and written as a whole.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use dataspace_audit_log::{LeafIndex, Log, RECORD_LEN_MAX, TreeSize};
use dataspace_identity::Did;
use dataspace_ledger::Contract;
use dataspace_primitives::{Name, Signed};
use dataspace_usage_contract::{ContractId, Termination};

use crate::index::error::{Cause, IndexError, Unusable};
use crate::index::format::{Sink, Source};
use crate::index::rows::{Base, Row, Tail};
use crate::index::snapshots::Snapshots;
use crate::index::statement::Statement;

/// Bytes that an index may have, however few records its log has.
const LEN_MIN_MAX: u64 = 64 << 20;

/// What is known of contracts that came since the index was written: of each what never changes.
pub(crate) trait Known {
    fn contract(&self, id: ContractId) -> Option<Arc<Contract>>;
    fn termination(&self, id: ContractId) -> Option<Termination>;
}

/// Signs the statement about the content as it will be.
pub(super) type Sign<'a> = dyn Fn(&Base) -> Result<Signed<Statement>, Cause> + 'a;

/// More bytes than the index of this log can have.
fn len_max(log: &Log) -> u64 {
    let records = log.size().map_or(u64::MAX, TreeSize::as_u64);
    let record = u64::try_from(4 * RECORD_LEN_MAX).unwrap_or(u64::MAX);
    records.saturating_mul(record).saturating_add(LEN_MIN_MAX)
}

fn open(snapshots: &dyn Snapshots, log: &Log) -> Result<Source<impl Read>, Unusable> {
    let content = snapshots.load().map_err(Unusable::cause)?.ok_or(Unusable::Missing)?;
    let content = io::BufReader::with_capacity(1 << 18, content.take(len_max(log)));
    Source::new(content).map_err(Unusable::cause)
}

/// Hands every row to `visit`, if the statement about them is one of this log. What `visit` made of
/// them is right only if this returns `Ok`: digest and statement stand at the end.
pub(super) fn read(
    snapshots: &dyn Snapshots,
    log: &Log,
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
) -> Result<Base, Unusable> {
    let mut source = open(snapshots, log)?;
    let rows = read_rows(&mut source, visit)?;
    let (digest, statement) = source.finish().map_err(Unusable::cause)?;
    let base = Statement::verify(statement, log)?;
    if (base.rows, base.digest) == (rows, digest) { Ok(base) } else { Err(Unusable::Digest) }
}

fn read_rows<R: Read>(
    source: &mut Source<R>,
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
) -> Result<u64, Unusable> {
    let mut rows = 0_u64;
    for _ in 0..source.number().map_err(Unusable::cause)? {
        let (index, record) = source.change().map_err(Unusable::cause)?;
        visit(Row::Change(LeafIndex::new(index), record))?;
        rows += 1;
    }
    for _ in 0..source.number().map_err(Unusable::cause)? {
        let (consumer, product) = source.relation().map_err(Unusable::cause)?;
        visit(Row::Relation(&consumer, &product))?;
        rows += 1;
    }
    let contracts = source.number().map_err(Unusable::cause)?;
    visit(Row::Contracts(contracts))?;
    for _ in 0..contracts {
        let (place, relation, made) = source.contract().map_err(Unusable::cause)?;
        visit(Row::Contract(place, relation, made))?;
        rows += 1;
    }
    for _ in 0..source.number().map_err(Unusable::cause)? {
        visit(Row::Terminated(source.termination().map_err(Unusable::cause)?))?;
        rows += 1;
    }
    for _ in 0..source.number().map_err(Unusable::cause)? {
        visit(Row::Request(source.request().map_err(Unusable::cause)?))?;
        rows += 1;
    }
    Ok(rows)
}

/// Brings the index from `base` to the end of `tail`: the old one is there until the new one is whole.
pub(super) fn write(
    snapshots: &dyn Snapshots,
    log: &Log,
    (base, tail): (&Base, &Tail),
    known: &dyn Known,
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let mut new = None;
    let stored = snapshots.store(&mut |to| {
        let written = write_to(to, (snapshots, log), (base, tail), known, sign);
        match written {
            Ok(base) => {
                new = Some(Ok(base));
                Ok(())
            }
            Err(error) => {
                let told = io::Error::other("the index was given up");
                new = Some(Err(error));
                Err(told)
            }
        }
    });
    match (stored, new) {
        (_, Some(Err(error))) => Err(error),
        (Err(error), _) => Err(IndexError::failed(error)),
        (Ok(()), Some(Ok(base))) => Ok(base),
        (Ok(()), None) => Err(IndexError::failed("nothing was written")),
    }
}

fn write_to(
    to: &mut dyn Write,
    (snapshots, log): (&dyn Snapshots, &Log),
    (base, tail): (&Base, &Tail),
    known: &dyn Known,
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let mut sink =
        Sink::new(io::BufWriter::with_capacity(1 << 18, to)).map_err(IndexError::failed)?;
    let rows = if base.size == 0 {
        let nothing = Source::nothing().map_err(IndexError::failed)?;
        merge(nothing, &mut sink, tail, known)?.rows
    } else {
        let old = open(snapshots, log).map_err(IndexError::failed)?;
        let merged = merge(old, &mut sink, tail, known)?;
        // WHY: rows that somebody changed meanwhile must not come under a new signature. The digest of
        // the old ones is taken from the very reading that the new ones are made of.
        if (merged.old_rows, merged.old) != (base.rows, Some(base.digest)) {
            return Err(IndexError::Changed);
        }
        merged.rows
    };
    let digest = sink.digest();
    let new = Base { size: tail.size, rows, digest, high_water: tail.high_water };
    let stated = sign(&new).map_err(|source| IndexError::Failed { source })?;
    let mut to = sink.finish(stated.as_bytes()).map_err(IndexError::failed)?;
    to.flush().map_err(IndexError::failed)?;
    Ok(new)
}

struct Merged {
    rows: u64,
    old_rows: u64,
    /// The digest of the old rows; `None` if there was no statement behind them.
    old: Option<dataspace_primitives::Digest>,
}

/// Reads each old row once, and writes it with what `tail` changes of it; then what is new.
fn merge<R: Read, W: Write>(
    mut old: Source<R>,
    new: &mut Sink<W>,
    tail: &Tail,
    known: &dyn Known,
) -> Result<Merged, IndexError> {
    let (mut rows, mut old_rows) = (0_u64, 0_u64);
    let len = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let missing = || IndexError::failed("a contract of the log is not known");

    let count = old.number().map_err(IndexError::failed)?;
    let all = count.saturating_add(len(tail.changes.len()));
    new.number(all).map_err(IndexError::failed)?;
    for _ in 0..count {
        let (index, record) = old.change().map_err(IndexError::failed)?;
        new.change(index, record).map_err(IndexError::failed)?;
    }
    // What is new comes after what was there.
    for (index, record) in &tail.changes {
        new.change(*index, record).map_err(IndexError::failed)?;
    }
    (rows, old_rows) = (rows + all, old_rows + count);

    let concluded: Option<Vec<_>> = tail.concluded.iter().map(|id| known.contract(*id)).collect();
    let concluded = concluded.ok_or_else(missing)?;
    let count = old.number().map_err(IndexError::failed)?;
    let (mut numbers, mut relations) = (HashMap::new(), Vec::new());
    for _ in 0..count {
        let relation = old.relation().map_err(IndexError::failed)?;
        numbers.insert(relation.clone(), relations.len());
        relations.push(relation);
    }
    for contract in &concluded {
        let relation: (Did, Name) = (contract.consumer().clone(), contract.product().clone());
        if !numbers.contains_key(&relation) {
            numbers.insert(relation.clone(), relations.len());
            relations.push(relation);
        }
    }
    new.number(len(relations.len())).map_err(IndexError::failed)?;
    for relation in &relations {
        new.relation(relation).map_err(IndexError::failed)?;
    }
    (rows, old_rows) = (rows + len(relations.len()), old_rows + count);

    let count = old.number().map_err(IndexError::failed)?;
    let all = count.saturating_add(len(concluded.len()));
    new.number(all).map_err(IndexError::failed)?;
    for _ in 0..count {
        let (place, relation, made) = old.contract().map_err(IndexError::failed)?;
        let made = tail.made.get(&place.id).map_or(made, |more| made.merge(*more));
        new.contract(&place, relation, &made).map_err(IndexError::failed)?;
    }
    for contract in &concluded {
        let (place, made) = (contract.place(), tail.made.get(&contract.id()));
        let relation = (contract.consumer().clone(), contract.product().clone());
        let number = numbers.get(&relation).and_then(|number| u32::try_from(*number).ok());
        let number = number.ok_or_else(missing)?;
        new.contract(&place, number, &made.copied().unwrap_or_default())
            .map_err(IndexError::failed)?;
    }
    (rows, old_rows) = (rows + all, old_rows + count);

    let count = old.number().map_err(IndexError::failed)?;
    let all = count.saturating_add(len(tail.terminated.len()));
    new.number(all).map_err(IndexError::failed)?;
    for _ in 0..count {
        let termination = old.termination().map_err(IndexError::failed)?;
        new.termination(&termination).map_err(IndexError::failed)?;
    }
    for id in &tail.terminated {
        let termination = known.termination(*id).ok_or_else(missing)?;
        new.termination(&termination).map_err(IndexError::failed)?;
    }
    (rows, old_rows) = (rows + all, old_rows + count);

    let count = old.number().map_err(IndexError::failed)?;
    let mut requests = Vec::new();
    for _ in 0..count {
        let answered = old.request().map_err(IndexError::failed)?;
        if !tail.forgets_requests && !answered.is_over(tail.high_water) {
            requests.push(answered);
        }
    }
    requests.extend(&tail.requests);
    new.number(len(requests.len())).map_err(IndexError::failed)?;
    for answered in &requests {
        new.request(answered).map_err(IndexError::failed)?;
    }
    (rows, old_rows) = (rows + len(requests.len()), old_rows + count);
    let old = old.finish().ok().map(|(digest, _)| digest);
    Ok(Merged { rows, old_rows, old })
}
