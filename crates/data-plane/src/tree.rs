//! The columns of a table with the parts of those that are nested, each by a name of its own.
//!
//! A field of a structure is named by the way to it: `address.city`. The items of a list have the list's
//! own name, and their fields follow it: `parts.serial`. A map has keys and values: `codes.key`,
//! `codes.value`. What has no parts is a leaf: it has values of one type.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, StructArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::nullif::nullif;
use dataspace_primitives::Name;

use crate::chunk::{COLUMNS_MAX, Chunk};
use crate::column::released_type;
use crate::plan_error::PlanError;

/// How deep structures, lists and maps may lie in each other; what lies deeper is not looked into.
pub(crate) const DEPTH_MAX: usize = 8;

/// The names of a map's parts.
pub(crate) const KEY: &str = "key";
pub(crate) const VALUE: &str = "value";

/// How the leaves of a column lie in each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// By its place among the leaves of the table.
    Leaf(usize),
    Struct(Vec<(String, Node)>),
    List(Box<Node>),
    Map(Box<Node>, Box<Node>),
}

impl Node {
    /// Gives each of its leaves.
    pub(crate) fn each(&self, take: &mut dyn FnMut(usize)) {
        match self {
            Self::Leaf(leaf) => take(*leaf),
            Self::Struct(parts) => parts.iter().for_each(|(_, part)| part.each(take)),
            Self::List(item) => item.each(take),
            Self::Map(key, value) => {
                key.each(take);
                value.each(take);
            }
        }
    }
}

/// Values of one type, or of a type that is not looked into.
#[derive(Clone, Debug)]
struct Leaf {
    root: usize,
    /// From the column on, through structures, until the first list.
    way: Vec<String>,
    is_repeated: bool,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Places of its leaves.
    pub(crate) leaves: Range<usize>,
    pub(crate) is_leaf: bool,
}

/// A table with two parts of one name, or with more parts than a table may have columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    Twice(String),
    Count(usize),
}

impl From<Unclear> for PlanError {
    fn from(unclear: Unclear) -> Self {
        match unclear {
            Unclear::Twice(column) => PlanError::DuplicateColumn { column },
            Unclear::Count(found) => PlanError::ColumnCount { found },
        }
    }
}

/// The columns of a table and their parts.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    names_of_roots: Vec<String>,
    roots: Vec<Node>,
    leaves: Vec<Leaf>,
    /// The leaves, under their names.
    schema: SchemaRef,
    names: BTreeMap<String, Part>,
}

impl Tree {
    pub(crate) fn of(schema: &Schema) -> Result<Self, Unclear> {
        match Self::grow(schema) {
            (_, Some(twice)) => Err(Unclear::Twice(twice)),
            (tree, None) if tree.leaves.len() > COLUMNS_MAX => {
                Err(Unclear::Count(tree.leaves.len()))
            }
            (tree, None) => Ok(tree),
        }
    }

    /// With a name that two parts have, if there is one.
    pub(crate) fn grow(schema: &Schema) -> (Self, Option<String>) {
        let mut grown = Grown::default();
        let mut roots = Vec::new();
        for (root, field) in schema.fields().iter().enumerate() {
            let at = At { root, path: field.name(), way: Vec::new(), is_repeated: false, depth: 0 };
            roots.push(grown.part(field.data_type(), &at));
            // As it is, with its spelling.
            if let (Some(Node::Leaf(leaf)), false) = (roots.last(), field.data_type().is_nested())
                && let Some(one) = grown.fields.get_mut(*leaf)
            {
                *one = Arc::clone(field);
            }
        }
        let Grown { leaves, fields, names: found } = grown;
        let (mut names, mut twice) = (BTreeMap::new(), None);
        for (name, part) in found {
            if names.insert(name.clone(), part).is_some() {
                twice.get_or_insert(name);
            }
        }
        let names_of_roots = schema.fields().iter().map(|field| field.name().clone()).collect();
        let schema = Arc::new(Schema::new(fields));
        (Self { names_of_roots, roots, leaves, schema, names }, twice)
    }

