//! Which keys speak for a participant, and since when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use dataspace_primitives::{
    KeyId, Payload, PublicKey, Signed, TrustedKeys, UnixMillis, Validity, Verified, VerifyError,
    bounded,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use thiserror::Error;

use crate::did::Did;
use crate::did_error::ParseDidError;
use crate::space::SpaceId;

/// Most keys in one [`KeyDocument`].
pub const KEYS_MAX: usize = 8;
/// Most key documents that a participant ever has in one space.
pub const KEY_DOCUMENTS_MAX: u64 = 64;

/// Resolves a participant to the keys that speak for it: synchronously, from what is known. Anything
/// that must be fetched is fetched and recorded beforehand.
pub trait Resolver {
    /// The keys of `did`, each believed within its validity; empty if none is known.
    fn keys(&self, did: &Did) -> TrustedKeys;

    /// The keys of all of `dids`, and no others.
    fn keys_of(&self, dids: &[&Did]) -> TrustedKeys {
        dids.iter().fold(TrustedKeys::new(), |keys, did| keys.and(self.keys(did)))
    }
}

/// The keys of the signers that `signed` itself names: enough to learn *whose* signatures these are, and
/// nothing more. Check next whether they may sign it.
///
/// # Errors
/// [`ParseDidError`] if a signer is not a DID that we know.
pub fn claimed_keys<T>(
    signed: &Signed<T>,
    resolver: &dyn Resolver,
) -> Result<TrustedKeys, ParseDidError> {
    let dids = signed.claimed_signers().map(Did::of_key).collect::<Result<Vec<_>, _>>()?;
    Ok(resolver.keys_of(&dids.iter().collect::<Vec<_>>()))
}

/// Resolves every `did:key`, which is its key, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct DidKeys;

impl Resolver for DidKeys {
    fn keys(&self, did: &Did) -> TrustedKeys {
        match (did.key_url().map(|url| url.parse()), did.public_key()) {
            (Some(Ok(id)), Ok(key)) => TrustedKeys::new().trust(id, key, Validity::ALWAYS),
            _ => TrustedKeys::new(),
        }
    }
}

/// One key of a participant (a `verificationMethod` of W3C DID Core, for assertions).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ParticipantKey {
    /// Its DID URL: the participant's DID, `#` and a name.
    pub id: KeyId,
    /// The 32 bytes of the Ed25519 public key.
    pub public_key: ByteArray<{ PublicKey::LEN }>,
    /// When signatures by it are believed: half-open, and not before the document is recorded. To
    /// rotate keys, let the next one begin before this one ends.
    pub validity: Validity,
}

/// The keys of a participant whose DID is not its key, in one space: signed by the space authority,
/// or by the participant with a key that is in force. What a node resolves is this document, as its
/// log recorded it, so that everything can be verified again offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyDocument {
    /// The space. In others it says nothing.
    pub space: SpaceId,
    /// The participant.
    pub subject: Did,
    /// 1, and one more for each that replaces it.
    pub version: u64,
    /// 1 to [`KEYS_MAX`]. A key that was in the last version and is not here is not believed from
    /// the moment on at which this one is recorded.
    #[serde(deserialize_with = "bounded::list::<_, _, KEYS_MAX>")]
    pub keys: Vec<ParticipantKey>,
}

impl Payload for KeyDocument {
    const TYPE: &'static str = "application/vnd.dataspace.keys+cbor";
}

/// Why a key document is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyDocumentError {
    /// A signer is not a DID that we know.
    #[error("the signer is unknown")]
    Signer(#[from] ParseDidError),
    /// It does not verify.
    #[error("the key document does not verify")]
    Verify(#[from] VerifyError),
    /// Signed by someone other than the authority or the participant.
    #[error("neither the space authority nor `{subject}` signed the keys of `{subject}`")]
    Stranger {
        /// The participant.
        subject: Did,
    },
    /// For another space.
    #[error("the keys are for the space {found}; this is the space {expected}")]
    Space {
        /// This space.
        expected: Box<SpaceId>,
        /// The space that the document names.
        found: Box<SpaceId>,
    },
    /// A `did:key` has its one key for ever.
    #[error("`{subject}` is its key; to rotate keys, take part under a did:web")]
    OwnKey {
        /// The participant.
        subject: Did,
    },
    /// An older document must not come back, and none may be left out.
    #[error("the keys have version {found}; the next one is {expected}")]
    Version {
        /// The version that would follow.
        expected: u64,
        /// The version found.
        found: u64,
    },
    /// No key, too many, or too many documents.
    #[error(
        "a participant has 1 to {KEYS_MAX} keys at a time, and {KEY_DOCUMENTS_MAX} key documents"
    )]
    Count,
    /// Not a key of the participant, not a usable one, there twice, or another one under a known name.
    #[error("key `{id}` {what}")]
    Key {
        /// The key.
        id: KeyId,
        /// The problem.
        what: &'static str,
    },
}

/// The keys of everybody whose documents are known, and of every `did:key`: as a [`Resolver`] those that
/// speak for somebody now. What earlier documents stated is kept, to verify again what was verified at
/// its time ([`KnownKeys::past`]).
///
/// A function of the documents in the order in which they were added, each with its time.
#[derive(Clone, Debug, Default)]
pub struct KnownKeys {
    of: HashMap<Did, Known>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    version: u64,
    /// Of the last document.
    current: TrustedKeys,
    /// All that ever were current, each as long as it was.
    past: TrustedKeys,
}

