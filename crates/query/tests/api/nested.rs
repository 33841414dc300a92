//! Nested columns: a query sees none, and its caller is told which one stands in the way.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use dataspace_data_plane::Table;
use dataspace_policy::{Duty, MaskMethod, Operator};
use dataspace_query::GovernedView;
use dataspace_query::errors::ViewError;

use crate::common::{
    Key, RECIPIENT, ask, everything, filter, mask, rows, table, text, view, views,
};

/// Two rows: an address with a city, and a list.
fn nested() -> Arc<Table> {
    let cities: ArrayRef = Arc::new(StringArray::from(vec!["Ulm", "SECRETTOWN"]));
    let field = Field::new("city", cities.data_type().clone(), true);
    let address: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![cities], None));
    let items: ArrayRef = Arc::new(StringArray::from(vec!["SECRETTAG", "SECRETTAG"]));
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0, 2, 2].into());
    let tags: ArrayRef = Arc::new(ListArray::new(item, offsets, items, None));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    table(vec![
        RecordBatch::try_from_iter([("id", ids), ("address", address), ("tags", tags)]).unwrap(),
    ])
}

fn refused(duties: Vec<Duty>) -> ViewError {
    GovernedView::of_table(nested(), duties, Arc::new(Key(1)), RECIPIENT).unwrap_err()
}

#[test]
fn a_view_with_a_nested_column_is_refused_by_its_name() {
    for (duties, nested) in [
        (vec![], "address"),
        (vec![mask("address", MaskMethod::Drop)], "tags"),
        // A part that leaves is still in a structure.
        (vec![mask("address.city", MaskMethod::Hash), mask("tags", MaskMethod::Drop)], "address"),
    ] {
        let error = refused(duties);
        assert!(
            matches!(&error, ViewError::Nested { column } if column == nested),
            "{nested}: {error}"
        );
        assert!(error.to_string().contains("leave it out"), "{error}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
    let error = refused(vec![mask("tags", MaskMethod::Drop), mask("address", MaskMethod::Null)]);
    assert!(matches!(&error, ViewError::Untyped { column } if column == "address"), "{error}");
}

#[test]
fn what_is_not_nested_is_queried_and_the_duties_see_the_parts() {
    let duties = vec![
        filter("address.city", Operator::IsAnyOf, vec![text("Ulm")]),
        mask("address", MaskMethod::Drop),
        mask("tags", MaskMethod::Drop),
    ];
    let all = views(vec![("t", view(nested(), duties, 1))]);
    assert_eq!(rows(&all, "SELECT * FROM t"), ["1"]);
    assert_eq!(rows(&all, "SELECT count(*) FROM t"), ["1"]);
    for sql in [
        "SELECT address FROM t",
        "SELECT t.address.city FROM t",
        "SELECT \"address.city\" FROM t",
        "SELECT id FROM t WHERE address.city = 'SECRETTOWN'",
        "SELECT get_field(address, 'city') FROM t",
        "SELECT unnest(tags) FROM t",
    ] {
        // Some are no text that is taken at all.
        if dataspace_query::Query::parse(sql).is_ok() {
            let error = ask(&all, sql).unwrap_err();
            // What the text itself says may be told.
            assert!(!everything(&error).replace("SECRETTOWN", "").contains("SECRET"), "{sql}");
        }
    }
}
