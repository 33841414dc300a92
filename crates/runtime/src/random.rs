//! The one place that draws randomness.

use dataspace_identity::{Origin, SecretKey};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system gave no randomness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the operating system's random source failed")]
pub struct RandomError;

fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    SystemRandom::new().fill(bytes).map_err(|_| RandomError)
}

/// Draws a new signing key.
///
/// # Errors
/// [`RandomError`] if the operating system gives no randomness.
pub fn generate_key() -> Result<SecretKey, RandomError> {
    let mut seed = Zeroizing::new([0; SecretKey::SEED_LEN]);
    fill(&mut seed[..])?;
    SecretKey::from_seed(&mut seed).map_err(|_| RandomError)
}

/// The name of a new log of the holder of `key`: no two are alike.
pub(crate) fn log_name(key: &SecretKey) -> Result<Origin, RandomError> {
    let name = format!("{:032x}", u128::from_be_bytes(nonce()?));
    Origin::named(key.did(), &name).map_err(|_| RandomError)
}

pub(crate) fn nonce() -> Result<[u8; 16], RandomError> {
    let mut nonce = [0; 16];
    fill(&mut nonce)?;
    Ok(nonce)
}
