//! Rows with structures, lists and maps as plain values, the arrays that hold them, and what must leave.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, ListArray, MapArray, RecordBatch,
    StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address {
    pub(crate) city: Option<String>,
    pub(crate) geo: Option<(Option<f64>, Option<f64>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) serial: Option<String>,
    pub(crate) weight: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) address: Option<Address>,
    pub(crate) parts: Option<Vec<Option<Part>>>,
    pub(crate) tags: Option<Vec<Option<String>>>,
    pub(crate) codes: Option<Vec<(String, Option<i64>)>>,
}

/// What becomes of each value of a leaf; `None` for what does not leave.
pub(crate) type Seen<'a> = &'a dyn Fn(&str, Value) -> Option<Value>;

impl Row {
    /// The row as JSON, where `seen` says what becomes of each leaf.
    pub(crate) fn json(&self, seen: Seen<'_>) -> Value {
        let object = |fields: Vec<(&str, Option<Value>)>| {
            let fields =
                fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let fields: serde_json::Map<_, _> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        };
        // Whether a whole leaves is seen by a missing value of it.
        let whole = |is_there: bool, value: Option<Value>| {
            value.map(|value| if is_there { value } else { Value::Null })
        };
        let geo = |geo: Option<(Option<f64>, Option<f64>)>| {
            let (lat, lon) = geo.unwrap_or_default();
            let fields = object(vec![
                ("lat", seen("address.geo.lat", json!(lat))),
                ("lon", seen("address.geo.lon", json!(lon))),
            ]);
            whole(geo.is_some(), fields)
        };
        let address = self.address.clone().unwrap_or(Address { city: None, geo: None });
        let address = object(vec![
            ("city", seen("address.city", json!(address.city))),
            ("geo", geo(address.geo)),
        ]);
        let part = |part: &Option<Part>| {
            let one = part.clone().unwrap_or(Part { serial: None, weight: None });
            let fields = object(vec![
                ("serial", seen("parts.serial", json!(one.serial))),
                ("weight", seen("parts.weight", json!(one.weight))),
            ]);
            whole(part.is_some(), fields)
        };
        let list = |is_there: bool, has_parts: bool, items: Vec<Option<Value>>| {
            let items = items.into_iter().flatten().collect();
            whole(is_there, has_parts.then_some(Value::Array(items)))
        };
        let parts = self.parts.as_deref().unwrap_or_default();
        let parts =
            list(self.parts.is_some(), part(&None).is_some(), parts.iter().map(part).collect());
        let tags = self.tags.as_deref().unwrap_or_default();
        let tags = list(
            self.tags.is_some(),
            seen("tags", Value::Null).is_some(),
            tags.iter().map(|tag| seen("tags", json!(tag))).collect(),
        );
        let code = |(key, value): &(String, Option<i64>)| {
            object(vec![
                ("key", seen("codes.key", json!(key))),
                ("value", seen("codes.value", json!(value))),
            ])
        };
        let codes = self.codes.as_deref().unwrap_or_default();
        let codes = list(
            self.codes.is_some(),
            code(&(String::new(), None)).is_some(),
            codes.iter().map(code).collect(),
        );
        let row = object(vec![
            ("id", seen("id", json!(self.id))),
            ("address", whole(self.address.is_some(), address)),
            ("parts", parts),
            ("tags", tags),
            ("codes", codes),
        ]);
        row.unwrap()
    }
}

/// Text where nobody must look.
pub(crate) fn junk(seed: u64) -> String {
    format!("hidden{seed:016x}")
}

fn junk_number(seed: u64) -> f64 {
    f64::from(u32::try_from(seed >> 32).unwrap()) + 0.5
}

fn nulls(is_there: impl Iterator<Item = bool>) -> NullBuffer {
    is_there.collect()
}

fn nullable(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

/// Texts as a dictionary, with an entry that no row has.
fn dictionary(texts: &[Option<String>], seed: u64) -> ArrayRef {
    let mut all: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
    let hidden = junk(seed);
    all.push(Some(&hidden));
    let array: DictionaryArray<Int32Type> = all.into_iter().collect();
    Arc::new(array.slice(0, texts.len()))
}

fn structure(fields: Vec<(&str, ArrayRef)>, is_there: impl Iterator<Item = bool>) -> ArrayRef {
    let (fields, columns): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, array)| (nullable(name, array.data_type().clone()), array))
        .unzip();
    Arc::new(StructArray::new(Fields::from(fields), columns, Some(nulls(is_there))))
}

/// Offsets that leave an item out at the beginning, and give an item to each list that is missing.
fn offsets(lens: &[Option<usize>]) -> OffsetBuffer<i32> {
    let mut offsets = vec![1];
    for len in lens {
        let last = *offsets.last().unwrap();
        offsets.push(last + i32::try_from(len.unwrap_or(1)).unwrap());
    }
    OffsetBuffer::new(offsets.into())
}

/// The items that lie as [`offsets`] says, with hidden ones at the beginning, at the end and under missing lists.
fn items<T: Clone>(lists: &[Option<Vec<T>>], hidden: T) -> Vec<T> {
    let mut items = vec![hidden.clone()];
    for list in lists {
        items.extend(list.clone().unwrap_or_else(|| vec![hidden.clone()]));
    }
    items.push(hidden);
    items
}

