//! Plays of a recording.

use serde::{Deserialize, Serialize};

/// Seconds from the beginning that are no play yet, where terms do not say how many.
pub const FREE_SECONDS: u32 = 30;

/// Most plays of a recording, and how much of its beginning is no play yet.
///
/// An access with the action `play` to a stretch within the first [`after`](Self::after) seconds takes no play. Every other access
/// takes one, but for a stretch with the action `play` that begins no earlier than the last one of the same kind
/// ended: it goes on with the play that is open. So each second after the first ones leaves at most [`max`](Self::max) times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plays {
    /// Plays in all. At least 1.
    pub max: u32,
    /// Seconds from the beginning that are no play yet, 0 or more; one number in all of the terms.
    #[serde(default = "free_seconds", skip_serializing_if = "is_free_seconds")]
    pub after: u32,
}

const fn free_seconds() -> u32 {
    FREE_SECONDS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
const fn is_free_seconds(after: &u32) -> bool {
    *after == FREE_SECONDS
}
