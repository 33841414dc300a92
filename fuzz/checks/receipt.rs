//! A receipt verifies only as it was made, and only for its record or earlier state.
//!
//! The input is taken as a file, and as instructions to change a good one.

use std::sync::LazyLock;

use dataspace_identity::SecretKey;
use dataspace_tlog::{Checkpoint, LeafIndex, Receipt, receipt::RECEIPT_LEN_MAX};

use crate::changed::changed;
use crate::forked_log::{Branch, WORLD};

/// Every receipt of both branches.
static GOOD: LazyLock<Vec<Receipt>> = LazyLock::new(|| {
    let operator = SecretKey::from_seed(&mut [1; 32]).expect("a key");
    let mut good = Vec::new();
    for Branch { log, checkpoints } in &WORLD.branches {
        for checkpoint in checkpoints {
            let to = checkpoint.size().as_u64();
            good.extend(
                (0..to).map(|index| {
                    log.inclusion_receipt(LeafIndex::new(index), checkpoint, &operator)
                }),
            );
            let earlier = checkpoints.iter().map(Checkpoint::size);
            let earlier = earlier.filter(|from| from.as_u64() > 0 && from.as_u64() < to);
            good.extend(earlier.map(|from| log.consistency_receipt(from, checkpoint, &operator)));
        }
    }
    good.into_iter().map(|receipt| receipt.expect("a receipt")).collect()
});

pub(crate) fn check(bytes: &[u8]) {
    assert_verifies_only_if_good(bytes);
    let (first, steps) = bytes.split_first().unwrap_or((&0, &[]));
    let pick = |by: u8| GOOD[usize::from(by) % GOOD.len()].as_bytes();
    let (good, other) = (pick(*first), pick(first.wrapping_add(1)));
    assert_verifies_only_if_good(&changed(good, other, steps));
    // The headers of one receipt, the proof or the signature of the other.
    for cut in [good.len() / 2, good.len().saturating_sub(66)] {
        let from = other.len().saturating_sub(good.len() - cut);
        assert_verifies_only_if_good(&[&good[..cut], &other[from..]].concat());
    }
}

fn assert_verifies_only_if_good(bytes: &[u8]) {
    let is_good = GOOD.iter().any(|good| good.as_bytes() == bytes);
    let Ok(receipt) = Receipt::from_bytes(bytes) else {
        assert!(!is_good, "a good receipt is refused");
        return;
    };
    assert_eq!(receipt.as_bytes(), bytes);
    assert!(bytes.len() <= RECEIPT_LEN_MAX);
    let mut proved = 0;
    for Branch { log, checkpoints } in &WORLD.branches {
        for index in 0..5 {
            let record = log.read(LeafIndex::new(index)).expect("a record");
            if let Ok(verified) = receipt.verify(&record, &WORLD.origin) {
                assert_eq!(verified.index(), LeafIndex::new(index), "another place");
                proved += 1;
            }
        }
        proved += checkpoints.iter().filter(|one| receipt.verify_extends(one).is_ok()).count();
    }
    // The branches have their first two records and states in common.
    assert_eq!(proved > 0, is_good, "proves {proved}");
    assert!(proved <= 2, "proves {proved}");
}