/// The rows as a batch. Where nothing is to be seen lies what follows from `seed`.
pub(crate) fn arrays(rows: &[Row], seed: u64) -> RecordBatch {
    let text = |text: Option<String>, is_there: bool| {
        if is_there { text } else { Some(junk(seed)) }
    };
    let number = |number: Option<f64>, is_there: bool| {
        if is_there { number } else { Some(junk_number(seed)) }
    };
    let addresses = || rows.iter().map(|row| row.address.clone());
    let cities: Vec<_> =
        addresses().map(|a| text(a.clone().and_then(|a| a.city), a.is_some())).collect();
    let geos: Vec<_> = addresses().map(|a| a.and_then(|a| a.geo)).collect();
    // A place that is missing may lie in an address that is not, and the other way round.
    let geo_there =
        |row: usize| geos[row].is_some() || (rows[row].address.is_none() && seed.is_multiple_of(2));
    let axis = |of: &dyn Fn((Option<f64>, Option<f64>)) -> Option<f64>| -> ArrayRef {
        let values = geos.iter().map(|geo| number(geo.and_then(of), geo.is_some()));
        Arc::new(values.collect::<Float64Array>())
    };
    let geo = structure(
        vec![("lat", axis(&|geo| geo.0)), ("lon", axis(&|geo| geo.1))],
        (0..rows.len()).map(geo_there),
    );
    let cities: ArrayRef = Arc::new(StringArray::from(cities));
    let address = structure(
        vec![("city", cities), ("geo", geo)],
        rows.iter().map(|row| row.address.is_some()),
    );

    let lists: Vec<_> = rows.iter().map(|row| row.parts.clone()).collect();
    let hidden = Part { serial: Some(junk(seed)), weight: Some(junk_number(seed)) };
    let parts = items(&lists, Some(hidden.clone()));
    let of = |part: &Option<Part>| part.clone().unwrap_or(hidden.clone());
    let serials: Vec<_> = parts.iter().map(|part| of(part).serial).collect();
    let weights: Float64Array = parts.iter().map(|part| of(part).weight).collect();
    let parts = structure(
        vec![("serial", dictionary(&serials, seed)), ("weight", Arc::new(weights))],
        parts.iter().map(Option::is_some),
    );
    let list = |lens: &[Option<usize>], items: ArrayRef| -> ArrayRef {
        let field = Arc::new(nullable("element", items.data_type().clone()));
        let there = Some(nulls(lens.iter().map(Option::is_some)));
        Arc::new(ListArray::new(field, offsets(lens), items, there))
    };
    let lens: Vec<_> = lists.iter().map(|list| list.as_ref().map(Vec::len)).collect();
    let parts = list(&lens, parts);

    let lists: Vec<_> = rows.iter().map(|row| row.tags.clone()).collect();
    let lens: Vec<_> = lists.iter().map(|list| list.as_ref().map(Vec::len)).collect();
    let tags: ArrayRef = Arc::new(StringArray::from(items(&lists, Some(junk(seed)))));
    let tags = list(&lens, tags);

    let lists: Vec<_> = rows.iter().map(|row| row.codes.clone()).collect();
    let lens: Vec<_> = lists.iter().map(|list| list.as_ref().map(Vec::len)).collect();
    let hidden = (junk(seed), Some(i64::from_le_bytes(seed.to_le_bytes())));
    let (keys, values): (Vec<_>, Vec<_>) = items(&lists, hidden).into_iter().unzip();
    let keys: ArrayRef = Arc::new(StringArray::from(keys));
    let values: ArrayRef = Arc::new(Int64Array::from(values));
    let fields = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        nullable("values", DataType::Int64),
    ]);
    let entries = StructArray::new(fields.clone(), vec![keys, values], None);
    let field = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    let there = Some(nulls(lens.iter().map(Option::is_some)));
    let codes: ArrayRef = Arc::new(MapArray::new(field, offsets(&lens), entries, there, false));

    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id)));
    crate::common::batch(vec![
        ("id", ids),
        ("address", address),
        ("parts", parts),
        ("tags", tags),
        ("codes", codes),
    ])
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9é,\"{\\[ ]{0,6}"
}

fn maybe<T: std::fmt::Debug + Clone>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop_oneof![1 => Just(None), 3 => strategy.prop_map(Some)]
}

fn float() -> impl Strategy<Value = f64> {
    (-9000..9000_i32).prop_map(|number| f64::from(number) / 64.0)
}

prop_compose! {
    pub(crate) fn row()(
        id in 0..6_i64,
        address in maybe((maybe(word()), maybe((maybe(float()), maybe(float()))))),
        parts in maybe(prop::collection::vec(maybe((maybe(word()), maybe(float()))), 0..4)),
        tags in maybe(prop::collection::vec(maybe(word()), 0..4)),
        codes in maybe(prop::collection::btree_map(word(), maybe(-50..50_i64), 0..3)),
    ) -> Row {
        let part = |(serial, weight)| Part { serial, weight };
        Row {
            id,
            address: address.map(|(city, geo)| Address { city, geo }),
            parts: parts.map(|list| list.into_iter().map(|one| one.map(part)).collect()),
            tags,
            codes: codes.map(|codes| codes.into_iter().collect()),
        }
    }
}
