//! COSE receipts: what verifies, and everything else that does not.

use dataspace_audit_log::{Log, receipts::SignReceiptError};
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, LeafIndex, Receipt, TreeSize,
    receipt::{RECEIPT_LEN_MAX, ReceiptError},
    tree::{ProofError, leaf_hash},
};

use crate::support::{Disk, key, origin, small};

/// A log of 20 records, and its checkpoint at each size.
pub(crate) fn log(origin: &Origin) -> (Log, Vec<Checkpoint>) {
    let log = Log::create_on(Box::new(Disk::default()), origin.clone()).unwrap();
    let mut checkpoints = vec![log.checkpoint(&key(1)).unwrap()];
    for n in 0..20 {
        let _appended = log.append(&small(n)).unwrap();
        checkpoints.push(log.checkpoint(&key(1)).unwrap());
    }
    (log, checkpoints)
}

pub(crate) fn record(index: u64) -> Vec<u8> {
    small(index).to_bytes().unwrap()
}

pub(crate) fn inclusion(log: &(Log, Vec<Checkpoint>), index: u64, size: usize) -> Receipt {
    log.0.inclusion_receipt(LeafIndex::new(index), &log.1[size], &key(1)).unwrap()
}

pub(crate) fn consistency(log: &(Log, Vec<Checkpoint>), from: u64, to: usize) -> Receipt {
    log.0.consistency_receipt(TreeSize::new(from), &log.1[to], &key(1)).unwrap()
}

#[test]
fn every_record_of_every_size_has_a_receipt_for_it_and_for_no_other_record() {
    let log = log(&origin());
    for size in 1..=20 {
        let checkpoint = &log.1[size];
        for index in 0..checkpoint.size().as_u64() {
            let receipt = inclusion(&log, index, size);
            assert_eq!(Receipt::from_bytes(receipt.as_bytes()).unwrap(), receipt);
            assert!(receipt.as_bytes().len() <= RECEIPT_LEN_MAX);
            assert_eq!(receipt.claimed_origin(), &origin());
            let verified = receipt.verify(&record(index), &origin()).unwrap();
            assert_eq!(verified.index(), LeafIndex::new(index));
            assert_eq!(verified.leaf(), leaf_hash(&record(index)));
            let state = verified.state();
            assert_eq!((state.size(), state.root()), (checkpoint.size(), checkpoint.root()));
            assert_eq!(state.origin(), &origin());
            for other in [index ^ 1, (index + 7) % 25] {
                let error = receipt.verify(&record(other), &origin()).unwrap_err();
                assert!(matches!(error, ReceiptError::Signature), "{error}");
            }
        }
    }
}

#[test]
fn every_two_states_have_a_receipt_for_them_and_for_no_other_state() {
    let log = log(&origin());
    for to in 2..=20 {
        for from in 1..to {
            let receipt = consistency(&log, u64::try_from(from).unwrap(), to);
            assert_eq!(Receipt::from_bytes(receipt.as_bytes()).unwrap(), receipt);
            for earlier in &log.1 {
                let verified = receipt.verify_extends(earlier);
                if earlier != &log.1[from] {
                    assert!(matches!(verified, Err(ReceiptError::Earlier { .. })));
                    continue;
                }
                let verified = verified.unwrap();
                assert_eq!(verified.earlier(), earlier.size());
                assert_eq!(verified.state().root(), log.1[to].root());
            }
        }
    }
}

#[test]
fn a_receipt_does_not_extend_another_history_of_the_same_size() {
    let log = log(&origin());
    let fork = crate::support::Branch::new(2, 1);
    for from in 3..20 {
        let receipt = consistency(&log, from, 20);
        let error = receipt.verify_extends(&fork.checkpoint(from)).unwrap_err();
        // A path leaves the root of a complete earlier tree out, and so leads to another later root.
        let expected = if from.is_power_of_two() {
            matches!(error, ReceiptError::Signature)
        } else {
            matches!(error, ReceiptError::Proof(ProofError::Root))
        };
        assert!(expected, "{from}: {error}");
    }
}

#[test]
fn a_receipt_proves_one_thing_only() {
    let log = log(&origin());
    let error = inclusion(&log, 3, 20).verify_extends(&log.1[3]).unwrap_err();
    assert!(matches!(error, ReceiptError::Kind), "{error}");
    let error = consistency(&log, 3, 20).verify(&record(3), &origin()).unwrap_err();
    assert!(matches!(error, ReceiptError::Kind), "{error}");
}

