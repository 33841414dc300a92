//! The files of the store: sealed files by their requests and, apart, keys by their contracts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use dataspace_ledger::{ConsumerState, state::Document};
use dataspace_primitives::{Digest, Name, Secrets, UnixMillis, Validity};
use dataspace_sealed::{Contract, RecipientSecret, Seal, Sealed};
use dataspace_tlog::Directory;
use dataspace_usage_contract::ContractId;
use parking_lot::Mutex;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::random::{Randomness as _, SystemRandomness};

const FILES: &str = "sealed";
const KEYS: &str = "sealed-keys";
const FILE_END: &str = ".sealed";
const KEY_END: &str = ".key";
/// Longest file with a key, in bytes.
const KEY_LEN_MAX: usize = 4_096;
/// What the node's secrets protect keys for, and the name under which one is sealed.
const PURPOSE: &str = "sealed-store";
/// Documents of contracts that are kept decoded.
const DOCUMENTS_MAX: usize = 256;

/// What the store has on the disk, and in memory.
pub(crate) struct Kept {
    files: Directory,
    keys: Directory,
    /// Held while a key is made or deleted, and while a file gets its place, so that no file comes to stay after its key
    /// was deleted.
    pub(super) lock: Mutex<()>,
    documents: Mutex<HashMap<ContractId, Arc<Document>>>,
    /// By when the copies under a contract are to be deleted, as its terms say.
    pub(super) due: Mutex<HashMap<ContractId, Option<UnixMillis>>>,
}

