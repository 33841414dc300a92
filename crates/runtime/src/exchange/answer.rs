//! The provider's answers to calls.

use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Weak};

use dataspace_audit_log::reader::{ProveError, ReadError};
use dataspace_data_plane::{Piece, render::csv_columns};
use dataspace_identity::{Admitted, Resolver as _};
use dataspace_ledger::Refusal;
use dataspace_primitives::cbor::{DecodeError, EncodeError};
use dataspace_primitives::{Payload, Signed, envelope::EnvelopeError};
use dataspace_tlog::{Event, Fault, LeafIndex, Record, TreeSize};
use dataspace_usage_contract::{Acceptance, Agreement, DeletionStatement, Offer};
use serde_bytes::ByteBuf;
use thiserror::Error;

use crate::access::asked::Receipt;
use crate::access::error::AccessError;
use crate::access::release::{Leaving, Release, ReleaseError};
#[cfg(feature = "sealed")]
use crate::access::sealing::{SealToError, Sealing};
use crate::error::{ChangeError, WriteError, with_causes};
use crate::exchange::frame::{Frame, FrameError};
use crate::exchange::message::{
    AccessCall, CATALOGUE_LEN_MAX, Catalogue, CatalogueCall, ConcludeCall, Consistency,
    ConsistencyCall, ResumeCall, body, read_body,
};
use crate::exchange::{Call, CallError, Transport};
use crate::node::Inner;
use crate::offers::OfferStoreError;
use crate::space::DataSpace;
use crate::space::accesses::Access;

