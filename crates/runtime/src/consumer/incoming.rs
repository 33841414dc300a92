//! Data that arrive, compared with the contract while they do.

use std::fmt;
use std::io::Read;

use dataspace_identity::Origin;
use dataspace_ledger::{Evidence, Refusal, VerifiedEvidence, evidence::EvidenceError};
use dataspace_policy::Terms;
use dataspace_primitives::{Digest, Part, Signed};
use dataspace_tlog::{
    Checkpoint, Event, LeafIndex, Verdict,
    record::{ConsumerEvent, ReceivedAnswer, ReceivedRecord, ReleaseEnd, ReleaseReport, cut},
    tree::ConsistencyProof,
    witness::TakeError,
};
use dataspace_usage_contract::{AccessRequest, ContractId, contract_id};
use serde_bytes::ByteBuf;

use crate::consumer::arrival::Arrival;
use crate::consumer::began::Began;
use crate::consumer::complaint::{Complaint, fit};
use crate::consumer::error::ConsumerError;
use crate::consumer::reading::Reading;
use crate::consumer::watch::{Watch, Watched};
use crate::consumer::{ConsumerNode, signed};
use crate::error::with_causes;
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
    pub(super) asked: Asked,
    pub(super) from: Box<dyn Read + Send>,
    /// `None` once it is recorded.
    pub(super) watch: Option<Watch>,
    pub(super) record: LeafIndex,
    /// True while nothing more comes, and it may be resumed.
    pub(super) is_cut: bool,
    /// How often it was resumed.
    pub(super) resumed: u32,
    end: Option<End>,
}

/// A request that waits for its answer.
pub(super) struct Asked {
    pub(super) node: ConsumerNode,
    /// SHA-256 of the request.
    pub(super) digest: Digest,
    /// True if more may have left than came: what was lost on its way.
    pub(super) is_resumed: bool,
    _reading: Reading,
    contract: ContractId,
    pub(super) log: Origin,
    /// The checkpoint of the provider's log that was held when it was asked.
    pub(super) held: Option<Checkpoint>,
    /// What is wrong already: an answer that overlapped the last one, for instance.
    before: Vec<Complaint>,
}

/// What was known when something was asked for.
pub(super) struct Before {
    pub(super) part: Option<Part>,
    /// True if it is to come as a sealed file: then nothing but its bytes can be seen.
    pub(super) is_sealed: bool,
    /// True if an answer to it may have been lost.
    pub(super) is_resumed: bool,
    /// If it is noted already that its answer is being read.
    pub(super) reading: Option<Reading>,
    pub(super) held: Option<Checkpoint>,
    pub(super) complaints: Vec<Complaint>,
}

/// The last frame; by default that of an answer that broke off.
#[derive(Default)]
struct End {
    stopped: Option<String>,
    evidence: Option<ByteBuf>,
    path: Vec<Digest>,
}

impl ConsumerNode {
    /// Reads the answer to a request, up to its data or to the end of a denial. What does not begin as one is
    /// recorded as no answer.
    pub(super) fn receive(
        &self,
        request: &Signed<AccessRequest>,
        before: Before,
        (first, mut from): Began,
    ) -> Result<Reply, ConsumerError> {
        let (asked, mut watch) = self.asked(request, before)?;
        let what = match first {
            Frame::Permitted { record, columns } => {
                if watch.begin(columns) {
                    let (watch, is_cut, resumed, end) = (Some(watch), false, 0, None);
                    let data = Incoming { asked, from, watch, record, is_cut, resumed, end };
                    return Ok(Reply::Data(Box::new(data)));
                }
                "two columns have one name"
            }
            Frame::Denied { record, reasons } => {
                let end = match Frame::read(&mut from) {
                    Ok(Some(Frame::End { stopped, evidence, path })) => {
                        End { stopped, evidence, path }
                    }
                    _ => End::default(),
                };
                let answer = ReceivedAnswer::Denied { reasons: fit(reasons) };
                let denied = asked.end((answer, None), record, (end, Vec::new()))?;
                return Ok(Reply::Denied(Box::new(denied)));
            }
            _ => "it does not begin with a decision",
        };
        let why = MessageError::Malformed { what };
        self.unanswered(request, with_causes(&why), &[])?;
        Err(why.into())
    }

