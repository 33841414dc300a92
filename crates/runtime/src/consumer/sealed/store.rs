//! What a consumer keeps sealed, and how it comes.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Seek as _, Write as _};

use dataspace_ledger::{
    ConsumerState,
    consumer::{HeldContract, KeptFile},
};
use dataspace_policy::Legal;
use dataspace_primitives::{Digest, UnixMillis, Validity};
use dataspace_sealed::{Contract, RecipientSecret, Sealed, header::CONTENT_LEN_MAX};
use dataspace_usage_contract::{Agreement, ContractId, deletion::DeletionReason};

use crate::consumer::ConsumerNode;
use crate::consumer::arrival::Arrival;
use crate::consumer::complaint::Complaint;
use crate::consumer::incoming::{Arrived, Incoming, Reply};
use crate::consumer::sealed::StoreError;
use crate::consumer::sealed::kept::{Kept, KeyError};
use crate::entries::PAGE_MAX;
use crate::error::{WriteError, with_causes};
use crate::exchange::Transport;
use crate::request::NewRequest;

/// Longest sealed file that is kept, in bytes: twice the longest content, for its tags.
const FILE_LEN_MAX: u64 = 2 * CONTENT_LEN_MAX;

/// The sealed files of a consumer's node and, apart from them, a key for each contract. All handles of one node are the
/// same store.
#[derive(Clone)]
pub struct SealedStore {
    pub(super) node: ConsumerNode,
    len_max: u64,
}

/// What came of a request for a sealed file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The name of the file in the store: SHA-256 of the request. `None` if none is kept, because the access was denied or
    /// what came is not all of it, or cannot be opened here.
    pub file: Option<Digest>,
    /// The answer, as it is recorded. It counts the bytes of the sealed file.
    pub arrival: Arrival,
    /// Why a file that came as agreed is not kept: the contract ended here meanwhile, or its key was deleted. That is
    /// no complaint about the provider.
    pub unkept: Option<StoreError>,
}

/// A sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name: SHA-256 of the request for which it came, where the next page goes on.
    pub file: Digest,
    /// The contract for which it is sealed.
    pub contract: ContractId,
    /// Bytes of the sealed file.
    pub bytes: u64,
    /// SHA-256 of the sealed file, as in the provider's report of what left.
    pub content: Digest,
    /// True if its key was deleted.
    pub is_deleted: bool,
}

impl ConsumerNode {
    /// The sealed files of this node.
    #[must_use]
    pub fn sealed_store(&self) -> SealedStore {
        SealedStore { node: self.clone(), len_max: FILE_LEN_MAX }
    }
}

impl SealedStore {
    /// Keeps, by this handle, no file that is longer than so many bytes: what comes beyond them is not read. Without a
    /// limit of yours, a provider may send as much as one file can hold, 1 TiB.
    #[must_use]
    pub fn file_len_max(mut self, bytes: u64) -> Self {
        self.len_max = bytes;
        self
    }

    /// Asks for one access under a contract, sealed, and keeps what comes. Request and answer are recorded as with
    /// [`ConsumerNode::access`]; the provider sees for which key it seals in the signed request.
    ///
    /// # Errors
    /// [`StoreError`] if nothing may be kept under the contract now, the provider refuses or cannot be reached, or
    /// the file cannot be written. The use may be counted all the same.
    pub fn receive(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
        new: NewRequest,
    ) -> Result<Stored, StoreError> {
        let secret = {
            let _no_deletion = self.kept().lock.lock();
            self.check_room(contract)?;
            let secrets = &*self.node.inner.keys.secrets;
            self.kept().key_or_new(contract, secrets).map_err(|error| key_error(error, contract))?
        };
        let key = *secret.recipient().as_bytes();
        let mut incoming = match self.node.access_for(provider, contract, (new, Some(key)))? {
            Reply::Denied(arrival) => {
                return Ok(Stored { file: None, arrival: *arrival, unkept: None });
            }
            Reply::Data(incoming) => incoming,
        };
        let fail = |source| StoreError::Io { what: "the store's directory", source };
        let (name, file) = self.kept().begin().map_err(fail)?;
        let kept = self.arrive(&mut incoming, file, (contract, &secret));
        let (file, header) = match kept {
            Ok(kept) => kept,
            Err(error) => {
                self.kept().give_up(&name);
                return Err(error);
            }
        };
        let finished = self.settle(*incoming, (&name, &file), (contract, &secret, header));
        if !matches!(finished, Ok(Stored { file: Some(_), .. })) {
            self.kept().give_up(&name);
        }
        finished
    }

    /// Writes what comes, and looks whether it can be opened here. `None` in place of the header's digest if not.
    fn arrive(
        &self,
        incoming: &mut Incoming,
        mut file: File,
        (contract, secret): (ContractId, &RecipientSecret),
    ) -> Result<(File, Option<Digest>), StoreError> {
        let fail = |source| StoreError::Io { what: "the sealed file", source };
        let mut left = self.len_max;
        while let Some(piece) = incoming.next_piece() {
            let (Arrived::Bytes { bytes, .. } | Arrived::Rows(bytes)) = piece;
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let too_long = StoreError::TooLong { max: self.len_max };
            // WHY one at least: pieces of nothing would come for ever.
            left = left.checked_sub(len.max(1)).ok_or(too_long)?;
            file.write_all(&bytes).map_err(fail)?;
        }
        if !incoming.is_whole() {
            return Ok((file, None));
        }
        file.rewind().map_err(fail)?;
        let header = match self.header(&file, (contract, secret)) {
            Ok(header) => Some(header),
            Err(error) => {
                incoming.complain(Complaint::Sealed { why: with_causes(&error) });
                None
            }
        };
        Ok((file, header))
    }