/// Why a call is not answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The body is malformed.
    #[error("the body of the call is malformed")]
    Body(#[from] DecodeError),
    /// A document in it is malformed.
    #[error("a document in the call is malformed")]
    Document(#[from] EnvelopeError),
    /// The contract is not concluded, or not ended.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no decision.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The provider is not a member of the space, so it has no catalogue.
    #[error("the provider has no credential in this space yet")]
    NoCredential,
    /// The published offers cannot be read.
    #[error(transparent)]
    Offers(#[from] OfferStoreError),
    /// The node's log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// There is no such proof.
    #[error("there is no such proof")]
    Prove(#[from] ProveError),
    /// The answer cannot be encoded.
    #[error("the answer cannot be encoded")]
    Encode(#[from] EncodeError),
    /// The same, for a frame.
    #[error("the answer cannot be encoded")]
    Frame(#[source] io::Error),
}

impl AnswerError {
    /// Whose fault it is: of [`Fault::Caller`] tell the caller the [words](Self::words) (a 4xx over HTTP);
    /// everything else is this node's own business (a 5xx).
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Change(
                ChangeError::Unsigned(_) | ChangeError::InsidePass | ChangeError::Write(_),
            )
            | Self::Access(
                AccessError::Clock(_)
                | AccessError::Append(_)
                | AccessError::Closed
                | AccessError::Contract { .. },
            )
            | Self::NoCredential
            | Self::Offers(_)
            | Self::Read(_)
            | Self::Encode(_)
            | Self::Frame(_) => Fault::Environment,
            Self::Prove(error) => error.fault(),
            Self::Body(_) | Self::Document(_) | Self::Change(_) | Self::Access(_) => Fault::Caller,
        }
    }

    /// What to tell the caller. Failures of this node are not told to strangers.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            // Whether others have a contract is none of a stranger's business.
            Self::Change(ChangeError::Refused(
                Refusal::UnknownContract { .. } | Refusal::Termination(_) | Refusal::Deletion(_),
            ))
            | Self::Access(AccessError::UnknownContract { .. } | AccessError::Signature) => {
                return "there is no such contract between this provider and who signed".to_owned();
            }
            _ => {}
        }
        match self.fault() {
            Fault::Caller => with_causes(self),
            _ => "the node cannot answer now".to_owned(),
        }
    }
}

/// An answer, to be sent as it is read. Reading blocks, for data and for the disk.
pub struct Answer {
    node: Weak<Inner>,
    ready: Vec<u8>,
    /// Bytes of it that were read.
    read: usize,
    next: Next,
}

/// What comes after what is ready.
enum Next {
    Nothing,
    Data(Box<Release>, Shown),
    /// The same as a sealed file, with the bytes of it that were sent.
    #[cfg(feature = "sealed")]
    Sealed(Box<(Release, Sealing, u64)>, Shown),
    /// The release gave its last piece, or stopped.
    End(Receipt, Shown),
}

/// What the last frame needs: the record of the decision, which may be archived meanwhile, and how much of the
/// log the consumer has seen.
struct Shown {
    decision: Vec<u8>,
    held: TreeSize,
}

impl DataSpace {
    /// Answers a call of a consumer. Documents in it are verified here; the transport need not know who
    /// calls. Blocks as [`access`](Self::access) and [`conclude`](Self::conclude) do.
    ///
    /// # Errors
    /// [`AnswerError`], and nothing is to be sent but its [words](AnswerError::words).
    pub fn answer(&self, call: Call, from: &[u8]) -> Result<Answer, AnswerError> {
        let ready = match call {
            Call::Catalogue => self.catalogue(&read_body(from)?)?,
            Call::Conclude => {
                let ConcludeCall { offer, acceptance } = read_body(from)?;
                let (offer, acceptance) = (signed(offer)?, signed(acceptance)?);
                let agreement = self.conclude_again(offer, acceptance)?;
                agreement.as_bytes().to_vec()
            }
            Call::Terminate => {
                self.terminate(Signed::from_bytes(from.to_vec())?)?;
                Vec::new()
            }
            Call::Delete => {
                self.take_deletion_again(Signed::from_bytes(from.to_vec())?)?;
                Vec::new()
            }
            Call::Consistency => {
                let ConsistencyCall { from, to } = read_body(from)?;
                let path = self.log().consistency_proof(from, to)?.path;
                body(&Consistency { path })?
            }
            Call::Access => {
                let AccessCall { request, held } = read_body(from)?;
                return self.answer_access(self.access(signed(request)?)?, held);
            }
            Call::Resume => {
                let ResumeCall { request, held } = read_body(from)?;
                return self.answer_release(self.resume(signed(request)?)?, held);
            }
        };
        Ok(Answer { node: Arc::downgrade(&self.inner), ready, read: 0, next: Next::Nothing })
    }

    fn answer_access(&self, access: Access, held: TreeSize) -> Result<Answer, AnswerError> {
        let (frame, next) = match access {
            #[cfg(feature = "sealed")]
            Access::Released(release) if release.is_sealed() => {
                let record = release.receipt().index;
                let shown = Shown { decision: self.log().read(record)?, held };
                let sealing = Sealing::new(&release);
                let sealing = sealing.map_err(io::Error::other).map_err(AnswerError::Frame)?;
                // Of the content nothing is told in plain, not even its columns.
                let frame = Frame::Permitted { record, columns: None };
                (frame, Next::Sealed(Box::new((release, sealing, 0)), shown))
            }
            Access::Released(release) => {
                release.keep();
                return self.answer_release(release, held);
            }
            Access::Denied(denied) => {
                let receipt = denied.receipt();
                let reasons = denied.reasons().iter().map(ToString::to_string).collect();
                let frame = Frame::Denied { record: receipt.index, reasons };
                let shown = Shown { decision: self.log().read(receipt.index)?, held };
                (frame, Next::End(receipt, shown))
            }
        };
        let ready = frame.to_bytes().map_err(io::Error::other).map_err(AnswerError::Frame)?;
        Ok(Answer { node: Arc::downgrade(&self.inner), ready, read: 0, next })
    }

    fn answer_release(&self, release: Release, held: TreeSize) -> Result<Answer, AnswerError> {
        let columns = release.schema().map(|schema| csv_columns(&schema));
        let record = release.receipt().index;
        let shown = Shown { decision: self.log().read(record)?, held };
        let ready = Frame::Permitted { record, columns }.to_bytes();
        let ready = ready.map_err(io::Error::other).map_err(AnswerError::Frame)?;
        let next = Next::Data(Box::new(release), shown);
        Ok(Answer { node: Arc::downgrade(&self.inner), ready, read: 0, next })
    }

    /// A call that is repeated because its answer was lost gets the same agreement.
    fn conclude_again(
        &self,
        offer: Signed<Offer>,
        acceptance: Signed<Acceptance>,
    ) -> Result<Signed<Agreement>, AnswerError> {
        let refused = match self.conclude(offer, acceptance.clone()) {
            Ok(agreement) => return Ok(agreement.signed().clone()),
            Err(error) => error,
        };
        if let ChangeError::Refused(Refusal::AlreadyAccepted { consumer, .. }) = &refused {
            let now = self.now().map_err(WriteError::from).map_err(ChangeError::from)?;
            let acceptance = acceptance.verify(&self.keys().keys(consumer), now);
            let acceptance = acceptance.map_err(ChangeError::from)?;
            let Acceptance { offer, contract, .. } = acceptance.value();
            // The consumer may name any contract: it gets its own, from this offer, and no other one is even read.
            let is_its_own = {
                let state = self.inner.gate.enter();
                state.space.contract(*contract).is_ok_and(|known| known.consumer() == consumer)
            };
            if is_its_own
                && let Ok(agreement) = self.agreement(*contract)
                && agreement.value().consumer == *consumer
                && agreement.value().offer == *offer
            {
                return Ok(agreement.signed().clone());
            }
        }
        Err(refused.into())
    }

    /// A statement that is sent again because the answer was lost is in the log already.
    fn take_deletion_again(&self, statement: Signed<DeletionStatement>) -> Result<(), ChangeError> {
        match self.take_deletion(statement) {
            Err(ChangeError::Refused(Refusal::AlreadyDeleted { .. })) => Ok(()),
            taken => taken,
        }
    }

    fn catalogue(&self, call: &CatalogueCall) -> Result<Vec<u8>, AnswerError> {
        let (profile, credential, places) = {
            let state = self.inner.gate.enter();
            let member = state.space.member(self.provider()).ok_or(AnswerError::NoCredential)?;
            let credential = Admitted::signed(member.admitted());
            let places = state.space.key_records_of(self.provider()).to_vec();
            (state.space.profile().signed().as_bytes().to_vec(), credential.clone(), places)
        };
        let kept = self.inner.contracts.kept();
        let mut keys = Vec::with_capacity(places.len());
        for place in places {
            let record = Record::from_bytes(&kept.read_or(&self.inner.log, place)?);
            if let Ok(Record { event: Event::Keys { document, .. }, .. }) = record {
                keys.push(document);
            }
        }
        let now = self.now().map_err(WriteError::from).map_err(ChangeError::from)?;
        let (mut offers, mut next) = (Vec::new(), None);
        for (id, offer) in self.open_offers(call.after, now, CATALOGUE_LEN_MAX)? {
            offers.push(ByteBuf::from(offer.as_bytes()));
            next = Some(id);
        }
        // The last page is the one that comes back empty.
        let provider = ByteBuf::from(credential.as_bytes());
        let profile = ByteBuf::from(profile);
        Ok(body(&Catalogue { profile, provider, keys, offers, next })?)
    }
}

/// Straight to the node, in the same process.
impl Transport for DataSpace {
    fn call(&self, call: Call, body: Vec<u8>) -> Result<Box<dyn Read + Send>, CallError> {
        let answer = self.answer(call, &body);
        let answer = answer.map_err(|error| CallError::Refused { words: error.words() })?;
        Ok(Box::new(answer))
    }
}

fn signed<T: Payload>(document: ByteBuf) -> Result<Signed<T>, EnvelopeError> {
    Signed::from_bytes(document.into_vec())
}

impl Answer {
    /// Makes the next frame ready; false if there is none.
    fn go_on(&mut self) -> Result<bool, FrameError> {
        self.read = 0;
        self.ready.clear();
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => Ok(false),
            Next::Data(mut release, shown) => {
                let stopped = match release.next_as(frames) {
                    Ok(Some(frames)) => {
                        self.ready = frames;
                        self.next = Next::Data(release, shown);
                        return Ok(true);
                    }
                    Ok(None) => None,
                    Err(FrameError::Release(ReleaseError::Stopped { reason })) => Some(reason),
                    Err(FrameError::Release(
                        error @ (ReleaseError::TooManyPersons | ReleaseError::Changed),
                    )) => Some(error.to_string()),
                    // What is wrong with the data is not told.
                    Err(_) => Some("the provider cannot go on".to_owned()),
                };
                // WHY waited for here: all data have left, and what left is part of the evidence.
                let report = release.wait_report().ok().flatten();
                self.end((release.receipt(), report), shown, stopped)
            }
            #[cfg(feature = "sealed")]
            Next::Sealed(mut file, shown) => {
                let (release, sealing, at) = &mut *file;
                let stopped = match sealing.next(release) {
                    Ok(Some(bytes)) => {
                        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                        let frame = Frame::Bytes { at: *at, bytes: ByteBuf::from(bytes) };
                        self.ready = frame.to_bytes()?;
                        *at = at.saturating_add(len);
                        self.next = Next::Sealed(file, shown);
                        return Ok(true);
                    }
                    Ok(None) => None,
                    Err(SealToError::Release(ReleaseError::Stopped { reason })) => Some(reason),
                    Err(SealToError::Release(error @ ReleaseError::TooManyPersons)) => {
                        Some(error.to_string())
                    }
                    Err(_) => Some("the provider cannot go on".to_owned()),
                };
                let report = release.wait_report().ok().flatten();
                self.end((release.receipt(), report), shown, stopped)
            }
            Next::End(receipt, shown) => self.end((&receipt, None), shown, None),
        }
    }

    /// The last frame.
    fn end(
        &mut self,
        (receipt, report): (&Receipt, Option<LeafIndex>),
        Shown { decision, held }: Shown,
        stopped: Option<String>,
    ) -> Result<bool, FrameError> {
        let space = self.node.upgrade().map(|inner| DataSpace { inner });
        let (mut evidence, mut path) = (None, Vec::new());
        if let Some(space) = space
            && let Ok((shown, size)) =
                space.evidence_of((receipt.index, decision), Some(&receipt.request), report)
        {
            evidence = Some(ByteBuf::from(shown.to_bytes().map_err(FrameError::from)?));
            let range = (held.min(size), held.max(size));
            // Of a log that was rolled back there is none, and the consumer sees it.
            let proof = space.log().consistency_proof(range.0, range.1);
            path = proof.map(|proof| proof.path).unwrap_or_default();
        }
        self.ready = Frame::End { stopped, evidence, path }.to_bytes()?;
        Ok(true)
    }
}

/// A piece, in as many frames as it takes.
fn frames(Leaving { piece, texts }: Leaving) -> Result<Vec<u8>, FrameError> {
    match piece {
        Piece::Rows(_) => {
            let mut frames = Vec::new();
            for csv in texts {
                frames.extend(Frame::Rows { csv: ByteBuf::from(csv) }.to_bytes()?);
            }
            Ok(frames)
        }
        // Of a release that is resumed, all of this piece may be left out.
        Piece::Bytes { bytes, .. } if bytes.is_empty() => Ok(Vec::new()),
        Piece::Bytes { at, bytes } => {
            Frame::Bytes { at, bytes: ByteBuf::from(bytes.to_vec()) }.to_bytes()
        }
        _ => Err(ReleaseError::Kind.into()),
    }
}

impl Read for Answer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.ready.len() {
            if !self.go_on().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
        let (_, rest) = self.ready.split_at(self.read);
        let len = rest.len().min(into.len());
        let (rest, _) = rest.split_at(len);
        let (into, _) = into.split_at_mut(len);
        into.copy_from_slice(rest);
        self.read = self.read.saturating_add(len);
        Ok(len)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
