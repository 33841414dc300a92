//! Where in a recording a piece of it lies.

use crate::compared::correlation;
use crate::modulation::Modulation;
use crate::number::wide;

/// Most blocks by whose loudness the place is looked for.
const BLOCKS_MAX: usize = 512;

/// Stretches of the copy that are looked for, beside the loudest one: the copy may have something before or
/// behind it.
const STRETCHES: usize = 8;

/// Places of each that are looked at more exactly.
const PLACES: usize = 4;

/// A place as like as this is the one.
const LIKE: f32 = 0.95;

/// Most frames by which they are.
const FRAMES_MAX: usize = 8_192;

/// The place of the first frame of the copy in the recording, and how like it is there.
pub(crate) fn find(modulation: &Modulation, sound: &[f32], copy: &[f32]) -> (isize, f32) {
    let (whole, piece) = (modulation.loudness(sound), modulation.loudness(copy));
    let len = piece.len().min(whole.len()).min(BLOCKS_MAX);
    let room = piece.len() - len;
    let mut stretches = vec![loudest(&piece, len)];
    stretches.extend((0..=STRETCHES).map(|one| room * one / STRETCHES));
    stretches.dedup();
    let block = modulation.block();
    let reach = signed(block.saturating_mul(2));
    let (mut best, mut likeness) = (0, f32::MIN);
    for from in stretches {
        let wanted = piece.get(from..from + len).unwrap_or_default();
        // Of the stretch, the loudest frames.
        let frames = (FRAMES_MAX / block.max(1)).clamp(1, len.max(1));
        let begin = (from + loudest(wanted, frames)).saturating_mul(block);
        let exact = copy.get(begin..begin + frames.saturating_mul(block)).unwrap_or_default();
        // And that nothing was cut.
        for middle in places(&whole, wanted, from, block).into_iter().chain([0]) {
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
        if likeness >= LIKE {
            break;
        }
    }
    (best, likeness.max(-1.0))
}

/// Where the loudness of a stretch is most like that of the recording, as places of the copy's first frame.
fn places(whole: &[f32], wanted: &[f32], from: usize, block: usize) -> Vec<isize> {
    let windows = whole.windows(wanted.len().max(1)).enumerate();
    let mut places: Vec<(f32, usize)> =
        windows.map(|(place, there)| (pairs(there, wanted), place)).collect();
    places.sort_by(|one, other| other.0.total_cmp(&one.0));
    places.truncate(PLACES);
    places.iter().map(|(_, place)| (signed(*place) - signed(from)) * signed(block)).collect()
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
