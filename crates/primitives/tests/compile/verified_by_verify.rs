use dataspace_primitives::{Payload, Signed, TrustedKeys, UnixMillis, Verified, signed::VerifyError};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Payload for Note {
    const TYPE: &'static str = "application/vnd.dataspace.test-note+cbor";
}

/// The one way.
fn checked(note: Signed<Note>, keys: &TrustedKeys) -> Result<Verified<Note>, VerifyError> {
    note.verify(keys, UnixMillis::MIN)
}

fn main() {
    let _ = checked;
}
