//! The bytes of a receipt: a COSE_Sign1 (RFC 9052 §4.2) with the headers of RFC 9942 and no others.

use coset::cbor::value::Value;
use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, Header, Label, RegisteredLabelWithPrivate, iana,
};
use dataspace_identity::Origin;
use dataspace_primitives::cbor::{self, DecodeError};
use dataspace_primitives::{Digest, Signature};

use crate::receipt::error::ReceiptError;
use crate::tree::hash::{LeafIndex, TreeSize};
use crate::tree::proof::{ConsistencyProof, InclusionProof, PATH_LEN_MAX};

/// Longest receipt, in bytes: [`PATH_LEN_MAX`] hashes, and the headers.
pub const RECEIPT_LEN_MAX: usize = 4_096;

/// CBOR tag 18, COSE_Sign1: receipts must bear it.
const TAG: &[u8] = &[0xd2];
/// CWT claims (RFC 9597): the issuer and the log.
const CLAIMS: i64 = 15;
const ISSUER: i64 = 1;
const SUBJECT: i64 = 2;
/// Verifiable data structure, and the only one that this log is.
const VDS: i64 = 395;
const RFC9162_SHA256: i64 = 1;
/// Verifiable data structure proofs.
const VDP: i64 = 396;
const INCLUSION: i64 = -1;
const CONSISTENCY: i64 = -2;
/// The size of the tree, in the range for private use (RFC 9052 §11.1).
// WHY: RFC 9942 leaves the size unprotected, and RFC 9162's check of a path takes several sizes for
// one root (leaf 4 of 5 passes as leaf 1 of 2). With the size signed, there is one place for a path.
const SIZE: i64 = -65_537;

/// The proof in the unprotected header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That a record is in the log.
    Inclusion(InclusionProof),
    /// That the log extends an earlier state.
    Consistency(ConsistencyProof),
}

impl Proof {
    /// The size of the tree whose root is signed.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        match self {
            Self::Inclusion(proof) => proof.size,
            Self::Consistency(proof) => proof.to,
        }
    }

    /// RFC 9942 §5.2 and §5.3: the proof's type, and its CBOR. The definitions there ask for one hash
    /// at least; of a tree with a single leaf there is none, and the path is empty.
    fn write(&self) -> Result<(i64, Vec<u8>), ReceiptError> {
        let (kind, bytes) = match self {
            Self::Inclusion(InclusionProof { index, size, path }) => {
                (INCLUSION, cbor::to_canonical(&(size, index, path)))
            }
            Self::Consistency(ConsistencyProof { from, to, path }) => {
                (CONSISTENCY, cbor::to_canonical(&(from, to, path)))
            }
        };
        Ok((kind, bytes.map_err(|_| ReceiptError::Cose)?))
    }

    fn read(kind: i64, bytes: &[u8]) -> Result<Self, ReceiptError> {
        type Wire<T> = (TreeSize, T, Vec<Digest>);
        let proof = match kind {
            INCLUSION => {
                let (size, index, path): Wire<LeafIndex> =
                    cbor::from_canonical(bytes, RECEIPT_LEN_MAX)?;
                Self::Inclusion(InclusionProof { index, size, path })
            }
            CONSISTENCY => {
                let (from, to, path): Wire<TreeSize> =
                    cbor::from_canonical(bytes, RECEIPT_LEN_MAX)?;
                Self::Consistency(ConsistencyProof { from, to, path })
            }
            _ => return Err(ReceiptError::Headers),
        };
        let (Self::Inclusion(InclusionProof { path, .. })
        | Self::Consistency(ConsistencyProof { path, .. })) = &proof;
        if path.len() > PATH_LEN_MAX { Err(ReceiptError::Headers) } else { Ok(proof) }
    }
}

