//! What the first rows of a table hold, column by column.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use dataspace_data_plane::Table;

/// A column, its name as words, and the values of its first rows that are there.
pub(super) struct Column {
    pub(super) name: String,
    words: BTreeSet<String>,
    pub(super) values: Values,
}

pub(super) enum Values {
    /// In order.
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    /// Of another type, or none.
    Other,
}

/// The columns of the table, by its first batch.
pub(super) fn read(table: &Table) -> Result<Vec<Column>> {
    let first: Option<RecordBatch> = table.read()?.next().transpose()?;
    let schema = table.schema();
    let columns = schema.fields().iter().enumerate().map(|(at, field)| Column {
        name: field.name().clone(),
        words: words(field.name()),
        values: first.as_ref().map_or(Values::Other, |batch| values(batch.column(at).as_ref())),
    });
    Ok(columns.collect())
}

impl Column {
    /// The first word of the name that is one of these; all are in lower case.
    pub(super) fn word(&self, among: &[&str]) -> bool {
        among.iter().any(|word| self.words.contains(*word))
    }

    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Numbers(values) if !values.is_empty() => Some(values),
            _ => None,
        }
    }

    pub(super) fn texts(&self) -> Option<&[String]> {
        match &self.values {
            Values::Texts(values) if !values.is_empty() => Some(values),
            _ => None,
        }
    }
}

/// `employeeEmail_2` is `employee`, `email` and `2`, and also the whole without its joints.
fn words(name: &str) -> BTreeSet<String> {
    let (mut words, mut word, mut was_lower) = (BTreeSet::new(), String::new(), false);
    for c in name.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_lower)) && !word.is_empty() {
            words.insert(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.insert(word);
    let joined: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    words.insert(joined.to_lowercase());
    words
}

fn values(array: &dyn Array) -> Values {
    let texts = |texts: &mut dyn Iterator<Item = Option<&str>>| {
        Values::Texts(texts.flatten().map(str::to_owned).collect())
    };
    let mut numbers: Vec<f64> = match array.data_type() {
        DataType::Utf8 => return texts(&mut array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => return texts(&mut array.as_string::<i64>().iter()),
        DataType::Utf8View => return texts(&mut array.as_string_view().iter()),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().flatten().collect(),
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().iter().flatten().map(f64::from).collect()
        }
        DataType::Int32 => {
            array.as_primitive::<Int32Type>().iter().flatten().map(f64::from).collect()
        }
        DataType::Int64 => {
            let whole = array.as_primitive::<Int64Type>().iter().flatten();
            whole.filter_map(|value| value.to_string().parse().ok()).collect()
        }
        DataType::Decimal128(_, scale) => {
            let digits = array.as_primitive::<Decimal128Type>().iter().flatten();
            digits.filter_map(|value| format!("{value}e-{scale}").parse().ok()).collect()
        }
        _ => return Values::Other,
    };
    numbers.retain(|value| value.is_finite());
    numbers.sort_by(f64::total_cmp);
    Values::Numbers(numbers)
}

/// How often each value occurs.
pub(super) fn counts(texts: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text.as_str()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_people_write_them() {
        for (name, expected) in [
            ("employeeEmail_2", &["employee", "email", "2", "employeeemail2"][..]),
            ("E-Mail", &["e", "mail", "email"]),
            ("IBAN", &["iban"]),
            ("Geburtsdatum", &["geburtsdatum"]),
            ("first name", &["first", "name", "firstname"]),
        ] {
            let found = words(name);
            assert!(expected.iter().all(|word| found.contains(*word)), "{name}: {found:?}");
        }
    }
}
