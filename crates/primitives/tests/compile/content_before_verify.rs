use dataspace_primitives::{Payload, Signed};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// Not seen before the signature was checked.
fn text(note: &Signed<Note>) -> &str {
    &note.value().0
}

fn main() {
    let _ = text;
}
