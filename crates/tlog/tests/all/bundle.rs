use dataspace_tlog::{
    published::{BUNDLE_LEN_MAX, Bundle, BundleBuilder, BundleError},
    record::RECORD_LEN_MAX,
    tree::TILE_WIDTH,
};
use proptest::prelude::*;

fn bytes(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = BundleBuilder::new();
    for entry in entries {
        builder.push(entry).unwrap();
    }
    builder.as_bytes().to_vec()
}

#[test]
fn a_bundle_is_lengths_and_entries() {
    let found = bytes(&[b"one".to_vec(), vec![], vec![7; 300]]);
    let expected = [&[0, 3][..], b"one", &[0, 0], &[1, 44], &[7; 300]].concat();
    assert_eq!(found, expected);
    let bundle = Bundle::parse(&found, 3).unwrap();
    let entries: Vec<_> = bundle.entries().collect();
    assert_eq!(entries, [&b"one"[..], &[], &[7; 300]]);
    assert_eq!(bundle.entry(0), Some(&b"one"[..]));
    assert_eq!(bundle.entry(3), None);
}

#[test]
fn the_longest_bundle_is_read() {
    let found = bytes(&vec![vec![1; RECORD_LEN_MAX]; usize::from(TILE_WIDTH)]);
    assert_eq!(found.len(), BUNDLE_LEN_MAX);
    assert_eq!(Bundle::parse(&found, TILE_WIDTH).unwrap().entries().count(), 256);
}

#[test]
fn an_entry_too_long_and_one_too_many_are_refused() {
    let mut builder = BundleBuilder::new();
    let long = vec![0; RECORD_LEN_MAX + 1];
    assert_eq!(builder.push(&long), Err(BundleError::EntryLen { len: 65_536 }));
    assert!(builder.as_bytes().is_empty());
    (0..256).for_each(|_| builder.push(b"x").unwrap());
    assert_eq!(builder.push(b"x"), Err(BundleError::Full));
    assert_eq!(builder.width(), TILE_WIDTH);
    builder.clear();
    assert_eq!((builder.width(), builder.as_bytes()), (0, &[][..]));
}

#[test]
fn every_other_width_and_every_cut_is_refused() {
    let entries: Vec<_> = (0..5).map(|n| vec![n; usize::from(n) + 1]).collect();
    let good = bytes(&entries);
    for width in 0..=300 {
        assert_eq!(Bundle::parse(&good, width).is_ok(), width == 5, "{width}");
    }
    for len in 0..good.len() {
        assert!(matches!(Bundle::parse(&good[..len], 5), Err(BundleError::CutOff { .. })));
    }
    let long = [&good[..], &[0]].concat();
    assert_eq!(Bundle::parse(&long, 5), Err(BundleError::Trailing { width: 5, len: 1 }));
    assert_eq!(Bundle::parse(&good[..3], 2), Err(BundleError::CutOff { slot: 1 }));
    assert_eq!(Bundle::parse(&[], 0), Err(BundleError::Width { width: 0 }));
    assert_eq!(Bundle::parse(&[], 1), Err(BundleError::CutOff { slot: 0 }));
}

proptest! {
    #[test]
    fn a_bundle_is_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..30)) {
        let bytes = bytes(&entries);
        let width = u16::try_from(entries.len()).unwrap();
        let found: Vec<_> = Bundle::parse(&bytes, width).unwrap().entries().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(found, entries);
    }

    #[test]
    fn what_is_read_is_written_the_same(bytes in prop::collection::vec(0_u8..6, 0..60), width in 0_u16..20) {
        if let Ok(bundle) = Bundle::parse(&bytes, width) {
            let mut builder = BundleBuilder::new();
            for entry in bundle.entries() {
                builder.push(entry).unwrap();
            }
            prop_assert_eq!(builder.as_bytes(), bytes);
            prop_assert_eq!(builder.width(), width);
        }
    }
}
