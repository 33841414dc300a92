//! The keys and secrets of a node.

use std::fmt;
use std::sync::Arc;

use dataspace_identity::{Did, Origin, RootSecret, SecretKey, did::ParseDidError};
use dataspace_primitives::{KeyId, PublicKey, Signature, Signer, key::SignerError};
use dataspace_primitives::{Secrets, secrets::SecretsError};
use zeroize::Zeroizing;

use crate::random::{RandomError, SystemRandomness, generate_key, root_secret};

/// The keys of a node, a provider's or a consumer's: the participant's key, which signs its documents; the
/// key of the node's log; and the root of a provider's other secrets, pseudonyms among them.
///
/// The key of a `did:key` is the participant's identity, and that of a log is the log's: they stay. The key
/// of a `did:web` can be rotated: record the new one with [`DataSpace::record_keys`], and open the
/// node with it from then on.
///
/// [`DataSpace::record_keys`]: crate::DataSpace::record_keys
pub struct NodeKeys {
    pub(crate) participant: Did,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) log: Arc<dyn Signer>,
    pub(crate) log_key: PublicKey,
    pub(crate) secrets: Box<dyn Secrets>,
}

impl NodeKeys {
    /// Of a participant whose `did:key` signs everything.
    ///
    /// # Errors
    /// [`ParseDidError`] if `key` is named after somebody whose DID is not a key: its log needs a key
    /// of its own: see [`NodeKeys::with_log_key`].
    pub fn new(key: SecretKey, root: RootSecret) -> Result<Self, ParseDidError> {
        let (participant, log_key) = (key.did().clone(), key.did().public_key()?);
        let signer: Arc<dyn Signer> = Arc::new(key);
        let log = Arc::clone(&signer);
        Ok(Self { participant, signer, log, log_key, secrets: Box::new(root) })
    }

    /// Of the participant whose key `signer` holds, with a log whose key `log` holds and everybody knows by
    /// `log_key`. Each may be a key in memory ([`SecretKey`]), a key management service or a hardware
    /// module.
    ///
    /// # Errors
    /// [`ParseDidError`] if the signer's key is not named after a DID.
    pub fn with_log_key(
        signer: impl Signer + 'static,
        (log, log_key): (impl Signer + 'static, PublicKey),
        secrets: impl Secrets + 'static,
    ) -> Result<Self, ParseDidError> {
        let (participant, secrets) = (Did::of(&signer)?, Box::new(secrets));
        Ok(Self { participant, signer: Arc::new(signer), log: Arc::new(log), log_key, secrets })
    }

    /// Draws the keys of a new participant with a `did:key`, for a node that ends with the process. To open a
    /// node again, save its keys: [`NodeKeys::create`].
    ///
    /// # Errors
    /// [`RandomError`] if the operating system gives no randomness.
    pub fn draw() -> Result<Self, RandomError> {
        let root = root_secret(&SystemRandomness)?;
        Self::new(generate_key()?, root).map_err(|_| RandomError)
    }

    /// For a node that is opened for upkeep alone (to archive, to set its clock back): the key of its log and
    /// no secrets. It signs no contract, and every access is denied.
    ///
    /// # Errors
    /// [`ParseDidError`] if the key is none.
    pub fn for_upkeep(log: SecretKey, origin: &Origin) -> Result<Self, ParseDidError> {
        let (participant, log_key) = (origin.operator().clone(), log.public_key()?);
        let signer: Arc<dyn Signer> = Arc::new(log);
        let log = Arc::clone(&signer);
        Ok(Self { participant, signer, log, log_key, secrets: Box::new(NoSecrets) })
    }

    /// What a provider's other secrets follow from: pseudonyms, and traces in copies, which it searches with
    /// these.
    #[must_use]
    pub fn secrets(&self) -> &dyn Secrets {
        &*self.secrets
    }

    /// The participant whose keys they are.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.participant
    }
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKeys").field("participant", &self.participant).finish_non_exhaustive()
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Err(SecretsError::new("this node was opened without any"))
    }
}

/// Keys of an open node, which knows the name of its log.
pub(crate) struct Keys {
    pub(crate) participant: Did,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) log: LogSigner,
    #[cfg(any(feature = "provider", feature = "sealed"))]
    pub(crate) secrets: Box<dyn Secrets>,
}

/// Signs with the log's key, under the name that it has by the log's origin.
pub(crate) struct LogSigner {
    signer: Arc<dyn Signer>,
    key_id: KeyId,
}

impl Keys {
    /// The keys for the log `origin`; `None` if it is a log of another key.
    pub(crate) fn of_log(keys: NodeKeys, origin: &Origin) -> Option<Self> {
        let NodeKeys { participant, signer, log, log_key, secrets } = keys;
        let is_same = *origin.operator() == participant && origin.key().as_ref() == Ok(&log_key);
        let key_id = origin.key_url().parse().ok().filter(|_| is_same)?;
        let log = LogSigner { signer: log, key_id };
        #[cfg(not(any(feature = "provider", feature = "sealed")))]
        drop(secrets);
        Some(Self {
            participant,
            signer,
            log,
            #[cfg(any(feature = "provider", feature = "sealed"))]
            secrets,
        })
    }
}

impl Signer for LogSigner {
    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        self.signer.sign(message)
    }
}
