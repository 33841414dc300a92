//! One pass over the bytes, with its own stack: the form is checked before any decoder sees it.

use std::ops::Range;

use thiserror::Error;

/// Where and why bytes are not deterministic CBOR (RFC 8949 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("byte {position}: {rule}")]
pub struct FormError {
    /// Offset of the first byte of the offending item.
    pub position: usize,
    /// The rule that it breaks.
    pub rule: Rule,
}

/// A rule of the deterministic encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Rule {
    /// The bytes end inside an item, or an item declares more than there is.
    #[error("the item is longer than the bytes that are left")]
    Truncated,
    /// Bytes follow the item.
    #[error("there are bytes after the end")]
    TrailingBytes,
    /// An integer or length is not in its shortest form.
    #[error("a number is not in its shortest form")]
    LongNumber,
    /// Indefinite lengths have no place in deterministic CBOR.
    #[error("an indefinite length")]
    IndefiniteLength,
    /// The key equals the one before it.
    #[error("a key appears twice in a map")]
    DuplicateKey,
    /// The key sorts before the one before it.
    #[error("the keys of a map are not in order")]
    KeyOrder,
    /// Deeper than the cap.
    #[error("nested too deep")]
    TooDeep,
    /// A text string that is not UTF-8.
    #[error("a text string is not UTF-8")]
    Utf8,
    /// Tags, floats and unassigned simple values.
    #[error("a tag, a float or an unassigned simple value")]
    Unsupported,
    /// A head whose additional information is reserved (28 to 30).
    #[error("a reserved head")]
    ReservedHead,
}

/// An open array or map.
struct Frame {
    /// Items still to come (a map counts keys and values).
    left: u64,
    map: Option<MapState>,
}

#[derive(Default)]
struct MapState {
    key_start: Option<usize>,
    previous_key: Option<Range<usize>>,
}

/// Checks that `bytes` are exactly one item in deterministic form.
///
/// Linear in `bytes`, except for key comparison, which reads each key twice.
pub(super) fn scan(bytes: &[u8], depth_max: usize) -> Result<(), FormError> {
    let mut stack: Vec<Frame> = Vec::new();
    let mut position = 0;
    loop {
        let start = position;
        let fail = |rule| FormError { position: start, rule };
        if let Some(frame) = stack.last_mut()
            && let Some(map) = &mut frame.map
            && frame.left % 2 == 0
        {
            map.key_start = Some(start);
        }
        let head = Head::read(bytes, start).map_err(fail)?;
        position = head.end;
        let left = u64::try_from(bytes.len() - position).unwrap_or(u64::MAX);
        match head.major {
            0 | 1 => {}
            2 | 3 => {
                let len = usize::try_from(head.value).map_err(|_| fail(Rule::Truncated))?;
                let end = position.checked_add(len).ok_or(fail(Rule::Truncated))?;
                let content = bytes.get(position..end).ok_or(fail(Rule::Truncated))?;
                if head.major == 3 && std::str::from_utf8(content).is_err() {
                    return Err(fail(Rule::Utf8));
                }
                position = end;
            }
            4 | 5 => {
                let items = head.value.checked_mul(if head.major == 5 { 2 } else { 1 });
                // Each item takes at least one byte.
                let items = items.filter(|items| *items <= left).ok_or(fail(Rule::Truncated))?;
                if stack.len() >= depth_max {
                    return Err(fail(Rule::TooDeep));
                }
                let map = (head.major == 5).then(MapState::default);
                stack.push(Frame { left: items, map });
                if items > 0 {
                    continue;
                }
                stack.pop();
            }
            7 if matches!(head.value, 20..=22) && head.end == start + 1 => {}
            _ => return Err(fail(Rule::Unsupported)),
        }
        // The item is whole: close every container that it ends.
        loop {
            let Some(frame) = stack.last_mut() else {
                return if position == bytes.len() {
                    Ok(())
                } else {
                    Err(FormError { position, rule: Rule::TrailingBytes })
                };
            };
            if let Some(map) = &mut frame.map
                && frame.left % 2 == 0
            {
                map.close_key(bytes, position)?;
            }
            frame.left -= 1;
            if frame.left > 0 {
                break;
            }
            stack.pop();
        }
    }
}

impl MapState {
    /// The key that began at `key_start` ends at `end`: it must sort after the one before it.
    fn close_key(&mut self, bytes: &[u8], end: usize) -> Result<(), FormError> {
        let start = self.key_start.take().unwrap_or(end);
        let fail = |rule| FormError { position: start, rule };
        if let Some(previous) = self.previous_key.replace(start..end) {
            let order = bytes.get(previous).cmp(&bytes.get(start..end));
            match order {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Err(fail(Rule::DuplicateKey)),
                std::cmp::Ordering::Greater => return Err(fail(Rule::KeyOrder)),
            }
        }
        Ok(())
    }
}

/// Major type and argument of the item at the start of `bytes`, and what follows its head.
pub(super) fn head(bytes: &[u8]) -> Option<((u8, u64), &[u8])> {
    let head = Head::read(bytes, 0).ok()?;
    Some(((head.major, head.value), bytes.get(head.end..)?))
}

/// Major type and argument of an item (RFC 8949 §3).
pub(super) struct Head {
    pub(super) major: u8,
    pub(super) value: u64,
    pub(super) end: usize,
}

impl Head {
    pub(super) fn read(bytes: &[u8], start: usize) -> Result<Self, Rule> {
        let first = *bytes.get(start).ok_or(Rule::Truncated)?;
        let (major, info) = (first >> 5, first & 0x1f);
        let (value, width) = match info {
            0..=23 => (u64::from(info), 0),
            24..=27 => {
                let width = 1_usize << (info - 24);
                let argument = bytes.get(start + 1..start + 1 + width).ok_or(Rule::Truncated)?;
                let value = argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
                let shortest = match width {
                    1 => value >= 24,
                    2 => value > 0xff,
                    4 => value > 0xffff,
                    _ => value > 0xffff_ffff,
                };
                // The argument of major type 7 is a float, not a number.
                if !shortest && major != 7 {
                    return Err(Rule::LongNumber);
                }
                (value, width)
            }
            28..=30 => return Err(Rule::ReservedHead),
            _ => return Err(Rule::IndefiniteLength),
        };
        Ok(Self { major, value, end: start + 1 + width })
    }
}
