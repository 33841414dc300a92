//! Lengths as numbers of the formats.

/// The length as it stands in a format.
#[must_use]
pub fn to_u64(len: usize) -> u64 {
    // WHY: no platform has a `usize` wider than 64 bits.
    u64::try_from(len).unwrap_or(u64::MAX)
}
