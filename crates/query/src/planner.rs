//! From a text to a plan that runs above the barrier.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::{TableProvider, default_table_source::provider_as_source};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, TableReference, plan_err};
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::functions::datetime::planner::DatetimeFunctionPlanner;
use datafusion::functions::unicode::planner::UnicodeFunctionPlanner;
use datafusion::functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion::functions_window::planner::WindowFunctionPlanner;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::{
    AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::prelude::SessionConfig;
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::Statement;

use crate::functions;
use crate::limits::{BATCH_ROWS, Limits};
use crate::query_error::QueryError;
use crate::rules::{Rules, logical_rules, physical_rules};
use crate::scan::GovernedTable;
use crate::stop::IsOver;
use crate::text::Query;
use crate::view::Views;

/// What the engine's planner is told: the views of one query and the functions of all.
struct Known {
    tables: BTreeMap<String, Arc<dyn TableSource>>,
    options: ConfigOptions,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

impl ContextProvider for Known {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        match &name {
            TableReference::Bare { table } if self.tables.contains_key(&**table) => {}
            _ => return plan_err!("no such view"),
        }
        self.tables.get(name.table()).cloned().map_or_else(|| plan_err!("no such view"), Ok)
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        functions::scalar(name)
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        functions::aggregate(name)
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        functions::window(name)
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A session that reaches nothing: no catalogue, no files, no disk, one partition.
pub(crate) fn session(limits: &Limits, rules: Rules) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
        .with_collect_statistics(false)
        .with_round_robin_repartition(false)
        .with_coalesce_batches(true);
    let options = config.options_mut();
    options.execution.planning_concurrency = 1;
    options.execution.sort_spill_reservation_bytes = 0;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_max)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .build_arc()?;
    // The engine brings the file system with it.
    let files = ObjectStoreUrl::local_filesystem();
    runtime.deregister_object_store(files.as_ref())?;
    let mut physical: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = Vec::new();
    physical.extend(physical_rules(rules));
    Ok(SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_analyzer_rules(vec![
            Arc::new(ResolveGroupingFunction::new()),
            Arc::new(TypeCoercion::new()),
        ])
        .with_optimizer_rules(logical_rules(rules))
        .with_physical_optimizer_rules(physical)
        .build())
}

/// The views that the query names, as the engine sees them.
pub(crate) fn tables(
    query: &Query,
    views: &Views,
    is_over: &IsOver,
) -> std::result::Result<BTreeMap<String, Arc<dyn TableProvider>>, QueryError> {
    let named = query.views().iter().map(|name| {
        let missing = || QueryError::NoView { view: name.clone() };
        let view = views.0.get(name).ok_or_else(missing)?;
        let table = GovernedTable::new(name, view, is_over).ok_or_else(missing)?;
        Ok((name.clone(), Arc::new(table) as Arc<dyn TableProvider>))
    });
    named.collect()
}

/// The logical plan of the query as it stands.
pub(crate) fn logical_plan(
    query: &Query,
    tables: BTreeMap<String, Arc<dyn TableProvider>>,
    session: &SessionState,
) -> Result<LogicalPlan> {
    let sources = tables.into_iter().map(|(name, table)| (name, provider_as_source(table)));
    let known = Known {
        tables: sources.collect(),
        options: session.config_options().as_ref().clone(),
        planners: vec![
            Arc::new(DatetimeFunctionPlanner),
            Arc::new(UnicodeFunctionPlanner),
            Arc::new(AggregateFunctionPlanner),
            Arc::new(WindowFunctionPlanner),
        ],
    };
    let options = ParserOptions::new().with_map_string_types_to_utf8view(false);
    let planner = SqlToRel::new_with_options(&known, options);
    planner.sql_statement_to_plan(Statement::Query(Box::new(query.ast.clone())))
}
