//! Receipts taken apart and put together by other means: a general CBOR library, RFC 9052's
//! `Sig_structure` by hand, the tree by its definition, and the signature library alone.

use ciborium::value::{Integer, Value};
use dataspace_primitives::{Digest, Signer as _};
use dataspace_tlog::{
    LeafIndex, Receipt, TreeSize,
    receipt::ReceiptError,
    tree::{InclusionProof, leaf_hash},
};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::receipt::{consistency, inclusion, log, record};
use crate::support::{key, origin};

const SIZE: i64 = -65_537;

fn int(n: i64) -> Value {
    Value::Integer(Integer::from(n))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map(entries: &[(i64, Value)]) -> Value {
    Value::Map(entries.iter().map(|(label, value)| (int(*label), value.clone())).collect())
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn decode(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

/// RFC 9162 §2.1.1, word for word.
fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).into(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::digest([&[1], &root(left)[..], &root(right)[..]].concat()).into()
        }
    }
}

/// RFC 9162 §2.1.3.1, word for word.
fn path(index: usize, leaves: &[Vec<u8>]) -> Vec<Value> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut below, sibling) = if index < split {
        (path(index, left), root(right))
    } else {
        (path(index - split, right), root(left))
    };
    below.push(Value::Bytes(sibling.to_vec()));
    below
}

fn records(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(record).collect()
}

fn operator() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn kid() -> Value {
    Value::Bytes(key(1).key_id().as_str().as_bytes().to_vec())
}

fn claims() -> Value {
    map(&[(1, text(key(1).did().as_str())), (2, text(origin().as_str()))])
}

/// A receipt in parts, to be put together in every wrong way.
#[derive(Clone)]
struct Parts {
    protected: Vec<(i64, Value)>,
    unprotected: Vec<(i64, Value)>,
    payload: Value,
    proof: Value,
    root: [u8; 32],
}

impl Parts {
    /// What leaf 17 of 20 should have: the sizes of the example in RFC 9942.
    fn new() -> Self {
        let leaves = records(20);
        let proof = Value::Array(vec![int(20), int(17), Value::Array(path(17, &leaves))]);
        let protected =
            vec![(1, int(-19)), (4, kid()), (15, claims()), (395, int(1)), (SIZE, int(20))];
        let (unprotected, payload) = (Vec::new(), Value::Null);
        Self { protected, unprotected, payload, proof, root: root(&leaves) }
            .with_proofs(|proof| vec![(-1, Value::Array(vec![proof]))])
    }

    fn with_proofs(mut self, proofs: impl Fn(Value) -> Vec<(i64, Value)>) -> Self {
        let proof = Value::Bytes(encode(&self.proof));
        self.unprotected = vec![(396, map(&proofs(proof)))];
        self
    }

    fn protect(mut self, label: i64, value: Value) -> Self {
        self.protected.retain(|(known, _)| *known != label);
        self.protected.push((label, value));
        // The order of deterministic CBOR, so that nothing but the header is at fault.
        self.protected.sort_by_key(|(label, _)| encode(&int(*label)));
        self
    }

    fn unprotect(mut self, label: i64, value: Value) -> Self {
        self.unprotected.push((label, value));
        self.unprotected.sort_by_key(|(label, _)| encode(&int(*label)));
        self
    }

    fn without(mut self, label: i64) -> Self {
        self.protected.retain(|(known, _)| *known != label);
        self
    }

    fn array(&self, key: &SigningKey) -> Value {
        let protected = Value::Bytes(encode(&map(&self.protected)));
        let signed = Value::Array(vec![
            text("Signature1"),
            protected.clone(),
            Value::Bytes(Vec::new()),
            Value::Bytes(self.root.to_vec()),
        ]);
        let signature = Value::Bytes(key.sign(&encode(&signed)).to_bytes().to_vec());
        Value::Array(vec![protected, map(&self.unprotected), self.payload.clone(), signature])
    }

    fn bytes(&self) -> Vec<u8> {
        encode(&Value::Tag(18, Box::new(self.array(&operator()))))
    }

    fn error(&self) -> ReceiptError {
        refusal(&self.bytes())
    }
}

fn refusal(bytes: &[u8]) -> ReceiptError {
    let receipt = Receipt::from_bytes(bytes);
    receipt.and_then(|receipt| receipt.verify(&record(17), &origin())).unwrap_err()
}

