use dataspace_primitives::{Payload, Signed, TrustedKeys, UnixMillis, Verified, signed::VerifyError};

/// The one way.
fn checked<T: Payload>(note: Signed<T>, keys: &TrustedKeys) -> Result<Verified<T>, VerifyError> {
    note.verify(keys, UnixMillis::MIN)
}

fn main() {}
