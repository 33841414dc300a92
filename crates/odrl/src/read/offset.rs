//! The offset from UTC at the end of a time or day.

/// What helps where a time or day has no offset.
pub(crate) const NO_OFFSET: &str = "a time without an offset is another instant in each time zone; add Z for \
                         UTC, or an offset such as +01:00";

/// Returns true if the text ends in an offset from UTC.
pub(crate) fn has_offset(text: &str) -> bool {
    split_offset(text).is_some()
}

/// What stands before the offset, and milliseconds east of UTC.
pub(crate) fn split_offset(text: &str) -> Option<(&str, i128)> {
    if let Some(local) = text.strip_suffix('Z') {
        return Some((local, 0));
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    Some((local, parse_offset(offset.as_bytes())?))
}

/// Milliseconds east of UTC; at most 14 hours (XML Schema).
fn parse_offset(text: &[u8]) -> Option<i128> {
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = text else { return None };
    if ![h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |tens: u8, ones: u8| i128::from(tens - b'0') * 10 + i128::from(ones - b'0');
    let (hours, minutes) = (number(*h1, *h2), number(*m1, *m2));
    let all = hours * 60 + minutes;
    let is_possible = minutes < 60 && all <= 14 * 60;
    is_possible.then_some(all * if *sign == b'-' { -60_000 } else { 60_000 })
}
