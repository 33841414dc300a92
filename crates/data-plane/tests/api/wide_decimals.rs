//! Decimals of 256 bits leave as they are, and no duty pretends to look at their values.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Decimal256Array, Int64Array, ListArray, RecordBatch};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use dataspace_data_plane::errors::PlanError;
use dataspace_policy::MaskMethod::{
    Bin, Constant, Drop, Grid, Hash, Null, Redact, Round, Truncate,
};
use dataspace_policy::duty::{Characters, Tolerance};
use dataspace_policy::{Aggregate, Duty, Operator, Sample, Watermark};

use crate::common::{apply, batch, compile, filter, mask, number, rows};

/// A column of them, and a list with them.
fn wide() -> RecordBatch {
    let wide = Decimal256Array::from(vec![Some(1234.into()), None, Some((-5).into())]);
    let wide = wide.with_precision_and_scale(60, 2).unwrap();
    let item = Arc::new(Field::new_list_field(wide.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0, 2, 2, 3].into());
    let lists = ListArray::new(item, offsets, Arc::new(wide.clone()), None);
    batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("wide", Arc::new(wide)),
        ("lists", Arc::new(lists)),
    ])
}

#[test]
fn they_leave_with_all_of_their_digits() {
    let expected = ["1,12.34,\"[12.34,null]\"", "2,,[]", "3,-0.05,[-0.05]"];
    assert_eq!(rows(&apply(&[], &wide())), expected);
    let mut masked = rows(&apply(&[mask("id", Drop)], &wide()));
    masked.sort();
    assert_eq!(masked, [",[]", "-0.05,[-0.05]", "12.34,\"[12.34,null]\""]);
    assert_eq!(rows(&apply(&[mask("wide", Null), mask("lists", Drop)], &wide())).len(), 3);
}

#[test]
fn no_filter_and_no_mask_looks_at_their_values() {
    let schema = wide().schema();
    for operator in [Operator::Eq, Operator::Neq, Operator::Lt, Operator::Gteq] {
        let error = compile(&[filter("wide", operator, vec![number("1")])], &schema).unwrap_err();
        assert!(matches!(error, PlanError::ColumnType { clause: 0, .. }), "{error}");
        assert!(error.to_string().contains("decimal256(60,2)"), "{error}");
    }
    for column in ["wide", "lists"] {
        for method in [
            Round { decimals: 0 },
            Bin { width: 10 },
            Hash,
            Grid { cells: 1 },
            Truncate { chars: 1 },
            Redact { characters: Characters::Digits },
            Constant(number("1")),
        ] {
            let error = compile(&[mask(column, method.clone())], &schema).unwrap_err();
            let is_typed =
                matches!(error, PlanError::ColumnType { .. } | PlanError::ConstantType { .. });
            assert!(is_typed, "{column} {method:?}: {error}");
        }
    }
}

#[test]
fn no_figure_mark_or_sample_is_made_of_them() {
    let schema = wide().schema().project(&[0, 1]).unwrap();
    let name = |name: &str| name.parse().unwrap();
    let figures = |subject: &str, mean: &str| {
        Duty::Aggregate(Aggregate {
            by: BTreeSet::new(),
            subject: name(subject),
            least: 2,
            mean: [name(mean)].into(),
            sum: BTreeSet::new(),
        })
    };
    for duty in [
        figures("id", "wide"),
        figures("wide", "id"),
        Duty::Sample(Sample { per_million: 500_000, subject: Some(name("wide")) }),
        Duty::Sample(Sample { per_million: 500_000, subject: None }),
        Duty::Watermark(Watermark { column: name("wide"), tolerance: Tolerance::Relative(1000) }),
    ] {
        let error = compile(std::slice::from_ref(&duty), &schema).unwrap_err();
        assert!(matches!(error, PlanError::ColumnType { clause: 0, .. }), "{duty}: {error}");
    }
}
