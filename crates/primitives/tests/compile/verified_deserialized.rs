use dataspace_primitives::{Payload, Verified};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// Bytes never become a fact.
fn read(bytes: &[u8]) -> Option<Verified<Note>> {
    let mut decoder = serde_cbor::Deserializer::from_slice(bytes);
    Verified::<Note>::deserialize(&mut decoder).ok()
}

fn main() {
    assert!(read(b"").is_none());
}
