//! A query that runs, and its rows.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::common::Result as EngineResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner as _};
use futures::FutureExt as _;

use crate::bridge::{our_schema, rows_into_ours};
use crate::drive::{drive, guarded};
use crate::join_check::with_join_checks;
use crate::limits::Limits;
use crate::planner::{logical_plan, session, tables};
use crate::query_error::QueryError;
use crate::rules::Rules;
use crate::steps::{open, watched};
use crate::stop::{IsOver, Stop, check, of_planning, of_running};
use crate::text::Query;
use crate::view::Views;

impl Query {
    /// Plans the query over views and opens all that it reads, before the first row is read.
    ///
    /// `is_over` is asked before each batch, wherever in the plan, and ends the query by its answer: the
    /// caller's clock, a permit that is withdrawn, a consumer that went away. What the query costs is spent
    /// by the caller's thread, here and in [`QueryRows::next`]; no other thread is started.
    ///
    /// # Errors
    /// [`QueryError`] if the query does not fit the views, or one of them cannot be opened.
    pub fn run(
        &self,
        views: &Views,
        limits: Limits,
        is_over: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<QueryRows, QueryError> {
        self.run_by(views, limits, is_over, Rules::All)
    }

    /// As [`run`](Self::run), with the plan rewritten by these rules.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_by(
        &self,
        views: &Views,
        limits: Limits,
        is_over: impl Fn() -> bool + Send + Sync + 'static,
        rules: Rules,
    ) -> Result<QueryRows, QueryError> {
        let is_over: IsOver = Arc::new(is_over);
        let tables = tables(self, views, &is_over)?;
        let (session, plan) = guarded(|| {
            let session = session(&limits, rules)?;
            check(&is_over)?;
            let plan = logical_plan(self, tables, &session)?;
            check(&is_over)?;
            let plan = session.optimize(&plan)?;
            check(&is_over)?;
            let plan = with_join_checks(plan, &is_over)?;
            let plan = physical_plan(&plan, &session)?;
            Ok((session, watched(plan, &is_over)?))
        })
        .map_err(of_planning)?;
        let schema =
            our_schema(&plan.schema()).map_err(|index| QueryError::ResultType { index })?;
        open(&plan)?;
        let stream = guarded(|| plan.execute(0, session.task_ctx())).map_err(of_running)?;
        let (rows_left, bytes_left) = (limits.rows_max, limits.bytes_max);
        Ok(QueryRows { schema, stream: Some(stream), limits, rows_left, bytes_left, is_over })
    }
}

/// The plan of a query as the engine makes it, with nothing around its steps and nothing opened.
pub(crate) fn bare_plan(
    query: &Query,
    views: &Views,
    limits: &Limits,
) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
    let is_over: IsOver = Arc::new(|| false);
    let tables = tables(query, views, &is_over)?;
    let plan = guarded(|| {
        let session = session(limits, Rules::All)?;
        let plan = session.optimize(&logical_plan(query, tables, &session)?)?;
        let plan = physical_plan(&plan, &session)?;
        // What the watched plan may not have, this one has not either.
        watched(Arc::clone(&plan), &is_over)?;
        Ok(plan)
    });
    plan.map_err(of_planning)
}

fn physical_plan(
    plan: &datafusion::logical_expr::LogicalPlan,
    session: &SessionState,
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let planner = DefaultPhysicalPlanner::default();
    let mut future = planner.create_physical_plan(plan, session);
    drive(|context| future.poll_unpin(context))
}

/// The rows of a result, batch by batch. Ends after the first error; rows that came before it are rows of
/// the result.
pub struct QueryRows {
    schema: SchemaRef,
    stream: Option<SendableRecordBatchStream>,
    limits: Limits,
    rows_left: u64,
    bytes_left: u64,
    is_over: IsOver,
}

impl QueryRows {
    /// The columns of the result, every one nullable.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        loop {
            if (self.is_over)() {
                return Err(QueryError::Over);
            }
            let next = drive(|context| stream.as_mut().poll_next(context).map(Option::transpose));
            let Some(batch) = next.map_err(of_running)? else { return Ok(None) };
            if batch.num_rows() == 0 {
                continue;
            }
            let batch = rows_into_ours(&self.schema, &batch)
                .map_err(|error| QueryError::Engine { source: Box::new(Stop::from(error)) })?;
            let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            self.rows_left = self
                .rows_left
                .checked_sub(rows)
                .ok_or(QueryError::Rows { max: self.limits.rows_max })?;
            self.bytes_left = self
                .bytes_left
                .checked_sub(len(&batch))
                .ok_or(QueryError::Bytes { max: self.limits.bytes_max })?;
            return Ok(Some(batch));
        }
    }
}

/// Bytes of the values of a batch.
fn len(batch: &RecordBatch) -> u64 {
    let lens = batch.columns().iter().map(|column| {
        let len = column.to_data().get_slice_memory_size().unwrap_or(usize::MAX);
        u64::try_from(len).unwrap_or(u64::MAX)
    });
    lens.fold(0, u64::saturating_add)
}

impl Iterator for QueryRows {
    type Item = Result<RecordBatch, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.stream = None;
        }
        step.transpose()
    }
}

impl fmt::Debug for QueryRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryRows").field("schema", &self.schema).finish_non_exhaustive()
    }
}
