//! COSE_Sign1 and COSE_Sign (RFC 9052 §4) with exactly the headers we use and no others.

use coset::cbor::value::Value;
use coset::{
    CborSerializable, CoseSign, CoseSign1, CoseSign1Builder, CoseSignBuilder, CoseSignature,
    CoseSignatureBuilder, Header, Label, ProtectedHeader, RegisteredLabelWithPrivate, iana,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::cbor::{self, DecodeError};
use crate::key::{KeyId, Signature};

/// Longest signed document, envelope included: it must fit into one record of the audit log.
pub const DOCUMENT_LEN_MAX: usize = 61_440;

/// The header parameter `typ` (RFC 9596).
const TYP: i64 = 16;

/// CBOR tag 18, COSE_Sign1.
const TAG_SIGN1: &[u8] = &[0xd2];
/// CBOR tag 98, COSE_Sign.
const TAG_SIGN: &[u8] = &[0xd8, 0x62];

/// Major types of CBOR (RFC 8949 §3.1).
const BYTES: u8 = 2;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Most bytes beside the content for each signature: headers with a media type and a key
/// identifier of [`KeyId::LEN_MAX`] bytes, the signature itself, and room.
const BESIDE_LEN_MAX: usize = 1_024;

/// A kind of document that can be signed.
pub trait Payload: Serialize + DeserializeOwned {
    /// Media type in the protected header `typ` (RFC 9596). It keeps one kind of document from
    /// passing as another, so no two kinds may share it.
    const TYPE: &'static str;

    /// How many keys sign the same bytes: with 1 the envelope is a COSE_Sign1, with more a
    /// COSE_Sign with exactly that many signatures by different keys. With 0 no document is taken.
    const SIGNATURES: usize = 1;
}

/// Why bytes are not a signed document of the expected kind.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not deterministic CBOR, or too long.
    #[error("the envelope is not deterministic CBOR")]
    Form(#[from] DecodeError),
    /// Not tagged as the COSE structure that this kind of document uses.
    #[error("the document does not begin with the COSE tag of its kind")]
    Tag,
    /// Not COSE.
    #[error("the document is not a COSE structure")]
    Cose,
    /// A document of another kind.
    #[error("expected a document of type `{expected}`, this one is `{found}`")]
    Type {
        /// The media type asked for.
        expected: &'static str,
        /// The media type in the protected header, `?` where there is none.
        found: String,
    },
    /// The number of signatures is not the one this kind of document has.
    #[error("expected {expected} signatures, there are {found}")]
    SignatureCount {
        /// Signatures that the document must have.
        expected: usize,
        /// Signatures that it has.
        found: usize,
    },
    /// Two signatures by one key, or signatures not in the order of their keys.
    #[error("the signers must differ and stand in the order of their key identifiers")]
    SignerOrder,
    /// Headers, algorithms or forms beyond the ones in use.
    #[error("the envelope carries headers or forms that are not allowed")]
    Headers,
}

/// One signature of an envelope, with the bytes that it must cover.
#[derive(Clone, Debug)]
pub(crate) struct EnvelopeSignature {
    pub(crate) key_id: KeyId,
    pub(crate) signature: Signature,
}

/// The parts of a document; nothing in it is verified.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) payload: Vec<u8>,
    pub(crate) signatures: Vec<EnvelopeSignature>,
}

impl Envelope {
    /// Takes the document apart; refuses all that [`Envelope::write`] would not have written.
    pub(crate) fn read<T: Payload>(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > DOCUMENT_LEN_MAX {
            let (len, len_max) = (bytes.len(), DOCUMENT_LEN_MAX);
            return Err(DecodeError::TooLong { len, len_max }.into());
        }
        let tag = if T::SIGNATURES == 1 { TAG_SIGN1 } else { TAG_SIGN };
        let body = bytes.strip_prefix(tag).ok_or(EnvelopeError::Tag)?;
        cbor::check_canonical(body, DOCUMENT_LEN_MAX)?;
        check_outline::<T>(body)?;
        let (envelope, typ) = if T::SIGNATURES == 1 {
            let cose = CoseSign1::from_slice(body).map_err(|_| EnvelopeError::Cose)?;
            Self::from_sign1(cose)?
        } else {
            let cose = CoseSign::from_slice(body).map_err(|_| EnvelopeError::Cose)?;
            Self::from_sign(cose)?
        };
        if typ != T::TYPE {
            return Err(EnvelopeError::Type { expected: T::TYPE, found: typ });
        }
        // WHY zero too: a kind of document that nobody signs would always verify.
        if envelope.signatures.is_empty() || envelope.signatures.len() != T::SIGNATURES {
            let (expected, found) = (T::SIGNATURES, envelope.signatures.len());
            return Err(EnvelopeError::SignatureCount { expected, found });
        }
        if !envelope.signatures.is_sorted_by(|a, b| a.key_id < b.key_id) {
            return Err(EnvelopeError::SignerOrder);
        }
        // INVARIANT: what we accept is byte for byte what we would have written, so there is no
        // header, algorithm or encoding that this code has not looked at.
        if envelope.write::<T>()? != bytes {
            return Err(EnvelopeError::Headers);
        }
        Ok(envelope)
    }

