//! Documents, signers, and COSE written by hand, byte by byte, so that it can be wrong.

use dataspace_primitives::{
    CoSignature, KeyId, Payload, PublicKey, Signature, Signed, Signer, TrustedKeys, UnixMillis,
    Validity, cbor, key::SignerError,
};
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    pub(crate) price: u64,
    pub(crate) text: String,
}

/// The same shape as an [`Offer`], another meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invoice {
    pub(crate) price: u64,
    pub(crate) text: String,
}

/// The same shape again, signed by two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deal {
    pub(crate) price: u64,
    pub(crate) text: String,
}

/// What two sign, by another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dissolution {
    pub(crate) price: u64,
    pub(crate) text: String,
}

pub(crate) const OFFER: &str = "application/vnd.dataspace.test-offer+cbor";
pub(crate) const DEAL: &str = "application/vnd.dataspace.test-deal+cbor";

impl Payload for Offer {
    const TYPE: &'static str = OFFER;
}

impl Payload for Invoice {
    const TYPE: &'static str = "application/vnd.dataspace.test-invoice+cbor";
}

impl Payload for Deal {
    const TYPE: &'static str = DEAL;
    const SIGNATURES: usize = 2;
}

impl Payload for Dissolution {
    const TYPE: &'static str = "application/vnd.dataspace.test-dissolution+cbor";
    const SIGNATURES: usize = 2;
}

pub(crate) struct Person {
    pub(crate) id: KeyId,
    pub(crate) key: ed25519_dalek::SigningKey,
}

impl Person {
    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.key.verifying_key().as_bytes()).unwrap()
    }

    pub(crate) fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl Signer for Person {
    fn key_id(&self) -> &KeyId {
        &self.id
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(Signature::from_bytes(self.sign_raw(message)))
    }
}

pub(crate) fn person(name: &str) -> Person {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    let id = format!("did:example:{name}#key").parse().unwrap();
    Person { id, key: ed25519_dalek::SigningKey::from_bytes(&seed) }
}

/// Sorts first, second and third by key identifier.
pub(crate) fn alice() -> Person {
    person("alice")
}

pub(crate) fn bob() -> Person {
    person("bob")
}

pub(crate) fn carol() -> Person {
    person("carol")
}

pub(crate) fn trusting(people: &[&Person]) -> TrustedKeys {
    people.iter().fold(TrustedKeys::new(), |keys, person| {
        keys.trust(person.id.clone(), person.public_key(), Validity::ALWAYS)
    })
}

pub(crate) fn everybody() -> TrustedKeys {
    trusting(&[&alice(), &bob(), &carol()])
}

pub(crate) fn now() -> UnixMillis {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn offer() -> Offer {
    Offer { price: 1200, text: "tensile tests".to_owned() }
}

pub(crate) fn deal() -> Deal {
    Deal { price: 1200, text: "tensile tests".to_owned() }
}

pub(crate) fn signed_offer() -> Signed<Offer> {
    Signed::sign(&offer(), &alice()).unwrap()
}

pub(crate) fn signed_deal() -> Signed<Deal> {
    let signatures = [alice(), bob()].map(|one| CoSignature::sign(&deal(), &one).unwrap());
    Signed::assemble(&deal(), signatures.into()).unwrap()
}

/// Whether `bytes` come through as a `T` that alice, bob and carol may sign.
pub(crate) fn believed<T: Payload>(bytes: &[u8]) -> bool {
    Signed::<T>::from_bytes(bytes.to_vec())
        .is_ok_and(|signed| signed.verify(&everybody(), now()).is_ok())
}

/// The shortest head of CBOR.
fn head(major: u8, value: usize) -> Vec<u8> {
    let value = u32::try_from(value).unwrap().to_be_bytes();
    let (info, from) = match value {
        [0, 0, 0, n @ 0..24] => return vec![major << 5 | n],
        [0, 0, 0, _] => (24, 3),
        [0, 0, ..] => (25, 2),
        _ => (26, 0),
    };
    [&[major << 5 | info], &value[from..]].concat()
}

pub(crate) fn bstr(content: &[u8]) -> Vec<u8> {
    [&head(2, content.len()), content].concat()
}

pub(crate) fn tstr(content: &str) -> Vec<u8> {
    [&head(3, content.len()), content.as_bytes()].concat()
}

pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len()), items.concat()].concat()
}