#[test]
fn a_receipt_is_byte_for_byte_what_the_specifications_make_by_hand() {
    let receipt = inclusion(&log(&origin()), 17, 20);
    assert_eq!(receipt.as_bytes(), Parts::new().bytes());
}

#[test]
fn receipts_verify_without_this_library() {
    let log = log(&origin());
    for size in 1..=20 {
        let leaves = records(size);
        let to = usize::try_from(size).unwrap();
        for index in 0..to {
            let receipt = inclusion(&log, u64::try_from(index).unwrap(), to);
            let proof = [int(i64::try_from(size).unwrap()), int(i64::try_from(index).unwrap())];
            let path = Value::Array(path(index, &leaves));
            verify_by_hand(receipt.as_bytes(), -1, &[&proof[..], &[path]].concat(), &leaves);
        }
        for from in 1..size {
            let receipt = consistency(&log, from, to);
            let proof = log.0.consistency_proof(TreeSize::new(from), TreeSize::new(size)).unwrap();
            let path = proof.path.iter().map(|hash| Value::Bytes(hash.as_bytes().to_vec()));
            let sizes = [int(i64::try_from(from).unwrap()), int(i64::try_from(size).unwrap())];
            let proof = [&sizes[..], &[Value::Array(path.collect())]].concat();
            verify_by_hand(receipt.as_bytes(), -2, &proof, &leaves);
        }
    }
}

/// RFC 9942 §5.2.1 and §5.3.1: headers, shapes, and the signature over the detached root.
fn verify_by_hand(bytes: &[u8], kind: i64, proof: &[Value], leaves: &[Vec<u8>]) {
    let Value::Tag(18, receipt) = decode(bytes) else { panic!("not tagged as COSE_Sign1") };
    let [Value::Bytes(protected), unprotected, Value::Null, Value::Bytes(signature)] =
        receipt.as_array().unwrap().as_slice()
    else {
        panic!("not a COSE_Sign1 with a detached payload")
    };
    let size = i64::try_from(leaves.len()).unwrap();
    let header = [(1, int(-19)), (4, kid()), (15, claims()), (395, int(1)), (SIZE, int(size))];
    assert_eq!(decode(protected), map(&header));
    let proof = Value::Bytes(encode(&Value::Array(proof.to_vec())));
    let proofs = map(&[(kind, Value::Array(vec![proof]))]);
    assert_eq!(*unprotected, map(&[(396, proofs)]));
    let payload = Value::Bytes(root(leaves).to_vec());
    let signed =
        [text("Signature1"), Value::Bytes(protected.clone()), Value::Bytes(vec![]), payload];
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    let signed = encode(&Value::Array(signed.to_vec()));
    operator().verifying_key().verify_strict(&signed, &signature).unwrap();
}