/// The bytes of the receipt.
///
/// # Errors
/// Never for a proof of a tree; the error is there so that no code has to panic.
pub fn write(
    origin: &Origin,
    proof: &Proof,
    signature: &Signature,
) -> Result<Vec<u8>, ReceiptError> {
    let (kind, proof_bytes) = proof.write()?;
    let proofs = Value::Array(vec![Value::Bytes(proof_bytes)]);
    let proofs = Value::Map(vec![(Value::from(kind), proofs)]);
    let receipt = CoseSign1Builder::new()
        .protected(protected(origin, proof.size()))
        .unprotected(Header { rest: vec![(Label::Int(VDP), proofs)], ..Header::default() })
        .signature(signature.as_bytes().to_vec())
        .build();
    let body = receipt.to_vec().map_err(|_| ReceiptError::Cose)?;
    Ok([TAG, &body].concat())
}

/// Takes a receipt apart; refuses all that [`write`] would not have written.
pub(crate) fn read(bytes: &[u8]) -> Result<(Origin, Proof, Signature), ReceiptError> {
    let (len, len_max) = (bytes.len(), RECEIPT_LEN_MAX);
    if len > len_max {
        return Err(DecodeError::TooLong { len, len_max }.into());
    }
    let body = bytes.strip_prefix(TAG).ok_or(ReceiptError::Tag)?;
    cbor::check_canonical(body, RECEIPT_LEN_MAX)?;
    let receipt = CoseSign1::from_slice(body).map_err(|_| ReceiptError::Cose)?;
    if receipt.payload.is_some() {
        return Err(ReceiptError::Attached);
    }
    let origin = subject(&receipt.protected.header).ok_or(ReceiptError::Headers)?;
    let (kind, proof) = only_proof(&receipt.unprotected).ok_or(ReceiptError::Headers)?;
    let proof = Proof::read(kind, proof)?;
    let signature = receipt.signature.as_slice().try_into();
    let signature = Signature::from_bytes(signature.map_err(|_| ReceiptError::Headers)?);
    // INVARIANT: what we accept is byte for byte what we would have written: algorithm, key, issuer,
    // structure and size are the ones that follow from the log and the proof, and nothing else is
    // there.
    if write(&origin, &proof, &signature)? != bytes {
        return Err(ReceiptError::Headers);
    }
    Ok((origin, proof, signature))
}

/// The `Sig_structure` of RFC 9052 §4.4 over a root.
#[must_use]
pub fn to_be_signed(origin: &Origin, size: TreeSize, root: &Digest) -> Vec<u8> {
    CoseSign1Builder::new()
        .protected(protected(origin, size))
        .payload(root.as_bytes().to_vec())
        .build()
        .tbs_data(&[])
}

/// The protected header, its labels in the order of deterministic CBOR.
fn protected(origin: &Origin, size: TreeSize) -> Header {
    let operator = origin.operator();
    let text = |text: &str| Value::Text(text.to_owned());
    let claims = Value::Map(vec![
        (Value::from(ISSUER), text(operator.as_str())),
        (Value::from(SUBJECT), text(origin.as_str())),
    ]);
    Header {
        alg: Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::Ed25519)),
        key_id: origin.key_url().into_bytes(),
        rest: vec![
            (Label::Int(CLAIMS), claims),
            (Label::Int(VDS), Value::from(RFC9162_SHA256)),
            (Label::Int(SIZE), Value::from(size.as_u64())),
        ],
        ..Header::default()
    }
}

/// The log that the receipt claims to be of.
fn subject(header: &Header) -> Option<Origin> {
    let (_, claims) = header.rest.iter().find(|(label, _)| *label == Label::Int(CLAIMS))?;
    let subject = Value::from(SUBJECT);
    let (_, origin) = claims.as_map()?.iter().find(|(claim, _)| *claim == subject)?;
    origin.as_text()?.parse().ok()
}

/// The proof in the unprotected header, and its type.
fn only_proof(header: &Header) -> Option<(i64, &[u8])> {
    let (_, proofs) = header.rest.iter().find(|(label, _)| *label == Label::Int(VDP))?;
    let [(kind, proofs)] = proofs.as_map()?.as_slice() else { return None };
    let [proof] = proofs.as_array()?.as_slice() else { return None };
    Some((i64::try_from(i128::from(kind.as_integer()?)).ok()?, proof.as_bytes()?))
}
