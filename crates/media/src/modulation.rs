//! The trace of a recording: in each block of about two milliseconds, the sound is a little louder or softer.
//! So the trace has the colour of the sound itself and is silent where there is silence, and a sample
//! depends on nothing but itself and its place.

use crate::compared::mean;
use crate::number::{hump, single, size, whole};
use crate::wav::Wav;

/// Part of a sample by which the middle of a block is louder or softer. The mean over a block is 0.011, 39 dB
/// below the sound.
pub(crate) const DEPTH: f64 = 0.015;

/// Blocks in a second.
const BLOCKS: u32 = 500;

/// Least frames of a block.
const BLOCK_MIN: u32 = 8;

/// Fewest blocks of a recording that its trace changes, of one that can bear it.
pub(crate) const BLOCKS_MIN: usize = 150;

/// Blocks on each side with which a block is compared.
const AROUND: usize = 8;

/// How the blocks of a recording lie.
pub(crate) struct Modulation {
    block: usize,
    hump: Vec<f32>,
    /// The largest and the least number that a sample can be.
    bounds: (i32, i32),
}

impl Modulation {
    pub(crate) fn of(wav: &Wav) -> Self {
        let block = size((wav.rate / BLOCKS).max(BLOCK_MIN).into());
        let most = i32::MAX >> (32 - u32::from(wav.bits.clamp(1, 32)));
        Self { block, hump: hump(block), bounds: (-most - 1, most) }
    }

    pub(crate) const fn block(&self) -> usize {
        self.block
    }

    /// The block of a frame, and how far into it the frame is.
    pub(crate) fn place(&self, frame: u64) -> (u64, f32) {
        let block = crate::number::wide(self.block);
        let hump = self.hump.get(size(frame % block)).copied().unwrap_or_default();
        (frame / block, hump)
    }

    /// A sample with its mark.
    pub(crate) fn marked(&self, sample: i32, sign: f32, hump: f32) -> i32 {
        let change = f64::from(sample) * DEPTH * f64::from(sign) * f64::from(hump);
        whole(f64::from(sample) + change).clamp(self.bounds.0, self.bounds.1)
    }

    /// What a copy that lies over the recording from `offset` frames on says of each of `blocks`.
    pub(crate) fn evidence(&self, sound: &[f32], copy: &[f32], offset: isize) -> Vec<f32> {
        let from = |block: usize| block.saturating_mul(self.block);
        let of_block = |block: usize| {
            let sound = sound.get(from(block)..from(block + 1))?;
            let begin =
                usize::try_from(isize::try_from(from(block)).ok()?.checked_sub(offset)?).ok()?;
            let copy = copy.get(begin..begin.checked_add(self.block)?)?;
            let (mut product, mut energy) = (0.0_f64, 0.0_f64);
            for ((one, other), hump) in sound.iter().zip(copy).zip(&self.hump) {
                let weighted = f64::from(*one) * f64::from(*hump);
                product += weighted * f64::from(*other);
                energy += weighted * f64::from(*one);
            }
            (energy > 0.0).then(|| (single(product / energy), single(energy)))
        };
        let blocks = sound.len() / self.block.max(1);
        let gains: Vec<Option<(f32, f32)>> = (0..blocks).map(of_block).collect();
        let less = |(block, gain): (usize, &Option<(f32, f32)>)| {
            let Some((gain, energy)) = gain else { return 0.0 };
            let around = block.saturating_sub(AROUND)..(block + AROUND + 1).min(blocks);
            let all = gains.get(around).unwrap_or_default().iter().flatten();
            let (sum, weight) = all.fold((0.0_f32, 0.0_f32), |(sum, weight), (gain, energy)| {
                (sum + gain * energy, weight + energy)
            });
            // Without the block itself.
            let (sum, weight) = (sum - gain * energy, weight - energy);
            if weight > 0.0 { (gain - sum / weight) * energy.sqrt() } else { 0.0 }
        };
        gains.iter().enumerate().map(less).collect()
    }

    /// Loudness, block by block.
    pub(crate) fn loudness(&self, sound: &[f32]) -> Vec<f32> {
        let blocks = sound.chunks_exact(self.block.max(1));
        blocks.map(|block| mean(block.iter().map(|one| one * one)).sqrt()).collect()
    }
}