#[test]
fn a_well_signed_receipt_with_other_headers_is_refused() {
    let good = Parts::new();
    let other = || Value::Bytes(key(2).key_id().as_str().as_bytes().to_vec());
    let named = text(&format!("{}/node-1", origin()));
    let claim = |more: &[(i64, Value)]| {
        let mut all = vec![(1, text(key(1).did().as_str())), (2, text(origin().as_str()))];
        all.extend_from_slice(more);
        map(&all)
    };
    let cases = [
        ("polymorphic algorithm", good.clone().protect(1, int(-8))),
        ("ES256", good.clone().protect(1, int(-7))),
        ("no algorithm", good.clone().without(1)),
        ("unprotected algorithm", good.clone().without(1).unprotect(1, int(-19))),
        ("no key", good.clone().without(4)),
        ("another member's key", good.clone().protect(4, other())),
        ("key as text", good.clone().protect(4, text(key(1).key_id().as_str()))),
        ("unprotected key", good.clone().without(4).unprotect(4, kid())),
        ("no structure", good.clone().without(395)),
        ("unprotected structure", good.clone().without(395).unprotect(395, int(1))),
        ("structure in both", good.clone().unprotect(395, int(1))),
        ("reserved structure", good.clone().protect(395, int(0))),
        ("structure of others", good.clone().protect(395, int(2))),
        ("structure as text", good.clone().protect(395, text("RFC9162_SHA256"))),
        ("no claims", good.clone().without(15)),
        ("issuer alone", good.clone().protect(15, map(&[(1, text(origin().as_str()))]))),
        ("subject alone", good.clone().protect(15, map(&[(2, text(origin().as_str()))]))),
        ("an expiry", good.clone().protect(15, claim(&[(4, int(1))]))),
        (
            "issuer is another",
            good.clone().protect(
                15,
                map(&[(1, text(key(2).did().as_str())), (2, text(origin().as_str()))]),
            ),
        ),
        ("issuer is the log", good.clone().protect(15, map(&[(1, named.clone()), (2, named)]))),
        ("no size", good.clone().without(SIZE)),
        ("unprotected size", good.clone().without(SIZE).unprotect(SIZE, int(20))),
        ("another size", good.clone().protect(SIZE, int(21))),
        ("a type", good.clone().protect(16, text("application/vnd.dataspace.offer+cbor"))),
        ("critical", good.clone().protect(2, Value::Array(vec![int(395)]))),
        ("proofs in the protected header", {
            let proofs = good.unprotected[0].1.clone();
            Parts { unprotected: vec![], ..good.clone() }.protect(396, proofs)
        }),
        ("proofs in both", good.clone().protect(396, good.unprotected[0].1.clone())),
        ("receipts within", good.clone().unprotect(394, Value::Array(vec![]))),
        ("more unprotected", good.clone().unprotect(99, int(0))),
        ("labels swapped", {
            let proofs = good.unprotected[0].1.clone();
            let swapped = Parts { unprotected: vec![(395, proofs)], ..good.clone() };
            swapped.without(395).protect(396, int(1))
        }),
        ("no proof", good.clone().with_proofs(|_| vec![])),
        ("an empty list of proofs", good.clone().with_proofs(|_| vec![(-1, Value::Array(vec![]))])),
        (
            "two proofs",
            good.clone().with_proofs(|one| vec![(-1, Value::Array(vec![one.clone(), one]))]),
        ),
        (
            "both types of proof",
            good.clone().with_proofs(|one| {
                let list = Value::Array(vec![one]);
                vec![(-1, list.clone()), (-2, list)]
            }),
        ),
        (
            "an unknown type of proof",
            good.clone().with_proofs(|one| vec![(-3, Value::Array(vec![one]))]),
        ),
        ("a proof that is not in a list", good.clone().with_proofs(|one| vec![(-1, one)])),
    ];
    for (name, parts) in cases {
        let error = parts.error();
        assert!(matches!(error, ReceiptError::Headers | ReceiptError::Cose), "{name}: {error:?}");
    }
    assert!(Receipt::from_bytes(&good.bytes()).is_ok());
}

#[test]
fn a_well_signed_receipt_in_another_form_is_refused() {
    let good = Parts::new();
    for payload in [Value::Bytes(good.root.to_vec()), Value::Bytes(vec![])] {
        let error = Parts { payload, ..good.clone() }.error();
        assert!(matches!(error, ReceiptError::Attached), "{error:?}");
    }
    let array = good.array(&operator());
    let tagged = |tag| encode(&Value::Tag(tag, Box::new(array.clone())));
    for bytes in [encode(&array), tagged(98), tagged(17), Vec::new()] {
        assert!(matches!(refusal(&bytes), ReceiptError::Tag));
    }
    // The tag twice, and a tag for CWT around: no item of deterministic CBOR here.
    let twice = encode(&Value::Tag(18, Box::new(Value::Tag(18, Box::new(array.clone())))));
    assert!(matches!(refusal(&twice), ReceiptError::Form(_)));
    // The proof in its other shapes: flat as in an example of the RFC, in a map, with a text.
    let flat = Value::Array([&[int(20), int(17)], path(17, &records(20)).as_slice()].concat());
    let hashes = Value::Array(path(17, &records(20)));
    let short = Value::Array(vec![int(20), int(17), Value::Array(vec![Value::Bytes(vec![0; 31])])]);
    let fourth = Value::Array(vec![int(20), int(17), hashes.clone(), int(0)]);
    let negative = Value::Array(vec![int(20), int(-17), hashes]);
    for proof in [flat, short, fourth, negative, Value::Null, map(&[])] {
        let proofs = |proof| vec![(-1, Value::Array(vec![proof]))];
        let error = Parts { proof, ..good.clone() }.with_proofs(proofs).error();
        assert!(matches!(error, ReceiptError::Form(_)), "{error:?}");
    }
    let long = Value::Array(vec![Value::Bytes(vec![0; 32]); 65]);
    let proof = Value::Array(vec![int(20), int(17), long]);
    let error = Parts { proof, ..good.clone() }
        .with_proofs(|proof| vec![(-1, Value::Array(vec![proof]))])
        .error();
    assert!(matches!(error, ReceiptError::Headers), "{error:?}");
    let error = refusal(&[good.bytes(), vec![0; 4_096]].concat());
    assert!(matches!(error, ReceiptError::Form(_)), "{error:?}");
}

