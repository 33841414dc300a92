//! Watermarks: numbers that bear a mark of the contract, and what finds it in a copy.
//!
//! # Example
//! ```
//! # use dataspace_data_plane::{Plan, RecordBatch, Table, product::Recipient, watermark::Detector};
//! # use dataspace_policy::{Duty, Watermark, duty::Tolerance};
//! # use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
//! # struct OfNode;
//! # impl Secrets for OfNode {
//! #     fn derive(&self, _: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
//! #         Ok(Zeroizing::new([context.first().copied().unwrap_or(0); 32]))
//! #     }
//! # }
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("seebeck.csv");
//! # let numbers = (0..400).map(|n| format!("{}.{:03}\n", n * 7 % 600, n * 37 % 1000));
//! # std::fs::write(&path, format!("S_p\n{}", numbers.collect::<String>()))?;
//! let mark = Watermark { column: "S_p".parse()?, tolerance: Tolerance::Absolute("0.1".parse()?) };
//! let duties = [Duty::Watermark(mark)];
//! let table = Table::open(&path)?;
//! let leaker = Recipient { contract: b"one", consumer: "did:web:lab.example" };
//! let plan = Plan::compile(&duties, &table.schema(), &OfNode, leaker)?;
//! let copy = plan.run(&table)?.collect::<Result<Vec<_>, _>>()?;
//!
//! // A copy turned up. Whose is it?
//! let mut detector = Detector::new(&duties, &table.schema())?;
//! copy.iter().for_each(|batch| detector.push(batch));
//! let found = detector.test(&OfNode, leaker)?;
//! assert!(found.chance_log10 < -50.0);
//! let other = Recipient { contract: b"two", consumer: "did:web:other.example" };
//! assert!(detector.test(&OfNode, other)?.chance_log10 > -6.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use arrow_array::types::{Decimal128Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, downcast_integer};
use arrow_schema::{DataType, Schema};
use dataspace_policy::{Duty, Watermark};
use dataspace_primitives::{Secrets, secrets::SecretsError};

use crate::aggregate::number;
use crate::coarse::narrow;
use crate::column::{Cells, Kind, find, mapped, mapped_each, type_name, value};
use crate::keyed_hash::KeyedHash;
use crate::marking::{Cell, Scheme};
use crate::plan_error::PlanError;
use crate::recipient::Recipient;
use crate::tree::Tree;

/// Most cells that one detector looks at; values of others are then left aside.
pub const CELLS_MAX: usize = 1 << 20;

/// The key of one column.
#[derive(Clone)]
struct Key(KeyedHash);

impl Key {
    /// The use of the secret.
    const PURPOSE: &str = "watermark";

    fn derive(
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
        column: &str,
    ) -> Result<Self, SecretsError> {
        let key = secrets.derive(Self::PURPOSE, recipient.contract)?;
        let mut start = KeyedHash::new(&key);
        start.update(b"dataspace/watermark/v1\0");
        start.update(&u64::try_from(column.len()).unwrap_or(u64::MAX).to_be_bytes());
        start.update(column.as_bytes());
        Ok(Self(start))
    }

    /// Returns true if the numbers of the cell are to lie in its upper half.
    fn chooses_upper(&self, cell: &Cell) -> bool {
        let mut context = self.0.clone();
        context.update(&cell.message());
        context.finish().first().is_some_and(|byte| byte & 1 == 1)
    }
}

/// What marks a column.
#[derive(Clone)]
pub(crate) struct Marker {
    scheme: Scheme,
    key: Option<Key>,
}

impl Marker {
    pub(crate) fn compile(
        mark: &Watermark,
        clause: usize,
        schema: &Schema,
    ) -> Result<(usize, Self), PlanError> {
        let (place, field) = find(schema, clause, mark.column.as_str())?;
        let kind = Kind::of(field.data_type());
        let Some(found) = kind.and_then(|kind| Scheme::of(mark, kind)) else {
            let (column, data_type) = (field.name().clone(), type_name(field.data_type()));
            let action = "marked with this tolerance";
            return Err(PlanError::ColumnType { clause, column, data_type, action });
        };
        Ok((place, Self { scheme: found, key: None }))
    }

