//! Records, numbers that look random, and what the tests of `dataspace-tlog` have as well.

use dataspace_audit_log::Log;
use dataspace_tlog::{Event, LeafIndex, Record};

pub(crate) use crate::disk::Disk;
pub(crate) use crate::tlog_support::{Branch, key, origin, small, time};

/// Whether tests that can be longer are to be.
pub(crate) fn is_long() -> bool {
    std::env::var_os("DATASPACE_LONG_TESTS").is_some()
}

/// Numbers that look random (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }
}

pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(small).collect()
}

/// The number of a small record.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    match Record::from_bytes(bytes).unwrap().event {
        Event::Product { id, .. } => id.as_str().strip_prefix("product ").unwrap().parse().unwrap(),
        other => panic!("not a small record: {other:?}"),
    }
}

pub(crate) fn all_numbers(log: &Log) -> Vec<u64> {
    let mut found = Vec::new();
    log.replay(|index, bytes| {
        assert_eq!(index.as_u64(), u64::try_from(found.len()).unwrap());
        assert_eq!(log.read(index)?, bytes);
        found.push(number(bytes));
        Ok::<(), dataspace_audit_log::reader::ReadError>(())
    })
    .unwrap();
    assert!(log.read(LeafIndex::new(u64::try_from(found.len()).unwrap())).is_err());
    found
}
