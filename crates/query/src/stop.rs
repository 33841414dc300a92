//! What ends a query from within the plan.

use std::error::Error;
use std::sync::Arc;

use datafusion::common::{DataFusionError, SchemaError};
use dataspace_data_plane::errors::RunError;
use thiserror::Error;

use crate::bridge::NotPassed;
use crate::query_error::QueryError;

/// Returns true if the query is to end: what its caller asks between two batches.
pub(crate) type IsOver = Arc<dyn Fn() -> bool + Send + Sync>;

/// What our own nodes end a query with.
#[derive(Debug, Error)]
pub(crate) enum Stop {
    #[error("the caller ended the query")]
    Over,
    #[error("the view `{view}` cannot be read")]
    Read { view: String, source: Arc<RunError> },
    #[error("the view `{view}` gives something else than its rows")]
    OtherRows { view: String },
    #[error("a row of the view `{view}` is too long")]
    RowLen { view: String },
    #[error(transparent)]
    NotPassed(#[from] NotPassed),
    #[error("a scan of `{view}` is not open")]
    NotOpen { view: String },
    #[error("the plan has a step that is not known: {step}")]
    UnknownStep { step: String },
    #[error("a step has too many columns")]
    Columns,
    #[error("a step has a row that is too long")]
    StepLen,
    #[error("the engine panicked")]
    Panicked,
    #[error("the engine waits for what nobody brings")]
    Stuck,
}

impl From<Stop> for DataFusionError {
    fn from(stop: Stop) -> Self {
        Self::External(Box::new(stop))
    }
}

/// Fails if the query is over.
pub(crate) fn check(is_over: &IsOver) -> Result<(), DataFusionError> {
    if is_over() { Err(Stop::Over.into()) } else { Ok(()) }
}

/// What our nodes say of an error, if it comes from one.
fn stop_of(error: &DataFusionError) -> Option<&Stop> {
    let DataFusionError::External(inner) = error.find_root() else { return None };
    let mut inner: Option<&(dyn Error + 'static)> = Some(&**inner);
    while let Some(one) = inner {
        if let Some(stop) = one.downcast_ref::<Stop>() {
            return Some(stop);
        }
        inner = one.source();
    }
    None
}

/// What a consumer is told of an error of planning.
pub(crate) fn of_planning(error: DataFusionError) -> QueryError {
    if let DataFusionError::SchemaError(inner, _) = error.find_root()
        && let SchemaError::FieldNotFound { field, .. } = &**inner
    {
        return QueryError::NoColumn { column: field.name().to_owned() };
    }
    match error.find_root() {
        DataFusionError::External(_) | DataFusionError::ResourcesExhausted(_) => of_running(error),
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
            QueryError::Value { source: Box::new(error) }
        }
        _ => QueryError::Plan { source: Box::new(error) },
    }
}

/// What a consumer is told of an error of the running plan.
pub(crate) fn of_running(error: DataFusionError) -> QueryError {
    match stop_of(&error) {
        Some(Stop::Over) => return QueryError::Over,
        Some(Stop::Columns) => return QueryError::Columns,
        Some(Stop::StepLen) => return QueryError::StepLen,
        Some(Stop::RowLen { view }) => return QueryError::RowLen { view: view.clone() },
        Some(Stop::Read { view, .. } | Stop::OtherRows { view }) => {
            return QueryError::Read { view: view.clone(), source: Box::new(error) };
        }
        Some(_) => return QueryError::Engine { source: Box::new(error) },
        None => {}
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => QueryError::Memory,
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
            QueryError::Value { source: Box::new(error) }
        }
        _ => QueryError::Engine { source: Box::new(error) },
    }
}
