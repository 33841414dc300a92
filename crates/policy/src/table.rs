//! A table with open addressing and linear probing: what is looked up lies where its hash points,
//! so that a look-up in a table larger than the caches waits for memory once. (The standard
//! library's table waits twice, for a control byte and then for the slot.)

use std::collections::HashMap;
use std::hash::BuildHasher;

use dataspace_primitives::Digest;
use foldhash::fast::RandomState;
use prefetch_index::prefetch_index;

use crate::memory::Memory;

/// A number and a block of bytes by digest. Each table has a hash key of its own, so that nobody
/// can choose digests that lie in one place.
#[derive(Debug)]
pub(crate) struct Table {
    /// Slots one after another: a power of two, or none; never more than three quarters are taken.
    memory: Memory,
    slots_len: usize,
    len: usize,
    hasher: RandomState,
    /// Blocks that are too long for a slot.
    long: HashMap<Digest, Box<[u8]>, RandomState>,
}

/// What a digest stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// Less than [`u32::MAX`].
    pub(crate) number: u32,
    pub(crate) block: &'a [u8],
}

/// Where a digest is looked for first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// The key; the number plus 1, or 0 if nothing is here; the block's length, or [`LONG`]; the block.
/// Three lines of the cache. Bytes, since only bytes can lie in mapped memory.
type Slot = [u8; SLOT_LEN];

const SLOT_LEN: usize = 3 * LINE_LEN;
const LINE_LEN: usize = 64;
/// What is left in a slot is enough for four places with a DID of 56 characters and a product of 64.
const HEAD_LEN: usize = Digest::LEN + 8;
/// Stands for the length of a block that lies elsewhere.
const LONG: u32 = u32::MAX;
const SLOTS_MIN: usize = 8;

/// A slot that is taken.
struct Taken<'a> {
    key: &'a [u8; Digest::LEN],
    number: u32,
    len: u32,
    block: &'a [u8],
}

impl Default for Table {
    fn default() -> Self {
        Self {
            memory: Memory::zeroed(0),
            slots_len: 0,
            len: 0,
            hasher: RandomState::default(),
            long: HashMap::default(),
        }
    }
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where a digest is looked for first. Memory is asked for what is there, and nobody waits.
    pub(crate) fn place(&self, key: &Digest) -> Place {
        let place = self.home(key);
        // WHY the next slot too: one look-up in four goes on there or further, and finds that out
        // only when the first slot has come.
        for line in 0..2 * SLOT_LEN / LINE_LEN {
            prefetch_index(self.memory.bytes(), place * SLOT_LEN + line * LINE_LEN);
        }
        Place(place)
    }