    pub(crate) fn keyed(
        &mut self,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
        column: &str,
    ) -> Result<(), SecretsError> {
        self.key = Some(Key::derive(secrets, recipient, column)?);
        Ok(())
    }

    /// A fresh array of the marked values of `rows`; `None` if it is not of the column's type, or without
    /// a key.
    pub(crate) fn column(&self, array: &dyn Array, rows: &[usize]) -> Option<ArrayRef> {
        let (scheme, of_column) = (self.scheme, self.key.as_ref()?);
        let upper = |cell: &Cell| of_column.chooses_upper(cell);
        macro_rules! integers {
            ($t:ty) => {
                // What the type does not hold stays as it is.
                mapped::<$t>(array, rows, |value| {
                    let moved = scheme.moved_units(i128::from(value), upper);
                    Some(moved.try_into().unwrap_or(value))
                })
            };
        }
        downcast_integer! {
            array.data_type() => (integers),
            DataType::Float32 => mapped_each::<Float32Type>(array, rows, |value| {
                narrow(scheme.moved(f64::from(value), upper, |moved| f64::from(narrow(moved))))
            }),
            DataType::Float64 => {
                mapped_each::<Float64Type>(array, rows, |value| scheme.moved(value, upper, |v| v))
            }
            DataType::Decimal128(precision, _) => {
                let most = 10_u128.checked_pow(u32::from(*precision)).unwrap_or(u128::MAX);
                mapped::<Decimal128Type>(array, rows, |value| {
                    let moved = scheme.moved_units(value, upper);
                    Some(if moved.unsigned_abs() < most { moved } else { value })
                })
            }
            _ => None,
        }
    }
}

// The key is not shown.
impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scheme.fmt(f)
    }
}

/// Looks for marks in a copy of the numbers that were released: of all rows or of some, in any order, with
/// other columns or without. A copy is read once, and tested for any number of contracts with the same
/// watermarks.
#[derive(Debug)]
pub struct Detector {
    columns: Vec<Column>,
    cells: usize,
}

/// How many values lie in the lower and in the upper half of each cell.
#[derive(Debug)]
struct Column {
    name: String,
    scheme: Scheme,
    votes: BTreeMap<Cell, [u64; 2]>,
}

/// What a copy tells about one contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Cells of numbers in which there are values: each is one bit of the key, however many they are.
    pub cells: usize,
    /// The share of the cells whose values lie where the contract's key has them: 1 if all do; about 0.5 if
    /// that is chance.
    pub agreement: f64,
    /// The logarithm to base 10 of a bound on the probability that numbers which do not have the contract's mark
    /// agree with it as well as these: −6 is at most one in a million. It holds whatever the numbers
    /// are, because the key does not depend on them. Of several contracts that are tested, multiply it by
    /// their number.
    pub chance_log10: f64,
}

impl Detector {
    /// For the watermarks among `duties`, which a contract has on a table with these columns.
    ///
    /// # Errors
    /// [`PlanError`] if one of them does not fit the table.
    pub fn new(duties: &[Duty], schema: &Schema) -> Result<Self, PlanError> {
        let mut columns = Vec::new();
        let tree = Tree::of(schema)?;
        let schema = tree.schema();
        for (clause, duty) in duties.iter().enumerate() {
            let Duty::Watermark(mark) = duty else { continue };
            duty.check().map_err(|source| PlanError::Duty { clause, source })?;
            tree.is_one(clause, mark.column.as_str())?;
            let (_, Marker { scheme, .. }) = Marker::compile(mark, clause, schema)?;
            let (name, votes) = (mark.column.to_string(), BTreeMap::new());
            columns.push(Column { name, scheme, votes });
        }
        Ok(Self { columns, cells: 0 })
    }