#[test]
fn a_receipt_signed_by_another_key_under_the_operators_name_is_refused() {
    let forged = Parts::new().array(&SigningKey::from_bytes(&[2; 32]));
    let error = refusal(&encode(&Value::Tag(18, Box::new(forged))));
    assert!(matches!(error, ReceiptError::Signature), "{error:?}");
}

#[test]
fn a_path_has_one_place_though_rfc_9162_would_take_it_for_several() {
    let log = log(&origin());
    let (mut ambiguous, leaves) = (0, records(20));
    let hashes = |path: &[Value]| -> Vec<Digest> {
        let bytes = path.iter().map(|hash| hash.as_bytes().unwrap().as_slice());
        bytes.map(|hash| Digest::from_bytes(hash.try_into().unwrap())).collect()
    };
    for size in 1..=20_usize {
        let leaves = &leaves[..size];
        for index in 0..size {
            let good = inclusion(&log, u64::try_from(index).unwrap(), size);
            let (path, root) = (path(index, leaves), Digest::from_bytes(root(leaves)));
            for (n, at) in (1..=21_u64).flat_map(|n| (0..n).map(move |at| (n, at))) {
                if (n, at) == (u64::try_from(size).unwrap(), u64::try_from(index).unwrap()) {
                    continue;
                }
                let (place, size_of) = (LeafIndex::new(at), TreeSize::new(n));
                let proof = InclusionProof { index: place, size: size_of, path: hashes(&path) };
                if proof.verify(&leaf_hash(&leaves[index]), &root).is_err() {
                    continue;
                }
                ambiguous += 1;
                let sizes = [int(i64::try_from(n).unwrap()), int(i64::try_from(at).unwrap())];
                let proof = [&sizes[..], &[Value::Array(path.clone())]].concat();
                let bytes = with_proof(&good, i64::try_from(n).unwrap(), Value::Array(proof));
                // Well formed, with the operator's signature over the right root: refused.
                let moved = Receipt::from_bytes(&bytes).unwrap();
                assert!(moved.verify(&leaves[index], &origin()).is_err(), "{index} of {size}");
            }
        }
    }
    assert!(ambiguous > 100, "only {ambiguous} paths have a second place");
}

/// The receipt with another proof, and the size in the protected header that fits it.
fn with_proof(receipt: &Receipt, size: i64, proof: Value) -> Vec<u8> {
    let Value::Tag(18, array) = decode(receipt.as_bytes()) else { panic!("no receipt") };
    let signature = array.as_array().unwrap()[3].clone();
    let parts = Parts { proof, ..Parts::new() }
        .protect(SIZE, int(size))
        .with_proofs(|proof| vec![(-1, Value::Array(vec![proof]))]);
    let Value::Array(mut array) = parts.array(&operator()) else { panic!("no array") };
    array[3] = signature;
    encode(&Value::Tag(18, Box::new(Value::Array(array))))
}

#[test]
fn receipts_keep_their_bytes() {
    let log = log(&origin());
    let hex = |receipt: &Receipt| {
        receipt.as_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    };
    let made = [("inclusion", inclusion(&log, 4, 5)), ("consistency", consistency(&log, 3, 5))];
    let made = made.map(|(kind, receipt)| format!("{}\t{kind}", hex(&receipt)));
    let golden = include_str!("../../../../vectors/receipts/receipts.tsv").lines();
    assert!(golden.filter(|line| !line.starts_with('#')).eq(made.iter()), "{made:#?}");
}
