use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use crate::machine::target_dir;
use crate::sample::Effort;

/// One measured thing.
#[derive(Clone, Debug)]
pub struct Row {
    /// `what/how-many`.
    pub name: String,
    /// The median, in `unit`.
    pub median: f64,
    /// For instance `µs`.
    pub unit: &'static str,
    /// The row that this one is compared with.
    pub ratio_to: Option<String>,
}

/// The rows of one bench, printed as a table and kept as `target/bench/<bench>.json`.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    effort: Effort,
    rows: Vec<Row>,
}

impl Report {
    /// A report without rows.
    #[must_use]
    pub fn new(bench: &'static str, effort: Effort) -> Self {
        Self { bench, effort, rows: Vec::new() }
    }

    /// Adds a row; `ratio_to` names a row that is there already or comes later.
    pub fn row(&mut self, name: &str, median: f64, unit: &'static str, ratio_to: Option<&str>) {
        let (name, ratio_to) = (name.to_owned(), ratio_to.map(str::to_owned));
        self.rows.push(Row { name, median, unit, ratio_to });
    }

    /// How many times the row's figure is the one of the row that it is compared with.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let name = row.ratio_to.as_ref()?;
        let other = self.rows.iter().find(|other| other.name == *name)?;
        Some(row.median / other.median)
    }

    /// Prints the table and, after a full run of all parts, writes the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<()> {
        anstream::println!("\n{:<28} {:>12}  {:<10} {:>9}", self.bench, "median", "unit", "ratio");
        for row in &self.rows {
            let ratio = match (self.ratio(row), &row.ratio_to) {
                (Some(ratio), Some(to)) => format!("{ratio:>8.3}× {to}"),
                _ => String::new(),
            };
            anstream::println!("{:<28} {:>12.3}  {:<10} {ratio}", row.name, row.median, row.unit);
        }
        if !self.effort.is_full() || Effort::filter().is_some() {
            return Ok(());
        }
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "median": row.median,
                    "unit": row.unit,
                    "ratio": self.ratio(row),
                    "ratio_to": row.ratio_to,
                })
            })
            .collect();
        let dir = target_dir()?.join("bench");
        fs::create_dir_all(&dir)?;
        let file = dir.join(format!("{}.json", self.bench));
        fs::write(&file, format!("{:#}\n", json!({ "rows": rows })))
            .with_context(|| format!("cannot write {}", file.display()))?;
        anstream::println!("\nwritten to {}", file.display());
        Ok(())
    }
}
