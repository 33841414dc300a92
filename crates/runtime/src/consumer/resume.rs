//! Answers that broke off, and go on.

use std::sync::Arc;

use dataspace_identity::claimed_keys;
use dataspace_ledger::Refusal;
use dataspace_primitives::Signed;
use dataspace_tlog::{Checkpoint, Event, LeafIndex, record::ConsumerEvent};
use dataspace_usage_contract::AccessRequest;

use crate::consumer::began::{begin_after, nothing};
use crate::consumer::complaint::Complaint;
use crate::consumer::error::ConsumerError;
use crate::consumer::incoming::{Before, Incoming, Reply};
use crate::consumer::{ConsumerNode, signed};
use crate::exchange::Transport;
use crate::exchange::frame::Frame;

impl ConsumerNode {
    /// Asks for the data of a [waiting](Self::waiting) request from their beginning, by its record in this node's log:
    /// of one whose answer was not read to its end before this node was closed, or killed. The provider gives
    /// them out for some minutes ([`RESUMED_WITHIN`](crate::exchange::RESUMED_WITHIN)), as the same access: no
    /// further use is taken.
    ///
    /// # Errors
    /// [`ConsumerError`] if no request waits there, it asked for a sealed file, or the provider has nothing for it
    /// left. Nothing is recorded then; see [`give_up`](Self::give_up).
    pub fn resume(
        &self,
        provider: &dyn Transport,
        index: LeafIndex,
    ) -> Result<Reply, ConsumerError> {
        let Event::Consumer(ConsumerEvent::Requested { document, .. }) = self.event(index)? else {
            return Err(Refusal::Mismatch.into());
        };
        let request: Signed<AccessRequest> = signed(document)?;
        let keys = Arc::clone(self.inner.state.lock().space().keys());
        let keys = claimed_keys(&request, &keys.past()).map_err(|_| Refusal::Mismatch)?;
        let asked = request.clone().verify(&keys, self.about_now()?);
        let asked = asked.map_err(|_| Refusal::Mismatch)?;
        let AccessRequest { log, part, seal_for, .. } = asked.value();
        if seal_for.is_some() {
            return Err(ConsumerError::NotResumable);
        }
        self.inner.seen.follow(log)?;
        let held = self.inner.seen.latest(log)?;
        let size = held.as_ref().map(Checkpoint::size).unwrap_or_default();
        let began = begin_after(provider, &request, nothing(), size)?;
        let before = Before { part: part.clone(), is_sealed: false, held, complaints: Vec::new() };
        self.receive(&request, before, began)
    }
}

impl Incoming {
    /// Returns true if the answer broke off: there was no more to be read, or the transport failed. It may be
    /// [resumed](Self::resume).
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Goes on with an answer that [broke off](Self::is_cut), after the last piece that came: by the same signed request, as
    /// the same access. A provider gives the rest out for some minutes, and some times
    /// ([`RESUMED_WITHIN`](crate::exchange::RESUMED_WITHIN), [`RESUMED_MAX`](crate::exchange::RESUMED_MAX)). Does
    /// nothing if it did not break off.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider does not go on. It may be called once more; or [`finish`](Self::finish)
    /// records what came.
    pub fn resume(&mut self, provider: &dyn Transport) -> Result<(), ConsumerError> {
        let Some(watch) = self.watch.as_ref().filter(|_| self.is_cut) else { return Ok(()) };
        let held = self.asked.held.as_ref().map(Checkpoint::size).unwrap_or_default();
        let had = watch.had();
        let (first, from) = begin_after(provider, &self.asked.request, had, held)?;
        let is_same = match first {
            Frame::Permitted { record, columns } => {
                record == self.record && columns.as_deref() == watch.columns()
            }
            _ => false,
        };
        self.is_cut = false;
        self.from = from;
        if !is_same {
            let what = "what was resumed is another release";
            self.break_off(Complaint::Malformed { what });
        }
        Ok(())
    }
}