    /// Takes rows of the copy. Columns of numbers, and fields of structures, with the names of those that are
    /// marked are looked at, whatever their type; others are not.
    pub fn push(&mut self, batch: &RecordBatch) {
        let (tree, _) = Tree::grow(batch.schema_ref());
        let columns: Vec<_> = batch.columns().iter().cloned().map(Some).collect();
        for column in &mut self.columns {
            let part = tree.find(&column.name).filter(|part| part.is_leaf);
            let Some(array) = part.and_then(|part| tree.read(part.leaves.start, &columns)) else {
                continue;
            };
            let Some(cells) = Cells::of(array.as_ref()) else { continue };
            for row in 0..batch.num_rows() {
                let side = match (&cells, column.scheme) {
                    (
                        Cells::Decimal(array),
                        Scheme::Units { scale, .. } | Scheme::RelativeUnits { scale, .. },
                    ) if array.scale() == scale => {
                        value(array, row).and_then(|value| column.scheme.side_of_units(value))
                    }
                    _ => number(&cells, row).and_then(|value| column.scheme.side(value)),
                };
                let Some((cell, is_upper)) = side else { continue };
                if self.cells >= CELLS_MAX && !column.votes.contains_key(&cell) {
                    continue;
                }
                let votes = column.votes.entry(cell).or_insert_with(|| {
                    self.cells = self.cells.saturating_add(1);
                    [0, 0]
                });
                let [lower, upper] = votes;
                let vote = if is_upper { upper } else { lower };
                *vote = vote.saturating_add(1);
            }
        }
    }

    /// What the copy tells about the recipient's contract.
    ///
    /// # Errors
    /// [`SecretsError`] if there is no secret of the contract.
    pub fn test(
        &self,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Finding, SecretsError> {
        let mut tally = Tally::default();
        for column in &self.columns {
            let key = Key::derive(secrets, recipient, &column.name)?;
            for (cell, [lower, upper]) in &column.votes {
                tally.add(*lower, *upper, key.chooses_upper(cell));
            }
        }
        Ok(tally.finding())
    }
}

/// Weights that cells are counted with: none for those whose values lie in both halves alike, to all.
const WEIGHTS: usize = 64;

/// How many cells there are of each weight, and how the weights of those on either side add up.
struct Tally {
    cells: usize,
    of_weight: [u32; WEIGHTS + 1],
    agreeing: f64,
    all: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { cells: 0, of_weight: [0; WEIGHTS + 1], agreeing: 0.0, all: 0.0 }
    }
}

impl Tally {
    fn add(&mut self, lower: u64, upper: u64, is_upper_chosen: bool) {
        let (more, fewer) = (lower.max(upper), lower.min(upper));
        let (most, total) = (u128::from(more - fewer), u128::from(more) + u128::from(fewer));
        let weights = u128::try_from(WEIGHTS).unwrap_or_default();
        let weight = most.saturating_mul(weights).checked_div(total).unwrap_or_default();
        let Ok(weight) = usize::try_from(weight) else { return };
        let Some(count) = self.of_weight.get_mut(weight) else { return };
        *count = count.saturating_add(1);
        self.cells = self.cells.saturating_add(1);
        let part = part_of(weight);
        self.all += part;
        self.agreeing += if (upper > lower) == is_upper_chosen { part } else { 0.0 };
    }

    /// The bound is Chernoff's on a sum of weights, each with a sign by a fair coin.
    // WHY coins: the bits of different cells are those of an HMAC whose key the numbers do not depend on.
    fn finding(&self) -> Finding {
        if self.all <= 0.0 {
            return Finding { cells: self.cells, agreement: 0.5, chance_log10: 0.0 };
        }
        let sum = 2.0 * self.agreeing - self.all;
        let exponent = |scale: f64| {
            let all = self.of_weight.iter().enumerate();
            let logs =
                all.map(|(weight, count)| f64::from(*count) * ln_cosh(scale * part_of(weight)));
            logs.sum::<f64>() - scale * sum
        };
        // Any scale gives a bound; the best one lies where the exponent, which is convex, is least.
        let (mut from, mut to) = (0.0, 64.0);
        for _ in 0..96 {
            let (one, two) = (from + (to - from) / 3.0, to - (to - from) / 3.0);
            if exponent(one) < exponent(two) { to = two } else { from = one }
        }
        let chance_log10 = exponent(f64::midpoint(from, to)).min(0.0) / std::f64::consts::LN_10;
        Finding { cells: self.cells, agreement: self.agreeing / self.all, chance_log10 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a weight is at most 64")]
fn part_of(weight: usize) -> f64 {
    weight as f64 / WEIGHTS as f64
}

/// The logarithm of the hyperbolic cosine, of large numbers too.
fn ln_cosh(value: f64) -> f64 {
    let value = value.abs();
    value + (-2.0 * value).exp().ln_1p() - std::f64::consts::LN_2
}
