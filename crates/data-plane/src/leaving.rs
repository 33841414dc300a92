//! The columns that leave, put together of the leaves that leave.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, NullArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::column::{TextTooLong, chosen};
use crate::items::{Items, Taken};
use crate::mask::Output;
use crate::plan_error::ApplyError;
use crate::pseudonym::PseudonymKeys;
use crate::tree::{self, KEY, Node, Tree, VALUE};

/// Bytes that a list, a map or a structure takes in a row, besides what lies in it.
pub(crate) const NEST_LEN: usize = 8;

/// How a column that leaves is made.
#[derive(Clone, Debug)]
enum Shape {
    /// Of a leaf: its place among the outputs.
    Leaf(usize),
    /// Of nothing: these outputs are all of it, and none of them is read. So it is missing in every row,
    /// and of no type that tells of its parts.
    Empty(Vec<usize>),
    Struct(Fields, Parts),
    List(FieldRef, Box<Shape>),
    /// Of a map, as one.
    Map(FieldRef, Fields, Box<Entries>),
    /// Of a map, as a list of what is left of its entries.
    Entries(FieldRef, Fields, Box<Entries>),
}

#[derive(Clone, Debug)]
struct Entries {
    key: Option<Shape>,
    value: Option<Shape>,
}

/// Where a column that leaves comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Column(usize),
    /// A leaf by itself.
    Leaf(usize),
}

/// What leaves of a table.
#[derive(Debug)]
pub(crate) struct Leaving {
    tree: Arc<Tree>,
    outputs: Vec<Output>,
    shapes: Vec<(Origin, Shape)>,
    schema: SchemaRef,
}

/// The rows of a batch, copied.
pub(crate) fn pick(
    copies: &Leaving,
    batch: &RecordBatch,
    rows: Range<usize>,
) -> Result<RecordBatch, ApplyError> {
    let columns: Vec<_> = batch.columns().iter().cloned().map(Some).collect();
    copies.batch(&columns, &rows.collect::<Vec<_>>(), None)
}

/// Parts of a structure by their names.
type Parts = Vec<(String, Shape)>;

/// A part that leaves, its type, and true if it is read of the table.
type Made = (Shape, DataType, bool);

impl Leaving {
    /// The columns of the table, of those of their leaves that are among `outputs`.
    pub(crate) fn new(tree: Arc<Tree>, outputs: Vec<Output>) -> Self {
        let mut places = vec![None; tree.schema().fields().len()];
        for (place, output) in outputs.iter().enumerate() {
            if let Some(slot) = places.get_mut(output.source) {
                *slot = Some(place);
            }
        }
        let maker = Maker { outputs: &outputs, places };
        let (mut shapes, mut fields) = (Vec::new(), Vec::new());
        for (root, node) in tree.roots().iter().enumerate() {
            let Some((shape, data_type, _)) = maker.make(node) else { continue };
            let field = match shape {
                Shape::Leaf(place) => outputs.get(place).map(|output| output.released.clone()),
                _ => tree.name_of(root).map(|name| Field::new(name, data_type, true)),
            };
            fields.extend(field);
            shapes.push((Origin::Column(root), shape));
        }
        let schema = Arc::new(Schema::new(fields));
        Self { tree, outputs, shapes, schema }
    }

    /// The leaves that are among `outputs`, each a column.
    pub(crate) fn flat(tree: Arc<Tree>, outputs: Vec<Output>) -> Self {
        let fields = outputs.iter().map(|output| output.released.clone());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let shapes = outputs.iter().enumerate();
        let shapes = shapes
            .map(|(place, output)| (Origin::Leaf(output.source), Shape::Leaf(place)))
            .collect();
        Self { tree, outputs, shapes, schema }
    }

