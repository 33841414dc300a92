use dataspace_primitives::{Payload, Signed};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// Bytes become a claim.
fn read(bytes: &[u8]) -> Option<Signed<Note>> {
    let mut decoder = serde_cbor::Deserializer::from_slice(bytes);
    Signed::<Note>::deserialize(&mut decoder).ok()
}

fn main() {
    assert!(read(b"").is_none());
}
