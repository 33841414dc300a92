//! A document is believed only if its bytes are the ones that were signed.
//!
//! The input is taken as a document, and as instructions to change a good one.

use dataspace_primitives::{
    CoSignature, KeyId, Payload, PublicKey, Signature, Signed, Signer, TrustedKeys, UnixMillis,
    Validity, key::SignerError,
};
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
    number: u64,
}

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pact {
    text: String,
}

impl Payload for Pact {
    const TYPE: &'static str = "application/vnd.dataspace.test-pact+cbor";
    const SIGNATURES: usize = 2;
}

struct Person {
    id: KeyId,
    key: ed25519_dalek::SigningKey,
}

impl Signer for Person {
    fn key_id(&self) -> &KeyId {
        &self.id
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(Signature::from_bytes(self.key.sign(message).to_bytes()))
    }
}

fn person(n: u8) -> Option<Person> {
    let id = format!("did:example:{n}#key").parse().ok()?;
    Some(Person { id, key: ed25519_dalek::SigningKey::from_bytes(&[n; 32]) })
}

struct World {
    keys: TrustedKeys,
    note: Vec<u8>,
    pact: Vec<u8>,
}

fn world() -> Option<World> {
    let (one, two) = (person(1)?, person(2)?);
    let mut keys = TrustedKeys::new();
    for person in [&one, &two] {
        let public = PublicKey::from_bytes(person.key.verifying_key().as_bytes()).ok()?;
        keys = keys.trust(person.id.clone(), public, Validity::ALWAYS);
    }
    let note = Note { text: "tensile tests".to_owned(), number: 1200 };
    let pact = Pact { text: "both".to_owned() };
    let signatures =
        vec![CoSignature::sign(&pact, &one).ok()?, CoSignature::sign(&pact, &two).ok()?];
    Some(World {
        keys,
        note: Signed::sign(&note, &one).ok()?.as_bytes().to_vec(),
        pact: Signed::assemble(&pact, signatures).ok()?.as_bytes().to_vec(),
    })
}

static WORLD: std::sync::LazyLock<Option<World>> = std::sync::LazyLock::new(world);

pub(crate) fn check(bytes: &[u8]) {
    let world = WORLD.as_ref().expect("a world of good documents");
    assert_believed_only_if_signed::<Note>(&world.keys, bytes, &world.note);
    assert_believed_only_if_signed::<Pact>(&world.keys, bytes, &world.pact);
    let note = changed(&world.note, &world.pact, bytes);
    assert_believed_only_if_signed::<Note>(&world.keys, &note, &world.note);
    let pact = changed(&world.pact, &world.note, bytes);
    assert_believed_only_if_signed::<Pact>(&world.keys, &pact, &world.pact);
}

fn assert_believed_only_if_signed<T: Payload>(keys: &TrustedKeys, bytes: &[u8], good: &[u8]) {
    let Ok(signed) = Signed::<T>::from_bytes(bytes.to_vec()) else {
        assert_ne!(bytes, good, "the good document is refused");
        return;
    };
    assert_eq!(signed.as_bytes(), bytes, "the bytes are not kept as received");
    assert_eq!(signed.claimed_signers().count(), T::SIGNATURES);
    let believed = signed.verify(keys, UnixMillis::MIN).is_ok();
    assert_eq!(believed, bytes == good, "believed: {believed}");
}

/// `good` after the changes that `steps` ask for, four bytes each: operation, place, length, byte.
fn changed(good: &[u8], other: &[u8], steps: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for step in steps.chunks_exact(4).take(16) {
        let [operation, place, len, byte] = [step[0], step[1], step[2], step[3]];
        let at = usize::from(place) * (bytes.len() + 1) / 256;
        let end = (at + usize::from(len)).min(bytes.len());
        match operation % 7 {
            0 if at < bytes.len() => bytes[at] ^= byte,
            1 if at < bytes.len() => bytes[at] = byte,
            2 => bytes.insert(at, byte),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = usize::from(byte).min(bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => bytes[at..end].reverse(),
            _ => {
                let from = usize::from(byte).min(other.len());
                let until = (from + usize::from(len)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
        }
    }
    bytes
}
