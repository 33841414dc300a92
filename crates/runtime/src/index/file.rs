//! The rows in a file. The only place that knows `redb`.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dataspace_audit_log::{Directory, LeafIndex, Log, RECORD_LEN_MAX, TreeSize};
use dataspace_primitives::{Digest, Signed, cbor};
use dataspace_usage_contract::ContractId;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, ReadableDatabase as _, ReadableTable, TableDefinition, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::index::error::{Cause, IndexError, Unusable};
use crate::index::rows::{Answered, Base, Kind, Made, Sum, Tail};
use crate::index::statement::Statement;

/// The file in the node's directory.
pub(super) const FILE: &str = "index";

/// Every record but accesses, by its place in the log.
const CHANGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("changes");
/// Uses, by contract.
const MADE: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("made");
/// Requests that were answered, by the place of the decision in the log.
const REQUESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("requests");
/// The signed statement about all of them, under 0.
const STATEMENT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("statement");

/// Bytes of pages that are kept in memory while the file is open.
const CACHE_LEN: usize = 16 << 20;
/// Bytes that an index may have, however few rows it has.
const LEN_MIN_MAX: u64 = 64 << 20;
/// Longest row of counts or of a request, in bytes.
const ROW_LEN_MAX: usize = 256;

/// One row, as it is read.
pub(crate) enum Row<'a> {
    /// A record of the log, and its place.
    Change(LeafIndex, &'a [u8]),
    Made(ContractId, Made),
    Request(Answered),
}

/// Signs the statement about the rows as they will be.
pub(super) type Sign<'a> = dyn Fn(&Base) -> Result<Signed<Statement>, Cause> + 'a;

// WHY: redb reports most damage as errors, and checks all pages at open as it is asked to here, but a
// file that was made to harm it can still break what its code takes for granted.
// INVARIANT: sound to go on because each `step` opens the file, owns the handle and drops it; what
// it leaves behind is used only if it returns `Ok`.
fn contain<T, E>(step: impl FnOnce() -> Result<T, E>, panicked: E) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(panicked))
}

fn database(file: File, is_new: bool) -> Result<Database, Cause> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_LEN).set_check_integrity_on_open(!is_new);
    Ok(builder.create_with_backend(FileBackend::new(file)?)?)
}

/// Opens what is there already. An empty file would be made a data base.
fn open(dir: &Directory, log: &Log) -> io::Result<File> {
    let file = dir.write(FILE)?;
    let len = file.metadata()?.len();
    if len == 0 || len > len_max(log) {
        let text = format!("an index of this log does not have {len} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(file)
}

/// More bytes than the index of this log can have: all of them are read, holes too.
fn len_max(log: &Log) -> u64 {
    let records = log.size().map_or(u64::MAX, TreeSize::as_u64);
    let record = u64::try_from(4 * RECORD_LEN_MAX).unwrap_or(u64::MAX);
    records.saturating_mul(record).saturating_add(LEN_MIN_MAX)
}

/// Hands every row of the index in `dir` to `visit`, in the order of the digest, if the statement
/// about them is one of this log. What `visit` made of them is right only if this returns `Ok`:
/// the digest is known at the end.
pub(super) fn read(
    dir: &Path,
    log: &Log,
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
) -> Result<Base, Unusable> {
    let opened = Directory::open(dir).and_then(|dir| open(&dir, log));
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unusable::Missing),
        file => file.map_err(Unusable::cause)?,
    };
    contain(|| read_rows(file, log, visit), Unusable::Panicked)
}

fn read_rows(
    file: File,
    log: &Log,
    visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
) -> Result<Base, Unusable> {
    let database = database(file, false).map_err(|source| Unusable::Unreadable { source })?;
    let rows = database.begin_read().map_err(Unusable::cause)?;
    let stated = {
        let table = rows.open_table(STATEMENT).map_err(Unusable::cause)?;
        let stated = table.get(0).map_err(Unusable::cause)?;
        stated.ok_or(Unusable::Statement)?.value().to_vec()
    };
    let base = Statement::verify(stated, log)?;
    let mut sum = Sum::default();
    for row in rows.open_table(CHANGES).map_err(Unusable::cause)?.iter().map_err(Unusable::cause)? {
        let (index, bytes) = row.map_err(Unusable::cause)?;
        let (index, bytes) = (index.value(), bytes.value());
        sum.add(Kind::Changes, &index.to_be_bytes(), bytes);
        visit(Row::Change(LeafIndex::new(index), bytes))?;
    }
    for row in rows.open_table(MADE).map_err(Unusable::cause)?.iter().map_err(Unusable::cause)? {
        let (contract, bytes) = row.map_err(Unusable::cause)?;
        let (contract, bytes) = (contract.value(), bytes.value());
        sum.add(Kind::Made, &contract, bytes);
        let contract = ContractId::from_digest(Digest::from_bytes(contract));
        visit(Row::Made(contract, decode(bytes).map_err(Unusable::cause)?))?;
    }
    for row in
        rows.open_table(REQUESTS).map_err(Unusable::cause)?.iter().map_err(Unusable::cause)?
    {
        let (index, bytes) = row.map_err(Unusable::cause)?;
        let bytes = bytes.value();
        sum.add(Kind::Requests, &index.value().to_be_bytes(), bytes);
        visit(Row::Request(decode(bytes).map_err(Unusable::cause)?))?;
    }
    if sum.finish() == (base.rows, base.digest) { Ok(base) } else { Err(Unusable::Digest) }
}

