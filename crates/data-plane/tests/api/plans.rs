use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use dataspace_data_plane::{
    Plan,
    errors::{ApplyError, PlanError},
};
use dataspace_policy::MaskMethod::{Drop, Hash, Null, Round, Truncate};
use dataspace_policy::{Operator, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};

use crate::common::{CONTRACT, batch, compile, filter, key, mask, number, text};

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("count", DataType::Int64, true),
        Field::new("flag", DataType::Boolean, true),
        Field::new("day", DataType::Date32, true),
        Field::new("long", DataType::Decimal256(60, 2), true),
    ])
}

fn with_list() -> Schema {
    let item = Arc::new(Field::new("item", DataType::Int8, true));
    Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("list", DataType::List(item), true),
    ])
}

#[test]
fn a_duty_on_an_unknown_column_is_refused() {
    let error = compile(&[mask("name", Null), mask("Name", Drop)], &schema()).unwrap_err();
    let column = "Name".to_owned();
    assert_eq!(error, PlanError::UnknownColumn { clause: 1, column });
    let error = compile(&[filter("x", Operator::Eq, vec![text("a")])], &schema()).unwrap_err();
    assert_eq!(error.to_string(), "duty 0: the table has no column `x`");
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Err(SecretsError::new("there are none"))
    }
}

#[test]
fn a_secret_is_derived_only_where_a_duty_needs_one() {
    let plan = |duties: &[_]| Plan::compile(duties, &schema(), &NoSecrets, CONTRACT);
    assert!(!plan(&[filter("name", Operator::Eq, vec![text("a")])]).unwrap().reorders());
    for method in [Hash, Null, Drop] {
        let source = SecretsError::new("there are none");
        assert_eq!(
            plan(&[mask("name", method.clone())]).unwrap_err(),
            PlanError::Secret { source }
        );
        Plan::check(&[mask("name", method)], &schema()).unwrap();
    }
    // What does not fit is told before.
    let misfit = [mask("name", Round { decimals: 0 })];
    assert_eq!(plan(&misfit).unwrap_err(), Plan::check(&misfit, &schema()).unwrap_err());
}

#[test]
fn a_table_with_two_columns_of_one_name_is_refused_even_without_duties() {
    let twice = Schema::new(vec![
        Field::new("a", DataType::Utf8, true),
        Field::new("a", DataType::Utf8, true),
    ]);
    let error = compile(&[], &twice).unwrap_err();
    assert!(matches!(error, PlanError::DuplicateColumn { .. }));
}

#[test]
fn a_second_mask_on_a_column_is_refused() {
    let duties = [mask("name", Hash), mask("count", Null), mask("name", Hash)];
    let error = compile(&duties, &schema()).unwrap_err();
    assert!(matches!(error, PlanError::SecondMask { clause: 2, first: 0, .. }));
}

#[test]
fn masks_on_types_that_they_do_not_fit_are_refused() {
    for (column, method) in [
        ("name", Round { decimals: 2 }),
        ("flag", Round { decimals: 0 }),
        ("day", Round { decimals: -1 }),
        ("count", Truncate { chars: 2 }),
        ("flag", Truncate { chars: 0 }),
        ("day", Truncate { chars: 4 }),
        ("long", Hash),
    ] {
        let error = compile(&[mask(column, method)], &schema()).unwrap_err();
        assert!(matches!(error, PlanError::ColumnType { clause: 0, .. }), "{column}");
    }
}

#[test]
fn constants_of_another_type_than_the_column_are_refused() {
    for (column, value) in [
        ("name", number("1")),
        ("name", Scalar::Boolean(true)),
        ("count", text("1")),
        ("count", Scalar::Boolean(false)),
        ("flag", text("true")),
        ("flag", number("1")),
        ("day", number("20000")),
    ] {
        let error = compile(&[filter(column, Operator::Eq, vec![value])], &schema()).unwrap_err();
        assert!(matches!(error, PlanError::ConstantType { clause: 0, .. }), "{column}");
    }
    let mixed = filter("name", Operator::IsAnyOf, vec![text("a"), number("1")]);
    assert!(compile(&[mixed], &schema()).is_err());
}

