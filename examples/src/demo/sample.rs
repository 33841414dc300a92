//! Terms that fit any table: which columns are hidden or coarsened follows from their types.

use anyhow::{Context, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_schema::DataType;
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Number, Operator, RowFilter, Scalar};
use dataspace_runtime::Table;

/// A row filter, and a mask of every kind for which the table has a column to spare. Columns of
/// types that do not leave, such as bytes and lists, are left out.
pub(crate) fn duties(table: &Table) -> Result<Vec<Duty>> {
    let schema = table.schema();
    let of_type = |wanted: fn(&DataType) -> bool| {
        let fields = schema.fields().iter().filter(move |field| wanted(field.data_type()));
        fields.map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    let texts = of_type(|t| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View));
    let numbers = of_type(|t| matches!(t, DataType::Float64 | DataType::Int64));

    let mut duties = Vec::new();
    if let Some(column) = numbers.first()
        && let Some(median) = median(table, column)?
    {
        duties.push(Duty::Filter(RowFilter {
            column: column.parse()?,
            operator: Operator::Gteq,
            values: vec![Scalar::Number(number(median)?)],
        }));
    }
    let mut mask = |column: Option<&String>, method| {
        if let Some(column) = column {
            duties.push(Duty::Mask(ColumnMask { column: column.parse()?, method }));
        }
        anyhow::Ok(())
    };
    for column in table.unreleased() {
        mask(Some(&column), MaskMethod::Drop)?;
    }
    mask(texts.first(), MaskMethod::Hash)?;
    mask(texts.get(1), MaskMethod::Truncate { chars: 2 })?;
    if let Some(column) = numbers.get(1) {
        let decimals = decimals(median(table, column)?.unwrap_or(1.0));
        mask(Some(column), MaskMethod::Round { decimals })?;
    }
    if numbers.len() > 3 {
        mask(numbers.get(numbers.len() - 2), MaskMethod::Null)?;
        mask(numbers.last(), MaskMethod::Drop)?;
    }
    Ok(duties)
}

/// The median of the first batch, to three digits; `None` if there are no numbers.
fn median(table: &Table, column: &str) -> Result<Option<f64>> {
    let Some(batch) = table.read()?.next().transpose()? else { return Ok(None) };
    let array = batch.column_by_name(column).context("the column is gone")?;
    let mut values: Vec<f64> = if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        floats.iter().flatten().filter(|value| value.is_finite()).collect()
    } else if let Some(whole) = array.as_primitive_opt::<Int64Type>() {
        whole.iter().flatten().filter_map(|value| value.to_string().parse().ok()).collect()
    } else {
        Vec::new()
    };
    values.sort_by(f64::total_cmp);
    Ok(values.get(values.len() / 2).map(|median| to_three_digits(*median)))
}

fn to_three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn number(value: f64) -> Result<Number> {
    // Signed documents spell a number in one way; below 10^-28 or so it is simply zero.
    let text = value.to_string();
    Ok(if text.len() > 32 || text == "-0" { "0".parse()? } else { text.parse()? })
}

/// Decimals that leave about two digits of a value of this size.
fn decimals(typical: f64) -> i8 {
    let exponent = format!("{typical:e}");
    let exponent = exponent.split_once('e').and_then(|(_, e)| e.parse::<i8>().ok()).unwrap_or(0);
    1_i8.saturating_sub(exponent).clamp(-18, 18)
}
