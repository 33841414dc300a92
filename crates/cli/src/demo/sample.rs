//! The duties of the demo's own table, whose content is known: a filter, and a mask of every kind.

use anyhow::Result;
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};

pub(super) fn duties() -> Result<Vec<Duty>> {
    let filter = RowFilter {
        column: "S_p".parse()?,
        operator: Operator::Gteq,
        values: vec![Scalar::Number("524".parse()?)],
    };
    let masks = [
        ("mp_id", MaskMethod::Hash),
        ("pretty_formula", MaskMethod::Truncate { chars: 2 }),
        ("S_n", MaskMethod::Round { decimals: -1 }),
        ("m_p", MaskMethod::Null),
        ("m_n", MaskMethod::Drop),
    ];
    let mut duties = vec![Duty::Filter(filter)];
    for (column, method) in masks {
        duties.push(Duty::Mask(ColumnMask { column: column.parse()?, method }));
    }
    Ok(duties)
}