#[test]
fn filters_on_types_without_comparison_are_refused() {
    let duty = filter("long", Operator::Gt, vec![number("20000")]);
    let error = compile(&[duty], &schema()).unwrap_err();
    assert!(matches!(error, PlanError::ColumnType { action: "compared", .. }));
}

#[test]
fn booleans_have_no_order() {
    let duty = filter("flag", Operator::Lt, vec![Scalar::Boolean(true)]);
    let error = compile(&[duty], &schema()).unwrap_err();
    assert!(matches!(error, PlanError::Unordered { clause: 0, .. }));
}

#[test]
fn malformed_duties_are_refused() {
    for duty in [
        filter("count", Operator::Eq, vec![]),
        filter("count", Operator::Lt, vec![number("1"), number("2")]),
        filter("count", Operator::IsAnyOf, vec![number("1"); 257]),
        mask("count", Round { decimals: 19 }),
        mask("count", Round { decimals: i8::MIN }),
    ] {
        let error = compile(&[mask("name", Null), duty], &schema()).unwrap_err();
        assert!(matches!(error, PlanError::Duty { clause: 1, .. }));
    }
}

#[test]
fn a_release_without_columns_is_refused() {
    let duties: Vec<_> = ["name", "count", "flag", "day", "long"].map(|one| mask(one, Drop)).into();
    assert_eq!(compile(&duties, &schema()).unwrap_err(), PlanError::NothingLeft);
    let empty = Schema::empty();
    assert_eq!(compile(&[], &empty).unwrap_err(), PlanError::NothingLeft);
}

#[test]
fn an_emptied_column_does_not_tell_that_it_is_nested() {
    assert!(compile(&[mask("list", Drop)], &with_list()).is_ok());
    let plan = compile(&[mask("list", Null)], &with_list()).unwrap();
    assert_eq!(plan.output_schema().field(1).data_type(), &DataType::Null);
}

#[test]
fn binary_and_half_floats_do_not_leave() {
    for data_type in [
        DataType::Binary,
        DataType::BinaryView,
        DataType::Float16,
        DataType::Time32(TimeUnit::Second),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64)),
    ] {
        let schema = Schema::new(vec![Field::new("c", data_type, true)]);
        assert!(compile(&[], &schema).is_err());
        assert!(compile(&[mask("c", Null)], &schema).is_ok());
    }
}

#[test]
fn a_batch_of_another_table_is_refused() {
    let source = batch(vec![
        ("a", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
        ("b", Arc::new(Int64Array::from(vec![1]))),
    ]);
    let plan = Plan::compile(&[mask("a", Hash)], source.schema_ref(), &key(1), CONTRACT).unwrap();
    assert!(plan.apply(&source).is_ok());
    let (a, b) = (source.column(0), source.column(1));
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let others: Vec<RecordBatch> = vec![
        batch(vec![("b", Arc::clone(b)), ("a", Arc::clone(a))]),
        batch(vec![("a", Arc::clone(a))]),
        batch(vec![("a", Arc::clone(a)), ("b", narrow)]),
        batch(vec![("a", Arc::clone(a)), ("c", Arc::clone(b))]),
        batch(vec![("a", Arc::clone(a)), ("b", Arc::clone(b)), ("c", Arc::clone(b))]),
    ];
    for other in others {
        let error = plan.apply(&other).unwrap_err();
        assert!(matches!(error, ApplyError::OtherSchema));
    }
}

#[test]
fn the_error_texts_are_plain() {
    let text = |duties: &[_]| compile(duties, &schema()).unwrap_err().to_string();
    assert_eq!(
        text(&[mask("name", Round { decimals: 1 })]),
        "duty 0: columns of type text cannot be rounded, as `name` should"
    );
    assert_eq!(
        text(&[filter("count", Operator::Eq, vec![crate::common::text("a")])]),
        "duty 0: column `count` has the type int64, a constant has another"
    );
}
