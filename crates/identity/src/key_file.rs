//! Keys as text in a file: PKCS#8 in PEM (RFC 5958, RFC 7468, RFC 8410), sealed with a passphrase by
//! PBES2 with scrypt and AES-256-CBC (RFC 8018, RFC 7914). `openssl pkey` reads and writes the same.

use std::fmt;

use ed25519_dalek::pkcs8::KeypairBytes;
use pkcs8::pkcs5::{EncryptionScheme, pbes2, scrypt};
use pkcs8::{EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use pkcs8::{SecretDocument, der::Decode as _};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret_key::SecretKey;
use crate::secrets::RootSecret;

const SEALED: &str = "ENCRYPTED PRIVATE KEY";
const OPEN: &str = "PRIVATE KEY";
/// Longest text that is read, in bytes.
pub const KEY_TEXT_LEN_MAX: usize = 4_096;
/// What OpenSSL takes at most by default: 16 MiB of memory for each attempt to guess.
const LOG_N: u8 = 14;
/// Nobody waits for more than this.
const COST_MAX: u64 = 1 << 20;
const ITERATIONS_MAX: u32 = 10_000_000;

/// Seal of a key file. Draw new random bytes for each file.
#[derive(Clone, Copy)]
pub struct Seal<'a> {
    /// The passphrase that opens it.
    pub passphrase: &'a [u8],
    /// 16 random bytes, so that equal passphrases give other keys.
    pub salt: [u8; 16],
    /// 16 more, for AES.
    pub iv: [u8; 16],
}

/// Why a text is not a key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// Neither PEM nor 64 hexadecimal digits, or too long.
    #[error("it is not a private key in PEM (PKCS#8), nor {} hexadecimal digits", 2 * SecretKey::SEED_LEN)]
    Form,
    /// Another kind of key.
    #[error("it is not an Ed25519 key")]
    Kind,
    /// It is sealed, and no passphrase was given.
    #[error("it is sealed; give its passphrase")]
    Sealed,
    /// It was sealed with another passphrase, or is damaged.
    #[error("this passphrase does not open it")]
    Passphrase,
    /// It was sealed in a way that is not read here, or that takes too long.
    #[error(
        "it is sealed in a way that is not read here; `openssl pkcs8 -topk8 -scrypt` seals it so"
    )]
    Scheme,
    /// It cannot be written.
    #[error("the key cannot be written")]
    Write,
}

impl fmt::Debug for Seal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl SecretKey {
    /// The text of a key file; sealed, unless access rights alone are to protect it.
    ///
    /// # Errors
    /// [`KeyTextError::Write`] never in practice; the error is there so that no code has to panic.
    pub fn to_pem(&self, seal: Option<Seal<'_>>) -> Result<Zeroizing<String>, KeyTextError> {
        write(&self.seed(), seal)
    }

    /// The key in the text of a key file: PEM, or 64 hexadecimal digits ([`SecretKey::from_hex`]).
    ///
    /// # Errors
    /// [`KeyTextError`] if it is anything else, or sealed with another passphrase.
    pub fn from_text(text: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyTextError> {
        if !text.trim_ascii_start().starts_with(b"-----") {
            return Self::from_hex(text).map_err(|_| KeyTextError::Form);
        }
        let mut seed = read(text, passphrase)?;
        Self::from_seed(&mut seed).map_err(|_| KeyTextError::Kind)
    }
}

impl RootSecret {
    /// The text of a file, in the same form as a key.
    ///
    /// # Errors
    /// [`KeyTextError::Write`] never in practice; the error is there so that no code has to panic.
    pub fn to_pem(&self, seal: Option<Seal<'_>>) -> Result<Zeroizing<String>, KeyTextError> {
        write(&Zeroizing::new(*self.as_bytes()), seal)
    }

    /// The secret in the text of a file.
    ///
    /// # Errors
    /// [`KeyTextError`] if it is anything else, or sealed with another passphrase.
    pub fn from_text(text: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyTextError> {
        Ok(Self::from_bytes(&mut *read(text, passphrase)?))
    }
}

fn write(
    secret: &Zeroizing<[u8; SecretKey::SEED_LEN]>,
    seal: Option<Seal<'_>>,
) -> Result<Zeroizing<String>, KeyTextError> {
    let fail = |_| KeyTextError::Write;
    let pair = KeypairBytes { secret_key: **secret, public_key: None };
    let der = pair.to_pkcs8_der().map_err(fail)?;
    let Some(Seal { passphrase, salt, iv }) = seal else {
        return der.to_pem(OPEN, LineEnding::LF).map_err(|_| KeyTextError::Write);
    };
    let cost = scrypt::Params::new(LOG_N, 8, 1).map_err(|_| KeyTextError::Write)?;
    let scheme = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv);
    let scheme = scheme.map_err(|_| KeyTextError::Write)?;
    let key = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| KeyTextError::Write)?;
    let sealed = key.encrypt_with_params(scheme, passphrase).map_err(fail)?;
    sealed.to_pem(SEALED, LineEnding::LF).map_err(|_| KeyTextError::Write)
}

fn read(
    text: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<[u8; SecretKey::SEED_LEN]>, KeyTextError> {
    if text.len() > KEY_TEXT_LEN_MAX {
        return Err(KeyTextError::Form);
    }
    let text = std::str::from_utf8(text).map_err(|_| KeyTextError::Form)?;
    let (label, document) = SecretDocument::from_pem(text).map_err(|_| KeyTextError::Form)?;
    let document = match (label, passphrase) {
        (OPEN, _) => document,
        (SEALED, None) => return Err(KeyTextError::Sealed),
        (SEALED, Some(passphrase)) => {
            let sealed = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes());
            let sealed = sealed.map_err(|_| KeyTextError::Scheme)?;
            if !is_bearable(&sealed.encryption_algorithm) {
                return Err(KeyTextError::Scheme);
            }
            sealed.decrypt(passphrase).map_err(|_| KeyTextError::Passphrase)?
        }
        _ => return Err(KeyTextError::Form),
    };
    let key = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyTextError::Form)?;
    let pair = KeypairBytes::try_from(key).map_err(|_| KeyTextError::Kind)?;
    Ok(Zeroizing::new(pair.secret_key))
}

/// Returns true if opening it takes bounded time and memory.
fn is_bearable(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(scheme) = scheme else { return false };
    match &scheme.kdf {
        pbes2::Kdf::Scrypt(cost) => {
            let memory = cost.cost_parameter.saturating_mul(cost.block_size.into());
            memory.saturating_mul(cost.parallelization.into()) <= 8 * COST_MAX
        }
        pbes2::Kdf::Pbkdf2(cost) => cost.iteration_count <= ITERATIONS_MAX,
        _ => false,
    }
}
