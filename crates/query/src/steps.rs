//! A physical plan made ready to run: only steps that are known, each watched, every scan open.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties as _, ReplaceChildrenOptions,
};

use crate::limits::COLUMNS_MAX;
use crate::query_error::QueryError;
use crate::scan::GovernedScan;
use crate::stop::{IsOver, Stop};
use crate::watch::Watch;

/// Steps of the engine that start no task, read nothing by themselves, and count what they keep.
const KNOWN: &[&str] = &[
    "AggregateExec",
    "CoalesceBatchesExec",
    "CooperativeExec",
    "CrossJoinExec",
    "EmptyExec",
    "FilterExec",
    "GlobalLimitExec",
    "GovernedScan",
    "HashJoinExec",
    "LocalLimitExec",
    "NestedLoopJoinExec",
    "PartialSortExec",
    "PlaceholderRowExec",
    "ProjectionExec",
    "ScalarSubqueryExec",
    "Sequence",
    "SortExec",
    "SortExec(TopK)",
    "SortPreservingMergeExec",
];

/// Steps that keep rows without counting them.
const KEEPING: &[&str] = &["BoundedWindowAggExec", "WindowAggExec"];

/// The plan with a [`Watch`] around each step.
pub(crate) fn watched(
    plan: Arc<dyn ExecutionPlan>,
    is_over: &IsOver,
) -> Result<Arc<dyn ExecutionPlan>> {
    watched_below(plan, is_over, false)
}

fn watched_below(
    plan: Arc<dyn ExecutionPlan>,
    is_over: &IsOver,
    is_kept: bool,
) -> Result<Arc<dyn ExecutionPlan>> {
    let name = plan.name();
    let keeps = KEEPING.contains(&name);
    if !(keeps || KNOWN.contains(&name)) || plan.output_partitioning().partition_count() != 1 {
        return Err(Stop::UnknownStep { step: name.to_owned() }.into());
    }
    if plan.schema().fields().len() > COLUMNS_MAX && plan.name() != "GovernedScan" {
        return Err(Stop::Columns.into());
    }
    let children: Vec<_> = plan.children().into_iter().cloned().collect();
    let plan = if children.is_empty() {
        plan
    } else {
        let children = children.into_iter().map(|child| watched_below(child, is_over, keeps));
        let children = children.collect::<Result<Vec<_>>>()?;
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        plan.replace_children(children, options)?
    };
    Ok(Arc::new(Watch::new(plan, is_over, is_kept)))
}

/// Opens every scan of the plan: all of them, before any is read, or none is read.
pub(crate) fn open(plan: &Arc<dyn ExecutionPlan>) -> std::result::Result<(), QueryError> {
    if let Some(scan) = plan.downcast_ref::<GovernedScan>() {
        scan.open()?;
    }
    plan.children().into_iter().try_for_each(open)
}
