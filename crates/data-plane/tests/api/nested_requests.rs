//! Requests for parts of nested columns.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, MapBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StructArray};
use arrow_schema::Field;
use dataspace_data_plane::{Piece, Plan, Product, Table, errors::PartError, product::ProductError};
use dataspace_policy::MaskMethod::{Drop, Hash, Null, Truncate};
use dataspace_policy::{Duty, Limit};
use dataspace_primitives::Part;

use crate::common::{CONTRACT, Sevens, batch, mask, rows};
use crate::nested::{released, table, two};
use crate::nested_model::{Row, arrays};

/// What a consumer gets that asks for this part.
fn asked(table: &Table, duties: &[Duty], columns: &[&str]) -> Result<Vec<String>, ProductError> {
    let columns = columns.iter().map(|one| one.parse().unwrap()).collect();
    let part = Part::rows(Some(columns), None).unwrap();
    let mut delivery = Product::open(table, duties, Some(&part), &Sevens, CONTRACT)?;
    let mut all = Vec::new();
    while let Some(Piece::Rows(batch)) = delivery.next().unwrap() {
        assert_eq!(Some(batch.schema()), delivery.schema());
        all.extend(rows(&batch));
    }
    Ok(all)
}

#[test]
fn a_request_may_ask_for_parts() {
    let table = table(&two());
    let limit = Duty::Limit(Limit { rows: 1 });
    let hidden = mask("address.geo", Null);
    for duties in [
        vec![mask("address.city", Hash), hidden.clone()],
        vec![mask("address.city", Hash), hidden.clone(), limit],
    ] {
        for (columns, cells) in [
            (&["address.city"][..], 1),
            (&["address"], 2),
            (&["parts.weight", "id"], 2),
            (&["codes.value"], 1),
        ] {
            let found = asked(&table, &duties, columns).unwrap();
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(found[0].as_bytes());
            assert_eq!(reader.records().next().unwrap().unwrap().len(), cells, "{columns:?}");
        }
        // Of what is emptied as a whole, no part is known.
        for columns in [&["address.street"][..], &["address.geo.lat"], &["codes.nothing"]] {
            let error = asked(&table, &duties, columns).unwrap_err();
            assert!(matches!(error, ProductError::Part(PartError::Column { .. })), "{error}");
        }
    }
}

#[test]
fn what_lies_beside_a_deep_map_is_what_is_asked_for() {
    let mut codes = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    codes.keys().append_value("steel");
    codes.values().append_value(9);
    codes.append(true).unwrap();
    let codes: ArrayRef = Arc::new(codes.finish());
    for depth in 0..12 {
        let mut deep = Arc::clone(&codes);
        let mut path = "m".to_owned();
        for _ in 0..depth {
            let field = Arc::new(Field::new("s", deep.data_type().clone(), true));
            deep = Arc::new(StructArray::from(vec![(field, deep)]));
            path.push_str(".s");
        }
        let z: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let table = table(&batch(vec![("m", deep), ("z", z)]));
        let duties = [mask(&format!("{path}.key"), Truncate { chars: 1 })];
        // What lies too deep cannot be named.
        if Plan::check(&duties, &table.schema()).is_ok() {
            assert_eq!(asked(&table, &duties, &["z"]).unwrap(), ["7"], "{depth}");
            assert_eq!(asked(&table, &duties, &["m"]).unwrap().len(), 1, "{depth}");
        } else {
            assert!(depth > 5, "{depth}");
        }
    }
}

#[test]
fn the_first_rows_are_the_same_whatever_parts_are_asked_for() {
    let all: Vec<Row> = (0..40)
        .map(|id| Row {
            id,
            address: None,
            parts: None,
            tags: Some(vec![Some(id.to_string())]),
            codes: None,
        })
        .collect();
    let table = table(&arrays(&all, 1));
    let duties = [mask("codes", Drop), Duty::Limit(Limit { rows: 5 })];
    let ids = asked(&table, &duties, &["id"]).unwrap();
    let tags = asked(&table, &duties, &["tags"]).unwrap();
    let expected: Vec<_> = ids.iter().map(|id| format!("\"[\"\"{id}\"\"]\"")).collect();
    assert_eq!(tags, expected);
}

#[test]
fn long_lists_end_a_batch_early_and_come_whole() {
    // 40 rows of about a mebibyte.
    let all: Vec<Row> = (0..40)
        .map(|id| Row {
            id,
            address: None,
            parts: None,
            tags: Some(vec![Some("x".repeat(1024)); 1024]),
            codes: None,
        })
        .collect();
    let table = table(&arrays(&all, 1));
    for duties in [vec![], vec![mask("codes", Drop)]] {
        let (_, batches) = released(&table, &duties);
        let lens: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
        assert!(lens.len() > 2 && lens.iter().sum::<usize>() == 40, "{lens:?}");
    }
}
