//! Files with a secret key: 64 hexadecimal digits, for their owner alone.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dataspace_identity::{Origin, SecretKey};
use dataspace_runtime::generate_key;
use zeroize::Zeroizing;

use crate::files;
use crate::shell::shown_path;

/// Hexadecimal digits in a key file.
const DIGITS: usize = 2 * SecretKey::SEED_LEN;
/// White space around them that is read, in bytes.
const SPACE: usize = 64;

/// The key that `--key` names.
pub(crate) fn read_option(file: &Path) -> Result<SecretKey> {
    read(file).context("--key")
}

/// The key in `file`: 64 hexadecimal digits, and white space after them.
pub(crate) fn read(file: &Path) -> Result<SecretKey> {
    let shown = shown_path(file);
    let opened = files::open(file).context("`dataspace key new FILE` makes a key")?;
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        bail!("others than its owner have access to {shown}; `chmod 600` it");
    }
    let mut text = Zeroizing::new(Vec::with_capacity(DIGITS + SPACE));
    let limit = u64::try_from(DIGITS + SPACE)?;
    opened.take(limit).read_to_end(&mut text).with_context(|| format!("cannot read {shown}"))?;
    SecretKey::from_hex(&text).with_context(|| format!("{shown} does not hold a key"))
}

/// As [`read_option`], and checks that it is the key of the log's operator.
pub(crate) fn read_operator(file: &Path, log: &Origin) -> Result<SecretKey> {
    let key = read_option(file)?;
    if key.did() != log.operator() {
        bail!("--key: the key is of {}, the log's operator is {}", key.did(), log.operator());
    }
    Ok(key)
}

/// Draws a key and writes it into `file`, which must not be there.
pub(crate) fn write_new(file: &Path) -> Result<SecretKey> {
    let key = generate_key()?;
    files::write_secret(file, key.to_pem(None)?.as_bytes())?;
    Ok(key)
}