    /// The one encoding of these parts.
    pub(crate) fn write<T: Payload>(&self) -> Result<Vec<u8>, EnvelopeError> {
        let (tag, body) = match self.signatures.as_slice() {
            [one] if T::SIGNATURES == 1 => {
                let cose = CoseSign1Builder::new()
                    .protected(sign1_header(T::TYPE, &one.key_id))
                    .payload(self.payload.clone())
                    .signature(one.signature.as_bytes().to_vec())
                    .build();
                (TAG_SIGN1, cose.to_vec())
            }
            all => {
                let mut cose = CoseSignBuilder::new()
                    .protected(body_header(T::TYPE))
                    .payload(self.payload.clone());
                for one in all {
                    let mut signature = signature_shell(&one.key_id);
                    signature.signature = one.signature.as_bytes().to_vec();
                    cose = cose.add_signature(signature);
                }
                (TAG_SIGN, cose.build().to_vec())
            }
        };
        Ok([tag, &body.map_err(|_| EnvelopeError::Cose)?].concat())
    }

    fn from_sign1(cose: CoseSign1) -> Result<(Self, String), EnvelopeError> {
        let typ = typ(&cose.protected);
        let signature = EnvelopeSignature {
            key_id: key_id(&cose.protected)?,
            signature: signature(&cose.signature)?,
        };
        let payload = cose.payload.ok_or(EnvelopeError::Cose)?;
        Ok((Self { payload, signatures: vec![signature] }, typ))
    }

    fn from_sign(cose: CoseSign) -> Result<(Self, String), EnvelopeError> {
        let typ = typ(&cose.protected);
        let mut signatures = Vec::new();
        for one in &cose.signatures {
            signatures.push(EnvelopeSignature {
                key_id: key_id(&one.protected)?,
                signature: signature(&one.signature)?,
            });
        }
        let payload = cose.payload.ok_or(EnvelopeError::Cose)?;
        Ok((Self { payload, signatures }, typ))
    }
}

/// Checks what stands beside the content before a decoder makes values of it: as many signatures as
/// `T` has, no more bytes than they can need, and nothing that is not signed. `body` is canonical.
fn check_outline<T: Payload>(body: &[u8]) -> Result<(), EnvelopeError> {
    let mut rest = body;
    if take(&mut rest, ARRAY) != Some(4) {
        return Err(EnvelopeError::Cose);
    }
    skip_bytes(&mut rest).ok_or(EnvelopeError::Cose)?;
    if take(&mut rest, MAP).ok_or(EnvelopeError::Cose)? > 0 {
        return Err(EnvelopeError::Headers);
    }
    let payload = skip_bytes(&mut rest).ok_or(EnvelopeError::Cose)?;
    if T::SIGNATURES == 1 {
        skip_bytes(&mut rest).ok_or(EnvelopeError::Cose)?;
    } else {
        let (expected, found) = (T::SIGNATURES, take(&mut rest, ARRAY).ok_or(EnvelopeError::Cose)?);
        if found != expected {
            return Err(EnvelopeError::SignatureCount { expected, found });
        }
    }
    let beside = body.len().saturating_sub(payload);
    if beside > T::SIGNATURES.max(1).saturating_mul(BESIDE_LEN_MAX) {
        return Err(EnvelopeError::Headers);
    }
    Ok(())
}

/// Skips a byte string; says how long its content is.
fn skip_bytes(rest: &mut &[u8]) -> Option<usize> {
    let len = take(rest, BYTES)?;
    *rest = rest.get(len..)?;
    Some(len)
}

/// Takes the head of an item of this major type; says how many bytes or items follow.
fn take(rest: &mut &[u8], major: u8) -> Option<usize> {
    let (head, after) = cbor::head(rest)?;
    if head.0 != major {
        return None;
    }
    *rest = after;
    usize::try_from(head.1).ok()
}

/// The `Sig_structure` of RFC 9052 §4.4 that the key `key_id` signs.
pub(crate) fn to_be_signed<T: Payload>(payload: &[u8], key_id: &KeyId) -> Vec<u8> {
    if T::SIGNATURES == 1 {
        CoseSign1Builder::new()
            .protected(sign1_header(T::TYPE, key_id))
            .payload(payload.to_vec())
            .build()
            .tbs_data(&[])
    } else {
        CoseSignBuilder::new()
            .protected(body_header(T::TYPE))
            .payload(payload.to_vec())
            .build()
            .tbs_data(&[], &signature_shell(key_id))
    }
}

fn sign1_header(typ: &str, key_id: &KeyId) -> Header {
    Header { rest: body_header(typ).rest, ..key_header(key_id) }
}

fn body_header(typ: &str) -> Header {
    Header { rest: vec![(Label::Int(TYP), Value::Text(typ.to_owned()))], ..Header::default() }
}

fn key_header(key_id: &KeyId) -> Header {
    Header {
        // RFC 9864: the fully specified algorithm; the polymorphic EdDSA (-8) is deprecated.
        alg: Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::Ed25519)),
        key_id: key_id.as_str().as_bytes().to_vec(),
        ..Header::default()
    }
}

fn signature_shell(key_id: &KeyId) -> CoseSignature {
    CoseSignatureBuilder::new().protected(key_header(key_id)).build()
}

fn typ(protected: &ProtectedHeader) -> String {
    let typ = protected.header.rest.iter().find(|(label, _)| *label == Label::Int(TYP));
    match typ {
        Some((_, Value::Text(typ))) => typ.clone(),
        _ => "?".to_owned(),
    }
}

fn key_id(protected: &ProtectedHeader) -> Result<KeyId, EnvelopeError> {
    let text = String::from_utf8(protected.header.key_id.clone());
    let text = text.map_err(|_| EnvelopeError::Headers)?;
    KeyId::try_from(text).map_err(|_| EnvelopeError::Headers)
}

fn signature(bytes: &[u8]) -> Result<Signature, EnvelopeError> {
    let bytes = bytes.try_into().map_err(|_| EnvelopeError::Headers)?;
    Ok(Signature::from_bytes(bytes))
}
