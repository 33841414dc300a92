//! The barrier: the one node of a plan that reads, and reads nothing but released rows.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    ReplaceChildrenOptions, SendableRecordBatchStream,
};
use dataspace_data_plane::Delivery;

use crate::bridge::their_schema;
use crate::query_error::QueryError;
use crate::released::Released;
use crate::stop::{IsOver, Stop};
use crate::view::GovernedView;

/// A view as the engine's planner sees it: names and types, no statistics, no constraints, no filters.
pub(crate) struct GovernedTable {
    name: String,
    view: GovernedView,
    schema: SchemaRef,
    is_over: IsOver,
}

impl GovernedTable {
    pub(crate) fn new(name: &str, view: &GovernedView, is_over: &IsOver) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            view: view.clone(),
            schema: their_schema(&view.schema())?,
            is_over: Arc::clone(is_over),
        })
    }
}

impl fmt::Debug for GovernedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernedTable").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// Takes the projection, and nothing else: `filters` is empty, as none is supported, and a `limit`
    /// stays with the node above that applies it.
    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema: SchemaRef = Arc::new(self.schema.project(&columns)?);
        let view = (self.name.clone(), self.view.clone());
        Ok(Arc::new(GovernedScan::new(view, columns, schema, &self.is_over)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }
}

/// Reads columns of one view. What of it goes to another machine is in [`distributed`](crate::distributed).
pub(crate) struct GovernedScan {
    name: String,
    view: GovernedView,
    columns: Vec<usize>,
    schema: SchemaRef,
    is_over: IsOver,
    /// Opened before any scan of the plan is read, and read once.
    opened: Mutex<Option<Box<dyn Delivery>>>,
    properties: Arc<PlanProperties>,
}

impl GovernedScan {
    /// `schema` is that of the columns at these positions.
    pub(crate) fn new(
        (name, view): (String, GovernedView),
        columns: Vec<usize>,
        schema: SchemaRef,
        is_over: &IsOver,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            name,
            view,
            columns,
            schema,
            is_over: Arc::clone(is_over),
            opened: Mutex::new(None),
            properties: Arc::new(properties),
        }
    }

    pub(crate) fn view(&self) -> &GovernedView {
        &self.view
    }

    /// Positions in the view.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Opens what it reads. A scan of no column counts rows by the first.
    pub(crate) fn open(&self) -> std::result::Result<(), QueryError> {
        let first = [0];
        let columns = if self.columns.is_empty() { &first } else { self.columns.as_slice() };
        let delivery = self.view.open(columns).map_err(|source| QueryError::Open {
            view: self.name.clone(),
            source: Box::new(source),
        })?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(delivery);
        Ok(())
    }

    fn delivery(&self) -> Option<Box<dyn Delivery>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for GovernedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernedScan")
            .field("name", &self.name)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for GovernedScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GovernedScan: {}, columns={:?}", self.name, self.columns)
    }
}

/// Statistics are the default: nothing is known.
impl ExecutionPlan for GovernedScan {
    fn name(&self) -> &'static str {
        "GovernedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(delivery) = self.delivery() else {
            return Err(Stop::NotOpen { view: self.name.clone() }.into());
        };
        let (view, schema) = (self.name.clone(), Arc::clone(&self.schema));
        Ok(Box::pin(Released::new(view, schema, delivery, Arc::clone(&self.is_over))))
    }
}