    /// The columns of `schema` as they are, of those leaves that `is_wanted`.
    pub(crate) fn copies(
        schema: &Schema,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<Self, ApplyError> {
        let tree = Arc::new(Tree::grow(schema).0);
        let fields = tree.schema().fields().iter().enumerate();
        let outputs = fields
            .filter(|(leaf, _)| is_wanted(*leaf))
            .map(|(leaf, field)| Output::new(leaf, field, None));
        let outputs = outputs.collect::<Result<Vec<_>, _>>();
        let outputs = outputs.map_err(|_| ApplyError::OtherSchema)?;
        Ok(Self::new(tree, outputs.into_iter().flatten().collect()))
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    pub(crate) fn outputs_mut(&mut self) -> &mut [Output] {
        &mut self.outputs
    }

    /// The outputs behind each leaf of what leaves.
    pub(crate) fn behind(&self) -> Vec<Vec<usize>> {
        let mut all = Vec::new();
        self.shapes.iter().for_each(|(_, shape)| shape.add_outputs(&mut |some| all.push(some)));
        all
    }

    /// The same of some of the outputs.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(usize) -> bool) {
        let outputs = std::mem::take(&mut self.outputs).into_iter().enumerate();
        let outputs = outputs.filter(|(place, _)| is_wanted(*place)).map(|(_, output)| output);
        *self = Self::new(Arc::clone(&self.tree), outputs.collect());
    }

    fn array(&self, from: Origin, columns: &[Option<ArrayRef>]) -> Option<ArrayRef> {
        match from {
            Origin::Column(root) => columns.get(root)?.clone(),
            Origin::Leaf(leaf) => self.tree.read(leaf, columns),
        }
    }

    /// Bytes that so many different rows take at most once they left, all together; `None` if only their values can
    /// tell.
    pub(crate) fn most(&self, columns: &[Option<ArrayRef>], rows: usize) -> Option<usize> {
        self.shapes.iter().try_fold(0_usize, |sum, (from, shape)| {
            let Shape::Leaf(place) = shape else { return None };
            let array = self.array(*from, columns);
            sum.checked_add(self.outputs.get(*place)?.most(array.as_ref(), rows)?)
        })
    }

    /// Bytes that each of `rows` takes at most once it left.
    pub(crate) fn lens(&self, columns: &[Option<ArrayRef>], rows: &[usize]) -> Vec<usize> {
        let mut lens = vec![0; rows.len()];
        for (from, shape) in &self.shapes {
            let array = self.array(*from, columns);
            self.add_lens(shape, array.as_ref(), rows, &mut lens);
        }
        lens
    }

    fn add_lens(&self, shape: &Shape, array: Option<&ArrayRef>, rows: &[usize], to: &mut [usize]) {
        if let Shape::Leaf(place) = shape {
            if let Some(output) = self.outputs.get(*place) {
                output.add_lens(array, rows, to);
            }
            return;
        }
        for len in to.iter_mut() {
            *len = len.saturating_add(NEST_LEN);
        }
        match shape {
            Shape::Leaf(_) | Shape::Empty(_) => {}
            Shape::Struct(_, parts) => {
                for (name, part) in parts {
                    let array = array.and_then(|array| tree::field(array.as_struct_opt()?, name));
                    self.add_lens(part, array.as_ref(), rows, to);
                }
            }
            Shape::List(_, item) => {
                let Some(items) = array.and_then(Items::of) else { return };
                let items = &items;
                add_items(items, rows, to, |rows, lens| {
                    self.add_lens(item, Some(items.values()), rows, lens);
                });
            }
            Shape::Map(_, _, entries) | Shape::Entries(_, _, entries) => {
                let Some(items) = array.and_then(Items::of) else { return };
                let items = &items;
                add_items(items, rows, to, |rows, lens| {
                    for (part, place) in entries.parts() {
                        self.add_lens(part, items.part(place).as_ref(), rows, lens);
                    }
                });
            }
        }
    }

    /// What leaves of `rows`, in arrays of their own.
    pub(crate) fn batch(
        &self,
        columns: &[Option<ArrayRef>],
        rows: &[usize],
        keys: Option<&PseudonymKeys>,
    ) -> Result<RecordBatch, ApplyError> {
        let arrays = self.shapes.iter().zip(self.schema.fields()).map(|((from, shape), field)| {
            let array = self.array(*from, columns);
            self.column(shape, array.as_ref(), rows, keys)
                .ok_or(ApplyError::OtherSchema)?
                .map_err(|_| ApplyError::TextTooLong { column: field.name().clone() })
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(ApplyError::Assemble)
    }

    /// `None` if the array is not of the column's type.
    fn column(
        &self,
        shape: &Shape,
        array: Option<&ArrayRef>,
        rows: &[usize],
        keys: Option<&PseudonymKeys>,
    ) -> Option<Result<ArrayRef, TextTooLong>> {
        let part = |shape: &Shape, array: Option<&ArrayRef>, rows: &[usize]| {
            self.column(shape, array, rows, keys)
        };
        macro_rules! short {
            ($result:expr) => {
                match $result? {
                    Ok(array) => array,
                    Err(error) => return Some(Err(error)),
                }
            };
        }
        match shape {
            Shape::Leaf(place) => {
                let output = self.outputs.get(*place)?;
                let name = self.tree.schema().fields().get(output.source)?.name();
                output.column(array, rows, name, keys)
            }
            Shape::Empty(_) => Some(Ok(Arc::new(NullArray::new(rows.len())))),
            Shape::Struct(fields, parts) => {
                let array = array?.as_struct_opt()?;
                let mut children = Vec::new();
                for (name, shape) in parts {
                    // What is emptied may not have been read.
                    let child = tree::field(array, name);
                    children.push(short!(part(shape, child.as_ref(), rows)));
                }
                let nulls = chosen(array.nulls(), rows);
                let made = StructArray::try_new(fields.clone(), children, nulls).ok()?;
                Some(Ok(Arc::new(made)))
            }
            Shape::List(field, item) => {
                let items = Items::of(array?)?;
                let Some(taken) = items.take(rows) else { return Some(Err(TextTooLong)) };
                let child = short!(part(item, Some(items.values()), &taken.rows));
                let nulls = chosen(items.nulls(), rows);
                let made = ListArray::try_new(field.clone(), taken.offsets(), child, nulls);
                Some(Ok(Arc::new(made.ok()?)))
            }
            Shape::Map(field, fields, entries) | Shape::Entries(field, fields, entries) => {
                let items = Items::of(array?)?;
                let Some(taken) = items.take(rows) else { return Some(Err(TextTooLong)) };
                let mut children = Vec::new();
                for (shape, place) in entries.parts() {
                    let child = items.part(place);
                    children.push(short!(part(shape, child.as_ref(), &taken.rows)));
                }
                let nulls = chosen(items.nulls(), rows);
                let entries = StructArray::try_new(fields.clone(), children, None).ok()?;
                let offsets = taken.offsets();
                Some(Ok(if matches!(shape, Shape::Map(..)) {
                    let field = Arc::clone(field);
                    Arc::new(MapArray::try_new(field, offsets, entries, nulls, false).ok()?)
                } else {
                    let field = Arc::clone(field);
                    let made = ListArray::try_new(field, offsets, Arc::new(entries), nulls);
                    Arc::new(made.ok()?)
                }))
            }
        }
    }
}

impl Shape {
    /// Gives the outputs behind each leaf of what leaves, in their order.
    fn add_outputs(&self, take: &mut dyn FnMut(Vec<usize>)) {
        match self {
            Self::Leaf(place) => take(vec![*place]),
            Self::Empty(places) => take(places.clone()),
            Self::Struct(_, parts) => parts.iter().for_each(|(_, part)| part.add_outputs(take)),
            Self::List(_, item) => item.add_outputs(take),
            Self::Map(_, _, entries) | Self::Entries(_, _, entries) => {
                entries.parts().for_each(|(part, _)| part.add_outputs(take));
            }
        }
    }
}

impl Entries {
    /// The parts that leave, each with its place in an entry.
    fn parts(&self) -> impl Iterator<Item = (&Shape, usize)> {
        let key = self.key.iter().map(|shape| (shape, 0));
        key.chain(self.value.iter().map(|shape| (shape, 1)))
    }
}

/// Adds the lengths of the items of each row.
fn add_items(
    items: &Items<'_>,
    rows: &[usize],
    to: &mut [usize],
    add: impl Fn(&[usize], &mut [usize]),
) {
    let Some(Taken { rows: of_items, ends }) = items.take(rows) else {
        // More than an array holds.
        return to.fill(usize::MAX);
    };
    let mut lens = vec![0; of_items.len()];
    add(&of_items, &mut lens);
    let mut from = 0;
    for (len, end) in to.iter_mut().zip(&ends) {
        let end = usize::try_from(*end).unwrap_or_default();
        let all = lens.get(from..end).unwrap_or_default().iter();
        *len = all.fold(*len, |sum, len| sum.saturating_add(*len));
        from = end;
    }
}

struct Maker<'a> {
    outputs: &'a [Output],
    /// Of each leaf, the place among the outputs.
    places: Vec<Option<usize>>,
}

impl Maker<'_> {
    /// `None` if no part of it leaves.
    fn make(&self, node: &Node) -> Option<Made> {
        let (shape, data_type, is_read) = match node {
            Node::Leaf(leaf) => {
                let place = self.places.get(*leaf).copied().flatten()?;
                let output = self.outputs.get(place)?;
                let data_type = output.released.data_type().clone();
                return Some((Shape::Leaf(place), data_type, output.reads()));
            }
            Node::Struct(parts) => {
                let parts = parts.iter();
                let made = parts.filter_map(|(name, part)| Some((name.as_str(), self.make(part)?)));
                let (fields, parts, is_read) = fields(made)?;
                let data_type = DataType::Struct(fields.clone());
                (Shape::Struct(fields, parts), data_type, is_read)
            }
            Node::List(item) => {
                let (item, data_type, is_read) = self.make(item)?;
                let field = Arc::new(Field::new_list_field(data_type, true));
                let data_type = DataType::List(Arc::clone(&field));
                (Shape::List(field, Box::new(item)), data_type, is_read)
            }
            Node::Map(key, value) => self.entries(key, value)?,
        };
        // WHY: where all of it is emptied, the lengths of lists are, too.
        if is_read {
            return Some((shape, data_type, true));
        }
        let mut all = Vec::new();
        shape.add_outputs(&mut |outputs| all.extend(outputs));
        Some((Shape::Empty(all), DataType::Null, false))
    }

    fn entries(&self, key: &Node, value: &Node) -> Option<Made> {
        let is_map = self.is_key(key);
        let (of_key, of_value) = (self.make(key), self.make(value));
        let is_map = is_map && of_key.is_some() && of_value.is_some();
        let made = [(KEY, of_key), (VALUE, of_value)].into_iter();
        let (fields, parts, is_read) = fields(made.filter_map(|(name, made)| Some((name, made?))))?;
        let (mut key, mut value) = (None, None);
        for (name, shape) in parts {
            *(if name == KEY { &mut key } else { &mut value }) = Some(shape);
        }
        let entries = Box::new(Entries { key, value });
        if is_map {
            let keyed = fields.iter().map(|field| {
                let is_missing = field.name() != KEY;
                Arc::new(field.as_ref().clone().with_nullable(is_missing))
            });
            let keyed: Fields = keyed.collect();
            let field = Arc::new(Field::new("entries", DataType::Struct(keyed.clone()), false));
            let data_type = DataType::Map(Arc::clone(&field), false);
            return Some((Shape::Map(field, keyed, entries), data_type, is_read));
        }
        let field = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), true));
        let data_type = DataType::List(Arc::clone(&field));
        Some((Shape::Entries(field, fields, entries), data_type, is_read))
    }

    /// Returns true if the keys that leave are as many different ones as the map has.
    // WHY: two keys that a mask makes one would be one entry to those who read a map.
    fn is_key(&self, key: &Node) -> bool {
        let Node::Leaf(leaf) = key else { return false };
        let output = self.places.get(*leaf).copied().flatten();
        let output = output.and_then(|place| self.outputs.get(place));
        output.is_some_and(Output::tells_apart)
    }
}

/// Parts that leave, as the fields of a structure; `None` if there are none.
fn fields<'a>(parts: impl Iterator<Item = (&'a str, Made)>) -> Option<(Fields, Parts, bool)> {
    let (mut fields, mut shapes, mut is_read) = (Vec::new(), Vec::new(), false);
    for (name, (shape, data_type, reads)) in parts {
        fields.push(Field::new(name, data_type, true));
        shapes.push((name.to_owned(), shape));
        is_read |= reads;
    }
    (!fields.is_empty()).then(|| (fields.into(), shapes, is_read))
}
