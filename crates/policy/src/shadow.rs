//! A sample of decisions is made a second time by Cedar's own evaluator. Where the two differ, the
//! access is denied and counted.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Of this many decisions of a thread, one is made twice, unless [`set_shadow_share`] was called.
/// They come 16 at a time, since the first of them has to warm the caches for Cedar.
pub const SHADOW_SHARE: u32 = 1024;

/// Decisions that are checked one after another.
const BURST: u32 = 16;

thread_local! {
    // WHY: each thread counts for itself; a shared counter would be contended. Decisions until the
    // next burst, and how many of the burst at hand are left.
    static TURN: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

static SHARE: AtomicU32 = AtomicU32::new(SHADOW_SHARE);
static CHECKS: AtomicU64 = AtomicU64::new(0);
static MISMATCHES: AtomicU64 = AtomicU64::new(0);

/// Sets of how many decisions of a thread one is made twice, for the whole process: 1 for each. Some
/// always are. A thread takes it up when its next check is due.
pub fn set_shadow_share(share: NonZeroU32) {
    SHARE.store(share.get(), Ordering::Relaxed);
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

/// Returns true if it is this decision's turn.
pub(crate) fn is_due() -> bool {
    TURN.with(|turn| {
        let (left, due) = match turn.get() {
            (0, _) => begin_anew(),
            turn => turn,
        };
        turn.set((left.saturating_sub(1), due.saturating_sub(1)));
        due > 0
    })
}

#[cold]
fn begin_anew() -> (u32, u32) {
    (SHARE.load(Ordering::Relaxed).saturating_mul(BURST), BURST)
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
    fn one_in_the_share_is_checked_the_first_ones_included() {
        let cycle = usize::try_from(SHADOW_SHARE * BURST).unwrap();
        let due: Vec<_> = (0..3 * cycle).map(|_| is_due()).collect();
        for cycle in due.chunks(cycle) {
            let burst = usize::try_from(BURST).unwrap();
            assert!(cycle.iter().take(burst).all(|due| *due));
            assert!(!cycle.iter().skip(burst).any(|due| *due));
        }
    }
}
