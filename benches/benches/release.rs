//! What a release gives: rows a second of one access to a large table, from the request to the last
//! batch, beside the Parquet reader alone; and what it costs to ask again before a piece leaves.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail, ensure};
use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use dataspace_benches::{Effort, Report, median, mix, time};
use dataspace_data_plane::errors::{PlanError, RunError};
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Delivery, Piece, Product, Table};
use dataspace_identity::{DidKeys, SecretKey};
use dataspace_policy::{
    Action, ColumnMask, Constraint, Duty, MaskMethod, Operator, RowFilter, Rule, Scalar, Terms,
};
use dataspace_primitives::{Digest, Part, Secrets, UnixMillis, Verified};
use dataspace_runtime::{
    Access, Clock, DataSpace, ManualClock, NewOffer, Setup, SystemClock, request_access,
};
use dataspace_usage_contract::{Acceptance, Agreement, Offer};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Node, keys, node, validity};

#[expect(dead_code, reason = "each bench uses a part of it")]
mod support;

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let rows = if effort.is_full() { 500_000 } else { 1_000 };
    let mut report = Report::new("release", effort);
    let dir = tempfile::tempdir_in(dataspace_benches::target_dir()?)?;
    let (parquet, csv) = (dir.path().join("rows.parquet"), dir.path().join("rows.csv"));
    let batch = batch(rows)?;
    write_parquet(&parquet, &batch)?;
    write_csv(&csv, &batch)?;

    let node = node(0)?;
    let rounds = effort.samples.min(5);
    for (name, table) in [("parquet", Table::open(&parquet)?), ("csv", Table::open(&csv)?)] {
        node.space.register(name.parse()?, "test-results".parse()?, table)?;
        for (duties, terms) in
            [("whole", whole()?), ("filtered", filtered()?), ("masked", masked()?)]
        {
            let agreement = agree(&node, name, terms)?;
            let rates =
                (0..rounds).map(|_| rate(&node, &agreement, rows)).collect::<Result<Vec<_>>>()?;
            let floor = (name == "parquet").then_some("floor/parquet");
            report.row(&format!("release/{name}-{duties}"), median(rates), "rows/s", floor);
        }
    }
    let rates = (0..rounds).map(|_| floor(&parquet, rows)).collect::<Result<Vec<_>>>()?;
    report.row("floor/parquet", median(rates), "rows/s", None);
    let agreement = pulse(&node)?;
    let pieces = if effort.is_full() { 200_000 } else { 100 };
    let costs = (0..rounds).map(|_| piece(&node.space, &node.consumer, &agreement, pieces));
    let cost = median(costs.collect::<Result<Vec<_>>>()?);
    // Two of them in each, and a byte is counted and hashed.
    report.row("recheck/piece", cost, "ns", None);
    report.row("recheck/one", cost / 2.0, "ns", None);
    let (dir, authority, consumer) = node.close()?;
    let clock = Ticking(SystemClock.now().as_millis().into());
    let space = Setup::new(dir.path().join("node"), keys()?, authority).clock(clock).open()?;
    space.register("pulse".parse()?, "test-results".parse()?, Pulse)?;
    let costs = (0..rounds).map(|_| piece(&space, &consumer, &agreement, pieces));
    // As if each came in a millisecond of its own, so that all is decided again.
    report.row("recheck/again", median(costs.collect::<Result<Vec<_>>>()?) / 2.0, "ns", None);
    space.close()?;
    report.finish()
}

/// Six columns: identifier, alloy, furnace, year, two numbers.
fn batch(rows: u32) -> Result<RecordBatch> {
    let text = |of: fn(u32) -> String| Arc::new(StringArray::from_iter_values((0..rows).map(of)));
    let number = |salt: u64| {
        let one = move |row: u32| {
            f64::from(u16::try_from(mix(u64::from(row) ^ salt) % 65_536).unwrap_or(0)) / 64.0
        };
        Arc::new(Float64Array::from_iter_values((0..rows).map(one)))
    };
    let years = (0..rows).map(|row| 2000 + i64::from(row % 25));
    let schema = Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("alloy", DataType::Utf8, false),
        Field::new("furnace", DataType::Utf8, false),
        Field::new("year", DataType::Int64, false),
        Field::new("strength_mpa", DataType::Float64, false),
        Field::new("elongation", DataType::Float64, false),
    ]);
    Ok(RecordBatch::try_new(
        Arc::new(schema),
        vec![
            text(|row| format!("heat-{row:08}")),
            text(|row| format!("S{}", 235 + row % 8 * 20)),
            text(|row| format!("F{}", row % 5)),
            Arc::new(Int64Array::from_iter_values(years)),
            number(1),
            number(2),
        ],
    )?)
}