    /// Records that a request came to no decision: the provider refused it, or could not be reached.
    pub(super) fn unanswered(
        &self,
        request: &Signed<AccessRequest>,
        why: String,
        complaints: &[Complaint],
    ) -> Result<LeafIndex, ConsumerError> {
        let request = Digest::of(request.as_bytes());
        let contract = *self.inner.state.lock().waiting_for(&request)?.as_digest();
        let (answer, complaints) = (ReceivedAnswer::None { why: cut(why) }, told(complaints));
        let (evidence, sealed) = (None, None);
        let received = ReceivedRecord { request, contract, answer, evidence, sealed, complaints };
        self.record(Event::Consumer(ConsumerEvent::Received(received)))
    }

    /// Records that nothing will come of a [waiting](Self::waiting) request, by its record in this node's log. Its
    /// use may be counted all the same.
    ///
    /// # Errors
    /// [`ConsumerError`] if no request waits there.
    pub fn give_up(&self, index: LeafIndex, why: String) -> Result<LeafIndex, ConsumerError> {
        let Event::Consumer(ConsumerEvent::Requested { document, .. }) = self.event(index)? else {
            return Err(Refusal::Mismatch.into());
        };
        self.unanswered(&signed(document)?, why, &[])
    }

    fn asked(
        &self,
        request: &Signed<AccessRequest>,
        Before { part, is_sealed, is_resumed, reading, held, complaints }: Before,
    ) -> Result<(Asked, Watch), ConsumerError> {
        let digest = Digest::of(request.as_bytes());
        let contract = self.inner.state.lock().waiting_for(&digest)?;
        let reading = reading.or_else(|| self.inner.reading.begin(digest));
        let reading = reading.ok_or(ConsumerError::BeingRead { request: digest })?;
        let agreement = self.agreement(contract)?;
        let watch = if is_sealed {
            Watch::new(&Terms::new(), None)
        } else {
            Watch::new(&agreement.value().terms, part)
        };
        let (node, log) = (self.clone(), agreement.value().log.clone());
        let before = complaints;
        let asked =
            Asked { node, digest, is_resumed, _reading: reading, contract, log, held, before };
        Ok((asked, watch))
    }
}

