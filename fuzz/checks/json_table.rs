//! Any bytes as JSON lines: refused, or read, and then only what the duties leave gets out.

use std::io::Write as _;

use dataspace_data_plane::Table;

use crate::duties;

pub(crate) fn check(bytes: &[u8]) {
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    if let Ok(table) = duties::contained(|| Table::open(file.path())) {
        duties::check(&table);
    }
}
