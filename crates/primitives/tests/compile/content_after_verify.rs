use dataspace_primitives::{Payload, Verified};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// Seen once the signature was checked.
fn text(note: &Verified<Note>) -> &str {
    &note.value().0
}

fn main() {
    let _ = text;
}
