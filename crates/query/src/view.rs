//! Governed views: what the duties leave of a product, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Delivery, Product, Table};
use dataspace_policy::Duty;
use dataspace_primitives::{Name, Part, Secrets};
use thiserror::Error;

use crate::bridge::their_schema;
use crate::scan_permit::ScanPermit;

/// Opens what leaves of a product: these of its columns, in any number of rows.
type Open = dyn Fn(&BTreeSet<Name>) -> Result<Box<dyn Delivery>, ProductError> + Send + Sync;

/// The rows that may leave of one product under one contract, as a table that queries can name.
///
/// It gives out nothing but a [`Delivery`], on which the duties are carried out: filters, masks and the
/// order of rows lie below, and a query cannot reach there. A query tells it which columns it needs, and
/// nothing else.
#[derive(Clone)]
pub struct GovernedView {
    schema: SchemaRef,
    names: Arc<Vec<Name>>,
    open: Arc<Open>,
    permit: Option<Arc<ScanPermit>>,
}

/// Why there is no such view.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// Its columns cannot be named, or are of types that do not leave.
    #[error("the columns of the view cannot be queried")]
    Columns,
    /// A structure, list or map leaves, and queries know none.
    #[error(
        "column `{column}` is nested, and queries take no such columns; leave it out, or release it as a \
         table whose columns are not nested"
    )]
    Nested {
        /// The column.
        column: String,
    },
    /// The duties empty a column as a whole, so that not even its type leaves, and queries need one.
    #[error(
        "column `{column}` is emptied as a whole and has no type; leave it out of what is queried"
    )]
    Untyped {
        /// The column.
        column: String,
    },
    /// The duties cannot be carried out.
    #[error(transparent)]
    Product(#[from] ProductError),
    /// Another view has the name.
    #[error("there is a view `{name}` already")]
    Twice {
        /// The name.
        name: String,
    },
    /// Figures of groups leave by the contract, as one answer; see [`GovernedView::new`].
    #[error("figures of groups leave, as one answer, and no columns by themselves")]
    Figures,
    /// Persons are counted by the contract before anything leaves, which a node does for its releases alone; see
    /// [`GovernedView::new`].
    #[error("persons are counted before anything leaves; make the view of a release")]
    Persons,
    /// What is opened has no rows.
    #[error("the product has no rows")]
    NotATable,
}

impl GovernedView {
    /// A view of what `open` gives: the columns of `schema`. It is told which of them are needed, at least
    /// one. A delivery may be opened several times for one query, and gives [rows](dataspace_data_plane::Piece::Rows)
    /// with the columns that were asked for, in the order of `schema`.
    ///
    /// # Errors
    /// [`ViewError::Columns`] if the columns cannot be named or are of types that do not leave.
    pub fn new<F>(schema: SchemaRef, open: F) -> Result<Self, ViewError>
    where
        F: Fn(&BTreeSet<Name>) -> Result<Box<dyn Delivery>, ProductError> + Send + Sync + 'static,
    {
        let fields = schema.fields().iter();
        let names = fields.map(|field| field.name().parse::<Name>());
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|_| ViewError::Columns)?;
        for field in schema.fields() {
            let column = || field.name().clone();
            if field.data_type().is_nested() {
                return Err(ViewError::Nested { column: column() });
            }
            if field.data_type().is_null() {
                return Err(ViewError::Untyped { column: column() });
            }
        }
        let distinct: BTreeSet<_> = names.iter().collect();
        if names.is_empty() || distinct.len() < names.len() || their_schema(&schema).is_none() {
            return Err(ViewError::Columns);
        }
        Ok(Self { schema, names: Arc::new(names), open: Arc::new(open), permit: None })
    }

    /// A view of a table under the duties of the recipient's contract.
    ///
    /// # Errors
    /// [`ViewError`] if the duties cannot be carried out on it.
    pub fn of_table(
        table: Arc<Table>,
        duties: Vec<Duty>,
        secrets: Arc<dyn Secrets>,
        recipient: Recipient<'_>,
    ) -> Result<Self, ViewError> {
        if duties.iter().any(|duty| matches!(duty, Duty::Aggregate(_))) {
            return Err(ViewError::Figures);
        }
        if duties.iter().any(|duty| matches!(duty, Duty::Persons(_))) {
            return Err(ViewError::Persons);
        }
        let opened = Product::open(&*table, &duties, None, &*secrets, recipient)?;
        let schema = opened.schema().ok_or(ViewError::NotATable)?;
        drop(opened);
        let (contract, consumer) = (recipient.contract.to_vec(), recipient.consumer.to_owned());
        Self::new(schema, move |columns| {
            let part = Part::Rows { columns: Some(columns.clone()), rows_max: None };
            let recipient = Recipient { contract: &contract, consumer: &consumer };
            Product::open(&*table, &duties, Some(&part), &*secrets, recipient)
        })
    }

    /// The view with the recorded permit by which it is opened, so that a scan of it can be described to another
    /// machine ([`distributed`](crate::distributed)). That it is the one, the caller knows.
    #[must_use]
    pub fn permitted_by(self, permit: ScanPermit) -> Self {
        Self { permit: Some(Arc::new(permit)), ..self }
    }

    /// The permit that was named.
    pub(crate) fn permit(&self) -> Option<&ScanPermit> {
        self.permit.as_deref()
    }

    /// The names of the columns, in their order.
    pub(crate) fn names(&self) -> &[Name] {
        &self.names
    }

    /// The columns that queries see.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Opens the columns at these positions.
    pub(crate) fn open(&self, columns: &[usize]) -> Result<Box<dyn Delivery>, ProductError> {
        let names = columns.iter().filter_map(|column| self.names.get(*column));
        (self.open)(&names.cloned().collect())
    }
}

impl fmt::Debug for GovernedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernedView").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The views that one query may name.
#[derive(Clone, Debug, Default)]
pub struct Views(pub(crate) BTreeMap<String, GovernedView>);

impl Views {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, under the name by which queries call it.
    ///
    /// # Errors
    /// [`ViewError::Twice`] if the name is taken.
    pub fn with(mut self, name: &Name, view: GovernedView) -> Result<Self, ViewError> {
        let name = name.as_str().to_owned();
        if self.0.contains_key(&name) {
            return Err(ViewError::Twice { name });
        }
        self.0.insert(name, view);
        Ok(self)
    }
}
