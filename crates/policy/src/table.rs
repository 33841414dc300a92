//! A table with open addressing and linear probing: what is looked up lies where its hash points,
//! so that a look-up in a table larger than the caches waits for memory once. (The standard
//! library's table waits twice, for a control byte and then for the slot.)

use std::hash::BuildHasher;

use dataspace_primitives::Digest;
use foldhash::fast::RandomState;

/// Values by digest. The hash is keyed anew for each table, so that nobody can choose digests that
/// lie in one place.
#[derive(Debug)]
pub(crate) struct Table<V> {
    /// A power of two, or none; never more than three quarters are taken.
    slots: Vec<Slot<V>>,
    len: usize,
    hasher: RandomState,
}

/// On lines of the cache of its own, the key first.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<V>(Option<Entry<V>>);

#[derive(Debug)]
#[repr(C)]
struct Entry<V> {
    key: Digest,
    value: V,
}

const SLOTS_MIN: usize = 8;

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), len: 0, hasher: RandomState::default() }
    }
}

impl<V> Table<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &Digest) -> Option<&V> {
        let mask = self.mask()?;
        let mut place = self.home(key, mask);
        loop {
            let found = self.slots.get(place)?.0.as_ref()?;
            if found.key == *key {
                return Some(&found.value);
            }
            place = (place + 1) & mask;
        }
    }

    /// Puts a value in and gives back the one that was there.
    pub(crate) fn insert(&mut self, key: Digest, value: V) -> Option<V> {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let replaced = self.put(key, value);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    pub(crate) fn remove(&mut self, key: &Digest) -> Option<V> {
        let mask = self.mask()?;
        let mut hole = self.home(key, mask);
        while self.slots.get(hole)?.0.as_ref()?.key != *key {
            hole = (hole + 1) & mask;
        }
        let Entry { value, .. } = self.slots.get_mut(hole)?.0.take()?;
        self.len -= 1;
        // What was pushed on past the hole moves up, so that no look-up ends early.
        let mut place = (hole + 1) & mask;
        while let Some(Slot(Some(Entry { key, .. }))) = self.slots.get(place) {
            let way = place.wrapping_sub(self.home(key, mask)) & mask;
            if way >= place.wrapping_sub(hole) & mask {
                self.slots.swap(hole, place);
                hole = place;
            }
            place = (place + 1) & mask;
        }
        Some(value)
    }

    fn mask(&self) -> Option<usize> {
        self.slots.len().checked_sub(1)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    fn home(&self, key: &Digest, mask: usize) -> usize {
        self.hasher.hash_one(key) as usize & mask
    }

    fn put(&mut self, key: Digest, value: V) -> Option<V> {
        let mask = self.mask()?;
        let mut place = self.home(&key, mask);
        loop {
            let Slot(slot) = self.slots.get_mut(place)?;
            match slot {
                Some(old) if old.key == key => {
                    return Some(std::mem::replace(&mut old.value, value));
                }
                Some(_) => place = (place + 1) & mask,
                None => {
                    *slot = Some(Entry { key, value });
                    return None;
                }
            }
        }
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(SLOTS_MIN);
        let mut slots = Vec::with_capacity(len);
        slots.resize_with(len, || Slot(None));
        let old = std::mem::replace(&mut self.slots, slots);
        for Entry { key, value } in old.into_iter().filter_map(|Slot(slot)| slot) {
            let _none_was_there = self.put(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::program::Program;

    #[test]
    fn a_contract_takes_three_lines_of_the_cache() {
        assert_eq!(size_of::<Slot<Program>>(), 3 * 64);
    }

    proptest! {
        #[test]
        fn it_holds_what_the_standard_table_holds(
            steps in prop::collection::vec((0_u8..96, 0_u8..3, any::<u16>()), 0..600),
        ) {
            let (mut table, mut model) = (Table::default(), HashMap::new());
            for (key, step, value) in steps {
                let key = Digest::of(&[key]);
                match step {
                    0 | 1 => prop_assert_eq!(table.insert(key, value), model.insert(key, value)),
                    _ => prop_assert_eq!(table.remove(&key), model.remove(&key)),
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for key in 0..96_u8 {
                let key = Digest::of(&[key]);
                prop_assert_eq!(table.get(&key), model.get(&key));
            }
        }
    }
}
