//! What duties cost on the rows of a large table, beside the Parquet reader alone in the same run: the
//! columns of a table of computed transport properties of materials, again and again.

use std::collections::BTreeSet;
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use dataspace_benches::{Effort, Report, median, mix, time};
use dataspace_data_plane::{Plan, Table, product::Recipient};
use dataspace_policy::{ColumnMask, Duty, KeptColumns, MaskMethod, Operator, RowFilter, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use ring::hmac;

/// How many rows; the ten million take minutes to write.
const ROWS: &str = "DATASPACE_BENCH_ROWS";

/// The ten columns of numbers.
const NUMBERS: [&str; 10] =
    ["sigma_p", "sigma_n", "S_p", "S_n", "kappa_p", "kappa_n", "PF_p", "PF_n", "m_p", "m_n"];

const BATCH_ROWS: usize = 4096;

const RECIPIENT: Recipient<'_> = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("data_plane", effort);
    let rows = match std::env::var(ROWS) {
        Ok(rows) if effort.is_full() => rows.parse().context(ROWS)?,
        _ if effort.is_full() => 1_000_000,
        _ => 1_000,
    };
    let dir = tempfile::tempdir_in(dataspace_benches::target_dir()?)?;
    let file = dir.path().join("rows.parquet");
    let source = source(rows)?;
    write(&file, &source, rows)?;
    let rounds = effort.samples.min(5);

    let masks = [
        filter("S_n", Operator::Lt, "0")?,
        mask("mp_id", MaskMethod::Drop)?,
        mask("pretty_formula", MaskMethod::Truncate { chars: 2 })?,
        mask("S_p", MaskMethod::Round { decimals: 1 })?,
    ];
    let rounding = NUMBERS
        .iter()
        .map(|column| mask(column, MaskMethod::Round { decimals: 1 }))
        .chain([keep(&NUMBERS)])
        .collect::<Result<Vec<_>>>()?;
    let read_by_masks: Vec<&str> = NUMBERS.into_iter().chain(["pretty_formula"]).collect();
    for (name, duties, columns) in
        [("filter-3-masks", &masks[..], &read_by_masks[..]), ("round-10", &rounding, &NUMBERS)]
    {
        let floor = format!("floor/scan-{name}");
        for threads in [1, 2] {
            let suffix = if threads == 1 { "" } else { "-threads-2" };
            let (mut ours, mut scans) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(together(threads, rows, || masked(&file, duties, columns))?);
                scans.push(together(threads, rows, || {
                    scan(&file, columns, |batch| {
                        black_box(batch);
                        Ok(())
                    })
                })?);
            }
            let floor = format!("{floor}{suffix}");
            report.row(&format!("tables/{name}{suffix}"), median(ours), "rows/s", Some(&floor));
            report.row(&floor, median(scans), "rows/s", None);
        }
    }
    released(&file, &masks, rows, rounds, &mut report)?;
    hashed(&source, rounds, &mut report)?;
    report.finish()
}

/// The whole release, in the contract's own order; and the most memory that it takes at once.
fn released(
    file: &Path,
    duties: &[Duty],
    rows: usize,
    rounds: usize,
    report: &mut Report,
) -> Result<()> {
    let table = Table::open(file)?;
    let plan = Plan::compile(duties, &table.schema(), &Sevens, RECIPIENT)?;
    let run = || -> Result<()> {
        for batch in plan.run(&table)? {
            black_box(batch?);
        }
        Ok(())
    };
    let mut rates = Vec::new();
    for _ in 0..rounds.min(3) {
        rates.push(together(1, rows, run)?);
    }
    let mut done = Ok(());
    let taken = allocation_counter::measure(|| done = run());
    done?;
    let most = f64::from(u32::try_from(taken.bytes_max >> 10)?) / 1024.0;
    let floor = "floor/scan-filter-3-masks";
    report.row("tables/filter-3-masks-in-order", median(rates), "rows/s", Some(floor));
    report.row("memory/filter-3-masks-in-order", most, "MiB", None);
    Ok(())
}

