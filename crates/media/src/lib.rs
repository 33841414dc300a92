//! Pictures and recordings.

mod alignment;
pub mod audio;
mod bytes_of;
mod cells;
mod chips;
pub mod compared;
pub mod decoded;
mod label;
mod marks;
mod modulation;
mod number;
mod overlay;
pub mod picture;
mod plane;
pub mod wav;

pub use crate::audio::WavAudio;
pub use crate::compared::{Compared, Match};
pub use crate::picture::Picture;
