//! Answers that broke off, and go on.

use std::sync::Arc;

use dataspace_identity::{Origin, claimed_keys};
use dataspace_ledger::Refusal;
use dataspace_primitives::{Digest, Signed};
use dataspace_tlog::{Checkpoint, Event, LeafIndex, TreeSize, record::ConsumerEvent};
use dataspace_usage_contract::AccessRequest;
use serde_bytes::ByteBuf;

use crate::consumer::began::{Began, begin, nothing};
use crate::consumer::complaint::Complaint;
use crate::consumer::error::ConsumerError;
use crate::consumer::incoming::{Asked, Before, Incoming, Reply};
use crate::consumer::{ConsumerNode, signed};
use crate::exchange::frame::Frame;
use crate::exchange::message::{ResumeCall, body};
use crate::exchange::{Call, RESUMED_MAX, Transport};
use crate::request::sign_resuming;

impl ConsumerNode {
    /// Asks for the data of a [waiting](Self::waiting) request from their beginning, by its record in this node's log:
    /// of one whose answer was not read to its end before this node was closed, or killed. The provider gives
    /// them out for some minutes ([`RESUMED_WITHIN`](crate::exchange::RESUMED_WITHIN)), as the same access: no
    /// further use is taken.
    ///
    /// # Errors
    /// [`ConsumerError`] if no request waits there, its answer is being read, it asked for a sealed file, or the provider has nothing for it
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
            return Err(ConsumerError::NotResumable { what: "it comes as a sealed file" });
        }
        self.inner.seen.follow(log)?;
        let held = self.inner.seen.latest(log)?;
        let size = held.as_ref().map(Checkpoint::size).unwrap_or_default();
        let digest = Digest::of(request.as_bytes());
        // WHY before the call: it ends the turn of another one who reads.
        let reading = self.inner.reading.begin(digest);
        let reading = reading.ok_or(ConsumerError::BeingRead { request: digest })?;
        let began = self.begin_after(provider, (digest, log), nothing(), size)?;
        let before = Before {
            part: part.clone(),
            is_sealed: false,
            is_resumed: true,
            reading: Some(reading),
            held,
            complaints: Vec::new(),
        };
        self.receive(&request, before, began)
    }

    /// Asks for what comes after the content with this length and digest.
    pub(super) fn begin_after(
        &self,
        provider: &dyn Transport,
        (request, log): (Digest, &Origin),
        had: (u64, Digest),
        held: TreeSize,
    ) -> Result<Began, ConsumerError> {
        let (who, now) = ((self.consumer(), &*self.inner.keys.signer), self.about_now()?);
        let request = sign_resuming(who, (request, log), had, now)?;
        let request = ByteBuf::from(request.as_bytes());
        begin(provider, Call::Resume, body(&ResumeCall { request, held })?)
    }
}

impl Incoming {
    /// Returns true if the answer broke off: there was no more to be read, or the transport failed. It may be
    /// [resumed](Self::resume).
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Goes on with an answer that [broke off](Self::is_cut), after the last piece that came, as the same
    /// access, for which this node signs. A provider gives the rest out for some minutes, and some times
    /// ([`RESUMED_WITHIN`](crate::exchange::RESUMED_WITHIN), [`RESUMED_MAX`](crate::exchange::RESUMED_MAX)). Does
    /// nothing if it did not break off.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider does not go on. It may be called once more; or [`finish`](Self::finish)
    /// records what came.
    pub fn resume(&mut self, provider: &dyn Transport) -> Result<(), ConsumerError> {
        let Some(watch) = self.watch.as_ref().filter(|_| self.is_cut) else { return Ok(()) };
        if self.resumed >= RESUMED_MAX {
            return Err(ConsumerError::NotResumable { what: "it broke off too often" });
        }
        self.resumed = self.resumed.saturating_add(1);
        self.asked.is_resumed = true;
        let held = self.asked.held.as_ref().map(Checkpoint::size).unwrap_or_default();
        let had = watch.had();
        let Asked { node, digest, log, .. } = &self.asked;
        let (first, from) = node.begin_after(provider, (*digest, log), had, held)?;
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
