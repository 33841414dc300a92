//! A node's keys in a directory, for their owner alone.
//!
//! `participant.pem`, `root.pem`, and of a participant whose DID is not its key also `log.pem` and
//! `participant.kid`, the name of its key. Each is a private key in PEM (PKCS#8), sealed with the
//! passphrase if there is one.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dataspace_identity::{
    RootSecret, SecretKey,
    did::ParseDidError,
    key_file::{KEY_TEXT_LEN_MAX, KeyTextError, Seal},
};
use dataspace_primitives::KeyId;
use dataspace_tlog::Directory;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::NodeKeys;
use crate::random::{RandomError, SystemRandomness, generate_key, nonce, root_secret};

const PARTICIPANT: &str = "participant.pem";
const KEY_ID: &str = "participant.kid";
const LOG: &str = "log.pem";
const ROOT: &str = "root.pem";

/// Why keys are not kept or loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The directory or a file in it cannot be used: it is missing, or it exists already.
    #[error("`{file}` cannot be used")]
    Io {
        /// Which.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can access a file.
    #[error("others than its owner can access `{file}`; run `chmod 600` on it")]
    Access {
        /// Which.
        file: &'static str,
    },
    /// A file holds no key, or none that this passphrase opens.
    #[error("`{file}` holds no key that can be used")]
    Text {
        /// Which.
        file: &'static str,
        /// Why.
        source: KeyTextError,
    },
    /// The name of the participant's key is none.
    #[error("`{KEY_ID}` does not name a key of a DID")]
    Name(#[from] ParseDidError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl NodeKeys {
    /// Draws the keys of a new participant, and keeps them in `dir`, which is made if it is not there (its parent must
    /// be).
    /// `passphrase` seals them; without one, access rights alone protect them. Keep a copy of the
    /// directory: there is no way back to lost keys.
    ///
    /// # Errors
    /// [`KeyFileError`] if keys are there already, or cannot be written.
    pub fn create(dir: &Path, passphrase: Option<&[u8]>) -> Result<Self, KeyFileError> {
        let (dir, key) = (make(dir)?, generate_key()?);
        let root = root_secret(&SystemRandomness)?;
        write(&dir, PARTICIPANT, &pem(PARTICIPANT, passphrase, |seal| key.to_pem(seal))?)?;
        write(&dir, ROOT, &pem(ROOT, passphrase, |seal| root.to_pem(seal))?)?;
        Ok(Self::new(key, root)?)
    }

    /// The same for a participant whose DID is not its key, such as a did:web: `key_id` names the key
    /// that is drawn for it, and the node's log gets a key of its own. The authority states the key in
    /// a [`KeyDocument`](dataspace_identity::KeyDocument).
    ///
    /// # Errors
    /// [`KeyFileError`] as [`NodeKeys::create`].
    pub fn create_named(
        dir: &Path,
        key_id: &KeyId,
        passphrase: Option<&[u8]>,
    ) -> Result<Self, KeyFileError> {
        let (dir, key, log) = (make(dir)?, generate_key()?.named(key_id.clone())?, generate_key()?);
        let root = root_secret(&SystemRandomness)?;
        write(&dir, PARTICIPANT, &pem(PARTICIPANT, passphrase, |seal| key.to_pem(seal))?)?;
        write(&dir, KEY_ID, format!("{key_id}\n").as_bytes())?;
        write(&dir, LOG, &pem(LOG, passphrase, |seal| log.to_pem(seal))?)?;
        write(&dir, ROOT, &pem(ROOT, passphrase, |seal| root.to_pem(seal))?)?;
        let log_key = log.public_key()?;
        Ok(Self::with_log_key(key, (log, log_key), root)?)
    }

    /// Loads what [`NodeKeys::create`] kept.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is not there, others have access to it, or this passphrase does not open
    /// it.
    pub fn open(dir: &Path, passphrase: Option<&[u8]>) -> Result<Self, KeyFileError> {
        let fail = |source| KeyFileError::Io { file: "the directory of the keys", source };
        let dir = Directory::open(dir).map_err(fail)?;
        let key = |file| {
            let text = read(&dir, file)?;
            SecretKey::from_text(&text, passphrase)
                .map_err(|source| KeyFileError::Text { file, source })
        };
        let root = RootSecret::from_text(&read(&dir, ROOT)?, passphrase)
            .map_err(|source| KeyFileError::Text { file: ROOT, source })?;
        let provider = key(PARTICIPANT)?;
        let name = match read(&dir, KEY_ID) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::new(provider, root)?);
            }
            name => name?,
        };
        let name = std::str::from_utf8(&name).map_err(|_| ParseDidError::KeyId)?;
        let name = name.trim().parse().map_err(|_| ParseDidError::KeyId)?;
        let (provider, log) = (provider.named(name)?, key(LOG)?);
        let log_key = log.public_key()?;
        Ok(Self::with_log_key(provider, (log, log_key), root)?)
    }
}

/// The text of a file with this key, sealed with the passphrase if there is one: what
/// [`SecretKey::from_text`] reads.
///
/// # Errors
/// [`KeyFileError`] if no random number can be drawn for the seal.
pub fn key_text(
    key: &SecretKey,
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    pem("the text of a key", passphrase, |seal| key.to_pem(seal))
}

fn make(dir: &Path) -> Result<Directory, KeyFileError> {
    let fail = |source| KeyFileError::Io { file: "the directory of the keys", source };
    Directory::make(dir).map_err(fail)
}

fn pem(
    file: &'static str,
    passphrase: Option<&[u8]>,
    to_pem: impl FnOnce(Option<Seal<'_>>) -> Result<Zeroizing<String>, KeyTextError>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (salt, iv) = (nonce(&SystemRandomness)?, nonce(&SystemRandomness)?);
    let text = to_pem(passphrase.map(|passphrase| Seal { passphrase, salt, iv }));
    let text = text.map_err(|source| KeyFileError::Text { file, source })?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Durable when it returns. Never over another file.
fn write(dir: &Directory, file: &'static str, text: &[u8]) -> Result<(), KeyFileError> {
    let written = dir.make_file(file).and_then(|mut to| {
        to.write_all(text)?;
        to.sync_all()?;
        dir.sync()
    });
    written.map_err(|source| KeyFileError::Io { file, source })
}

fn read(dir: &Directory, file: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let fail = |source| KeyFileError::Io { file, source };
    let from = dir.read(file).map_err(fail)?;
    if from.metadata().map_err(fail)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Access { file });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(KEY_TEXT_LEN_MAX + 1));
    let limit = u64::try_from(KEY_TEXT_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut text).map_err(fail)?;
    Ok(text)
}
