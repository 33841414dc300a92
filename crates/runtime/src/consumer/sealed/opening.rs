//! Openings of sealed files: judged, recorded, and judged again while a file is read.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use dataspace_ledger::{
    ConsumerState, DenialReason,
    facts::{self, Stated},
    state::{Case, Contract, Document},
};
use dataspace_policy::Uses;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_sealed::{Sealed, SealedFile};
use dataspace_tlog::{AccessRecord, Event, Fact, LeafIndex, Verdict, record::ConsumerEvent};
use dataspace_usage_contract::{ContractId, meter::Use};

use crate::consumer::complaint::fit;
use crate::consumer::error::ConsumerError;
use crate::consumer::sealed::StoreError;
use crate::consumer::sealed::store::{SealedStore, key_error, named};
use crate::request::NewRequest;

/// The decision on opening a sealed file. It is recorded.
#[derive(Debug)]
#[must_use]
pub enum Opening {
    /// Permitted: the content.
    Opened(Box<OpenedFile>),
    /// Denied.
    Denied {
        /// The record in this node's log.
        record: LeafIndex,
        /// Why; never empty.
        reasons: Vec<DenialReason>,
    },
}

/// A sealed file that is open. For each chunk that is read it is asked again whether the opening still stands.
pub struct OpenedFile {
    store: SealedStore,
    basis: Basis,
    uses: Uses,
    content: Box<SealedFile<File>>,
    /// Where the next reading begins.
    at: u64,
    record: LeafIndex,
    clauses: Vec<String>,
}

/// What an opening is judged by, beside the state.
struct Basis {
    id: ContractId,
    contract: Arc<Contract>,
    document: Arc<Document>,
    due: Option<UnixMillis>,
    new: NewRequest,
}

/// The clauses that permit, or the reasons against.
type Judged = Result<Vec<String>, Vec<DenialReason>>;

impl SealedStore {
    /// Opens a sealed file, if its contract permits it now: for this action and purpose, with these statements. The decision
    /// is durable in this node's log before a byte is handed out, and a permit counts as a use at this node. The node
    /// must hold its consumer's own credential ([`admit`](crate::ConsumerNode::admit)), by which it is judged. A
    /// sealed file is opened whole: a part that is asked for is denied.
    ///
    /// # Errors
    /// [`StoreError`] if there is no such file, or it cannot be opened. Then nothing is recorded, and no use is counted.
    pub fn open(&self, file: &Digest, new: NewRequest) -> Result<Opening, StoreError> {
        let basis = self.basis(file, new)?;
        loop {
            // WHY asked before: what is denied is not even decrypted, and what cannot be opened costs no use.
            let loaded =
                if self.is_permitted(&basis)? { self.load(file, &basis)? } else { Loaded::Nothing };
            let decided = self.node.record_by(|state, now| {
                let uses = basis.uses(now);
                let judged = match (basis.judge(state, uses, now), &loaded) {
                    (Ok(_), Loaded::Nothing) => return Err(Undecided::Again),
                    (Ok(_), Loaded::NoKey) => Err(vec![DenialReason::KeysDeleted]),
                    (judged, _) => judged,
                };
                let access = basis.record(state, *file, (&judged, uses, now));
                let event = Event::Consumer(ConsumerEvent::Opening(access));
                Ok((event, (judged, uses)))
            });
            let (record, (judged, uses)) = match decided {
                Ok(decided) => decided,
                Err(Undecided::Again) => continue,
                Err(Undecided::Failed(error)) => return Err(error.into()),
            };
            self.node.sign_covering(record)?;
            return match (judged, loaded) {
                (Ok(clauses), Loaded::Content(content)) => {
                    let store = self.clone();
                    let opened = OpenedFile { store, basis, uses, content, at: 0, record, clauses };
                    Ok(Opening::Opened(Box::new(opened)))
                }
                (Err(reasons), _) => Ok(Opening::Denied { record, reasons }),
                // Without its content, nothing is permitted.
                (Ok(_), Loaded::Nothing | Loaded::NoKey) => Err(StoreError::OtherFile),
            };
        }
    }

