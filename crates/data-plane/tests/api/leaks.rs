//! Attacks: what is hidden must not lie anywhere in what is released.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, Field, Schema};
use dataspace_data_plane::{Plan, Table, chunk::BATCH_ROWS};
use dataspace_policy::MaskMethod::{Drop, Hash, Null, Truncate};
use dataspace_policy::{Duty, Operator};

use crate::common::{
    CONTRACT, apply, batch, buffers, filter, holds_bytes, key, mask, number, rows, text,
};

const SECRET: &str = "secret-recipe-0123456789";
const PUBLIC: &str = "public-recipe-0123456789";

fn only_public() -> Duty {
    filter("who", Operator::Eq, vec![text("us")])
}

/// Two rows, of which the duty hides the second.
fn two(column: ArrayRef) -> RecordBatch {
    batch(vec![("who", Arc::new(StringArray::from(vec!["us", "them"]))), ("what", column)])
}

#[test]
fn no_representation_of_text_carries_hidden_rows() {
    let values = vec![PUBLIC, SECRET];
    let dictionary: DictionaryArray<Int32Type> = values.iter().copied().collect();
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from(values.clone())),
        Arc::new(LargeStringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(dictionary),
    ];
    for column in columns {
        let source = two(column);
        let out = apply(&[only_public()], &source);
        assert_eq!(rows(&out), [format!("us,{PUBLIC}")]);
        assert!(!holds_bytes(&out, SECRET.as_bytes()));
        assert!(!holds_bytes(&out, b"them"));
    }
}

#[test]
fn the_scan_for_secrets_finds_them_where_they_are() {
    let source = two(Arc::new(StringArray::from(vec![PUBLIC, SECRET])));
    assert!(holds_bytes(&source, SECRET.as_bytes()));
    assert!(holds_bytes(&source.slice(0, 1), SECRET.as_bytes()));
}

#[test]
fn a_dictionary_that_came_unfiltered_carries_no_unused_values() {
    let keys = Int32Array::from(vec![Some(0), None]);
    let values: ArrayRef = Arc::new(StringArray::from(vec![PUBLIC, SECRET]));
    let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let out = apply(&[], &two(Arc::new(column)));
    assert_eq!(rows(&out), [format!("us,{PUBLIC}"), "them,".to_owned()]);
    assert!(!holds_bytes(&out, SECRET.as_bytes()));
}

#[test]
fn a_dictionary_of_nothing_is_all_missing() {
    let keys = Int32Array::from(vec![None, None]);
    let values: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let out = apply(&[], &two(Arc::new(column)));
    assert_eq!(out.column(1).null_count(), 2);
}

#[test]
fn a_missing_dictionary_value_is_a_missing_value() {
    let keys = Int32Array::from(vec![0, 1]);
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some(PUBLIC), None]));
    let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let source = two(Arc::new(column));
    assert_eq!(apply(&[], &source).column(1).null_count(), 1);
    let duty = filter("what", Operator::Neq, vec![text("x")]);
    assert_eq!(apply(&[duty], &source).num_rows(), 1);
}

#[test]
fn slices_of_a_batch_do_not_carry_their_neighbours() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![PUBLIC, SECRET]));
    let source = two(values).slice(0, 1);
    for duties in [vec![], vec![only_public()], vec![mask("who", Hash)]] {
        let out = apply(&duties, &source);
        assert_eq!(out.num_rows(), 1);
        assert!(!holds_bytes(&out, SECRET.as_bytes()));
    }
}

#[test]
fn hidden_numbers_are_in_no_buffer() {
    let secret = 0x5ec2_e75e_c2e7_0042_i64;
    let source = two(Arc::new(Int64Array::from(vec![1, secret])));
    assert!(holds_bytes(&source, &secret.to_le_bytes()));
    for duties in [
        vec![only_public()],
        vec![mask("what", Null)],
        vec![mask("what", Drop)],
        vec![mask("what", Hash)],
    ] {
        assert!(!holds_bytes(&apply(&duties, &source), &secret.to_le_bytes()));
    }
}