/// Pseudonyms of a column of texts, against bare HMACs of its distinct values.
fn hashed(source: &RecordBatch, rounds: usize, report: &mut Report) -> Result<()> {
    let column = source.column_by_name("pretty_formula").context("a column of texts")?;
    let batch = RecordBatch::try_from_iter([("pretty_formula", Arc::clone(column))])?;
    let duties = [mask("pretty_formula", MaskMethod::Hash)?];
    let plan = Plan::compile(&duties, batch.schema_ref(), &Sevens, RECIPIENT)?;
    let batches: Vec<_> = (0..batch.num_rows())
        .step_by(BATCH_ROWS)
        .map(|from| batch.slice(from, BATCH_ROWS.min(batch.num_rows() - from)))
        .collect();
    let distinct: BTreeSet<&str> = match column.as_string_opt::<i32>() {
        Some(texts) => texts.iter().flatten().collect(),
        None => column.as_string::<i64>().iter().flatten().collect(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let work =
            || batches.iter().try_for_each(|batch| plan.apply(batch).map(|b| drop(black_box(b))));
        let (took, done) = time(work);
        done?;
        ours.push(took.as_secs_f64() * 1e3);
        let (took, ()) = time(|| {
            for text in &distinct {
                black_box(hmac::sign(&key, text.as_bytes()));
            }
        });
        bare.push(took.as_secs_f64() * 1e3);
    }
    report.row("tables/hash-text", median(ours), "ms", Some("floor/hmac-distinct"));
    report.row("floor/hmac-distinct", median(bare), "ms", None);
    Ok(())
}

/// Rows a second, of this many threads that do the same.
fn together(threads: usize, rows: usize, work: impl Fn() -> Result<()> + Sync) -> Result<f64> {
    let (took, done) = time(|| {
        thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
            all.into_iter().all(|one| matches!(one.join(), Ok(Ok(()))))
        })
    });
    ensure!(done, "a thread failed");
    Ok(f64::from(u32::try_from(rows * threads)?) / took.as_secs_f64())
}

fn masked(file: &Path, duties: &[Duty], columns: &[&str]) -> Result<()> {
    let mut plan = None;
    scan(file, columns, |batch| {
        if plan.is_none() {
            let duties: Vec<_> =
                duties.iter().filter(|duty| is_about(duty, batch)).cloned().collect();
            plan = Some(Plan::compile(&duties, batch.schema_ref(), &Sevens, RECIPIENT)?);
        }
        if let Some(plan) = &plan {
            black_box(plan.apply(batch)?);
        }
        Ok(())
    })
}

/// A column that is left out is not read.
fn is_about(duty: &Duty, batch: &RecordBatch) -> bool {
    duty.column().is_none_or(|column| batch.column_by_name(column.as_str()).is_some())
}

/// The columns by the Parquet reader, in batches of the size of a release's.
fn scan(
    file: &Path,
    columns: &[&str],
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    let wanted = ProjectionMask::columns(reader.parquet_schema(), columns.iter().copied());
    for batch in reader.with_projection(wanted).with_batch_size(BATCH_ROWS).build()? {
        take(&batch?)?;
    }
    Ok(())
}

fn mask(column: &str, method: MaskMethod) -> Result<Duty> {
    Ok(Duty::Mask(ColumnMask { column: column.parse()?, method }))
}

fn filter(column: &str, operator: Operator, number: &str) -> Result<Duty> {
    let values = vec![Scalar::Number(number.parse()?)];
    Ok(Duty::Filter(RowFilter { column: column.parse()?, operator, values }))
}

fn keep(columns: &[&str]) -> Result<Duty> {
    let columns = columns.iter().map(|column| column.parse()).collect::<Result<_, _>>()?;
    Ok(Duty::Keep(KeptColumns { columns }))
}

struct Sevens;

impl Secrets for Sevens {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

/// The real table where there is one, else one of its shape.
fn source(rows: usize) -> Result<RecordBatch> {
    let data = std::env::var_os("DATASPACE_DATA")
        .map_or_else(|| "../../shared/data".into(), PathBuf::from);
    let file = data.join("materials/transport.parquet");
    if rows >= 47_737 && file.exists() {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
        let mut batches = reader.with_batch_size(47_737).build()?;
        return Ok(batches.next().context("rows")??);
    }
    anstream::println!("without `DATASPACE_DATA`: numbers made up");
    let count = rows.min(47_737);
    let texts = |prefix: &str| -> ArrayRef {
        let texts = (0..count)
            .map(|row| format!("{prefix}{}", mix(u64::try_from(row).unwrap_or(0)) % 40_000));
        Arc::new(StringArray::from_iter_values(texts))
    };
    let numbers = |seed: u64| -> ArrayRef {
        let numbers = (0..count).map(|row| {
            let number = mix(u64::try_from(row).unwrap_or(0) ^ seed) % 2_000_000;
            f64::from(u32::try_from(number).unwrap_or(0)) / 1000.0 - 1000.0
        });
        Arc::new(Float64Array::from_iter_values(numbers))
    };
    let columns = [("mp_id", texts("mp-")), ("pretty_formula", texts("Fe"))].into_iter();
    let numbers = NUMBERS.iter().zip(1..).map(|(name, seed)| (*name, numbers(seed << 32)));
    Ok(RecordBatch::try_from_iter(columns.chain(numbers))?)
}

fn write(to: &Path, source: &RecordBatch, rows: usize) -> Result<()> {
    let mut writer = ArrowWriter::try_new(File::create(to)?, source.schema(), None)?;
    let mut left = rows;
    while left > 0 {
        let some = source.slice(0, left.min(source.num_rows()));
        writer.write(&some)?;
        left -= some.num_rows();
    }
    writer.close()?;
    Ok(())
}
