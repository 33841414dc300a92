use std::cell::RefCell;
use std::path::PathBuf;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::Schema;
use dataspace_data_plane::{Plan, Table, errors::PlanError, product::Recipient, write_csv};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use ring::hmac;

/// For whom the secrets of all plans here are derived.
pub(crate) const CONTRACT: Recipient<'static> =
    Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

/// Gives this secret for the use of pseudonyms and the contract; else none.
#[derive(Clone, Copy)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl Secrets for Key {
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        assert_eq!((purpose, context), ("pseudonyms", CONTRACT.contract));
        Ok(Zeroizing::new(self.0))
    }
}

/// Another secret for each use and each context.
pub(crate) struct Root;

impl Secrets for Root {
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"root");
        let tag = hmac::sign(&key, &[purpose.as_bytes(), b"\0", context].concat());
        Ok(Zeroizing::new(tag.as_ref().try_into().unwrap()))
    }
}

/// One secret for every use.
pub(crate) struct Sevens;

impl Secrets for Sevens {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

pub(crate) fn key(byte: u8) -> Key {
    Key([byte; 32])
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn number(text: &str) -> Scalar {
    Scalar::Number(text.parse().unwrap())
}

pub(crate) fn text(text: &str) -> Scalar {
    Scalar::Text(text.parse().unwrap())
}

pub(crate) fn filter(column: &str, operator: Operator, values: Vec<Scalar>) -> Duty {
    Duty::Filter(RowFilter { column: column.parse().unwrap(), operator, values })
}

pub(crate) fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: column.parse().unwrap(), method })
}

pub(crate) fn compile(duties: &[Duty], schema: &Schema) -> Result<Plan, PlanError> {
    Plan::compile(duties, schema, &key(1), CONTRACT)
}

pub(crate) fn apply(duties: &[Duty], batch: &RecordBatch) -> RecordBatch {
    let plan = compile(duties, batch.schema_ref()).unwrap();
    let out = plan.apply(batch).unwrap();
    assert_eq!(out.schema(), plan.output_schema());
    out
}

/// The batch as CSV, without the header.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<String> {
    let mut out = Vec::new();
    write_csv(&mut out, batch.schema_ref(), [batch]).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// The rows of `column` for which the filter holds.
pub(crate) fn kept(column: ArrayRef, operator: Operator, values: Vec<Scalar>) -> Vec<String> {
    let batch = batch(vec![("c", column)]);
    rows(&apply(&[filter("c", operator, values)], &batch))
}

/// All memory that the batch gives access to.
pub(crate) fn buffers(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for column in batch.columns() {
        let data = column.to_data();
        assert!(data.child_data().is_empty(), "released arrays are flat");
        for buffer in data.buffers() {
            all.push(buffer.to_vec());
        }
        if let Some(nulls) = data.nulls() {
            all.push(nulls.buffer().to_vec());
        }
    }
    all
}

/// Whether `secret` lies anywhere in it.
pub(crate) fn holds_bytes(batch: &RecordBatch, secret: &[u8]) -> bool {
    let holds = |bytes: &Vec<u8>| bytes.windows(secret.len()).any(|window| window == secret);
    buffers(batch).iter().any(holds)
}

/// A file of the shared real data; prints that the test is skipped where there is none.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DATASPACE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        Some(file)
    } else {
        println!("skipped: {path} is not at hand");
        None
    }
}

thread_local! {
    static KEPT: RefCell<Vec<tempfile::TempDir>> = const { RefCell::new(Vec::new()) };
}

/// A file with these bytes that stays until the test ends.
pub(crate) fn stored(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    KEPT.with_borrow_mut(|kept| kept.push(directory));
    path
}

/// A file with these bytes, opened as a table.
pub(crate) fn open(
    name: &str,
    bytes: impl AsRef<[u8]>,
) -> (tempfile::TempDir, Result<Table, dataspace_data_plane::errors::OpenError>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let table = Table::open(&path);
    (directory, table)
}

/// Everything in a table that opens.
pub(crate) fn all_rows(table: &Table) -> Vec<String> {
    let batches: Vec<_> = table.read().unwrap().map(Result::unwrap).collect();
    batches.iter().flat_map(rows).collect()
}

/// All messages of an error.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}
