//! What a governed view costs a query: one aggregate over a view, beside the same over the raw rows in the
//! engine alone.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use datafusion::arrow as engine;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use dataspace_benches::{Effort, Report, median, mix, time};
use dataspace_data_plane::{Table, product::Recipient};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use dataspace_query::{GovernedView, Limits, Query, Views};

const SQL: &str = "SELECT alloy, count(*), avg(strength_mpa), max(elongation) FROM heats \
                   WHERE strength_mpa > 200 GROUP BY alloy ORDER BY alloy";

struct OfNode;

impl Secrets for OfNode {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let rows = if effort.is_full() { 1_000_000 } else { 10_000 };
    let rounds = effort.samples.min(7);
    let mut report = Report::new("query", effort);

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let raw = raw(rows)?;
    let rates = (0..rounds)
        .map(|_| {
            let (took, found) = time(|| {
                runtime.block_on(async {
                    Ok::<_, anyhow::Error>(raw.sql(SQL).await?.collect().await?)
                })
            });
            let found = found?;
            ensure!(found.iter().map(engine::array::RecordBatch::num_rows).sum::<usize>() == 7);
            black_box(found);
            Ok(f64::from(rows) / took.as_secs_f64())
        })
        .collect::<Result<Vec<_>>>()?;
    report.row("query/engine-alone", median(rates), "rows/s", None);

    let table = Arc::new(governed(rows)?);
    for (name, duties) in [("whole", Vec::new()), ("filtered", filtered()?), ("masked", masked()?)]
    {
        let recipient = Recipient { contract: b"contract", consumer: "did:web:lab.example" };
        let view = GovernedView::of_table(Arc::clone(&table), duties, Arc::new(OfNode), recipient)?;
        let views = Views::new().with(&"heats".parse()?, view)?;
        let query = Query::parse(SQL)?;
        let rates = (0..rounds)
            .map(|_| {
                let (took, found) = time(|| {
                    let rows = query.run(&views, Limits::default(), || false)?;
                    Ok::<_, anyhow::Error>(rows.collect::<Result<Vec<_>, _>>()?)
                });
                let found = found?;
                ensure!(found.iter().map(RecordBatch::num_rows).sum::<usize>() == 7);
                black_box(found);
                Ok(f64::from(rows) / took.as_secs_f64())
            })
            .collect::<Result<Vec<_>>>()?;
        report.row(
            &format!("query/view-{name}"),
            median(rates),
            "rows/s",
            Some("query/engine-alone"),
        );
    }
    report.finish()
}

/// Alloy, strength and elongation of a row.
fn values(row: u32) -> (String, i64, f64, f64) {
    let number = |salt: u64| {
        f64::from(u16::try_from(mix(u64::from(row) ^ salt) % 65_536).unwrap_or(0)) / 64.0
    };
    (format!("alloy-{}", row % 7), i64::from(row % 25) + 2000, number(1), number(2))
}

/// In batches as large as the view's own.
fn batches(rows: u32) -> impl Iterator<Item = std::ops::Range<u32>> {
    (0..rows).step_by(4_096).map(move |from| from..rows.min(from + 4_096))
}

fn governed(rows: u32) -> Result<Table> {
    let schema = Schema::new(vec![
        Field::new("alloy", DataType::Utf8, true),
        Field::new("year", DataType::Int64, true),
        Field::new("strength_mpa", DataType::Float64, true),
        Field::new("elongation", DataType::Float64, true),
    ]);
    let batches = batches(rows).map(|range| {
        let values: Vec<_> = range.map(values).collect();
        let schema = Arc::new(schema.clone());
        Ok(RecordBatch::try_new(
            schema,
            vec![
                Arc::new(StringArray::from_iter_values(values.iter().map(|one| &one.0))),
                Arc::new(Int64Array::from_iter_values(values.iter().map(|one| one.1))),
                Arc::new(Float64Array::from_iter_values(values.iter().map(|one| one.2))),
                Arc::new(Float64Array::from_iter_values(values.iter().map(|one| one.3))),
            ],
        )?)
    });
    Ok(Table::from_batches(&schema, batches.collect::<Result<Vec<_>>>()?)?)
}

/// The same rows in the engine's own table, read by one thread as well.
fn raw(rows: u32) -> Result<SessionContext> {
    use engine::array::{Float64Array, Int64Array, RecordBatch, StringArray};
    use engine::datatypes::{DataType, Field, Schema};
    let schema = Arc::new(Schema::new(vec![
        Field::new("alloy", DataType::Utf8, true),
        Field::new("year", DataType::Int64, true),
        Field::new("strength_mpa", DataType::Float64, true),
        Field::new("elongation", DataType::Float64, true),
    ]));
    let batches = batches(rows).map(|range| {
        let values: Vec<_> = range.map(values).collect();
        Ok(RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(StringArray::from_iter_values(values.iter().map(|one| &one.0))),
                Arc::new(Int64Array::from_iter_values(values.iter().map(|one| one.1))),
                Arc::new(Float64Array::from_iter_values(values.iter().map(|one| one.2))),
                Arc::new(Float64Array::from_iter_values(values.iter().map(|one| one.3))),
            ],
        )?)
    });
    let batches = batches.collect::<Result<Vec<_>>>()?;
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    context.register_table("heats", Arc::new(MemTable::try_new(schema, vec![batches])?))?;
    Ok(context)
}

fn filtered() -> Result<Vec<Duty>> {
    let operator = Operator::Gteq;
    let values = vec![Scalar::Number("2000".parse()?)];
    Ok(vec![Duty::Filter(RowFilter { column: "year".parse()?, operator, values })])
}

fn masked() -> Result<Vec<Duty>> {
    let method = MaskMethod::Drop;
    Ok(vec![Duty::Mask(ColumnMask { column: "year".parse()?, method })])
}
