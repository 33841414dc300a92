//! The table of facts, from outside the crate.

#[cfg(test)]
mod table;