/// A key cannot be used.
#[derive(Debug, Error)]
pub(super) enum KeyError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Secrets(#[from] dataspace_primitives::secrets::SecretsError),
    #[error(transparent)]
    Random(#[from] crate::random::RandomError),
    /// It is none, or was made by another node or for another contract.
    #[error("the key is damaged, or of another node")]
    Damaged,
}

impl Kept {
    /// Opens the directories, and removes what must not be there: files that no record tells of, because the
    /// node stopped before one was written, and keys that were deleted and put back.
    pub(crate) fn open(dir: &Path, state: &ConsumerState) -> io::Result<Self> {
        let (files, keys) = (Directory::make(&dir.join(FILES))?, Directory::make(&dir.join(KEYS))?);
        let (documents, due, lock) = Default::default();
        let kept = Self { files, keys, lock, documents, due };
        let is_deleted = |contract| state.contract(contract).is_ok_and(|one| one.deleted.is_some());
        kept.files.remove_temporary()?;
        kept.keys.remove_temporary()?;
        for request in named(&kept.files, FILE_END)? {
            if state.file(&request).map_or(true, |file| is_deleted(file.contract)) {
                kept.remove_file(&request)?;
            }
        }
        for contract in kept.contracts_with_keys()? {
            if is_deleted(contract) {
                kept.delete_key(contract)?;
            }
        }
        Ok(kept)
    }

    /// Contracts that have a key.
    pub(super) fn contracts_with_keys(&self) -> io::Result<Vec<ContractId>> {
        Ok(named(&self.keys, KEY_END)?.into_iter().map(ContractId::from_digest).collect())
    }

    /// A file for what is arriving, under a name that is not kept.
    pub(super) fn begin(&self) -> io::Result<(String, File)> {
        self.files.check()?;
        self.files.make_temporary("arriving")
    }

    /// Gives what arrived its place; durable on return.
    pub(super) fn place(&self, (name, file): (&str, &File), request: &Digest) -> io::Result<()> {
        file.sync_all()?;
        self.files.rename(name, &file_name(request))?;
        self.files.sync()
    }

    /// Removes what did not arrive.
    pub(super) fn give_up(&self, name: &str) {
        let _removed_when_the_node_is_opened_again = self.files.remove(name);
    }

    pub(super) fn file(&self, request: &Digest) -> io::Result<File> {
        self.files.read(file_name(request))
    }

    pub(super) fn remove_file(&self, request: &Digest) -> io::Result<()> {
        match self.files.remove(file_name(request)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The key of a contract; `None` if there is none.
    pub(super) fn key(
        &self,
        contract: ContractId,
        secrets: &dyn Secrets,
    ) -> Result<Option<RecipientSecret>, KeyError> {
        let Some(bytes) = self.keys.read_all(&key_name(contract), KEY_LEN_MAX)? else {
            return Ok(None);
        };
        let (protector, of) = (protector(contract, secrets)?, sealed_as(contract)?);
        let mut seed = seed_in(&bytes, &protector, &of).ok_or(KeyError::Damaged)?;
        RecipientSecret::from_seed(&mut seed).map(Some).map_err(|_| KeyError::Damaged)
    }

    /// The same, drawn and kept if there is none. Durable on return. With the lock held.
    pub(super) fn key_or_new(
        &self,
        contract: ContractId,
        secrets: &dyn Secrets,
    ) -> Result<RecipientSecret, KeyError> {
        if let Some(known) = self.key(contract, secrets)? {
            return Ok(known);
        }
        let (protector, of) = (protector(contract, secrets)?, sealed_as(contract)?);
        let mut seed = Zeroizing::new([0; RecipientSecret::SEED_LEN]);
        let mut drawn = Zeroizing::new([0; Seal::SEED_LEN]);
        SystemRandomness.fill(&mut seed[..])?;
        SystemRandomness.fill(&mut drawn[..])?;
        let seal = Seal::new(of.id, of.product).recipient(*protector.recipient());
        let mut sealer = seal.begin(Vec::new(), &mut drawn).map_err(io::Error::from)?;
        sealer.write_in_place(&mut seed.clone()[..]).map_err(io::Error::from)?;
        let text = sealer.finish().map_err(io::Error::from)?.to;
        self.keys.replace(&key_name(contract), &text)?;
        RecipientSecret::from_seed(&mut seed).map_err(|_| KeyError::Damaged)
    }

    /// Overwrites the key of a contract and removes it; durable on return. Nothing happens if there is none.
    pub(super) fn delete_key(&self, contract: ContractId) -> io::Result<()> {
        let name = key_name(contract);
        self.keys.check()?;
        let mut file = match self.keys.write(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            // A file that has another name, too, is refused: its key would stay.
            file => file?,
        };
        let mut left = file.metadata()?.len();
        let zeros = [0; KEY_LEN_MAX];
        while left > 0 {
            let len = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
            file.write_all(zeros.get(..len).unwrap_or_default())?;
            left = left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        }
        file.sync_all()?;
        self.keys.remove(&name)?;
        self.keys.sync()
    }

    pub(super) fn document(&self, contract: ContractId) -> Option<Arc<Document>> {
        self.documents.lock().get(&contract).cloned()
    }

    pub(super) fn keep_document(&self, contract: ContractId, document: &Arc<Document>) {
        let mut documents = self.documents.lock();
        if documents.len() >= DOCUMENTS_MAX {
            documents.clear();
        }
        documents.insert(contract, Arc::clone(document));
    }
}

/// The key for which the key of a contract is sealed: of this node alone.
fn protector(contract: ContractId, secrets: &dyn Secrets) -> Result<RecipientSecret, KeyError> {
    let mut seed = secrets.derive(PURPOSE, contract.as_digest().as_bytes())?;
    RecipientSecret::from_seed(&mut seed).map_err(|_| KeyError::Damaged)
}

/// What is in the file of a key: all of it, and nothing more.
fn seed_in(
    mut bytes: &[u8],
    protector: &RecipientSecret,
    of: &Contract,
) -> Option<Zeroizing<[u8; RecipientSecret::SEED_LEN]>> {
    let sealed = Sealed::read(&mut bytes).ok()?;
    let key = sealed.unwrap_key(protector, of, UnixMillis::MIN).ok()?;
    let (mut content, mut seed) = (sealed.open(&key).ok()?, Zeroizing::new([0; 32]));
    content.read_exact(&mut seed[..]).ok()?;
    (content.read(&mut [0]).ok()? == 0).then_some(seed)
}

/// As what the key of a contract is sealed.
fn sealed_as(contract: ContractId) -> Result<Contract, KeyError> {
    let product: Name = PURPOSE.parse().map_err(|_| KeyError::Damaged)?;
    Ok(Contract { id: *contract.as_digest(), product, validity: Validity::ALWAYS })
}

fn file_name(request: &Digest) -> String {
    format!("{}{FILE_END}", request.to_hex())
}

fn key_name(contract: ContractId) -> String {
    format!("{}{KEY_END}", contract.as_digest().to_hex())
}

/// The digests by which files are named, others left out.
fn named(dir: &Directory, end: &str) -> io::Result<Vec<Digest>> {
    let names = dir.names()?.into_iter();
    Ok(names
        .filter_map(|name| {
            let digest = name.to_str()?.strip_suffix(end)?;
            format!("sha256:{digest}").parse().ok()
        })
        .collect())
}
