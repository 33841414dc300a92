use dataspace_primitives::{Digest, Payload, Signed, Verified};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// No constructor: the fields are private.
fn forged(note: Note, digest: Digest, signed: Signed<Note>) -> Verified<Note> {
    Verified { value: note, digest, signed }
}

fn main() {
    let _ = forged;
}
