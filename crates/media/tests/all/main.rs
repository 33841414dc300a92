//! Pictures and recordings through the public API.
#![cfg(test)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pictures and sounds are made of floats"
)]

mod attacks;
mod audio;
mod changed;
mod picture;
mod rates;
mod support;