/// Brings the index in `dir` from `base` to the end of `tail`, in one transaction: after a crash
/// it is the old one or the new one. Where `base` is empty it is made anew, and put in place of
/// whatever stands there.
pub(super) fn write(
    dir: &Path,
    log: &Log,
    (base, tail): (&Base, &Tail),
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let panicked = IndexError::Panicked;
    let dir = Directory::open(dir).map_err(IndexError::failed)?;
    if base.size > 0 {
        let file = open(&dir, log).map_err(IndexError::failed)?;
        return contain(|| write_rows(file, false, base, tail, sign), panicked);
    }
    // Only a new file: whoever can write here could have linked it to another one.
    let (new, file) = dir.make_temporary(FILE).map_err(IndexError::failed)?;
    let written = contain(|| write_rows(file, true, base, tail, sign), panicked);
    let placed = written.and_then(|base| {
        let placed = dir.rename(&new, FILE).and_then(|()| dir.sync());
        placed.map(|()| base).map_err(IndexError::failed)
    });
    if placed.is_err() {
        // Room that is needed elsewhere, if the disk is full.
        let _may_not_be_there = dir.remove(&new);
    }
    placed
}

/// Copies the index in `dir`, if there is one, as it is: whoever uses the copy reads all of it.
pub(super) fn copy(dir: &Path, to: &Directory) -> io::Result<()> {
    let mut from = match Directory::open(dir)?.read(FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        from => from?,
    };
    let mut to = to.make_file(FILE)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

fn write_rows(
    file: File,
    is_new: bool,
    base: &Base,
    tail: &Tail,
    sign: &Sign<'_>,
) -> Result<Base, IndexError> {
    let database = database(file, is_new).map_err(|source| IndexError::Failed { source })?;
    let mut rows = database.begin_write().map_err(IndexError::failed)?;
    rows.set_two_phase_commit(true);
    // A node that is killed opens again without a walk through the whole file.
    rows.set_quick_repair(true);
    let sums = merge(&rows, tail).map_err(|source| IndexError::Failed { source })?;
    let (before, (count, digest)) = sums;
    // WHY: rows that somebody changed meanwhile must not come under a new signature. Both digests
    // are taken from one reading, so that nothing can be changed in between.
    if before != (base.rows, base.digest) {
        return Err(IndexError::Changed);
    }
    let new = Base { size: tail.size, rows: count, digest, high_water: tail.high_water };
    let stated = sign(&new).map_err(|source| IndexError::Failed { source })?;
    {
        let mut table = rows.open_table(STATEMENT).map_err(IndexError::failed)?;
        table.insert(0, stated.as_bytes()).map_err(IndexError::failed)?;
    }
    rows.commit().map_err(IndexError::failed)?;
    database.close().map_err(IndexError::failed)?;
    Ok(new)
}

/// Rows and digest before, and after.
type Sums = ((u64, Digest), (u64, Digest));

/// Reads each row once, and writes those that `tail` changes.
fn merge(rows: &WriteTransaction, tail: &Tail) -> Result<Sums, Cause> {
    let (mut before, mut after) = (Sum::default(), Sum::default());
    {
        let mut table = rows.open_table(CHANGES)?;
        for row in table.iter()? {
            let (index, bytes) = row?;
            before.add(Kind::Changes, &index.value().to_be_bytes(), bytes.value());
            after.add(Kind::Changes, &index.value().to_be_bytes(), bytes.value());
        }
        // What is new comes after what was there.
        for (index, bytes) in &tail.changes {
            after.add(Kind::Changes, &index.to_be_bytes(), bytes);
            table.insert(index, bytes.as_slice())?;
        }
    }
    merge_made(rows, tail, (&mut before, &mut after))?;
    {
        let mut table = rows.open_table(REQUESTS)?;
        let mut over = Vec::new();
        for row in table.iter()? {
            let (index, bytes) = row?;
            let (index, bytes) = (index.value(), bytes.value());
            before.add(Kind::Requests, &index.to_be_bytes(), bytes);
            if decode::<Answered>(bytes)?.is_over(tail.high_water) {
                over.push(index);
            } else {
                after.add(Kind::Requests, &index.to_be_bytes(), bytes);
            }
        }
        for index in over {
            table.remove(index)?;
        }
        for (index, answered) in &tail.requests {
            let bytes = cbor::to_canonical(answered)?;
            after.add(Kind::Requests, &index.to_be_bytes(), &bytes);
            table.insert(index, bytes.as_slice())?;
        }
    }
    Ok((before.finish(), after.finish()))
}

fn merge_made(
    rows: &WriteTransaction,
    tail: &Tail,
    (before, after): (&mut Sum, &mut Sum),
) -> Result<(), Cause> {
    let mut table = rows.open_table(MADE)?;
    let mut new = tail.made.iter().peekable();
    let mut changed = Vec::with_capacity(tail.made.len());
    let mut put = |contract: &[u8; 32], made: &Made, after: &mut Sum| {
        let bytes = cbor::to_canonical(made)?;
        after.add(Kind::Made, contract, &bytes);
        changed.push((*contract, bytes));
        Ok::<_, Cause>(())
    };
    for row in table.iter()? {
        let (contract, bytes) = row?;
        let (contract, bytes) = (contract.value(), bytes.value());
        before.add(Kind::Made, &contract, bytes);
        while let Some((earlier, made)) = new.next_if(|(one, _)| **one < contract) {
            put(earlier, made, after)?;
        }
        match new.next_if(|(one, _)| **one == contract) {
            Some((_, made)) => put(&contract, &decode::<Made>(bytes)?.merge(*made), after)?,
            None => after.add(Kind::Made, &contract, bytes),
        }
    }
    for (contract, made) in new {
        put(contract, made, after)?;
    }
    for (contract, bytes) in changed {
        table.insert(contract, bytes.as_slice())?;
    }
    Ok(())
}

fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, cbor::DecodeError> {
    cbor::from_canonical(bytes, ROW_LEN_MAX)
}
