//! `UNION ALL`: one input after the other, on the thread of the caller.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{RecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::Stream;

/// Gives the rows of its inputs in their order. The engine's own union has a partition for each input,
/// which it reads by tasks of their own, in an order left to chance.
#[derive(Debug)]
pub(crate) struct Sequence {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl Sequence {
    fn new(inputs: Vec<Arc<dyn ExecutionPlan>>, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { inputs, properties: Arc::new(properties) }
    }

    fn with_inputs(&self, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { inputs, properties: Arc::clone(&self.properties) })
    }
}

impl DisplayAs for Sequence {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequence")
    }
}

impl ExecutionPlan for Sequence {
    fn name(&self) -> &'static str {
        "Sequence"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.with_inputs(children))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.with_inputs(children))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(InOrder {
            schema: self.schema(),
            inputs: self.inputs.clone().into_iter(),
            current: None,
            context,
        }))
    }
}

struct InOrder {
    schema: SchemaRef,
    inputs: std::vec::IntoIter<Arc<dyn ExecutionPlan>>,
    current: Option<SendableRecordBatchStream>,
    context: Arc<TaskContext>,
}

impl Stream for InOrder {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(current) = &mut this.current {
                match ready!(current.as_mut().poll_next(context)) {
                    None => this.current = None,
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(batch)) => {
                        let options =
                            RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                        let columns = batch.columns().to_vec();
                        let schema = Arc::clone(&this.schema);
                        let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
                        return Poll::Ready(Some(Ok(batch)));
                    }
                }
            } else {
                let Some(next) = this.inputs.next() else { return Poll::Ready(None) };
                this.current = Some(next.execute(0, Arc::clone(&this.context))?);
            }
        }
    }
}

impl RecordBatchStream for InOrder {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Puts a [`Sequence`] in the place of each union, before anything is planned for its partitions.
#[derive(Debug)]
pub(crate) struct UnionsInOrder;

impl PhysicalOptimizerRule for UnionsInOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(union) = node.downcast_ref::<UnionExec>() else {
                return Ok(Transformed::no(node));
            };
            let inputs = union.inputs().clone();
            Ok(Transformed::yes(Arc::new(Sequence::new(inputs, union.schema())) as Arc<_>))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "unions in order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
