//! Lists in foreign documents, bounded while they are read: what is too long is refused at its first
//! surplus entry, before memory and time are spent on the rest.
//!
//! For `#[serde(deserialize_with = "bounded::set::<_, _, 16>")]` on a field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A set of at most `MAX` entries.
///
/// # Errors
/// If there are more, or an entry is malformed.
pub fn set<'de, D, T, const MAX: usize>(deserializer: D) -> Result<BTreeSet<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Ord,
{
    deserializer.deserialize_seq(Entries::<BTreeSet<T>, MAX>(PhantomData))
}

/// A list of at most `MAX` entries.
///
/// # Errors
/// If there are more, or an entry is malformed.
pub fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Entries::<Vec<T>, MAX>(PhantomData))
}

/// A map of at most `MAX` entries.
///
/// # Errors
/// If there are more, or an entry is malformed.
pub fn map<'de, D, K, V, const MAX: usize>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Entries::<BTreeMap<K, V>, MAX>(PhantomData))
}

struct Entries<C, const MAX: usize>(PhantomData<fn() -> C>);

/// `collection` has more than `MAX` entries.
fn too_many<E: Error, const MAX: usize>() -> E {
    E::custom(format_args!("a list has more than the {MAX} entries allowed here"))
}

impl<'de, T: Deserialize<'de> + Ord, const MAX: usize> Visitor<'de> for Entries<BTreeSet<T>, MAX> {
    type Value = BTreeSet<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a set of at most {MAX} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeSet::new();
        // WHY counted apart: entries that are alike would let a list of any length pass.
        let mut read = 0;
        while let Some(entry) = entries.next_element()? {
            read += 1;
            if read > MAX {
                return Err(too_many::<_, MAX>());
            }
            all.insert(entry);
        }
        Ok(all)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Entries<Vec<T>, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if all.len() == MAX {
                return Err(too_many::<_, MAX>());
            }
            all.push(entry);
        }
        Ok(all)
    }
}

impl<'de, K, V, const MAX: usize> Visitor<'de> for Entries<BTreeMap<K, V>, MAX>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map of at most {MAX} entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeMap::new();
        let mut read = 0;
        while let Some((key, value)) = entries.next_entry()? {
            read += 1;
            if read > MAX {
                return Err(too_many::<_, MAX>());
            }
            all.insert(key, value);
        }
        Ok(all)
    }
}
