//! Numbers of samples and pixels, from one kind to another.

/// The nearest number; exact up to 2^24.
#[expect(clippy::cast_precision_loss, reason = "places in pictures are far below 2^24")]
pub(crate) const fn float(number: usize) -> f32 {
    number as f32
}

/// The nearest whole number from 0 to 255.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of a float saturates, which is meant"
)]
pub(crate) fn level(value: f32) -> u8 {
    value.round() as u8
}

/// The nearest whole number; 0 of what is none.
#[expect(clippy::cast_possible_truncation, reason = "a conversion of a float saturates")]
pub(crate) fn whole(value: f64) -> i32 {
    value.round() as i32
}

/// The nearest float of 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the nearest float is meant")]
pub(crate) const fn single(value: f64) -> f32 {
    value as f32
}

/// A length that is known to fit, because it is one in memory or was checked.
pub(crate) fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A length in memory.
pub(crate) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A hump from 0 over 1 to 0, at each of `len` places: a parabola, which is the same on every machine.
pub(crate) fn hump(len: usize) -> Vec<f32> {
    let at = |place: usize| (float(place) + 0.5) / float(len);
    (0..len).map(|place| 4.0 * at(place) * (1.0 - at(place))).collect()
}

/// The nearest length; 0 of what is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of a float saturates, which is meant"
)]
pub(crate) fn size_of(value: f32) -> usize {
    value.round() as usize
}