fn write_parquet(to: &Path, batch: &RecordBatch) -> Result<()> {
    let mut writer = ArrowWriter::try_new(File::create(to)?, batch.schema(), None)?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn write_csv(to: &Path, batch: &RecordBatch) -> Result<()> {
    let rows = batch.num_rows();
    let mut text = Vec::new();
    dataspace_data_plane::write_csv(&mut text, &batch.schema(), std::slice::from_ref(batch))?;
    ensure!(text.len() > rows, "nothing was written");
    fs::write(to, text)?;
    Ok(())
}

/// A permission to read for research, without a duty.
fn whole() -> Result<Terms> {
    let purpose = Constraint::Purpose(["research".parse()?].into());
    Ok(Terms::new().permit(Rule::new([Action::Read]).when(purpose)))
}

/// About half of the rows.
fn filtered() -> Result<Terms> {
    let values = vec![Scalar::Number("2013".parse()?)];
    let filter = RowFilter { column: "year".parse()?, operator: Operator::Gteq, values };
    Ok(whole()?.duty(Duty::Filter(filter)))
}

/// Pseudonyms, a column rounded and one left out: all rows, in the contract's own order.
fn masked() -> Result<Terms> {
    let mask = |column: &str, method| {
        anyhow::Ok(Duty::Mask(ColumnMask { column: column.parse()?, method }))
    };
    Ok(whole()?
        .duty(mask("id", MaskMethod::Hash)?)
        .duty(mask("strength_mpa", MaskMethod::Round { decimals: 0 })?)
        .duty(mask("furnace", MaskMethod::Drop)?))
}

fn agree(node: &Node, product: &str, terms: Terms) -> Result<Verified<Agreement>> {
    let (validity, space) = (validity()?, &node.space);
    let (product, expires_at) = (product.parse()?, validity.until());
    let offer = space.offer(NewOffer { product, consumer: None, terms, validity, expires_at })?;
    let now = SystemClock.now();
    let verified = Offer::verify(offer.clone(), space.provider(), &DidKeys, now)?;
    Ok(space.conclude(offer, Acceptance::sign(&verified, &node.consumer, now)?)?)
}

/// Rows of the table a second, from the signed request to the last batch.
fn rate(node: &Node, agreement: &Verified<Agreement>, rows: u32) -> Result<f64> {
    let purpose = "research".parse()?;
    let request = request_access(&node.consumer, agreement, Action::Read, purpose, &SystemClock)?;
    let (took, released) = time(|| -> Result<usize> {
        let Access::Released(release) = node.space.access(request)? else { bail!("denied") };
        let mut released = 0;
        for batch in release {
            released += black_box(batch?).num_rows();
        }
        Ok(released)
    });
    ensure!(released? > 0, "nothing was released");
    Ok(f64::from(rows) / took.as_secs_f64())
}

/// A product without an end, in pieces of one byte.
struct Pulse;

struct Pulses(Piece);

impl Product for Pulse {
    fn descriptor_digest(&self) -> Digest {
        Digest::of(b"pulse")
    }

    fn check(&self, _: &[Duty]) -> Result<(), PlanError> {
        Ok(())
    }

    fn open(
        &self,
        _: &[Duty],
        _: Option<&Part>,
        _: &dyn Secrets,
        _: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        Ok(Box::new(Pulses(Piece::Bytes { at: 0, bytes: b"x".to_vec().into() })))
    }
}

impl Delivery for Pulses {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        Ok(Some(self.0.clone()))
    }
}

/// A clock that shows another millisecond at every look.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(UnixMillis::MAX)
    }
}

fn pulse(node: &Node) -> Result<Verified<Agreement>> {
    node.space.register("pulse".parse()?, "test-results".parse()?, Pulse)?;
    agree(node, "pulse", whole()?)
}

/// Nanoseconds for each of so many pieces of one release.
fn piece(
    space: &DataSpace,
    consumer: &SecretKey,
    agreement: &Verified<Agreement>,
    pieces: u32,
) -> Result<f64> {
    let purpose = "research".parse()?;
    let now = ManualClock::new(space.now()?);
    let request = request_access(consumer, agreement, Action::Read, purpose, &now)?;
    let Access::Released(mut release) = space.access(request)? else { bail!("denied") };
    let (took, left) = time(|| -> Result<u32> {
        let mut left = 0;
        for _ in 0..pieces {
            left += u32::from(black_box(release.next_piece()?).is_some());
        }
        Ok(left)
    });
    ensure!(left? == pieces, "it ended");
    Ok(took.as_secs_f64() * 1e9 / f64::from(pieces))
}

/// The same file by the Parquet reader alone, in batches of the same size.
fn floor(file: &Path, rows: u32) -> Result<f64> {
    let (took, read) = time(|| -> Result<usize> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
        let mut read = 0;
        for batch in reader.with_batch_size(4_096).build()? {
            read += black_box(batch?).num_rows();
        }
        Ok(read)
    });
    ensure!(u32::try_from(read?)? == rows, "rows are missing");
    Ok(f64::from(rows) / took.as_secs_f64())
}