    /// The name of a column.
    pub(crate) fn name_of(&self, root: usize) -> Option<&str> {
        self.names_of_roots.get(root).map(String::as_str)
    }

    /// The leaves, as columns of a table that is not nested.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How the leaves of each column lie in each other.
    pub(crate) fn roots(&self) -> &[Node] {
        &self.roots
    }

    /// Returns true if no column has parts.
    pub(crate) fn is_flat(&self) -> bool {
        self.roots.iter().all(|root| matches!(root, Node::Leaf(_)))
    }

    /// Returns true if a row may have several values of this leaf.
    pub(crate) fn is_repeated(&self, leaf: usize) -> bool {
        self.leaves.get(leaf).is_some_and(|leaf| leaf.is_repeated)
    }

    /// The columns in which some of these leaves lie.
    pub(crate) fn roots_of(&self, leaves: &[bool]) -> Vec<bool> {
        let mut roots = vec![false; self.roots.len()];
        for (leaf, is_wanted) in self.leaves.iter().zip(leaves) {
            if let Some(root) = roots.get_mut(leaf.root) {
                *root |= is_wanted;
            }
        }
        roots
    }

    /// The column that a leaf lies in.
    pub(crate) fn root_of(&self, leaf: usize) -> Option<usize> {
        self.leaves.get(leaf).map(|leaf| leaf.root)
    }

    /// What a name stands for.
    pub(crate) fn find(&self, name: &str) -> Option<&Part> {
        self.names.get(name)
    }

    /// What a duty's name stands for.
    pub(crate) fn part(&self, clause: usize, name: &str) -> Result<&Part, PlanError> {
        let unknown = || PlanError::UnknownColumn { clause, column: name.to_owned() };
        self.find(name).ok_or_else(unknown)
    }

    /// The name of a part of what is nested, for an error.
    pub(crate) fn nested(&self, clause: usize, name: &str, part: &Part) -> PlanError {
        let leaf = self.schema.fields().get(part.leaves.start);
        let part = leaf.map(|leaf| leaf.name().clone()).unwrap_or_default();
        PlanError::Nested { clause, column: name.to_owned(), part }
    }

    /// Checks that a duty's name stands for a leaf with one value in each row.
    pub(crate) fn is_one(&self, clause: usize, name: &str) -> Result<(), PlanError> {
        let part = self.part(clause, name)?;
        if !part.is_leaf {
            return Err(self.nested(clause, name, part));
        }
        if self.is_repeated(part.leaves.start) {
            return Err(PlanError::Repeated { clause, column: name.to_owned() });
        }
        Ok(())
    }

    /// The values of a leaf with one value in each row; `None` if they are not there.
    pub(crate) fn read(&self, leaf: usize, columns: &[Option<ArrayRef>]) -> Option<ArrayRef> {
        let leaf = self.leaves.get(leaf).filter(|leaf| !leaf.is_repeated)?;
        let mut array = columns.get(leaf.root)?.clone()?;
        for step in &leaf.way {
            array = field(array.as_struct_opt()?, step)?;
        }
        Some(array)
    }

    /// The leaves of these places, as columns by themselves.
    pub(crate) fn flat(&self, chunk: &Chunk, leaves: impl Iterator<Item = usize>) -> Chunk {
        let mut columns = vec![None; self.leaves.len()];
        for leaf in leaves {
            if let Some(slot) = columns.get_mut(leaf) {
                *slot = self.read(leaf, &chunk.columns);
            }
        }
        Chunk { columns, rows: chunk.rows }
    }
}

/// A field of a structure, missing where the structure is.
// WHY: Arrow allows any values of the fields where the structure itself is missing.
pub(crate) fn field(array: &StructArray, name: &str) -> Option<ArrayRef> {
    let child = array.column_by_name(name)?;
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => Some(Arc::clone(child)),
        Some(nulls) => nullif(child, &BooleanArray::new(!nulls.inner(), None)).ok(),
    }
}

#[derive(Default)]
struct Grown {
    leaves: Vec<Leaf>,
    fields: Vec<Arc<Field>>,
    names: Vec<(String, Part)>,
}

