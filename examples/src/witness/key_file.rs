use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dataspace_identity::{Origin, SecretKey};
use zeroize::Zeroizing;

use crate::files;
use crate::shell::shown_path;

/// Hexadecimal digits in a key file.
const DIGITS: usize = 2 * SecretKey::SEED_LEN;

/// The key in `file`: 64 hexadecimal digits, and white space after them.
pub(crate) fn read(file: &Path) -> Result<SecretKey> {
    let shown = shown_path(file);
    let opened =
        files::open(file).context("--key; `dataspace witness --help` shows how to make a key")?;
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        bail!("--key: others than its owner have access to {shown}; `chmod 600` it");
    }
    let mut text = Zeroizing::new(Vec::with_capacity(DIGITS + 64));
    let reading = opened.take(DIGITS as u64 + 64).read_to_end(&mut text);
    reading.with_context(|| format!("--key: cannot read {shown}"))?;
    let mut seed = Zeroizing::new([0; SecretKey::SEED_LEN]);
    if parse(digits(&text), &mut seed).is_none() {
        bail!("--key: {shown} does not hold {DIGITS} hexadecimal digits");
    }
    SecretKey::from_seed(&mut seed).with_context(|| format!("--key: {shown}"))
}

/// As [`read`], and checks that it is the key of the log's operator.
pub(crate) fn read_operator(file: &Path, log: &Origin) -> Result<SecretKey> {
    let key = read(file)?;
    if key.did() != log.operator() {
        bail!("--key: the key is of {}, the log's operator is {}", key.did(), log.operator());
    }
    Ok(key)
}

/// Without the byte order mark and the line ends that some editors put around them.
fn digits(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii()
}

fn parse(text: &[u8], seed: &mut [u8; SecretKey::SEED_LEN]) -> Option<()> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    if pairs.len() != seed.len() {
        return None;
    }
    for (byte, [high, low]) in seed.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

fn digit(ascii: u8) -> Option<u8> {
    u8::try_from(char::from(ascii).to_digit(16)?).ok()
}
