//! Data that arrive, compared with the contract while they do.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use dataspace_identity::{Origin, Resolver as _};
use dataspace_ledger::{Evidence, Refusal, VerifiedEvidence};
use dataspace_primitives::{Digest, Signed};
use dataspace_tlog::{
    Checkpoint, Event, LeafIndex, Verdict,
    record::{ConsumerEvent, ReceivedAnswer, ReceivedRecord, TEXTS_MAX},
    tree::ConsistencyProof,
    witness::TakeError,
};
use dataspace_usage_contract::{AccessRequest, ContractId, contract_id};
use serde_bytes::ByteBuf;

use crate::consumer::ConsumerNode;
use crate::consumer::arrival::Arrival;
use crate::consumer::complaint::{Complaint, cut};
use crate::consumer::error::ConsumerError;
use crate::consumer::watch::Watch;
use crate::exchange::MessageError;
use crate::exchange::frame::Frame;

/// The beginning of an answer.
#[derive(Debug)]
#[must_use]
pub enum Reply {
    /// Data, to be read as they come.
    Data(Box<Incoming>),
    /// A denial. It is recorded.
    Denied(Box<Arrival>),
}

/// A piece of data that came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrived {
    /// Whole rows as CSV (RFC 4180, with `\n`), without a header: see [`Incoming::columns`].
    Rows(Vec<u8>),
    /// Bytes of a file.
    Bytes {
        /// Where they begin in the file.
        at: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// Data on their way from a provider. [`finish`](Self::finish) records what came; if it is dropped before,
/// what came until then is recorded as not whole.
pub struct Incoming {
    asked: Asked,
    from: Box<dyn Read + Send>,
    watch: Watch,
    columns: Option<Vec<String>>,
    record: LeafIndex,
    end: Option<End>,
    is_recorded: bool,
}

/// A request that waits for its answer.
struct Asked {
    node: ConsumerNode,
    request: Digest,
    contract: ContractId,
    log: Origin,
    /// The checkpoint of the provider's log that was held when it was asked.
    held: Option<Checkpoint>,
}

/// The last frame.
struct End {
    stopped: Option<String>,
    evidence: Option<ByteBuf>,
    path: Vec<Digest>,
}

impl ConsumerNode {
    /// Reads the answer to a request, up to its data or to the end of a denial. `held` is the checkpoint of the
    /// provider's log that was held when it was asked for. What has no beginning is recorded as no answer.
    pub(super) fn receive(
        &self,
        request: &Signed<AccessRequest>,
        held: Option<Checkpoint>,
        mut from: Box<dyn Read + Send>,
    ) -> Result<Reply, ConsumerError> {
        let (asked, watch) = self.asked(request, held)?;
        match Frame::read(&mut from) {
            Ok(Some(Frame::Permitted { record, columns })) => {
                let mut watch = watch;
                watch.begin(columns.as_deref().unwrap_or_default());
                let (end, is_recorded) = (None, false);
                let data = Incoming { asked, from, watch, columns, record, end, is_recorded };
                Ok(Reply::Data(Box::new(data)))
            }
            Ok(Some(Frame::Denied { record, reasons })) => {
                let end = match Frame::read(&mut from) {
                    Ok(Some(Frame::End { stopped, evidence, path })) => {
                        Some(End { stopped, evidence, path })
                    }
                    _ => None,
                };
                let reasons = reasons.into_iter().take(TEXTS_MAX).map(cut).collect();
                let answer = ReceivedAnswer::Denied { reasons };
                let denied = asked.end(answer, Some(record), (end, Vec::new()))?;
                Ok(Reply::Denied(Box::new(denied)))
            }
            other => {
                let why = match other {
                    Ok(None) => MessageError::Io(std::io::ErrorKind::UnexpectedEof.into()),
                    Ok(Some(_)) => {
                        MessageError::Frame { what: "it does not begin with a decision" }
                    }
                    Err(error) => error,
                };
                let what = crate::error::with_causes(&why);
                self.unanswered(request, what)?;
                Err(why.into())
            }
        }
    }

    /// Records that a request came to no decision: the provider refused it, or could not be reached.
    ///
    /// # Errors
    /// [`ConsumerError`] if no such request waits for an answer.
    pub fn unanswered(
        &self,
        request: &Signed<AccessRequest>,
        why: String,
    ) -> Result<LeafIndex, ConsumerError> {
        let request = Digest::of(request.as_bytes());
        let (answer, complaints) = (ReceivedAnswer::None { why: cut(why) }, Vec::new());
        let received = ReceivedRecord { request, answer, evidence: None, complaints };
        self.record(Event::Consumer(ConsumerEvent::Received(received)))
    }

    fn asked(
        &self,
        request: &Signed<AccessRequest>,
        held: Option<Checkpoint>,
    ) -> Result<(Asked, Watch), ConsumerError> {
        let digest = Digest::of(request.as_bytes());
        let (contract, keys) = {
            let state = self.inner.state.lock();
            (state.waiting_for(&digest)?, Arc::clone(state.space().keys()))
        };
        let agreement = self.agreement(contract)?;
        let request = request.clone().verify(&keys.past().keys(self.consumer()), self.about_now()?);
        let part = request.map_err(Refusal::from)?.value().part.clone();
        let watch = Watch::new(&agreement.value().terms, part);
        let log = agreement.value().log.clone();
        Ok((Asked { node: self.clone(), request: digest, contract, log, held }, watch))
    }
}

impl Incoming {
    /// The columns of the rows; `None` if the product is not a table.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The record of the decision in the provider's log, as it says.
    #[must_use]
    pub fn record(&self) -> LeafIndex {
        self.record
    }

    /// What is wrong so far, as far as it can be seen.
    #[must_use]
    pub fn complaints(&self) -> &[Complaint] {
        &self.watch.complaints
    }

    /// The next piece; `None` at the end, or where the answer breaks off ([`finish`](Self::finish) tells).
    pub fn next_piece(&mut self) -> Option<Arrived> {
        if self.end.is_some() || self.is_recorded {
            return None;
        }
        match Frame::read(&mut self.from) {
            Ok(Some(Frame::Rows { csv })) => {
                self.watch.rows(&csv, self.columns.as_deref().unwrap_or_default());
                return Some(Arrived::Rows(csv.into_vec()));
            }
            Ok(Some(Frame::Bytes { at, bytes })) => {
                self.watch.bytes(at, &bytes);
                return Some(Arrived::Bytes { at, bytes: bytes.into_vec() });
            }
            Ok(Some(Frame::End { stopped, evidence, path })) => {
                self.end = Some(End { stopped, evidence, path });
                return None;
            }
            Ok(Some(Frame::Permitted { .. } | Frame::Denied { .. })) => {
                let what = "a second decision".to_owned();
                self.watch.complain(Complaint::Malformed { what });
            }
            Ok(None) | Err(MessageError::Io(_)) => self.watch.complain(Complaint::CutOff),
            Err(error) => {
                let what = crate::error::with_causes(&error);
                self.watch.complain(Complaint::Malformed { what });
            }
        }
        let (stopped, evidence, path) = (None, None, Vec::new());
        self.end = Some(End { stopped, evidence, path });
        None
    }

    /// Reads what is left, checks the evidence of the decision and the provider's checkpoint, and records all of
    /// it. Complaints are no error: look at [`Arrival::complaints`].
    ///
    /// # Errors
    /// [`ConsumerError`] if it cannot be recorded.
    pub fn finish(mut self) -> Result<Arrival, ConsumerError> {
        while self.next_piece().is_some() {}
        self.record_all()
    }

    fn record_all(&mut self) -> Result<Arrival, ConsumerError> {
        self.is_recorded = true;
        let is_broken =
            |one: &Complaint| matches!(one, Complaint::CutOff | Complaint::Malformed { .. });
        let is_whole = self.end.as_ref().is_some_and(|end| end.stopped.is_none())
            && !self.watch.complaints.iter().any(is_broken);
        let Watch { rows, bytes, .. } = self.watch;
        let answer =
            ReceivedAnswer::Released { rows, bytes, content: self.watch.content(), is_whole };
        let complaints = std::mem::take(&mut self.watch.complaints);
        self.asked.end(answer, Some(self.record), (self.end.take(), complaints))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_recorded {
            // An error is not reported here; the request then waits for an answer.
            let _recorded = self.record_all();
        }
    }
}

impl Asked {
    /// Records an answer to its end.
    fn end(
        &self,
        answer: ReceivedAnswer,
        record: Option<LeafIndex>,
        (end, mut complaints): (Option<End>, Vec<Complaint>),
    ) -> Result<Arrival, ConsumerError> {
        let (stopped, evidence, path) = match end {
            Some(End { stopped, evidence, path }) => (stopped, evidence, path),
            None => (None, None, Vec::new()),
        };
        let shown = match evidence {
            None => {
                complaints.push(Complaint::NoEvidence);
                None
            }
            Some(bytes) => match self.verify(&bytes, &answer, record) {
                Ok((evidence, verified)) => {
                    complaints.extend(self.hold(verified.checkpoint(), &path)?);
                    Some((evidence, bytes))
                }
                Err(complaint) => {
                    complaints.push(complaint);
                    None
                }
            },
        };
        let digest = shown.as_ref().map(|(_, bytes)| Digest::of(bytes));
        if let Some((_, bytes)) = &shown {
            let name = evidence_name(&self.request);
            let kept = self.node.inner.evidence.replace(&name, bytes);
            kept.map_err(ConsumerError::Evidence)?;
        }
        let texts = complaints.iter().take(TEXTS_MAX).map(Complaint::to_text).collect();
        let received = ReceivedRecord {
            request: self.request,
            answer: answer.clone(),
            evidence: digest,
            complaints: texts,
        };
        let event = Event::Consumer(ConsumerEvent::Received(received));
        let index = self.node.record(event)?;
        let evidence = shown.map(|(evidence, _)| evidence);
        Ok(Arrival { index, answer, stopped: stopped.map(cut), evidence, complaints })
    }

    /// The evidence, if it is of this answer to this request.
    fn verify(
        &self,
        bytes: &[u8],
        answer: &ReceivedAnswer,
        record: Option<LeafIndex>,
    ) -> Result<(Evidence, VerifiedEvidence), Complaint> {
        let bad = |error: dataspace_ledger::evidence::EvidenceError| Complaint::Evidence {
            why: crate::error::with_causes(&error),
        };
        let evidence = Evidence::from_bytes(bytes).map_err(bad)?;
        let verified = evidence.clone().verify(&self.node.inner.authority).map_err(bad)?;
        let is_permit = matches!(verified.access().verdict, Verdict::Permit { .. });
        let is_data = matches!(answer, ReceivedAnswer::Released { .. });
        let differs = |what| Err(Complaint::OtherDecision { what });
        if verified.access().request != self.request {
            differs("the request")
        } else if contract_id(verified.contract()) != self.contract {
            differs("the contract")
        } else if is_permit != is_data {
            differs("the verdict")
        } else if record.is_some_and(|record| record != verified.index()) {
            differs("the record")
        } else {
            Ok((evidence, verified))
        }
    }

    /// Takes the provider's checkpoint in the place of the one that is held, if it extends it.
    fn hold(&self, new: &Checkpoint, path: &[Digest]) -> Result<Option<Complaint>, ConsumerError> {
        let seen = &self.node.inner.seen;
        let was = self.held.as_ref().map(Checkpoint::size).unwrap_or_default();
        match seen.take(new, path) {
            Err(TakeError::Fork(_)) => Ok(Some(Complaint::Forked)),
            // A decision on a request that is newer than what is held is in no older state.
            Ok(_) | Err(TakeError::Unproved(_)) if new.size() < was => {
                Ok(Some(Complaint::RolledBack { held: was, shown: new.size() }))
            }
            Ok(_) => Ok(None),
            // Another answer may have moved what is held on meanwhile; the proof is from what was held
            // when this one was asked for.
            Err(TakeError::Unproved(_)) => {
                let is_later = |held: &Checkpoint| held.size() > was;
                let moved_on = seen.latest(&self.log)?.as_ref().is_some_and(is_later);
                let extends = moved_on && self.extends(new, path);
                Ok((!extends).then_some(Complaint::Unproved))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn extends(&self, new: &Checkpoint, path: &[Digest]) -> bool {
        let Some(held) = &self.held else { return path.is_empty() };
        let (from, to, path) = (held.size(), new.size(), path.to_vec());
        ConsistencyProof { from, to, path }.verify(&held.root(), &new.root()).is_ok()
    }
}

/// The file with the evidence of the answer to a request.
pub(crate) fn evidence_name(request: &Digest) -> String {
    format!("{}.cbor", request.to_hex())
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("record", &self.record).finish_non_exhaustive()
    }
}
