//! A picture divided into square cells. Each bears one sign of its trace.

use crate::compared::{Line, mean};
use crate::number::{float, hump, level};
use crate::plane::Plane;

/// Cells along the shorter side of a large picture: so it keeps its trace when it is made smaller.
const ALONG: usize = 96;

/// Least pixels along a side of a cell.
const SIDE_MIN: usize = 8;

/// Fewest cells of a picture that can bear a trace: one of 128 by 128 pixels has so many.
pub(crate) const CELLS_MIN: usize = 256;

/// Levels of 255 by which the trace changes the middle of a cell that is smooth.
const SMOOTH: f32 = 1.0;

/// As much more for each level by which the picture itself varies in the cell.
const ROUGH: f32 = 0.08;

/// The most by which it changes anything.
const MOST: f32 = 3.5;

/// The cells of a picture.
pub(crate) struct Cells {
    side: usize,
    columns: usize,
    rows: usize,
    hump: Vec<f32>,
    /// By cell, row by row.
    strengths: Vec<f32>,
}

impl Cells {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.strengths.len()
    }

    /// How many cells a picture of this size has.
    pub(crate) fn count(width: usize, height: usize) -> usize {
        let side = Self::side(width, height);
        (width / side).saturating_mul(height / side)
    }

    fn side(width: usize, height: usize) -> usize {
        (width.min(height) / ALONG).max(SIDE_MIN)
    }

    pub(crate) fn of(plane: &Plane) -> Self {
        let side = Self::side(plane.width, plane.height);
        let (columns, rows) = (plane.width / side, plane.height / side);
        let mut sums = vec![(0.0_f32, 0.0_f32); columns.saturating_mul(rows)];
        for (y, row) in plane.rows().enumerate().take(rows * side) {
            let from = y / side * columns;
            let of_row = sums.get_mut(from..from + columns).unwrap_or_default();
            for (sum, square) in of_row.iter_mut().zip(row.chunks_exact(side)) {
                for value in square {
                    sum.0 += value;
                    sum.1 += value * value;
                }
            }
        }
        let area = float(side) * float(side);
        let strengths = sums.into_iter().map(|(sum, squares)| {
            let mean = sum / area;
            let varies = (squares / area - mean * mean).max(0.0).sqrt();
            (SMOOTH + ROUGH * varies).min(MOST)
        });
        Self { side, columns, rows, hump: hump(side), strengths: strengths.collect() }
    }

    /// By how much the trace changes the pixels of a row, with the number of the cell that each is in, from
    /// the pixel `left` on; nothing where there is no cell.
    pub(crate) fn row(&self, y: usize, left: usize) -> impl Iterator<Item = (usize, f32)> {
        let from = (y / self.side).saturating_mul(self.columns);
        let cells = if y / self.side < self.rows { self.columns } else { 0 };
        let across = self.hump.get(y % self.side).copied().unwrap_or_default();
        (left..cells * self.side).map(move |x| {
            let cell = from + x / self.side;
            let strength = self.strengths.get(cell).copied().unwrap_or_default();
            let along = self.hump.get(x % self.side).copied().unwrap_or_default();
            (cell, strength * across * along)
        })
    }

    /// What the difference of a copy to the picture, over which it lies at `(left, top)`, says of each cell.
    pub(crate) fn evidence(
        &self,
        picture: &Plane,
        copy: &Plane,
        (left, top): (usize, usize),
    ) -> Vec<f32> {
        let pairs = || picture.rows_in((left, top), (copy.width, copy.height)).zip(copy.rows());
        // What was done to brightness and contrast of the whole, and then without what was painted over.
        let mut line = Line::default();
        pairs().for_each(|(one, other)| line.add(one, other));
        let most = bound(pairs(), line.slope());
        let (slope, height) = line.slope();
        let mut line = Line::default();
        for (one, other) in pairs() {
            for (one, other) in one.iter().zip(other) {
                if (other - slope * one - height).abs() <= most {
                    line.add_pair(*one, *other);
                }
            }
        }
        let most = bound(pairs(), line.slope());
        let (slope, height) = line.slope();
        let mut sums = vec![(0.0_f32, 0.0_f32); self.strengths.len()];
        for (y, (one, other)) in pairs().enumerate() {
            let pixels = one.iter().zip(other).zip(self.row(top + y, left));
            for ((one, other), (cell, change)) in pixels {
                let difference = other - slope * one - height;
                if difference.abs() <= most
                    && let Some(sum) = sums.get_mut(cell)
                {
                    sum.0 += difference * change;
                    sum.1 += change * change;
                }
            }
        }
        let found: Vec<f32> = sums
            .into_iter()
            .map(|(sum, squares)| if squares > 0.0 { sum / squares.sqrt() } else { 0.0 })
            .collect();
        self.less_surroundings(&found)
    }

    /// Less the mean of the cells around each: what changed there together is none of the trace.
    fn less_surroundings(&self, found: &[f32]) -> Vec<f32> {
        let at = |column: usize, row: usize| {
            let inside = column < self.columns;
            found.get(row.saturating_mul(self.columns) + column).copied().filter(|_| inside)
        };
        let less = |(cell, one): (usize, &f32)| {
            if *one == 0.0 {
                return 0.0;
            }
            let (column, row) = (cell % self.columns, cell / self.columns);
            let around = (row.saturating_sub(1)..=row + 1)
                .flat_map(|y| (column.saturating_sub(1)..=column + 1).map(move |x| (x, y)));
            let around = around.filter(|place| *place != (column, row));
            one - mean(around.filter_map(|(x, y)| at(x, y)).filter(|one| *one != 0.0))
        };
        found.iter().enumerate().map(less).collect()
    }
}

/// The most by which a pixel can differ that bears a trace, in a copy in which half of the pixels differ
/// as much as they do.
fn bound<'a>(
    pairs: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    (slope, height): (f32, f32),
) -> f32 {
    let mut counts = [0_u64; 256];
    for (one, other) in pairs {
        for (one, other) in one.iter().zip(other) {
            let level = usize::from(level((other - slope * one - height).abs()));
            if let Some(count) = counts.get_mut(level) {
                *count += 1;
            }
        }
    }
    let half = counts.iter().sum::<u64>() / 2;
    let mut below = 0;
    let median = counts.iter().position(|count| {
        below += count;
        below > half
    });
    3.0 * MOST + 3.0 * float(median.unwrap_or_default())
}
