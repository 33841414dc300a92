//! Pictures and recordings through the public API.

mod attacks;
mod audio;
mod picture;
mod rates;
mod support;