    fn is_permitted(&self, basis: &Basis) -> Result<bool, StoreError> {
        let now = self.now()?;
        let state = self.node.inner.state.lock();
        Ok(basis.judge(&state, basis.uses(now), now).is_ok())
    }

    fn basis(&self, file: &Digest, new: NewRequest) -> Result<Basis, StoreError> {
        let (id, contract, keys, compiler) = {
            let state = self.node.inner.state.lock();
            let (id, space) = (state.file(file)?.contract, state.space());
            let contract = Arc::clone(space.contract(id)?);
            (id, contract, Arc::clone(space.keys()), space.compiler().clone())
        };
        let document = if let Some(known) = self.kept().document(id) {
            known
        } else {
            let record = self.node.inner.log.read(contract.index());
            let record = record.map_err(ConsumerError::from)?;
            let read = Document::read(&contract, &record, (&keys.past(), &compiler));
            let document = Arc::new(read?);
            self.kept().keep_document(id, &document);
            document
        };
        Ok(Basis { id, contract, document, due: self.due(id)?, new })
    }

    fn load(&self, file: &Digest, basis: &Basis) -> Result<Loaded, StoreError> {
        let secrets = &*self.node.inner.keys.secrets;
        let secret = self.kept().key(basis.id, secrets);
        let secret = secret.map_err(|error| key_error(error, basis.id))?;
        let Some(secret) = secret else { return Ok(Loaded::NoKey) };
        let expected = self.node.inner.state.lock().file(file)?.header;
        let opened = self.kept().file(file);
        let opened = opened.map_err(|source| StoreError::Io { what: "the sealed file", source })?;
        let sealed = Sealed::read(opened)?;
        if sealed.header().digest() != expected {
            return Err(StoreError::OtherFile);
        }
        let of = named(basis.id, basis.document.agreement().value());
        let key = sealed.unwrap_key(&secret, &of, self.now()?)?;
        Ok(Loaded::Content(Box::new(sealed.ranges(&key)?)))
    }
}

/// What was found before the decision.
enum Loaded {
    /// Nothing was looked for, since it would not be permitted.
    Nothing,
    /// The key of the contract is no longer there.
    NoKey,
    Content(Box<SealedFile<File>>),
}

/// Why there is no decision.
enum Undecided {
    /// It was denied before the content was loaded, and is permitted now.
    Again,
    Failed(ConsumerError),
}

impl From<ConsumerError> for Undecided {
    fn from(error: ConsumerError) -> Self {
        Self::Failed(error)
    }
}

impl Basis {
    /// All counts, for a decision at `now`.
    fn uses(&self, now: UnixMillis) -> Uses {
        // A part is denied.
        self.contract.uses_at(now, &Use::new(self.new.action, None))
    }

    /// Judges by the contract, with the same code as its provider.
    fn judge(&self, state: &ConsumerState, uses: Uses, now: UnixMillis) -> Judged {
        let mut reasons = Vec::new();
        if state.contract(self.id).map_or(true, |held| held.deleted.is_some()) {
            reasons.push(DenialReason::KeysDeleted);
        }
        if let Some(due) = self.due.filter(|due| *due <= now) {
            reasons.push(DenialReason::DeletionDue { due, now });
        }
        if self.new.part.is_some() {
            let message = "a sealed file is opened whole, and not in parts".to_owned();
            reasons.push(DenialReason::Part { message });
        }
        let judged = self.with_case(state, (uses, now), |case| {
            state.space().judge(case, &state.space().facts(case))
        });
        match judged {
            Some(Ok(clauses)) if reasons.is_empty() => return Ok(clauses),
            Some(Ok(_)) => {}
            Some(Err(more)) => reasons.extend(more),
            None => reasons.push(DenialReason::NoCredential),
        }
        Err(reasons)
    }

