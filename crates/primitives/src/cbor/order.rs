//! Puts the keys of maps in the order of RFC 8949 §4.2.1.

use super::scan::{FormError, Head, Rule};

/// `bytes` with the entries of every map in the order of their encoded keys. Looks at nothing but
/// lengths, so that the form of the outcome is still to be checked.
pub(super) fn in_order(bytes: &[u8], depth_max: usize) -> Result<Vec<u8>, FormError> {
    let mut ordered = Vec::with_capacity(bytes.len());
    let mut entries = Vec::new();
    let end = item(bytes, 0, depth_max, &mut ordered, &mut entries)?;
    if end == bytes.len() {
        Ok(ordered)
    } else {
        Err(FormError { position: end, rule: Rule::TrailingBytes })
    }
}

/// An entry of a map that is being put in order: where it begins in the output, where its key ends,
/// and where its value does.
type Entry = (usize, usize, usize);

/// Appends the item at `start` to `ordered`; says where it ends in `bytes`. `entries` is a stack of
/// those of all open maps, so that it is allocated once.
fn item(
    bytes: &[u8],
    start: usize,
    depth_left: usize,
    ordered: &mut Vec<u8>,
    entries: &mut Vec<Entry>,
) -> Result<usize, FormError> {
    let fail = |rule| FormError { position: start, rule };
    let head = Head::read(bytes, start).map_err(fail)?;
    let len = || usize::try_from(head.value).map_err(|_| fail(Rule::Truncated));
    let mut end = head.end;
    if matches!(head.major, 2 | 3) {
        end = end.checked_add(len()?).ok_or(fail(Rule::Truncated))?;
    }
    ordered.extend_from_slice(bytes.get(start..end).ok_or(fail(Rule::Truncated))?);
    if matches!(head.major, 4 | 5) && depth_left == 0 {
        return Err(fail(Rule::TooDeep));
    }
    match head.major {
        4 => {
            for _ in 0..len()? {
                end = item(bytes, end, depth_left - 1, ordered, entries)?;
            }
        }
        5 => {
            let (first, body) = (entries.len(), ordered.len());
            for _ in 0..len()? {
                let key = ordered.len();
                end = item(bytes, end, depth_left - 1, ordered, entries)?;
                let value = ordered.len();
                end = item(bytes, end, depth_left - 1, ordered, entries)?;
                entries.push((key, value, ordered.len()));
            }
            if let Some(own) = entries.get_mut(first..) {
                sort(own, body, ordered);
            }
            entries.truncate(first);
        }
        _ => {}
    }
    Ok(end)
}

/// Puts the entries from `body` on, which are all of a map, in the order of their keys.
fn sort(entries: &mut [Entry], body: usize, ordered: &mut Vec<u8>) {
    let by_key = |(key, value, _): &Entry| ordered.get(*key..*value);
    if entries.is_sorted_by_key(by_key) {
        return;
    }
    entries.sort_by(|one, other| by_key(one).cmp(&by_key(other)));
    let mut moved = Vec::with_capacity(ordered.len() - body);
    for (key, _, end) in entries {
        moved.extend_from_slice(ordered.get(*key..*end).unwrap_or_default());
    }
    ordered.truncate(body);
    ordered.extend_from_slice(&moved);
}
