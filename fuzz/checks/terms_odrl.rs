//! An ODRL document that is read may be signed, and is written and read again as the same terms.

use dataspace_policy::{OdrlPolicy, Terms, odrl_digest};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let found = OdrlPolicy::parse(text);
    let digest = odrl_digest(text);
    match found {
        Ok(OdrlPolicy { terms, .. }) => {
            terms.check().expect("read, but not to be signed");
            let again = terms.to_odrl().to_string();
            // Names that take a byte in the document may take three when they are escaped.
            if again.len() <= dataspace_policy::ODRL_LEN_MAX {
                assert_eq!(Terms::from_odrl(&again).as_ref(), Ok(&terms), "{text}\n{again}");
                assert_eq!(odrl_digest(&again), digest, "{text}\n{again}");
            }
        }
        Err(error) => {
            // The place is one of the document: a pointer is empty or begins with a slash.
            assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{error:?}");
            assert_eq!(digest, Err(error));
        }
    }
}
