//! SQL over governed views.

mod bridge;
mod drive;
pub mod functions;
mod gate;
mod gate_expr;
mod join_check;
pub mod limits;
mod planner;
mod query_error;
mod query_rows;
mod released;
pub mod rules;
mod scan;
mod sequence;
mod stack;
mod steps;
mod stop;
mod text;
mod text_error;
mod view;
mod watch;

pub use dataspace_data_plane::RecordBatch;

pub use crate::limits::Limits;
pub use crate::query_rows::QueryRows;
pub use crate::text::Query;
pub use crate::view::{GovernedView, Views};

/// What can go wrong with queries and views.
pub mod errors {
    pub use crate::query_error::QueryError;
    pub use crate::text_error::TextError;
    pub use crate::view::ViewError;
}