    /// The digest of the header of a file that can be opened here. Its content stays closed: that is a matter of openings.
    fn header(
        &self,
        file: &File,
        (contract, secret): (ContractId, &RecipientSecret),
    ) -> Result<Digest, StoreError> {
        let agreement = self.node.agreement(contract)?;
        let sealed = Sealed::read(BufReader::new(file))?;
        let key = sealed.unwrap_key(secret, &named(contract, agreement.value()), self.now()?)?;
        let header = sealed.header().digest();
        // Its last chunk is authentic, too; those before it are seen when it is opened.
        let _it_has_its_length = sealed.ranges(&key)?;
        Ok(header)
    }

    /// Gives the file its place, and records what came.
    fn settle(
        &self,
        incoming: Incoming,
        of: (&str, &File),
        (contract, secret, header): (ContractId, &RecipientSecret, Option<Digest>),
    ) -> Result<Stored, StoreError> {
        let request = incoming.request();
        let _no_deletion = self.kept().lock.lock();
        let unkept = header.and_then(|_| self.check_place(contract, secret).err());
        let header = header.filter(|_| unkept.is_none());
        if header.is_some() {
            let fail = |source| StoreError::Io { what: "the sealed file", source };
            self.kept().place(of, &request).map_err(fail)?;
        }
        let finished = incoming.finish_sealed(header);
        let is_kept = header.is_some() && finished.as_ref().is_ok_and(Arrival::is_whole);
        if !is_kept {
            let _removed_when_the_node_is_opened_again = self.kept().remove_file(&request);
        }
        Ok(Stored { file: is_kept.then_some(request), arrival: finished?, unkept })
    }

    /// Checks that what came still has a place, and its key: it may have been deleted while the file came.
    fn check_place(
        &self,
        contract: ContractId,
        secret: &RecipientSecret,
    ) -> Result<(), StoreError> {
        self.check_room(contract)?;
        let known = self.kept().key(contract, &*self.node.inner.keys.secrets);
        let known = known.map_err(|error| key_error(error, contract))?;
        if known.is_some_and(|known| known.recipient() == secret.recipient()) {
            Ok(())
        } else {
            Err(StoreError::Key { contract })
        }
    }

    /// Sealed files, in the order of their names: at most `limit` and 1,000, after `after`; also those whose keys were
    /// deleted.
    #[must_use]
    pub fn files(&self, after: Option<Digest>, limit: usize) -> Vec<FileEntry> {
        let state = self.node.inner.state.lock();
        let is_deleted =
            |contract| state.contract(contract).is_ok_and(|held| held.deleted.is_some());
        let entries = state.files(after).map(|(file, kept)| {
            let KeptFile { contract, bytes, content, .. } = *kept;
            FileEntry { file, contract, bytes, content, is_deleted: is_deleted(contract) }
        });
        entries.take(limit.min(PAGE_MAX)).collect()
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.node.inner.sealed
    }

    pub(super) fn now(&self) -> Result<UnixMillis, StoreError> {
        Ok(self.node.about_now()?)
    }

    /// Checks that one more file can be kept under a contract.
    fn check_room(&self, contract: ContractId) -> Result<(), StoreError> {
        let (now, due) = (self.now()?, self.due(contract)?);
        let state = self.node.inner.state.lock();
        state.check_room(contract)?;
        match over((&state, contract), due, now) {
            Some(reason) => Err(StoreError::Over { contract, reason }),
            None => Ok(()),
        }
    }

    /// By when the copies under a contract are to be deleted, if its terms say so: counted, as what is
    /// [owed](ConsumerNode::owed), from when the contract was held here.
    pub(super) fn due(&self, contract: ContractId) -> Result<Option<UnixMillis>, StoreError> {
        if let Some(known) = self.kept().due.lock().get(&contract) {
            return Ok(*known);
        }
        let since = self.node.inner.state.lock().contract(contract)?.held_since;
        let agreement = self.node.agreement(contract)?;
        let secs = agreement.value().terms.legal.iter().filter_map(|one| match one {
            Legal::DeleteAfter(secs) => Some(*secs),
            _ => None,
        });
        let after = secs.min().map(std::time::Duration::from_secs);
        let due = after.map(|after| since.checked_add(after).unwrap_or(UnixMillis::MAX));
        self.kept().due.lock().insert(contract, due);
        Ok(due)
    }
}

/// Why the keys of a contract are to be deleted; `None` if they are not.
pub(super) fn over(
    (state, contract): (&ConsumerState, ContractId),
    due: Option<UnixMillis>,
    now: UnixMillis,
) -> Option<DeletionReason> {
    let HeldContract { validity, is_ended, .. } = state.contract(contract).ok()?;
    let space = state.space();
    let by_clock = space.contract(contract).is_ok_and(|one| space.is_ended_by_clock(one));
    if *is_ended || by_clock {
        Some(DeletionReason::Terminated)
    } else if validity.until() <= now {
        Some(DeletionReason::Expired)
    } else if due.is_some_and(|due| due <= now) {
        Some(DeletionReason::Due)
    } else {
        None
    }
}

/// The contract to which a sealed file must belong. Whether it is in force is not asked here.
pub(super) fn named(contract: ContractId, agreement: &Agreement) -> Contract {
    let product = agreement.product.clone();
    Contract { id: *contract.as_digest(), product, validity: Validity::ALWAYS }
}

pub(super) fn key_error(error: KeyError, contract: ContractId) -> StoreError {
    match error {
        KeyError::Io(source) => StoreError::Io { what: "the key of the contract", source },
        KeyError::Secrets(error) => error.into(),
        KeyError::Random(error) => error.into(),
        KeyError::Damaged => StoreError::Key { contract },
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        Self::Node(error.into())
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").field("node", &self.node).finish_non_exhaustive()
    }
}
