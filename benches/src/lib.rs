//! What the benches of this project share: medians, the printed table, and the JSON file.
//!
//! A bench measures its peers in the same run and prints how it compares. Under `cargo
//! test --benches` it runs everything once, briefly, to show that it works, and writes no figures.

mod machine;
mod report;
mod sample;

pub use crate::machine::{mix, resident, target_dir, time};
pub use crate::report::{Report, Row};
pub use crate::sample::{Effort, median};