#[test]
fn a_receipt_of_one_log_is_none_of_another_log_of_the_same_operator() {
    let names = ["node-1", "node-2"].map(|name| Origin::named(key(1).did(), name).unwrap());
    // The same records under the same key.
    let [one, other] = names.each_ref().map(log);
    let receipt = inclusion(&one, 7, 20);
    assert_eq!(one.1[20].root(), other.1[20].root());
    let error = receipt.verify(&record(7), &names[1]).unwrap_err();
    assert!(matches!(error, ReceiptError::Origin { .. }), "{error}");
    let error = receipt.verify(&record(7), &origin()).unwrap_err();
    assert!(matches!(error, ReceiptError::Origin { .. }), "{error}");
    let stranger = Origin::named(key(2).did(), "node-1").unwrap();
    let error = receipt.verify(&record(7), &stranger).unwrap_err();
    assert!(matches!(error, ReceiptError::Origin { .. }), "{error}");
    // What names the log is signed: the other name put in its place does not verify.
    let mut bytes = receipt.as_bytes().to_vec();
    let at = bytes.windows(6).position(|found| found == b"node-1").unwrap();
    bytes[at + 5] = b'2';
    let renamed = Receipt::from_bytes(&bytes).unwrap();
    let error = renamed.verify(&record(7), &names[1]).unwrap_err();
    assert!(matches!(error, ReceiptError::Signature), "{error}");
}

#[test]
fn only_the_operator_signs_receipts_and_only_for_what_its_log_holds() {
    let log = log(&origin());
    let sign = |index, checkpoint: &Checkpoint, signer| {
        log.0.inclusion_receipt(LeafIndex::new(index), checkpoint, &key(signer)).unwrap_err()
    };
    assert!(matches!(sign(0, &log.1[20], 2), SignReceiptError::NotOperator));
    assert!(matches!(sign(20, &log.1[20], 1), SignReceiptError::Prove(_)));
    assert!(matches!(sign(5, &log.1[5], 1), SignReceiptError::Prove(_)));
    assert!(matches!(sign(0, &log.1[0], 1), SignReceiptError::Prove(_)));
    let fork = crate::support::Branch::new(2, 1);
    assert!(matches!(sign(0, &fork.checkpoint(20), 1), SignReceiptError::Checkpoint(_)));
    let named = self::log(&Origin::named(key(1).did(), "node-1").unwrap());
    assert!(matches!(sign(0, &named.1[20], 1), SignReceiptError::Checkpoint(_)));
    for (from, to) in [(0, 20), (20, 20), (0, 0)] {
        let error = log.0.consistency_receipt(TreeSize::new(from), &log.1[to], &key(1));
        assert!(matches!(error, Err(SignReceiptError::NothingToProve { .. })), "{from} to {to}");
    }
    let error = log.0.consistency_receipt(TreeSize::new(9), &log.1[8], &key(1)).unwrap_err();
    assert!(matches!(error, SignReceiptError::Prove(_)), "{error}");
}

/// Whoever signs with another key under the operator's name.
struct Impostor;

impl dataspace_primitives::Signer for Impostor {
    fn key_id(&self) -> &dataspace_primitives::KeyId {
        static ID: std::sync::LazyLock<dataspace_primitives::KeyId> =
            std::sync::LazyLock::new(|| key(1).key_id().clone());
        &ID
    }

    fn sign(
        &self,
        message: &[u8],
    ) -> Result<dataspace_primitives::Signature, dataspace_primitives::key::SignerError> {
        key(2).sign(message)
    }
}

#[test]
fn a_signer_that_holds_another_key_than_it_says_makes_no_receipt() {
    let log = log(&origin());
    let receipt = log.0.inclusion_receipt(LeafIndex::new(0), &log.1[20], &Impostor);
    assert!(matches!(receipt, Err(SignReceiptError::NotOperator)));
}

#[test]
fn every_bit_of_a_receipt_counts() {
    let log = log(&origin());
    for (index, size) in [(0, 1), (4, 5), (0, 5), (6, 7), (19, 20), (11, 20)] {
        let receipt = inclusion(&log, index, size);
        assert_no_change_verifies(&receipt, |changed| {
            changed.verify(&record(index), &origin()).is_ok()
        });
    }
    for (from, to) in [(1, 2), (4, 7), (6, 8), (13, 20)] {
        let receipt = consistency(&log, from, to);
        let earlier = &log.1[usize::try_from(from).unwrap()];
        assert_no_change_verifies(&receipt, |changed| changed.verify_extends(earlier).is_ok());
    }
}

/// Each bit flipped, each byte left out or doubled, each end cut off.
fn assert_no_change_verifies(receipt: &Receipt, verifies: impl Fn(&Receipt) -> bool) {
    let good = receipt.as_bytes();
    assert!(verifies(receipt));
    let refused = |bytes: &[u8]| Receipt::from_bytes(bytes).map_or(true, |one| !verifies(&one));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.to_vec();
            bytes[at] ^= 1 << bit;
            assert!(refused(&bytes), "bit {bit} of byte {at}");
        }
        let [mut less, mut more] = [good.to_vec(), good.to_vec()];
        less.remove(at);
        more.insert(at, good[at]);
        assert!(refused(&less) && refused(&more) && refused(&good[..at]), "byte {at}");
    }
    assert!(refused(&[good, &[0]].concat()));
}

#[test]
fn a_record_that_was_archived_is_still_proved_by_its_hash() {
    let log = log(&origin());
    let receipt = inclusion(&log, 3, 20);
    let verified = receipt.verify_leaf(&leaf_hash(&record(3)), &origin()).unwrap();
    assert_eq!(verified, receipt.verify(&record(3), &origin()).unwrap());
    assert!(receipt.verify_leaf(&leaf_hash(&record(4)), &origin()).is_err());
}
