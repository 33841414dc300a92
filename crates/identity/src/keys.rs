//! Which keys speak for a participant, and since when.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use dataspace_primitives::{
    KeyId, Payload, PublicKey, Signed, TrustedKeys, UnixMillis, Validity, Verified, bounded,
    signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use thiserror::Error;

use crate::did::Did;
use crate::did_error::ParseDidError;
use crate::space::SpaceId;

/// Most keys in one [`KeyDocument`].
pub const KEYS_MAX: usize = 8;
/// Most key documents that a participant ever has in one space. Half of them are the authority's, so
/// that a stolen key cannot use them up.
pub const KEY_DOCUMENTS_MAX: usize = 64;

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
        did.key_url().map_or_else(TrustedKeys::new, |url| one_key(&url, did.public_key()))
    }
}

/// Trusts this key under this name, and no other, at all times; none if it is not usable.
pub(crate) fn one_key(url: &str, key: Result<PublicKey, ParseDidError>) -> TrustedKeys {
    match (url.parse(), key) {
        (Ok(id), Ok(key)) => TrustedKeys::new().trust(id, key, Validity::ALWAYS),
        _ => TrustedKeys::new(),
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
    /// From 1 on. The participant's own is one more than the one that it replaces; the authority's may be
    /// any higher one, so that it stands whatever somebody with a stolen key has stated meanwhile.
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
    #[error(
        "the keys have version {found}; the next one is {expected}, or higher if the authority signs"
    )]
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
    // So that a copy is cheap, and a change copies one participant's alone.
    of: HashMap<Did, Arc<Known>>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    version: u64,
    /// Documents so far, and how many of them the participant signed itself.
    documents: usize,
    own: usize,
    /// Of the last document.
    current: TrustedKeys,
    /// All that ever were stated, each for all the time for which it ever was.
    past: TrustedKeys,
}

/// Believes every key that was ever stated, for all the time for which it ever was: for documents that are
/// known to have been verified when they came, such as a contract whose digest is in a log. Never for new ones.
#[derive(Clone, Copy, Debug)]
pub struct PastKeys<'a>(&'a KnownKeys);

impl KnownKeys {
    /// The version of the participant's last document; 0 if there is none.
    #[must_use]
    pub fn version(&self, subject: &Did) -> u64 {
        self.of.get(subject).map_or(0, |known| known.version)
    }

    /// What was ever believed.
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
        let is_authoritys = space.authority.has_signed(&document);
        if !is_authoritys && !subject.has_signed(&document) {
            return Err(KeyDocumentError::Stranger { subject: subject.clone() });
        }
        if subject.is_key() {
            return Err(KeyDocumentError::OwnKey { subject: subject.clone() });
        }
        let known = self.of.get(subject);
        let expected = self.version(subject).saturating_add(1);
        if *version < expected || (*version > expected && !is_authoritys) {
            return Err(KeyDocumentError::Version { expected, found: *version });
        }
        let (documents, own) = known.map_or((0, 0), |known| (known.documents, known.own));
        let is_full =
            documents >= KEY_DOCUMENTS_MAX || (!is_authoritys && own >= KEY_DOCUMENTS_MAX / 2);
        if keys.is_empty() || keys.len() > KEYS_MAX || is_full {
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
        let (mut ids, mut bytes) = (BTreeSet::new(), BTreeSet::new());
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
            if !bytes.insert(*key.as_bytes()) {
                return fail("is there twice, under another name");
            }
            let Some(known) = known else { continue };
            if known.past.iter().any(|(other, before, _)| other != id && *before == key) {
                return fail("was known under another name; draw a new one");
            }
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
        let known = Arc::make_mut(self.of.entry(subject.clone()).or_default());
        known.version = *version;
        known.documents += 1;
        known.own += usize::from(subject.has_signed(document));
        let before = std::mem::take(&mut known.current);
        let mut current = TrustedKeys::new();
        for ParticipantKey { id, public_key, validity } in keys {
            let Ok(key) = PublicKey::from_bytes(public_key) else { continue };
            let goes_on = before.get(id).map(|(_, time)| time.from());
            let goes_on = goes_on.filter(|begun| *begun <= at && validity.from() <= at);
            let from = goes_on.unwrap_or_else(|| validity.from().max(at));
            let now = Validity::new(from, validity.until()).ok();
            if let Some(now) = now {
                current = current.trust(id.clone(), key, now);
            }
            // Also of one that is over already, so that its name stays its own.
            let ever = known.past.get(id).map(|(_, time)| *time);
            let ever = hull(ever, now.or(ever).unwrap_or(*validity));
            known.past = std::mem::take(&mut known.past).trust(id.clone(), key, ever);
        }
        known.current = current;
    }

    /// The clock was set back from `from`, the latest time so far: keys that had ended by then do not come
    /// back.
    pub fn set_clock_back(&mut self, from: UnixMillis) {
        for known in self.of.values_mut() {
            let known = Arc::make_mut(known);
            let kept = known.current.iter().filter(|(_, _, time)| time.until() > from);
            known.current = kept.fold(TrustedKeys::new(), |kept, (id, key, time)| {
                kept.trust(id.clone(), *key, *time)
            });
        }
    }

    /// Returns true if this key is believed at `now`. For keys by which a document was verified.
    #[must_use]
    pub fn is_believed(&self, id: &KeyId, now: UnixMillis) -> bool {
        self.holds(id, |current| current.is_believed(id, now))
    }

    /// Returns true if the last document of its owner names this key, or it is a `did:key`'s: it was not
    /// taken back, be its time over or not. For keys by which a document was verified.
    #[must_use]
    pub fn is_current(&self, id: &KeyId) -> bool {
        self.holds(id, |current| current.get(id).is_some())
    }

    fn holds(&self, id: &KeyId, is_among: impl FnOnce(&TrustedKeys) -> bool) -> bool {
        // WHY not parsed: each access asks. A did:key is its key, which verified something already.
        Did::is_key_url(id)
            || Did::of_key(id)
                .is_ok_and(|did| self.of.get(&did).is_some_and(|known| is_among(&known.current)))
    }
}

fn hull(one: Option<Validity>, other: Validity) -> Validity {
    let Some(one) = one else { return other };
    let (from, until) = (one.from().min(other.from()), one.until().max(other.until()));
    Validity::new(from, until).unwrap_or(other)
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
