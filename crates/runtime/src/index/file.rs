//! An index, read and written as a whole.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::sync::Arc;

use dataspace_audit_log::Log;
use dataspace_identity::Did;
use dataspace_ledger::state::Contract;
use dataspace_primitives::{Name, Signed};
use dataspace_tlog::{LeafIndex, TreeSize, record::RECORD_LEN_MAX};
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
    /// Returns true if the contract keeps others out.
    fn is_exclusive(&self, contract: &Contract) -> bool;
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
    let content = snapshots.load()?.ok_or(Unusable::Missing)?;
    Ok(Source::new(content.take(len_max(log)))?)
}

/// Hands every row to `visit`, if the statement about them is one of this log. What `visit` made of
/// them is right only if this returns `Ok`: digest and statement stand at the end.
pub(super) fn read(
    snapshots: &dyn Snapshots,
    log: &Log,
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
) -> Result<Base, Unusable> {
    let mut source = open(snapshots, log)?;
    for _ in 0..source.number()? {
        let (index, record) = source.change()?;
        visit(Row::Change(LeafIndex::new(index), record))?;
    }
    for _ in 0..source.number()? {
        let (consumer, product) = source.relation()?;
        visit(Row::Relation(&consumer, &product))?;
    }
    let contracts = source.number()?;
    visit(Row::Contracts(contracts))?;
    for _ in 0..contracts {
        let (place, relation, made) = source.contract()?;
        visit(Row::Contract(place, relation, made))?;
    }
    for _ in 0..source.number()? {
        visit(Row::Terminated(source.termination()?))?;
    }
    for _ in 0..source.number()? {
        visit(Row::Request(source.request()?))?;
    }
    let (sum, statement) = source.finish()?;
    let base = Statement::verify(statement, log)?;
    if (base.rows, base.digest) == sum { Ok(base) } else { Err(Unusable::Digest) }
}

/// Brings the index from `base` to the end of `tail`: the old one is there until the new one is whole.
pub(super) fn write(
    snapshots: &dyn Snapshots,
    log: &Log,
    (base, tail): (&Base, &Tail),
    known: &dyn Known,
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let mut written = None;
    let stored = snapshots.store(&mut |to| {
        let new = write_to(to, (snapshots, log), (base, tail), known, sign);
        let told = new.as_ref().map(drop).map_err(|_| io::Error::other("the index was given up"));
        written = Some(new);
        told
    });
    // What went wrong in writing says more than that it was given up.
    let new = written.transpose()?;
    stored?;
    new.ok_or_else(|| IndexError::failed("nothing was written"))
}

fn write_to(
    to: &mut dyn Write,
    (snapshots, log): (&dyn Snapshots, &Log),
    (base, tail): (&Base, &Tail),
    known: &dyn Known,
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let mut sink = Sink::new(io::BufWriter::with_capacity(1 << 18, to))?;
    let exclusive = exclusive(log, tail, known)?;
    if base.size == 0 {
        merge(&mut Source::nothing()?, &mut sink, (tail, &exclusive), known)?;
    } else {
        let mut old = open(snapshots, log).map_err(IndexError::failed)?;
        merge(&mut old, &mut sink, (tail, &exclusive), known)?;
        // WHY: rows that somebody changed meanwhile must not come under a new signature. The digest of
        // the old ones is taken from the very reading that the new ones are made of.
        let is_same = old.finish().is_ok_and(|(sum, _)| sum == (base.rows, base.digest));
        if !is_same {
            return Err(IndexError::Changed);
        }
    }
    let (rows, digest) = sink.sum();
    let new = Base { size: tail.size, rows, digest, high_water: tail.high_water };
    let stated = sign(&new).map_err(|source| IndexError::Failed { source })?;
    sink.finish(stated.as_bytes())?.flush()?;
    Ok(new)
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn missing() -> IndexError {
    IndexError::failed("a contract of the log is not known")
}

/// The records of the contracts that keep others out: what they say is not in their rows.
fn exclusive(
    log: &Log,
    tail: &Tail,
    known: &dyn Known,
) -> Result<BTreeMap<u64, Vec<u8>>, IndexError> {
    let mut records = BTreeMap::new();
    for id in &tail.concluded {
        let contract = known.contract(*id).ok_or_else(missing)?;
        if known.is_exclusive(&contract) {
            let record = log.read(contract.index()).map_err(IndexError::failed)?;
            records.insert(contract.index().as_u64(), record);
        }
    }
    Ok(records)
}

/// Reads each old row once, and writes it with what `tail` changes of it; what is new comes after what
/// was there.
fn merge<R: Read, W: Write>(
    old: &mut Source<R>,
    new: &mut Sink<W>,
    (tail, exclusive): (&Tail, &BTreeMap<u64, Vec<u8>>),
    known: &dyn Known,
) -> Result<(), IndexError> {
    let before = old.number()?;
    let changes = count(tail.changes.len()).saturating_add(count(exclusive.len()));
    new.number(before.saturating_add(changes))?;
    for _ in 0..before {
        let (index, record) = old.change()?;
        new.change(index, record)?;
    }
    for (index, record) in tail.changes.iter().chain(exclusive) {
        new.change(*index, record)?;
    }
    merge_contracts(old, new, tail, known)?;
    let before = old.number()?;
    new.number(before.saturating_add(count(tail.terminated.len())))?;
    for _ in 0..before {
        new.termination(&old.termination()?)?;
    }
    for id in &tail.terminated {
        new.termination(&known.termination(*id).ok_or_else(missing)?)?;
    }
    let mut requests = Vec::new();
    for _ in 0..old.number()? {
        let answered = old.request()?;
        if !tail.forgets_requests && !answered.is_over(tail.high_water) {
            requests.push(answered);
        }
    }
    requests.extend(&tail.requests);
    new.number(count(requests.len()))?;
    Ok(requests.iter().try_for_each(|answered| new.request(answered))?)
}

fn merge_contracts<R: Read, W: Write>(
    old: &mut Source<R>,
    new: &mut Sink<W>,
    tail: &Tail,
    known: &dyn Known,
) -> Result<(), IndexError> {
    let (mut numbers, mut relations) = (HashMap::new(), Vec::new());
    let mut number_of = |relation: (Did, Name)| {
        *numbers.entry(relation).or_insert_with_key(|relation| {
            relations.push(relation.clone());
            // INVARIANT: memory has no room for so many.
            u32::try_from(relations.len() - 1).unwrap_or(u32::MAX)
        })
    };
    for _ in 0..old.number()? {
        number_of(old.relation()?);
    }
    let mut concluded = Vec::with_capacity(tail.concluded.len());
    for id in &tail.concluded {
        let contract = known.contract(*id).ok_or_else(missing)?;
        let number = number_of((contract.consumer().clone(), contract.product().clone()));
        concluded.push((contract, number));
    }
    new.number(count(relations.len()))?;
    for relation in &relations {
        new.relation(relation)?;
    }
    let before = old.number()?;
    new.number(before.saturating_add(count(concluded.len())))?;
    for _ in 0..before {
        let (place, relation, made) = old.contract()?;
        let made = tail.made.get(&place.id).map_or(made, |more| made.merge(*more));
        new.contract(&place, relation, &made)?;
    }
    for (contract, relation) in concluded {
        let made = tail.made.get(&contract.id()).copied().unwrap_or_default();
        new.contract(&contract.place(), relation, &made)?;
    }
    Ok(())
}
