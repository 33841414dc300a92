//! Bytes are a bundle of a width exactly if writing its entries gives the same bytes.
//!
//! The first two bytes are the width, the rest the bundle.

use dataspace_tlog::{
    published::{Bundle, BundleBuilder, BundleError},
    tree::TILE_WIDTH,
};

pub(crate) fn check(bytes: &[u8]) {
    let Some((width, bytes)) = bytes.split_first_chunk::<2>() else { return };
    let width = u16::from_be_bytes(*width) % (TILE_WIDTH + 8);
    // What the format says, plainly.
    let (mut expected, mut rest) = (Vec::new(), bytes);
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let Some((entry, after)) = after.split_at_checked(u16::from_be_bytes(*len).into()) else {
            break;
        };
        expected.push(entry);
        rest = after;
    }
    let is_width = (1..=TILE_WIDTH).contains(&width);
    let is_good = rest.is_empty() && is_width && expected.len() == usize::from(width);
    match Bundle::parse(bytes, width) {
        Ok(bundle) => {
            assert!(is_good);
            assert_eq!(bundle.entries().collect::<Vec<_>>(), expected);
            let mut builder = BundleBuilder::new();
            for entry in bundle.entries() {
                builder.push(entry).expect("an entry that was read");
            }
            assert_eq!((builder.as_bytes(), builder.width()), (bytes, width));
        }
        Err(BundleError::Width { .. }) => assert!(!is_width),
        Err(BundleError::CutOff { slot }) => {
            assert!(!is_good && usize::from(slot) == expected.len());
        }
        Err(BundleError::Trailing { len, .. }) => assert!(!is_good && len > 0),
        Err(other) => panic!("not an error of reading: {other}"),
    }
}
