//! SQL over what contracts release (feature `sql`): a query names the tables of one contract or of several, and
//! reads of each what the duties of its contract leave.
//!
//! Each table is one access, permitted and recorded before the query.
//! [`DataSpace::access_all`](crate::DataSpace::access_all) takes them together: either every contract permits and
//! all are used, or none is. The query is a use of each, also if it fails.
//!
//! ```
//! # use dataspace::{AccessAll, AccessRequest, DataSpace, Signed, sql::{Limits, Query, QueryRows, Views, view}};
//! fn join(
//!     furnaces: (&DataSpace, Signed<AccessRequest>),
//!     tests: (&DataSpace, Signed<AccessRequest>),
//! ) -> Result<QueryRows, Box<dyn std::error::Error>> {
//!     let releases = match DataSpace::access_all(vec![furnaces, tests])? {
//!         AccessAll::Released(releases) => releases,
//!         AccessAll::Denied(denied) => return Err(format!("denied: {denied:?}").into()),
//!     };
//!     let mut views = Views::new();
//!     for (name, release) in ["furnaces", "tests"].into_iter().zip(releases) {
//!         views = views.with(&name.parse()?, view(release)?)?;
//!     }
//!     let query = Query::parse(
//!         "SELECT f.alloy, avg(t.strength) AS strength FROM furnaces f JOIN tests t ON f.melt = t.melt
//!          GROUP BY f.alloy ORDER BY f.alloy",
//!     )?;
//!     Ok(query.run(&views, Limits::default(), || false)?)
//! }
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::SchemaRef;
use dataspace_data_plane::errors::RunError;
use dataspace_data_plane::product::ProductError;
use dataspace_data_plane::{Delivery, Piece};
use dataspace_primitives::Name;
pub use dataspace_query::*;
use dataspace_runtime::Release;

use self::errors::ViewError;

/// A view of one release, for one query that names it once. If the contract counts persons, all those of the view's rows are
/// counted before the query reads one, whatever it asks for.
///
/// What ends the release early (a contract that was
/// terminated, a member who was removed) ends the query.
///
/// # Errors
/// [`ViewError`] if the product is not a table.
pub fn view(release: Release) -> Result<GovernedView, ViewError> {
    let schema = release.schema().ok_or(ViewError::NotATable)?;
    let (of_view, once) = (Arc::clone(&schema), Mutex::new(Some(release)));
    GovernedView::new(schema, move |columns: &BTreeSet<Name>| {
        let release = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        let read = || RunError::Release("a release is read once".into());
        let release = release.ok_or_else(read).map_err(ProductError::Run)?;
        let is_wanted = |name: &str| columns.iter().any(|column| column.as_str() == name);
        let fields = of_view.fields().iter().enumerate();
        let places: Vec<usize> =
            fields.filter(|(_, field)| is_wanted(field.name())).map(|(place, _)| place).collect();
        let schema = of_view.project(&places).map_err(RunError::Assemble)?;
        let delivery = Projected { release, places, schema: Arc::new(schema) };
        Ok(Box::new(delivery) as Box<dyn Delivery>)
    })
}

/// Some columns of a release.
struct Projected {
    release: Release,
    places: Vec<usize>,
    schema: SchemaRef,
}

impl Delivery for Projected {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        let Some(batch) = self.release.next() else { return Ok(None) };
        let batch = batch.map_err(|error| RunError::Release(error.into()))?;
        batch.project(&self.places).map(Piece::Rows).map(Some).map_err(RunError::Assemble)
    }

    fn schema(&self) -> Option<SchemaRef> {
        Some(Arc::clone(&self.schema))
    }
}
