//! Where in a recording a piece of it lies.

use crate::compared::correlation;
use crate::modulation::Modulation;
use crate::number::wide;

/// Most blocks by whose loudness the place is looked for.
const BLOCKS_MAX: usize = 512;

/// Places that are looked at more exactly.
const PLACES: usize = 8;

/// Most frames by which they are.
const FRAMES_MAX: usize = 8_192;

/// The place of the first frame of the copy in the recording, and how like it is there.
pub(crate) fn find(modulation: &Modulation, sound: &[f32], copy: &[f32]) -> (isize, f32) {
    let (whole, piece) = (modulation.loudness(sound), modulation.loudness(copy));
    // The loudest stretch of the copy.
    let len = piece.len().min(whole.len()).min(BLOCKS_MAX);
    let from = loudest(&piece, len);
    let wanted = piece.get(from..from + len).unwrap_or_default();
    let mut places: Vec<(f32, usize)> = whole
        .windows(len.max(1))
        .enumerate()
        .map(|(place, there)| (pairs(there, wanted), place))
        .collect();
    places.sort_by(|one, other| other.0.total_cmp(&one.0));
    places.truncate(PLACES);
    // Of that stretch, the loudest frames.
    let block = modulation.block();
    let frames = (FRAMES_MAX / block.max(1)).clamp(1, len.max(1));
    let inner = from + loudest(wanted, frames);
    let begin = inner.saturating_mul(block);
    let exact = copy.get(begin..begin + frames.saturating_mul(block)).unwrap_or_default();
    let reach = signed(block.saturating_mul(2));
    let (mut best, mut likeness) = (0, f32::MIN);
    let coarse = places.iter().map(|(_, place)| (signed(*place) - signed(from)) * signed(block));
    // And that nothing was cut.
    for middle in coarse.chain([0]) {
        for offset in middle - reach..=middle + reach {
            let there = usize::try_from(signed(begin) + offset).ok();
            let there = there.and_then(|at| sound.get(at..at.checked_add(exact.len())?));
            let Some(there) = there else { continue };
            let found = pairs(there, exact);
            if found > likeness {
                (best, likeness) = (offset, found);
            }
        }
    }
    (best, likeness.max(-1.0))
}

/// The place from which on `len` numbers have the largest sum.
fn loudest(all: &[f32], len: usize) -> usize {
    let sums = all.windows(len.max(1)).map(|some| some.iter().sum::<f32>());
    let best = sums.enumerate().max_by(|one, other| one.1.total_cmp(&other.1));
    best.map_or(0, |(place, _)| place)
}

fn pairs(one: &[f32], other: &[f32]) -> f32 {
    correlation(std::iter::once((one, other)))
}

fn signed(number: usize) -> isize {
    isize::try_from(wide(number).min(u64::from(u32::MAX))).unwrap_or(isize::MAX)
}