    /// `None` if the node does not hold the consumer's credential.
    fn with_case<T>(
        &self,
        state: &ConsumerState,
        (uses, now): (Uses, UnixMillis),
        look: impl FnOnce(&Case<'_>) -> T,
    ) -> Option<T> {
        let NewRequest { action, purpose, statements, .. } = &self.new;
        let stated = Stated::new((*action, purpose, None), statements, uses);
        let member = state.space().member(self.contract.consumer())?;
        let (contract, document) = (&*self.contract, &*self.document);
        // Nobody states anything to this node: what a contract asks for beyond it is not known.
        let vouched = &state.space().vouched(contract, &stated, now);
        Some(look(&Case { contract, document, member, stated: &stated, vouched, now }))
    }

    fn record(
        &self,
        state: &ConsumerState,
        file: Digest,
        (judged, uses, now): (&Judged, Uses, UnixMillis),
    ) -> AccessRecord {
        let known = self.with_case(state, (uses, now), |case| {
            facts::recorded(&state.space().facts(case), case.vouched)
        });
        let facts: BTreeMap<String, Fact> = known.unwrap_or_default();
        let verdict = match judged {
            Ok(_) => Verdict::Permit { uses: uses.contract.saturating_add(1), duties: Vec::new() },
            Err(reasons) => {
                Verdict::Deny { reasons: fit(reasons.iter().map(DenialReason::recorded)) }
            }
        };
        AccessRecord {
            contract: *self.id.as_digest(),
            program: self.contract.program(),
            profile: state.space().profile().profile().version,
            request: file,
            part: None,
            facts,
            verdict,
        }
    }
}

impl OpenedFile {
    /// Bytes of the content.
    #[must_use]
    pub fn content_len(&self) -> u64 {
        self.content.content_len()
    }

    /// The record of the decision in this node's log.
    #[must_use]
    pub fn record(&self) -> LeafIndex {
        self.record
    }

    /// The clauses that permit.
    #[must_use]
    pub fn clauses(&self) -> &[String] {
        &self.clauses
    }

    /// Fills `into` with the content from its byte `from` on, counted from 0.
    ///
    /// # Errors
    /// [`StoreError`] if the opening no longer stands, the range ends after the content, or the file was changed. What
    /// was filled before is authentic; the rest is as it was, or zeros.
    pub fn read_range(&mut self, from: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let chunk_len = self.content.header().chunk_len().bytes();
        let chunk_len = usize::try_from(chunk_len).unwrap_or(usize::MAX);
        let mut at = from;
        for piece in into.chunks_mut(chunk_len) {
            self.check()?;
            self.content.read_range(at, piece)?;
            if let Err(error) = self.check() {
                piece.fill(0);
                return Err(error);
            }
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Checks that the opening would still be permitted; its own use is made.
    fn check(&self) -> Result<(), StoreError> {
        let now = self.store.now()?;
        let state = self.store.node.inner.state.lock();
        match self.basis.judge(&state, self.uses, now) {
            Ok(_) => Ok(()),
            Err(reasons) => {
                let reason = reasons.first().map(ToString::to_string).unwrap_or_default();
                Err(StoreError::Stopped { reason })
            }
        }
    }
}

/// The content from its beginning on. Fails as [`OpenedFile::read_range`] does.
impl Read for OpenedFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.content_len().saturating_sub(self.at);
        let chunk_len = self.content.header().chunk_len().bytes();
        let len = usize::try_from(left.min(chunk_len)).unwrap_or(usize::MAX).min(into.len());
        let (into, _) = into.split_at_mut(len);
        self.read_range(self.at, into).map_err(io::Error::other)?;
        self.at = self.at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Ok(len)
    }
}

impl fmt::Debug for OpenedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedFile").field("record", &self.record).finish_non_exhaustive()
    }
}
