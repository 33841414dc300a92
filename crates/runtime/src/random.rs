//! The one place that draws randomness.

use dataspace_identity::{Did, Origin, RootSecret, SecretKey};
use dataspace_primitives::PublicKey;
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system gave no randomness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the operating system's random source failed")]
pub struct RandomError;

/// Where a node gets its random numbers from: the name of its log, and the number of each opening. Keys
/// and requests are always drawn from the operating system.
///
/// Anyone who can foresee the name of a log can prepare documents for it; two copies of a node that draw
/// the same number when they are opened do not show that they are two. So hand in another source for
/// simulations alone.
pub trait Randomness: Send + Sync {
    /// Fills `bytes` with what nobody can foresee, and what was never drawn before.
    ///
    /// # Errors
    /// [`RandomError`] if there is none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        SystemRandom::new().fill(bytes).map_err(|_| RandomError)
    }
}

/// Draws a new signing key.
///
/// # Errors
/// [`RandomError`] if the operating system gives no randomness.
pub fn generate_key() -> Result<SecretKey, RandomError> {
    let mut seed = Zeroizing::new([0; SecretKey::SEED_LEN]);
    SystemRandomness.fill(&mut seed[..])?;
    SecretKey::from_seed(&mut seed).map_err(|_| RandomError)
}

/// The root of a node's secrets.
pub(crate) fn root_secret(from: &dyn Randomness) -> Result<RootSecret, RandomError> {
    let mut bytes = Zeroizing::new([0; RootSecret::LEN]);
    from.fill(&mut bytes[..])?;
    Ok(RootSecret::from_bytes(&mut bytes))
}

/// The origin of a new log of `operator` with this key: no two are alike.
pub(crate) fn new_origin(
    from: &dyn Randomness,
    operator: &Did,
    key: &PublicKey,
) -> Result<Origin, RandomError> {
    let name = format!("{:032x}", u128::from_be_bytes(nonce(from)?));
    Origin::with_key(operator, key, Some(&name)).map_err(|_| RandomError)
}

pub(crate) fn nonce(from: &dyn Randomness) -> Result<[u8; 16], RandomError> {
    let mut nonce = [0; 16];
    from.fill(&mut nonce)?;
    Ok(nonce)
}