/// Where a part is.
struct At<'a> {
    root: usize,
    path: &'a str,
    way: Vec<String>,
    is_repeated: bool,
    depth: usize,
}

impl At<'_> {
    /// The path of a part; `None` if no duty could name it.
    fn of(&self, part: &str) -> Option<String> {
        let path = format!("{}.{part}", self.path);
        (!part.is_empty() && path.parse::<Name>().is_ok()).then_some(path)
    }

    fn below<'a>(&self, path: &'a str, step: &str) -> At<'a> {
        let mut way = self.way.clone();
        if !self.is_repeated {
            way.push(step.to_owned());
        }
        let (root, is_repeated) = (self.root, self.is_repeated);
        At { root, path, way, is_repeated, depth: self.depth + 1 }
    }

    /// A list or map has several of what lies in it.
    fn repeated(&self) -> Self {
        let Self { root, path, ref way, depth, .. } = *self;
        Self { root, path, way: way.clone(), is_repeated: true, depth: depth + 1 }
    }
}

impl Grown {
    /// Adds what has a name of its own.
    fn part(&mut self, data_type: &DataType, at: &At<'_>) -> Node {
        let from = self.leaves.len();
        let node = self.node(data_type, at);
        let part = Part { leaves: from..self.leaves.len(), is_leaf: is_leaf(&node) };
        self.names.push((at.path.to_owned(), part));
        node
    }

    /// Adds what shares its name with a list around it.
    fn node(&mut self, data_type: &DataType, at: &At<'_>) -> Node {
        let before = (self.leaves.len(), self.names.len());
        if at.depth < DEPTH_MAX && before.0 <= COLUMNS_MAX {
            if let Some(node) = self.nested(data_type, at) {
                return node;
            }
            self.leaves.truncate(before.0);
            self.fields.truncate(before.0);
            self.names.truncate(before.1);
        }
        self.leaves.push(Leaf { root: at.root, way: at.way.clone(), is_repeated: at.is_repeated });
        self.fields.push(Arc::new(Field::new(at.path, data_type.clone(), true)));
        Node::Leaf(before.0)
    }

    /// `None` if it is not nested, or cannot be looked into.
    fn nested(&mut self, data_type: &DataType, at: &At<'_>) -> Option<Node> {
        match data_type {
            DataType::Struct(fields) if !fields.is_empty() => {
                let mut parts = Vec::new();
                for field in fields {
                    let path = at.of(field.name())?;
                    let node = self.part(field.data_type(), &at.below(&path, field.name()));
                    parts.push((field.name().clone(), node));
                }
                Some(Node::Struct(parts))
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Some(Node::List(Box::new(self.node(item.data_type(), &at.repeated()))))
            }
            // WHY deeper by one: without its keys it leaves as a list of structures.
            DataType::Map(entries, _) if at.depth + 1 < DEPTH_MAX => {
                let DataType::Struct(fields) = entries.data_type() else { return None };
                let [key, value] = &fields[..] else { return None };
                let at = at.repeated();
                let (of_key, of_value) = (at.of(KEY)?, at.of(VALUE)?);
                let from = self.leaves.len();
                let key = self.part(key.data_type(), &at.below(&of_key, KEY));
                let between = self.leaves.len();
                let value = self.part(value.data_type(), &at.below(&of_value, VALUE));
                // WHY: keys are not read without a value, nor values without a key.
                let is_read = |field: &Arc<Field>| released_type(field.data_type()).is_some();
                let (keys, values) = self.fields.get(from..)?.split_at_checked(between - from)?;
                let is_open = keys.iter().any(is_read) && values.iter().any(is_read);
                is_open.then(|| Node::Map(Box::new(key), Box::new(value)))
            }
            _ => None,
        }
    }
}

/// Returns true of values of one type, also if they are the items of lists.
fn is_leaf(node: &Node) -> bool {
    match node {
        Node::Leaf(_) => true,
        Node::List(item) => is_leaf(item),
        Node::Struct(_) | Node::Map(_, _) => false,
    }
}
