//! Bytes as the description of a scan: refused, or read in their one encoding; and nothing is given out for them where
//! nothing is held.

use dataspace_query::distributed::{HeldViews, ScanDescription, ScanError, decode};

pub(crate) fn check(bytes: &[u8]) {
    let is_one = match ScanDescription::from_bytes(bytes) {
        Ok(scan) => {
            assert_eq!(scan.to_bytes().expect("it was read"), bytes, "another encoding");
            true
        }
        Err(ScanError::Malformed(_) | ScanError::Version { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    match decode(bytes, &HeldViews::new(), || false) {
        Ok(_) => panic!("given out of nothing"),
        Err(ScanError::NotHeld) => assert!(is_one),
        Err(_) => assert!(!is_one),
    }
}
