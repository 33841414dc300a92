//! The rows of one delivery, as the engine reads them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::RecordBatch as OurBatch;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::RecordBatchStream;
use dataspace_data_plane::{Delivery, Piece};
use futures::Stream;

use crate::bridge::into_theirs;
use crate::lens::{cut, has_long_row};
use crate::limits::BATCH_ROWS;
use crate::stop::{IsOver, Stop, check};

/// Rows of a delivery in batches of exactly [`BATCH_ROWS`] rows, the last one with fewer; those of long rows
/// in parts.
///
/// So their borders are the same however the rows come: sums of floats depend on where batches end, and a
/// border that follows from hidden rows would show in the last digit of a result.
pub(crate) struct Released {
    view: String,
    schema: SchemaRef,
    delivery: Option<Box<dyn Delivery>>,
    is_over: IsOver,
    cut: BatchCoalescer,
    ready: VecDeque<RecordBatch>,
}

impl Released {
    pub(crate) fn new(
        view: String,
        schema: SchemaRef,
        delivery: Box<dyn Delivery>,
        is_over: IsOver,
    ) -> Self {
        let cut = BatchCoalescer::new(Arc::clone(&schema), BATCH_ROWS);
        Self { view, schema, delivery: Some(delivery), is_over, cut, ready: VecDeque::new() }
    }

    fn step(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if let Some(batch) = self.cut.next_completed_batch() {
                cut(batch, &mut self.ready)?;
                continue;
            }
            check(&self.is_over)?;
            let Some(delivery) = &mut self.delivery else { return Ok(None) };
            let piece = delivery.next().map_err(|source| Stop::Read {
                view: self.view.clone(),
                source: Arc::new(source),
            })?;
            let Some(piece) = piece else {
                self.delivery = None;
                self.cut.finish_buffered_batch()?;
                continue;
            };
            let Piece::Rows(rows) = piece else { return Err(self.other_rows()) };
            let rows = self.pass(&rows)?;
            if has_long_row(&rows) {
                return Err(Stop::RowLen { view: self.view.clone() }.into());
            }
            let is_whole = self.cut.is_empty() && rows.num_rows() == BATCH_ROWS;
            if is_whole || rows.num_columns() == 0 {
                cut(rows, &mut self.ready)?;
                continue;
            }
            self.cut.push_batch(rows)?;
        }
    }

    fn other_rows(&self) -> DataFusionError {
        Stop::OtherRows { view: self.view.clone() }.into()
    }

    /// The rows as the engine's, with the columns that the scan promises, or an error.
    fn pass(&self, rows: &OurBatch) -> Result<RecordBatch> {
        let names = self.schema.fields().iter();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        if self.schema.fields().is_empty() {
            return Ok(RecordBatch::try_new_with_options(
                Arc::clone(&self.schema),
                Vec::new(),
                &options,
            )?);
        }
        let fields = rows.schema_ref().fields();
        let is_same = fields.len() == self.schema.fields().len()
            && fields.iter().zip(names).all(|(ours, theirs)| ours.name() == theirs.name());
        if !is_same {
            return Err(self.other_rows());
        }
        let columns = rows.columns().iter().map(into_theirs).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(Stop::from)?;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|_| self.other_rows())
    }
}

impl Stream for Released {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let step = this.step();
        if step.is_err() {
            this.delivery = None;
        }
        Poll::Ready(step.transpose())
    }
}

impl RecordBatchStream for Released {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
