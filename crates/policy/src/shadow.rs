//! A sample of decisions is made a second time by Cedar's own evaluator. Where the two differ, the
//! access is denied and counted.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Of this many decisions of a thread, one is made twice, unless [`set_shadow_share`] was called.
pub const SHADOW_SHARE: u32 = 1024;

thread_local! {
    // WHY: each thread counts for itself; a shared counter would be contended.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

static SHARE: AtomicU32 = AtomicU32::new(SHADOW_SHARE);
static CHECKS: AtomicU64 = AtomicU64::new(0);
static MISMATCHES: AtomicU64 = AtomicU64::new(0);

/// Sets of how many decisions of a thread one is made twice, for the whole process: 1 for each, 0
/// for none. A thread takes it up when its next check is due.
pub fn set_shadow_share(share: u32) {
    SHARE.store(share, Ordering::Relaxed);
}

/// How many decisions were made twice since the process began.
#[must_use]
pub fn shadow_checks() -> u64 {
    CHECKS.load(Ordering::Relaxed)
}

/// How often the compiled program and Cedar differed since the process began. Anything but 0 is a
/// defect of this library; those accesses were denied, with
/// [`Reason::Mismatch`](crate::Reason::Mismatch) in their record.
#[must_use]
pub fn shadow_mismatches() -> u64 {
    MISMATCHES.load(Ordering::Relaxed)
}

/// Whether it is this decision's turn.
pub(crate) fn is_due() -> bool {
    LEFT.with(|left| match left.get().checked_sub(1) {
        Some(fewer) => {
            left.set(fewer);
            false
        }
        None => begin_anew(left),
    })
}

#[cold]
fn begin_anew(left: &Cell<u32>) -> bool {
    let share = SHARE.load(Ordering::Relaxed);
    left.set(share.checked_sub(1).unwrap_or(SHADOW_SHARE));
    share > 0
}

pub(crate) fn count(agrees: bool) {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    if !agrees {
        MISMATCHES.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_decision_and_then_each_of_the_share_is_checked() {
        let due: Vec<_> = (0..3 * SHADOW_SHARE).filter(|_| is_due()).collect();
        assert_eq!(due, [0, SHADOW_SHARE, 2 * SHADOW_SHARE]);
    }
}
