//! Files with a secret key, for their owner alone.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dataspace_identity::{Origin, SecretKey, key_file::KEY_TEXT_LEN_MAX};
use dataspace_runtime::{generate_key, key_files::key_text};
use zeroize::Zeroizing;

use crate::files;
use crate::shell::shown_path;

/// Names a file with the passphrase of sealed keys.
const PASSPHRASE_FILE: &str = "DATASPACE_PASSPHRASE_FILE";

/// The key that `--key` names.
pub(crate) fn read_option(file: &Path) -> Result<SecretKey> {
    read(file).context("--key")
}

/// The key in `file`.
pub(crate) fn read(file: &Path) -> Result<SecretKey> {
    let text = read_secret(file).context("`dataspace key new FILE` makes a key")?;
    let passphrase = passphrase()?;
    let key = SecretKey::from_text(&text, passphrase.as_ref().map(|text| text.trim_ascii_end()));
    let shown = shown_path(file);
    key.with_context(|| {
        format!("{shown} does not hold a key ({PASSPHRASE_FILE} opens sealed ones)")
    })
}

fn passphrase() -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(file) = std::env::var_os(PASSPHRASE_FILE) else { return Ok(None) };
    read_secret(&PathBuf::from(file)).context(PASSPHRASE_FILE).map(Some)
}

fn read_secret(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let (shown, opened) = (shown_path(file), files::open(file)?);
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        bail!("others than its owner can access {shown}; run `chmod 600` on it");
    }
    let limit = KEY_TEXT_LEN_MAX + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(limit));
    let read = opened.take(u64::try_from(limit)?).read_to_end(&mut text);
    read.with_context(|| format!("cannot read {shown}"))?;
    Ok(text)
}

/// As [`read_option`], and checks that it is the key of the log's operator.
pub(crate) fn read_operator(file: &Path, log: &Origin) -> Result<SecretKey> {
    let key = read_option(file)?;
    if key.public_key() != log.key() {
        bail!("--key: the key is of {}, the log's operator is {}", key.did(), log.operator());
    }
    Ok(key)
}

/// Draws a key and writes it into `file`, which must not be there.
pub(crate) fn write_new(file: &Path) -> Result<SecretKey> {
    let key = generate_key()?;
    let passphrase = passphrase()?;
    let text = key_text(&key, passphrase.as_ref().map(|text| text.trim_ascii_end()))?;
    files::write_secret(file, &text)?;
    Ok(key)
}
