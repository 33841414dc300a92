//! Cells of JSON, in which parts of lists and maps come.

use std::borrow::Cow;
use std::fmt;

use dataspace_policy::Duty;
use dataspace_policy::duty::is_part_of;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How deep lists and objects may lie in each other.
const DEPTH_MAX: usize = 32;

/// The fields of an object, also those of one name.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    fields.push((key.0, value));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Visitor)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns false if a cell with the list of this column shows, by its items and their parts, that the duty was
/// not carried out. `None` if it is no list.
pub(super) fn allows(duty: &Duty, column: &str, cell: &str) -> Option<bool> {
    let list: &RawValue = serde_json::from_str(cell.trim()).ok()?;
    list.get().starts_with('[').then(|| is_good(duty, column, list, DEPTH_MAX))
}

fn is_good(duty: &Duty, path: &str, value: &RawValue, depth: usize) -> bool {
    let text = value.get();
    let Some(depth) = depth.checked_sub(1) else { return false };
    let is_within = duty.column().is_some_and(|column| {
        let column = column.as_str();
        column == path || is_part_of(path, column)
    });
    match text.bytes().next() {
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)
            .is_ok_and(|items| items.iter().all(|item| is_good(duty, path, item, depth))),
        // WHY not within: what a duty changes is one value, and what it leaves out is not there.
        Some(b'{') if !is_within => {
            serde_json::from_str::<Fields<'_>>(text).is_ok_and(|Fields(fields)| {
                fields.iter().all(|(name, value)| {
                    let path = format!("{path}.{name}");
                    !duty.leaves_out(&path) && is_good(duty, &path, value, depth)
                })
            })
        }
        Some(b'{') => false,
        Some(b'n') => !is_within || duty.allows(""),
        Some(b'"') if is_within => {
            serde_json::from_str::<String>(text).is_ok_and(|text| duty.allows(&text))
        }
        _ if is_within => duty.allows(text),
        // A value in the place of an object that has the part which the duty is about.
        _ => !is_around(duty, path),
    }
}

/// Returns true if what a duty is about is a part of this, so that this can be no value.
fn is_around(duty: &Duty, path: &str) -> bool {
    match duty {
        Duty::Keep(keep) => {
            let has_parts = keep.columns.iter().any(|one| is_part_of(one.as_str(), path));
            let is_whole = keep.columns.iter().any(|one| {
                let one = one.as_str();
                one == path || is_part_of(path, one)
            });
            has_parts && !is_whole
        }
        _ => duty.column().is_some_and(|column| is_part_of(column.as_str(), path)),
    }
}
