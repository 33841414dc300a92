//! The search for traces.

use dataspace_primitives::{Digest, Secrets, secrets::SecretsError};

use crate::chips::Chips;
use crate::number::{float, wide};

/// Least score of a copy that is said to bear the trace of a contract. One of another contract reaches it
/// by chance once in 65 million at most ([`Match::by_chance`]).
pub const SCORE_MIN: f64 = 6.0;

/// Evidence beyond so many times the median counts no more than that, so that a few places at which a copy
/// was painted over decide nothing.
const CLIP: f32 = 3.0;

/// What in a copy differs from the product: made once, and asked for one contract after the other.
#[derive(Clone, Debug)]
pub struct Compared {
    pub(crate) content: Digest,
    /// By cell or block: positive where the copy is stronger there than it was, 0 where nothing is known.
    pub(crate) evidence: Vec<f32>,
    pub(crate) likeness: f32,
}

/// How well a copy fits one contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The sum of the evidence under the contract's signs, in units of its own scatter. About 0, and seldom
    /// beyond ±3, for every other contract.
    pub score: f64,
}

impl Match {
    /// Returns true if the copy bears the trace: the score is at least [`SCORE_MIN`].
    #[must_use]
    pub fn is_found(self) -> bool {
        self.score >= SCORE_MIN
    }

    /// Upper bound of the probability that a copy which has nothing to do with the contract gets this score
    /// or more, whatever the copy looks or sounds like: `exp(-score²/2)`. The signs of a contract
    /// are drawn independently of the copy, and for a sum of signs this is Hoeffding's inequality. Who asks
    /// for n contracts multiplies by n.
    #[must_use]
    pub fn by_chance(self) -> f64 {
        if self.score > 0.0 { (-self.score * self.score / 2.0).exp() } else { 1.0 }
    }
}

impl Compared {
    /// Of raw evidence: clipped.
    pub(crate) fn new(content: Digest, mut evidence: Vec<f32>, likeness: f32) -> Self {
        let mut sizes: Vec<f32> =
            evidence.iter().map(|one| one.abs()).filter(|one| *one > 0.0).collect();
        sizes.sort_by(f32::total_cmp);
        let most = CLIP * sizes.get(sizes.len() / 2).copied().unwrap_or_default();
        for one in &mut evidence {
            *one = if one.is_finite() { one.clamp(-most, most) } else { 0.0 };
        }
        Self { content, evidence, likeness }
    }

    /// How like the product the copy is, once it lies over it: the coefficient of their correlation, from −1
    /// to 1. Below about 0.8, the copy was not found to be one of this product, and no score means much.
    #[must_use]
    pub const fn likeness(&self) -> f32 {
        self.likeness
    }

    /// Cells or blocks that say anything.
    #[must_use]
    pub fn places(&self) -> usize {
        self.evidence.iter().filter(|one| **one != 0.0).count()
    }

    /// How well the copy fits a contract, by the secrets with which its copies were made and the bytes of its
    /// identifier ([`Product::open`](dataspace_data_plane::Product::open)).
    ///
    /// # Errors
    /// [`SecretsError`] if there are no secrets.
    pub fn of_contract(
        &self,
        secrets: &dyn Secrets,
        contract: &[u8],
    ) -> Result<Match, SecretsError> {
        let mut chips = Chips::derive(secrets, contract, self.content)?;
        let (mut sum, mut scatter) = (0.0_f64, 0.0_f64);
        for (number, one) in self.evidence.iter().enumerate() {
            sum += f64::from(chips.sign(wide(number)) * one);
            scatter += f64::from(one * one);
        }
        let score = if scatter > 0.0 { sum / scatter.sqrt() } else { 0.0 };
        Ok(Match { score })
    }
}

/// The coefficient of correlation of the numbers of two rows; 0 if one does not vary.
pub(crate) fn correlation<'a>(rows: impl Iterator<Item = (&'a [f32], &'a [f32])>) -> f32 {
    let mut line = Line::default();
    rows.for_each(|(one, other)| line.add(one, other));
    line.correlation()
}

/// Numbers that are added up side by side.
const LANES: usize = 8;

/// The straight line through pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Line {
    /// Adds a row of pairs, as far as both go.
    pub(crate) fn add(&mut self, one: &[f32], other: &[f32]) {
        let len = one.len().min(other.len());
        let (one, other) =
            (one.get(..len).unwrap_or_default(), other.get(..len).unwrap_or_default());
        let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
        for (x, y) in ones.remainder().iter().zip(others.remainder()) {
            self.add_pair(*x, *y);
        }
        let mut lanes = [[0.0_f32; LANES]; 5];
        let [left, right, squares, products, powers] = &mut lanes;
        for (ones, others) in ones.zip(others) {
            add(left, ones.iter().copied());
            add(right, others.iter().copied());
            add(squares, ones.iter().map(|x| x * x));
            add(products, ones.iter().zip(others).map(|(x, y)| x * y));
            add(powers, others.iter().map(|y| y * y));
        }
        let [x, y, xx, xy, yy] = lanes.map(|lanes| f64::from(lanes.iter().sum::<f32>()));
        self.count += f64::from(float(len - len % LANES));
        self.x += x;
        self.y += y;
        self.xx += xx;
        self.xy += xy;
        self.yy += yy;
    }

    pub(crate) fn add_pair(&mut self, x: f32, y: f32) {
        let (x, y) = (f64::from(x), f64::from(y));
        self.count += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    fn spreads(&self) -> (f64, f64, f64) {
        let (xx, yy) =
            (self.xx * self.count - self.x * self.x, self.yy * self.count - self.y * self.y);
        (xx, self.xy * self.count - self.x * self.y, yy)
    }

    pub(crate) fn correlation(&self) -> f32 {
        let (xx, xy, yy) = self.spreads();
        let scale = (xx * yy).sqrt();
        if scale > 0.0 { crate::number::single(xy / scale) } else { 0.0 }
    }

    /// Its slope, and its height at 0.
    pub(crate) fn slope(&self) -> (f32, f32) {
        let (xx, xy, _) = self.spreads();
        let slope = if xx > 0.0 { xy / xx } else { 0.0 };
        let height = if self.count > 0.0 { (self.y - slope * self.x) / self.count } else { 0.0 };
        (crate::number::single(slope), crate::number::single(height))
    }
}

fn add(sums: &mut [f32; LANES], some: impl Iterator<Item = f32>) {
    for (sum, one) in sums.iter_mut().zip(some) {
        *sum += one;
    }
}

/// The mean of some numbers; 0 of none.
pub(crate) fn mean(all: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = all.fold((0.0_f32, 0_usize), |(sum, count), one| (sum + one, count + 1));
    if count > 0 { sum / float(count) } else { 0.0 }
}
