//! What the benches of this project share: medians, the printed table, and the JSON file.
//!
//! A bench measures its peers in the same run and prints how it compares. Called with `--test`
//! (as `cargo test --benches` does) it runs everything once, briefly, to show that it works.

mod report;
mod sample;

pub use crate::report::{Report, Row};
pub use crate::sample::{Effort, median};
