//! Nested arrays, taken apart and put together.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, LargeListArray, ListArray, MapArray, StructArray,
    new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields};

use crate::tree::{KEY, VALUE};

/// The type without what differs from file to file: names and metadata of what has no values itself, and
/// what may be missing.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    let item = |item: &Field| Arc::new(Field::new_list_field(plain_type(item.data_type()), true));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|one| Field::new(one.name(), plain_type(one.data_type()), true))
                .collect(),
        ),
        DataType::List(one) => DataType::List(item(one)),
        DataType::LargeList(one) => DataType::LargeList(item(one)),
        DataType::FixedSizeList(one, len) => DataType::FixedSizeList(item(one), *len),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let names = [(KEY, false), (VALUE, true)].into_iter().zip(fields);
                let fields = names.map(|((name, is_nullable), one)| {
                    Field::new(name, plain_type(one.data_type()), is_nullable)
                });
                let entries = DataType::Struct(fields.collect());
                DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
            }
            _ => data_type.clone(),
        },
        _ => data_type.clone(),
    }
}

/// The array as one of a [plain type](plain_type) with the same parts, or some of them; what is not there is
/// missing. `None` if it is of another type.
pub(crate) fn filled(
    array: Option<&ArrayRef>,
    data_type: &DataType,
    rows: usize,
) -> Option<ArrayRef> {
    let Some(array) = array else { return Some(new_null_array(data_type, rows)) };
    if array.data_type() == data_type {
        return Some(Arc::clone(array));
    }
    let items =
        |items: &ArrayRef, field: &Field| filled(Some(items), field.data_type(), items.len());
    Some(match data_type {
        DataType::Struct(fields) => {
            let parts = array.as_struct_opt()?;
            let part = |field: &Arc<Field>| {
                filled(parts.column_by_name(field.name()), field.data_type(), rows)
            };
            let columns = fields.iter().map(part).collect::<Option<Vec<_>>>()?;
            let nulls = parts.nulls().cloned();
            Arc::new(StructArray::try_new(fields.clone(), columns, nulls).ok()?)
        }
        DataType::List(field) => {
            let (_, offsets, values, nulls) = array.as_list_opt::<i32>()?.clone().into_parts();
            let values = items(&values, field)?;
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls).ok()?)
        }
        DataType::LargeList(field) => {
            let (_, offsets, values, nulls) = array.as_list_opt::<i64>()?.clone().into_parts();
            let values = items(&values, field)?;
            Arc::new(LargeListArray::try_new(Arc::clone(field), offsets, values, nulls).ok()?)
        }
        DataType::FixedSizeList(field, _) => {
            let (_, len, values, nulls) = array.as_fixed_size_list_opt()?.clone().into_parts();
            let values = items(&values, field)?;
            Arc::new(FixedSizeListArray::try_new(Arc::clone(field), len, values, nulls).ok()?)
        }
        DataType::Map(field, _) => {
            let (_, offsets, entries, nulls, _) = array.as_map_opt()?.clone().into_parts();
            let DataType::Struct(fields) = field.data_type() else { return None };
            let part = |(field, column): (&Arc<Field>, &ArrayRef)| items(column, field);
            let columns = fields.iter().zip(entries.columns()).map(part);
            let columns = columns.collect::<Option<Vec<_>>>()?;
            let entries = StructArray::try_new(fields.clone(), columns, None).ok()?;
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, false).ok()?)
        }
        _ => return None,
    })
}

/// The type with another one for each leaf.
pub(crate) fn with_leaf_types(
    data_type: &DataType,
    leaf: &mut dyn FnMut(&DataType) -> DataType,
) -> DataType {
    let mut of = |field: &FieldRef| -> FieldRef {
        let data_type = with_leaf_types(field.data_type(), leaf);
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        DataType::List(field) => DataType::List(of(field)),
        DataType::LargeList(field) => DataType::LargeList(of(field)),
        DataType::FixedSizeList(field, len) => DataType::FixedSizeList(of(field), *len),
        DataType::Map(field, is_sorted) => DataType::Map(of(field), *is_sorted),
        other => leaf(other),
    }
}

/// The array with another one for each leaf, in their order.
pub(crate) fn with_leaves<E: From<ArrowError>>(
    array: &ArrayRef,
    leaf: &mut dyn FnMut(&ArrayRef) -> Result<ArrayRef, E>,
) -> Result<ArrayRef, E> {
    let typed = |field: &FieldRef, array: &ArrayRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone()))
    };
    let mut parts = |parts: &StructArray| -> Result<StructArray, E> {
        let columns = parts.columns().iter().map(|column| with_leaves(column, leaf));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let fields = parts.fields().iter().zip(&columns);
        let fields: Fields = fields.map(|(field, column)| typed(field, column)).collect();
        Ok(StructArray::try_new(fields, columns, parts.nulls().cloned())?)
    };
    if let Some(array) = array.as_struct_opt() {
        return Ok(Arc::new(parts(array)?));
    }
    if let Some(array) = array.as_map_opt() {
        let (field, offsets, entries, nulls, is_sorted) = array.clone().into_parts();
        let entries = parts(&entries)?;
        let data_type = entries.data_type().clone();
        let field = Arc::new(field.as_ref().clone().with_data_type(data_type));
        return Ok(Arc::new(MapArray::try_new(field, offsets, entries, nulls, is_sorted)?));
    }
    if let Some(array) = array.as_list_opt::<i32>() {
        let (field, offsets, values, nulls) = array.clone().into_parts();
        let values = with_leaves(&values, leaf)?;
        let field = typed(&field, &values);
        return Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?));
    }
    if let Some(array) = array.as_list_opt::<i64>() {
        let (field, offsets, values, nulls) = array.clone().into_parts();
        let values = with_leaves(&values, leaf)?;
        let field = typed(&field, &values);
        return Ok(Arc::new(LargeListArray::try_new(field, offsets, values, nulls)?));
    }
    if let Some(array) = array.as_fixed_size_list_opt() {
        let (field, len, values, nulls) = array.clone().into_parts();
        let values = with_leaves(&values, leaf)?;
        let field = typed(&field, &values);
        return Ok(Arc::new(FixedSizeListArray::try_new(field, len, values, nulls)?));
    }
    leaf(array)
}