#[test]
fn what_lies_under_a_missing_value_stays_behind() {
    // Arrow allows any bytes where the validity bit is unset.
    let secret = 0x5ec2_e75e_c2e7_0042_i64;
    let nulls = Int64Array::from(vec![Some(1), None]).nulls().cloned();
    let column = Int64Array::new(vec![1, secret].into(), nulls.clone());
    let source = two(Arc::new(column));
    assert!(holds_bytes(&source, &secret.to_le_bytes()));
    assert!(!holds_bytes(&apply(&[], &source), &secret.to_le_bytes()));

    let full = StringArray::from(vec![PUBLIC, SECRET]);
    let (offsets, bytes, _) = full.into_parts();
    let source = two(Arc::new(StringArray::new(offsets, bytes, nulls)));
    assert!(!holds_bytes(&apply(&[], &source), SECRET.as_bytes()));
}

#[test]
fn masked_texts_leave_nothing_of_the_original() {
    let source = two(Arc::new(StringArray::from(vec![SECRET, SECRET])));
    for method in [Null, Hash, Drop, Truncate { chars: 6 }] {
        let out = apply(&[mask("what", method.clone())], &source);
        assert!(!holds_bytes(&out, SECRET.as_bytes()));
        assert!(!holds_bytes(&out, b"recipe"), "{method:?}");
    }
}

#[test]
fn metadata_of_table_and_columns_stays_behind() {
    let metadata = HashMap::from([("pandas".to_owned(), SECRET.to_owned())]);
    let field = Field::new("a", DataType::Utf8, false).with_metadata(metadata.clone());
    let schema = Arc::new(Schema::new_with_metadata(vec![field], metadata));
    let column: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let source = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();

    let table = Table::from_batches(&schema, vec![source.clone()]).unwrap();
    assert!(!format!("{:?} {table:?}", table.schema()).contains(SECRET));

    let out = apply(&[], &source);
    assert!(out.schema().metadata().is_empty());
    assert!(out.schema().field(0).metadata().is_empty());
}

#[test]
fn the_types_of_emptied_columns_do_not_carry_names_and_metadata() {
    let inner = Arc::new(Field::new(SECRET, DataType::Int8, true));
    let data_type = DataType::Struct(vec![inner].into());
    let schema = Schema::new(vec![Field::new("a", data_type, true)]);
    let plan = Plan::compile(&[mask("a", Null)], &schema, &key(1), CONTRACT).unwrap();
    assert!(!format!("{:?}", plan.output_schema()).contains(SECRET));
}

#[test]
fn the_borders_of_batches_do_not_count_hidden_rows() {
    let total = 3 * BATCH_ROWS + 17;
    let ids: Vec<i64> = (0..).take(total).collect();
    let marks: Vec<i64> = ids.iter().map(|id| i64::from(id % 3 == 0)).collect();
    let source = batch(vec![
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("mark", Arc::new(Int64Array::from(marks))),
    ]);
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    let duties = [filter("mark", Operator::Eq, vec![number("1")])];
    let plan = Plan::compile(&duties, &table.schema(), &key(1), CONTRACT).unwrap();
    let lens: Vec<_> = plan.run(&table).unwrap().map(|batch| batch.unwrap().num_rows()).collect();
    assert_eq!(lens, [BATCH_ROWS, total.div_ceil(3) - BATCH_ROWS]);
}

#[test]
fn batches_put_together_carry_no_hidden_rows_either() {
    let source = two(Arc::new(StringArray::from(vec![PUBLIC, SECRET])));
    let batches = vec![source.clone(); 5000];
    let table = Table::from_batches(source.schema_ref(), batches).unwrap();
    let plan = Plan::compile(&[only_public()], &table.schema(), &key(1), CONTRACT).unwrap();
    let mut total = 0;
    for batch in plan.run(&table).unwrap() {
        let batch = batch.unwrap();
        total += batch.num_rows();
        assert!(!holds_bytes(&batch, SECRET.as_bytes()));
    }
    assert_eq!(total, 5000);
}

#[test]
fn a_result_does_not_change_with_hidden_rows() {
    let hidden = |values: Vec<&str>| {
        let source = two(Arc::new(StringArray::from(values)));
        let duties = [only_public(), mask("who", Hash)];
        let out = apply(&duties, &source);
        let bytes = buffers(&out);
        (out, bytes)
    };
    assert_eq!(hidden(vec![PUBLIC, SECRET]), hidden(vec![PUBLIC, ""]));
}
