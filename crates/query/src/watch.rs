//! Nodes around those of the engine: they ask whether the query is over, count what is kept, and bound what
//! goes from one to the next.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
    SendableRecordBatchStream,
};
use futures::Stream;

use crate::lens::{cut, has_long_row};
use crate::stop::{IsOver, Stop, check};

/// Passes the batches of one node on, asks before each whether the query is over, and cuts those that are
/// too long.
pub(crate) struct Watch {
    input: Arc<dyn ExecutionPlan>,
    is_over: IsOver,
    /// The node above keeps all that it gets without counting it, so it is counted here.
    is_kept: bool,
}

impl Watch {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, is_over: &IsOver, is_kept: bool) -> Self {
        Self { input, is_over: Arc::clone(is_over), is_kept }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("input", &self.input).finish_non_exhaustive()
    }
}

impl DisplayAs for Watch {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl ExecutionPlan for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self::new(input, &self.is_over, self.is_kept))),
            None => Err(DataFusionError::Internal("Watch has one child".to_owned())),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self::new(input, &self.is_over, self.is_kept))),
            None => Err(DataFusionError::Internal("Watch has one child".to_owned())),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        check(&self.is_over)?;
        let kept =
            self.is_kept.then(|| MemoryConsumer::new("kept").register(context.memory_pool()));
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(Watched {
            input,
            is_over: Arc::clone(&self.is_over),
            kept,
            ready: VecDeque::new(),
        }))
    }
}

struct Watched {
    input: SendableRecordBatchStream,
    is_over: IsOver,
    /// Given back when the node above drops this stream.
    kept: Option<MemoryReservation>,
    ready: VecDeque<RecordBatch>,
}

impl Stream for Watched {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        check(&this.is_over)?;
        if let Some(batch) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(batch)));
        }
        let Some(batch) = ready!(this.input.as_mut().poll_next(context)).transpose()? else {
            return Poll::Ready(None);
        };
        if let Some(kept) = &this.kept {
            kept.try_grow(batch.get_array_memory_size())?;
        }
        if has_long_row(&batch) {
            return Poll::Ready(Some(Err(Stop::StepLen.into())));
        }
        cut(batch, &mut this.ready)?;
        Poll::Ready(this.ready.pop_front().map(Ok))
    }
}

impl RecordBatchStream for Watched {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