impl Incoming {
    /// The columns of the rows; `None` if the product is not a table.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.watch.as_ref().and_then(Watch::columns)
    }

    /// The record of the decision in the provider's log, as it says.
    #[must_use]
    pub fn record(&self) -> LeafIndex {
        self.record
    }

    /// What is wrong so far, as far as it can be seen.
    #[must_use]
    pub fn complaints(&self) -> &[Complaint] {
        self.watch.as_ref().map(Watch::complaints).unwrap_or_default()
    }

    /// The next piece; `None` at the end, or where the answer breaks off: see [`is_cut`](Self::is_cut).
    pub fn next_piece(&mut self) -> Option<Arrived> {
        let watch = self.watch.as_mut().filter(|_| self.end.is_none() && !self.is_cut)?;
        let complaint = match Frame::read(&mut self.from) {
            Ok(Some(Frame::Rows { csv })) => {
                watch.rows(&csv);
                return Some(Arrived::Rows(csv.into_vec()));
            }
            Ok(Some(Frame::Bytes { at, bytes })) => {
                watch.bytes(at, &bytes);
                return Some(Arrived::Bytes { at, bytes: bytes.into_vec() });
            }
            Ok(Some(Frame::End { stopped, evidence, path })) => {
                self.end = Some(End { stopped, evidence, path });
                return None;
            }
            Ok(None) | Err(MessageError::Io(_)) => {
                self.is_cut = true;
                return None;
            }
            Ok(Some(Frame::Permitted { .. } | Frame::Denied { .. })) => {
                Complaint::Malformed { what: "a second decision" }
            }
            Err(MessageError::Malformed { what }) => Complaint::Malformed { what },
        };
        self.break_off(complaint);
        None
    }

    /// Nothing more is read of it.
    pub(super) fn break_off(&mut self, complaint: Complaint) {
        if let Some(watch) = &mut self.watch {
            watch.complain(complaint);
        }
        self.end = Some(End::default());
    }

    /// Reads what is left, checks the evidence of the decision and the provider's checkpoint, and records all of
    /// it. Complaints are no error: look at [`Arrival::complaints`].
    ///
    /// # Errors
    /// [`ConsumerError`] if it cannot be recorded.
    pub fn finish(self) -> Result<Arrival, ConsumerError> {
        self.finish_sealed(None)
    }

    /// The same, with the header of the sealed file that came, if it is kept.
    pub(crate) fn finish_sealed(
        mut self,
        header: Option<Digest>,
    ) -> Result<Arrival, ConsumerError> {
        while self.next_piece().is_some() {}
        match self.watch.take() {
            Some(watch) => self.record_all(watch, header),
            // It is taken here and at the end alone.
            None => Err(Refusal::UnknownRequest { request: self.asked.digest }.into()),
        }
    }

    /// SHA-256 of the request that is answered.
    #[cfg(feature = "sealed")]
    pub(crate) fn request(&self) -> Digest {
        self.asked.digest
    }

    /// Notes what is wrong.
    #[cfg(feature = "sealed")]
    pub(crate) fn complain(&mut self, complaint: Complaint) {
        if let Some(watch) = &mut self.watch {
            watch.complain(complaint);
        }
    }

    /// Returns true if it came to its end, by what the provider says and what can be seen.
    #[cfg(feature = "sealed")]
    pub(crate) fn is_whole(&self) -> bool {
        self.says_whole() && !self.complaints().iter().any(Complaint::breaks)
    }

    fn says_whole(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.stopped.is_none())
    }

    fn record_all(
        &mut self,
        mut watch: Watch,
        header: Option<Digest>,
    ) -> Result<Arrival, ConsumerError> {
        if self.is_cut {
            watch.complain(Complaint::CutOff);
            self.end = Some(End::default());
        }
        let says_whole = self.says_whole();
        let Watched { rows, bytes, content, complaints } = watch.end(says_whole);
        let is_whole = says_whole && !complaints.iter().any(Complaint::breaks);
        let answer = ReceivedAnswer::Released { rows, bytes, content, is_whole };
        let sealed = header.filter(|_| is_whole);
        let end = self.end.take().unwrap_or_default();
        self.asked.end((answer, sealed), self.record, (end, complaints))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            // An error is not reported here; the request then waits for an answer.
            let _recorded = self.record_all(watch, None);
        }
    }
}

impl Asked {
    /// Records an answer to its end.
    fn end(
        &self,
        (answer, sealed): (ReceivedAnswer, Option<Digest>),
        record: LeafIndex,
        (End { stopped, evidence, path }, complaints): (End, Vec<Complaint>),
    ) -> Result<Arrival, ConsumerError> {
        let mut complaints = [self.before.clone(), complaints].concat();
        let shown = match evidence.map(|bytes| (self.verify(&bytes, &answer, record), bytes)) {
            None => {
                complaints.push(Complaint::NoEvidence);
                None
            }
            Some((Ok((evidence, verified)), bytes)) => {
                let report = verified.report();
                let differs = report.and_then(|report| {
                    let has_all_rows = !complaints.iter().any(Complaint::loses_rows);
                    let says_whole = stopped.is_none();
                    if self.is_resumed && !says_whole {
                        return overdone(report, &answer);
                    }
                    difference(report, &answer, says_whole, has_all_rows)
                });
                complaints.extend(differs.map(|what| Complaint::OtherDelivery { what }));
                complaints.extend(self.hold(verified.checkpoint(), &path)?);
                Some((evidence, bytes))
            }
            Some((Err(complaint), _)) => {
                complaints.push(complaint);
                None
            }
        };
        let digest = shown.as_ref().map(|(_, bytes)| Digest::of(bytes));
        if let Some((_, bytes)) = &shown {
            let kept = self.node.inner.evidence.replace(&evidence_name(&self.digest), bytes);
            kept.map_err(ConsumerError::Evidence)?;
        }
        let received = ReceivedRecord {
            request: self.digest,
            contract: *self.contract.as_digest(),
            answer: answer.clone(),
            evidence: digest,
            sealed,
            complaints: told(&complaints),
        };
        let index = self.node.record(Event::Consumer(ConsumerEvent::Received(received)))?;
        let evidence = shown.map(|(evidence, _)| evidence);
        Ok(Arrival { index, answer, stopped: stopped.map(cut), evidence, complaints })
    }