/// Resolves to the keys that were believed at the time, to the millisecond: for documents that are known to
/// have been verified then, such as a contract in a log.
#[derive(Clone, Copy, Debug)]
pub struct PastKeys<'a>(&'a KnownKeys);

impl KnownKeys {
    /// The version of the participant's last document; 0 if there is none.
    #[must_use]
    pub fn version(&self, subject: &Did) -> u64 {
        self.of.get(subject).map_or(0, |known| known.version)
    }

    /// Keys as they were believed at their time.
    #[must_use]
    pub fn past(&self) -> PastKeys<'_> {
        PastKeys(self)
    }

    /// Checks a document that would be added at `now`.
    ///
    /// # Errors
    /// [`KeyDocumentError`] if it is not the next one of a participant of this space, signed by the
    /// authority or by a key in force.
    pub fn check(
        &self,
        document: Signed<KeyDocument>,
        space: &SpaceId,
        now: UnixMillis,
    ) -> Result<Verified<KeyDocument>, KeyDocumentError> {
        let signers = claimed_keys(&document, self)?;
        let document = document.verify(&signers, now)?;
        let KeyDocument { space: found, subject, version, keys } = document.value();
        if found != space {
            let (expected, found) = (Box::new(space.clone()), Box::new(found.clone()));
            return Err(KeyDocumentError::Space { expected, found });
        }
        if !space.authority.has_signed(&document) && !subject.has_signed(&document) {
            return Err(KeyDocumentError::Stranger { subject: subject.clone() });
        }
        if subject.is_key() {
            return Err(KeyDocumentError::OwnKey { subject: subject.clone() });
        }
        let expected = self.version(subject).saturating_add(1);
        if *version != expected {
            return Err(KeyDocumentError::Version { expected, found: *version });
        }
        if keys.is_empty() || keys.len() > KEYS_MAX || *version > KEY_DOCUMENTS_MAX {
            return Err(KeyDocumentError::Count);
        }
        self.check_keys(subject, keys, now)?;
        Ok(document)
    }

    fn check_keys(
        &self,
        subject: &Did,
        keys: &[ParticipantKey],
        now: UnixMillis,
    ) -> Result<(), KeyDocumentError> {
        let known = self.of.get(subject);
        let mut ids = BTreeSet::new();
        for ParticipantKey { id, public_key, validity } in keys {
            let fail = |what| Err(KeyDocumentError::Key { id: id.clone(), what });
            if !subject.owns(id) {
                return fail("is named like somebody else's");
            }
            if !ids.insert(id) {
                return fail("is there twice");
            }
            let Ok(key) = PublicKey::from_bytes(public_key) else {
                return fail("is not a usable Ed25519 key");
            };
            let Some(known) = known else { continue };
            let Some((before, _)) = known.past.get(id) else { continue };
            if *before != key {
                return fail("was another one before; give the new one a name of its own");
            }
            // What was forged meanwhile must not come to count.
            let ended =
                |(_, time): (_, &Validity)| time.until() <= now && validity.until() > time.until();
            if known.current.get(id).is_none_or(ended) {
                return fail("has ended; draw a new one");
            }
        }
        Ok(())
    }

    /// Adds a document that was checked, at the time of its record.
    pub fn add(&mut self, document: &Verified<KeyDocument>, at: UnixMillis) {
        let KeyDocument { subject, version, keys, .. } = document.value();
        let known = self.of.entry(subject.clone()).or_default();
        known.version = *version;
        // What came before it in the same millisecond was verified by what it replaces.
        let until_now = at.checked_add(Duration::from_millis(1)).unwrap_or(UnixMillis::MAX);
        let mut past = TrustedKeys::new();
        for (id, key, validity) in known.past.iter() {
            let until = if known.current.get(id).is_some() {
                validity.until().min(until_now)
            } else {
                validity.until()
            };
            if let Ok(validity) = Validity::new(validity.from(), until) {
                past = past.trust(id.clone(), *key, validity);
            }
        }
        let before = std::mem::take(&mut known.current);
        for ParticipantKey { id, public_key, validity } in keys {
            let Ok(key) = PublicKey::from_bytes(public_key) else { continue };
            let begun = before.get(id).map(|(_, before)| before.from());
            let from = begun.unwrap_or_else(|| validity.from().max(at));
            let Ok(validity) = Validity::new(from, validity.until()) else { continue };
            known.current = std::mem::take(&mut known.current).trust(id.clone(), key, validity);
            let until = past.get(id).map_or(validity.until(), |(_, then)| then.until());
            let all = Validity::new(from, until.max(validity.until())).unwrap_or(validity);
            past = past.trust(id.clone(), key, all);
        }
        known.past = past;
    }
}

impl Resolver for KnownKeys {
    fn keys(&self, did: &Did) -> TrustedKeys {
        match self.of.get(did) {
            Some(known) => known.current.clone(),
            None => DidKeys.keys(did),
        }
    }
}

impl Resolver for PastKeys<'_> {
    fn keys(&self, did: &Did) -> TrustedKeys {
        match self.0.of.get(did) {
            Some(known) => known.past.clone(),
            None => DidKeys.keys(did),
        }
    }
}
