//! What an attacker makes of a good document, by instructions taken from the input.

/// `good` after the changes that `steps` ask for, four bytes each: operation, place, length, byte.
/// Pieces of `other` may be put into it.
pub(crate) fn changed(good: &[u8], other: &[u8], steps: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for step in steps.chunks_exact(4).take(16) {
        let [operation, place, len, byte] = [step[0], step[1], step[2], step[3]];
        let at = usize::from(place) * (bytes.len() + 1) / 256 + usize::from(operation / 8);
        let at = at.min(bytes.len());
        let end = (at + usize::from(len)).min(bytes.len());
        match operation % 8 {
            0 if at < bytes.len() => bytes[at] ^= byte,
            1 if at < bytes.len() => bytes[at] = byte,
            2 => bytes.insert(at, byte),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = usize::from(byte).min(bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => bytes[at..end].reverse(),
            6 => bytes.truncate(at),
            _ => {
                let from = usize::from(byte) * (other.len() + 1) / 256;
                let until = (from + usize::from(len)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
        }
    }
    bytes
}