/// A map of encoded keys and values, in the order given.
pub(crate) fn map(entries: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(key, value)| [key, &value[..]].concat()).collect();
    [head(5, entries.len()), entries.concat()].concat()
}

/// Labels of RFC 9052 §3.1 and RFC 9596.
pub(crate) const ALG: &[u8] = b"\x01";
pub(crate) const CRIT: &[u8] = b"\x02";
pub(crate) const CONTENT_TYPE: &[u8] = b"\x03";
pub(crate) const KID: &[u8] = b"\x04";
pub(crate) const TYP: &[u8] = b"\x10";

/// Ed25519 (-19, RFC 9864).
pub(crate) fn ed25519() -> Vec<u8> {
    b"\x32".to_vec()
}

pub(crate) fn kid(person: &Person) -> Vec<u8> {
    bstr(person.id.as_str().as_bytes())
}

/// The one protected header of a document with one signer.
pub(crate) fn good_header(typ: &str, signer: &Person) -> Vec<u8> {
    map(&[(ALG, ed25519()), (KID, kid(signer)), (TYP, tstr(typ))])
}

/// `Sig_structure` of RFC 9052 §4.4 for COSE_Sign1.
pub(crate) fn sig_structure_1(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    array(&[tstr("Signature1"), bstr(protected), bstr(b""), bstr(payload)])
}

/// `Sig_structure` of RFC 9052 §4.4 for one signer of COSE_Sign.
pub(crate) fn sig_structure(body: &[u8], protected: &[u8], payload: &[u8]) -> Vec<u8> {
    array(&[tstr("Signature"), bstr(body), bstr(protected), bstr(b""), bstr(payload)])
}

/// A COSE_Sign1, well signed by `signer` over whatever header and payload these are.
pub(crate) fn sign1(protected: &[u8], payload: &[u8], signer: &Person) -> Vec<u8> {
    let signature = signer.sign_raw(&sig_structure_1(protected, payload));
    sign1_with(protected, b"\xa0", &bstr(payload), &signature)
}

pub(crate) fn sign1_with(
    protected: &[u8],
    unprotected: &[u8],
    payload: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let parts = [bstr(protected), unprotected.to_vec(), payload.to_vec(), bstr(signature)];
    [vec![0xd2], array(&parts)].concat()
}

/// The one protected header of a signature in a document with several signers.
pub(crate) fn signature_header(signer: &Person) -> Vec<u8> {
    map(&[(ALG, ed25519()), (KID, kid(signer))])
}

pub(crate) fn body_header(typ: &str) -> Vec<u8> {
    map(&[(TYP, tstr(typ))])
}

/// One well made `COSE_Signature` over `payload` as a document of type `typ`.
pub(crate) fn cose_signature(typ: &str, payload: &[u8], signer: &Person) -> Vec<u8> {
    let protected = signature_header(signer);
    let message = sig_structure(&body_header(typ), &protected, payload);
    array(&[bstr(&protected), b"\xa0".to_vec(), bstr(&signer.sign_raw(&message))])
}

/// A COSE_Sign of these signatures, in the order given.
pub(crate) fn sign_many(typ: &str, payload: &[u8], signatures: &[Vec<u8>]) -> Vec<u8> {
    let parts = [bstr(&body_header(typ)), b"\xa0".to_vec(), bstr(payload), array(signatures)];
    [vec![0xd8, 0x62], array(&parts)].concat()
}

pub(crate) fn payload_of(value: &impl Serialize) -> Vec<u8> {
    cbor::to_canonical(value).unwrap()
}
