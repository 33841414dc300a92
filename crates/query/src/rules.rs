//! Which of the engine's rewritings of plans are used.

use std::sync::Arc;

use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::eliminate_filter::EliminateFilter;
use datafusion::optimizer::eliminate_limit::EliminateLimit;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::single_distinct_to_groupby::SingleDistinctToGroupBy;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::limit_pushdown::LimitPushdown;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_optimizer::projection_pushdown::ProjectionPushdown;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;

use crate::sequence::UnionsInOrder;

/// How far a plan is rewritten. The rows of a result are the same either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// As far as makes it faster. Filters stay where they stand in the query: to push them through what is
    /// computed below would repeat that once for each mention, and views take none.
    #[default]
    All,
    /// As little as the engine can run: to compare with, and to rule a rewriting out as the cause of
    /// something.
    Needed,
}

pub(crate) fn logical_rules(rules: Rules) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    match rules {
        Rules::All => vec![
            Arc::new(SimplifyExpressions::new()),
            Arc::new(ReplaceDistinctWithAggregate::new()),
            Arc::new(DecorrelatePredicateSubquery::new()),
            Arc::new(ScalarSubqueryToJoin::new()),
            Arc::new(ExtractEquijoinPredicate::new()),
            Arc::new(EliminateFilter::new()),
            Arc::new(EliminateCrossJoin::new()),
            Arc::new(EliminateLimit::new()),
            Arc::new(PushDownLimit::new()),
            Arc::new(SingleDistinctToGroupBy::new()),
            Arc::new(CommonSubexprEliminate::new()),
            Arc::new(OptimizeProjections::new()),
        ],
        // Some functions are nothing but what the first makes of them.
        Rules::Needed => vec![
            Arc::new(SimplifyExpressions::new()),
            Arc::new(ReplaceDistinctWithAggregate::new()),
            Arc::new(DecorrelatePredicateSubquery::new()),
            Arc::new(ScalarSubqueryToJoin::new()),
            Arc::new(ExtractEquijoinPredicate::new()),
        ],
    }
}

pub(crate) fn physical_rules(rules: Rules) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    match rules {
        Rules::All => vec![
            Arc::new(UnionsInOrder),
            Arc::new(OutputRequirements::new_add_mode()),
            Arc::new(EnsureRequirements::new()),
            Arc::new(CombinePartialFinalAggregate::new()),
            Arc::new(ProjectionPushdown::new()),
            Arc::new(OutputRequirements::new_remove_mode()),
            Arc::new(LimitPushdown::new()),
            Arc::new(SanityCheckPlan::new()),
        ],
        Rules::Needed => vec![
            Arc::new(UnionsInOrder),
            Arc::new(OutputRequirements::new_add_mode()),
            Arc::new(EnsureRequirements::new()),
            Arc::new(OutputRequirements::new_remove_mode()),
            Arc::new(SanityCheckPlan::new()),
        ],
    }
}