    /// What the digest stands for; the place is that of the same digest, and of the table as it is.
    pub(crate) fn get_at(&self, Place(mut place): Place, key: &Digest) -> Option<Row<'_>> {
        loop {
            let found = taken(slot(self.memory.bytes(), place)?)?;
            if found.key == key.as_bytes() {
                let block = match found.len {
                    LONG => self.long.get(key)?,
                    len => found.block.get(..len as usize)?,
                };
                return Some(Row { number: found.number, block });
            }
            place = self.after(place);
        }
    }

    /// Puts a row in and gives back the number of the one that was there.
    pub(crate) fn insert(&mut self, key: Digest, row: Row<'_>) -> Option<u32> {
        if (self.len + 1) * 4 > self.slots_len * 3 {
            self.grow();
        }
        let slot = if let Some(slot) = filled(&key, row) {
            self.long.remove(&key);
            slot
        } else {
            self.long.insert(key, row.block.into());
            head(&key, row.number, LONG)
        };
        let replaced = self.put(&key, &slot);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Takes a row out and gives back its number.
    pub(crate) fn remove(&mut self, key: &Digest) -> Option<u32> {
        let mut hole = self.home(key);
        let number = loop {
            let found = taken(slot(self.memory.bytes(), hole)?)?;
            if found.key == key.as_bytes() {
                break found.number;
            }
            hole = self.after(hole);
        };
        self.len -= 1;
        self.long.remove(key);
        // What was pushed on past the hole moves up, so that no look-up ends early.
        let mask = self.slots_len.wrapping_sub(1);
        let mut place = self.after(hole);
        while let Some(moved) = slot(self.memory.bytes(), place).copied()
            && let Some(found) = taken(&moved)
        {
            let way = place.wrapping_sub(self.home(&Digest::from_bytes(*found.key))) & mask;
            if way >= place.wrapping_sub(hole) & mask {
                *slot_mut(self.memory.bytes_mut(), hole)? = moved;
                hole = place;
            }
            place = self.after(place);
        }
        *slot_mut(self.memory.bytes_mut(), hole)? = [0; SLOT_LEN];
        Some(number)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & self.slots_len.wrapping_sub(1)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    fn home(&self, key: &Digest) -> usize {
        self.hasher.hash_one(key) as usize & self.slots_len.saturating_sub(1)
    }

    fn put(&mut self, key: &Digest, new: &Slot) -> Option<u32> {
        let mut place = self.home(key);
        loop {
            let slot = slot_mut(self.memory.bytes_mut(), place)?;
            let found = taken(slot).map(|found| (found.key == key.as_bytes(), found.number));
            match found {
                Some((false, _)) => place = self.after(place),
                Some((true, number)) => {
                    *slot = *new;
                    return Some(number);
                }
                None => {
                    *slot = *new;
                    return None;
                }
            }
        }
    }

    fn grow(&mut self) {
        self.slots_len = (self.slots_len * 2).max(SLOTS_MIN);
        let memory = Memory::zeroed(self.slots_len * SLOT_LEN);
        let old = std::mem::replace(&mut self.memory, memory);
        for slot in old.bytes().as_chunks().0 {
            if let Some(found) = taken(slot) {
                let _none_was_there = self.put(&Digest::from_bytes(*found.key), slot);
            }
        }
    }
}

fn slot(memory: &[u8], place: usize) -> Option<&Slot> {
    memory.get(place * SLOT_LEN..)?.first_chunk()
}

fn slot_mut(memory: &mut [u8], place: usize) -> Option<&mut Slot> {
    memory.get_mut(place * SLOT_LEN..)?.first_chunk_mut()
}

fn head(key: &Digest, number: u32, len: u32) -> Slot {
    let mut slot = [0; SLOT_LEN];
    if let Some((to, rest)) = slot.split_first_chunk_mut() {
        *to = *key.as_bytes();
        if let Some((to, rest)) = rest.split_first_chunk_mut() {
            *to = (number + 1).to_le_bytes();
            if let Some(to) = rest.first_chunk_mut() {
                *to = len.to_le_bytes();
            }
        }
    }
    slot
}

/// `None` if the block is too long for a slot.
fn filled(key: &Digest, row: Row<'_>) -> Option<Slot> {
    let len = u32::try_from(row.block.len()).ok()?;
    let mut slot = head(key, row.number, len);
    slot.get_mut(HEAD_LEN..)?.get_mut(..row.block.len())?.copy_from_slice(row.block);
    Some(slot)
}

fn taken(slot: &Slot) -> Option<Taken<'_>> {
    let (key, rest) = slot.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (len, block) = rest.split_first_chunk()?;
    let number = u32::from_le_bytes(*number).checked_sub(1)?;
    Some(Taken { key, number, len: u32::from_le_bytes(*len), block })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_the_standard_table_holds(
            steps in prop::collection::vec((0_u8..96, 0_u8..3, 0_u32..1000, 0_usize..200), 0..600),
        ) {
            let (mut table, mut model) = (Table::default(), HashMap::new());
            for (key, step, number, len) in steps {
                let key = Digest::of(&[key]);
                let block = vec![7; len];
                let had = match step {
                    0 | 1 => {
                        let row = Row { number, block: &block };
                        (table.insert(key, row), model.insert(key, (number, block.clone())))
                    }
                    _ => (table.remove(&key), model.remove(&key)),
                };
                prop_assert_eq!(had.0, had.1.map(|(number, _)| number));
                prop_assert_eq!(table.len(), model.len());
            }
            for key in 0..96_u8 {
                let key = Digest::of(&[key]);
                let found = table.get_at(table.place(&key), &key);
                let expected = model.get(&key).map(|(number, block)| Row { number: *number, block });
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn it_grows_into_mapped_memory() {
        let mut table = Table::default();
        let key = |number: u32| Digest::of(&number.to_le_bytes());
        for number in 0..20_000 {
            table.insert(key(number), Row { number, block: &number.to_le_bytes() });
        }
        assert!(table.memory.bytes().len() > 2 << 20);
        for number in 0..20_000 {
            let found = table.get_at(table.place(&key(number)), &key(number));
            assert_eq!(found, Some(Row { number, block: &number.to_le_bytes() }));
        }
    }
}