    /// The evidence, if it is of this answer to this request.
    fn verify(
        &self,
        bytes: &[u8],
        answer: &ReceivedAnswer,
        record: LeafIndex,
    ) -> Result<(Evidence, VerifiedEvidence), Complaint> {
        let bad = |error: EvidenceError| Complaint::Evidence { why: with_causes(&error) };
        let evidence = Evidence::from_bytes(bytes).map_err(bad)?;
        let verified = evidence.clone().verify(&self.node.inner.authority).map_err(bad)?;
        let differs = |what| Err(Complaint::OtherDecision { what });
        // Without the request itself in it, it would say of this request what the provider likes.
        if verified.access().request != self.digest || verified.request().is_none() {
            return differs("the request");
        }
        if contract_id(verified.contract()) != self.contract {
            return differs("the contract");
        }
        if record != verified.index() {
            return differs("the record");
        }
        match (&verified.access().verdict, answer) {
            (Verdict::Permit { .. }, ReceivedAnswer::Released { .. }) => {}
            (Verdict::Deny { reasons: recorded }, ReceivedAnswer::Denied { reasons })
                if are_told(recorded, reasons) => {}
            (Verdict::Deny { .. }, ReceivedAnswer::Denied { .. }) => return differs("the reasons"),
            _ => return differs("the verdict"),
        }
        Ok((evidence, verified))
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
                // That it fits what is held now is proved before the next request.
                let is_kept = moved_on && self.extends(new, path) && self.node.prove_later(new);
                Ok((!is_kept).then_some(Complaint::Unproved))
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

/// In what a provider's report is not what came; `None` if it is the same.
fn difference(
    report: &ReleaseReport,
    answer: &ReceivedAnswer,
    says_whole: bool,
    has_all_rows: bool,
) -> Option<&'static str> {
    let ReceivedAnswer::Released { rows, bytes, content, .. } = answer else { return None };
    if report.bytes != *bytes {
        return Some("the number of bytes");
    }
    if report.content != *content {
        return Some("the digest");
    }
    if has_all_rows && report.rows != *rows {
        return Some("the number of rows");
    }
    ((report.end == ReleaseEnd::Whole) != says_whole).then_some("how it ended")
}

/// The same for an answer that was resumed, and stopped: of what left, some may have been lost on its way.
fn overdone(report: &ReleaseReport, answer: &ReceivedAnswer) -> Option<&'static str> {
    let ReceivedAnswer::Released { bytes, content, .. } = answer else { return None };
    if report.bytes < *bytes {
        return Some("the number of bytes");
    }
    (report.bytes == *bytes && report.content != *content).then_some("the digest")
}

fn told(complaints: &[Complaint]) -> Vec<String> {
    fit(complaints.iter().map(ToString::to_string))
}

/// Returns true if a consumer was told these reasons, which were recorded with their codes and may be cut.
fn are_told(recorded: &[String], told: &[String]) -> bool {
    let recorded =
        recorded.iter().map(|one| one.split_once(": ").map_or(&**one, |(_, words)| words));
    let recorded = fit(recorded.map(str::to_owned));
    let is_same = |(recorded, told): (&String, &String)| {
        recorded == told || recorded.strip_suffix('…').is_some_and(|begin| told.starts_with(begin))
    };
    recorded.len() == told.len() && recorded.iter().zip(told).all(is_same)
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
