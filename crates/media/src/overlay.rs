//! Where in a picture a copy lies that was cut, or made smaller or larger, or both.

use crate::compared::correlation;
use crate::number::{float, size_of};
use crate::plane::Plane;

/// The longer side of the picture in which a copy is first looked for.
const COARSE: usize = 64;

/// The longer side of the picture in which it is looked for last: one pixel there is less than a fifth of a cell.
const FINE: usize = 1_024;

/// A copy of the same size that is as like as this was not cut.
const LIKE: f32 = 0.97;

/// Step from one size of the copy to the next.
const STEP: f32 = 0.985;

/// Sizes that are tried: down to a third of the largest that has room.
const SIZES: usize = 72;

/// Of them, those that are looked at more exactly.
const BEST: usize = 6;

/// Least pixels along a side of what is compared.
const SIDE_MIN: usize = 8;

/// A copy in the size that it has in the picture, the place of its upper left corner there, and how like it is.
pub(crate) struct Overlay {
    pub(crate) copy: Plane,
    pub(crate) at: (usize, usize),
    pub(crate) likeness: f32,
}

/// A size of the copy, as a part of its own, and a place in the picture, in pixels of it.
#[derive(Clone, Copy)]
struct Place {
    scale: f32,
    at: (f32, f32),
    likeness: f32,
}

impl Overlay {
    /// The best of: the whole picture in any size and shape, and a piece of it in any size.
    pub(crate) fn find(picture: &Plane, copy: &Plane) -> Self {
        let is_same = (copy.width, copy.height) == (picture.width, picture.height);
        let whole =
            if is_same { copy.clone() } else { copy.resized(picture.width, picture.height) };
        let likeness = likeness(picture, &whole, (0, 0));
        let whole = Self { copy: whole, at: (0, 0), likeness };
        if is_same && likeness >= LIKE {
            return whole;
        }
        let piece = Self::piece(picture, copy);
        piece.filter(|piece| piece.likeness > whole.likeness).unwrap_or(whole)
    }

    /// First in small, then more and more exactly.
    fn piece(picture: &Plane, copy: &Plane) -> Option<Self> {
        let longer = picture.width.max(picture.height);
        let (last, mut factor) = (longer.div_ceil(FINE).max(1), longer.div_ceil(COARSE).max(1));
        factor = factor.max(last);
        let most = (float(picture.width) / float(copy.width.max(1)))
            .min(float(picture.height) / float(copy.height.max(1)));
        let mut scales = vec![1.0_f32];
        let mut scale = most;
        for _ in 0..SIZES {
            scales.push(scale);
            scale *= STEP;
        }
        let level = Level::new(picture, copy, factor);
        let mut places: Vec<Place> = scales
            .into_iter()
            .filter(|scale| *scale <= most)
            .filter_map(|scale| level.best(scale, None))
            .collect();
        places.sort_by(|one, other| other.likeness.total_cmp(&one.likeness));
        places.truncate(BEST);
        // Half a step, and less with each level.
        let mut change = 1.0 - STEP;
        while factor > last {
            factor = (factor / 2).max(last);
            let level = Level::new(picture, copy, factor);
            for _ in 0..2 {
                change /= 2.0;
                for place in &mut places {
                    // Most that were cut were not made smaller or larger.
                    let own = Some(1.0 / place.scale).filter(|part| (part - 1.0).abs() < 0.03);
                    let around = [1.0 - change, 1.0, 1.0 + change];
                    let found = around.into_iter().chain(own).filter_map(|part| {
                        let scale = (place.scale * part).min(most);
                        level.best(scale, Some(place.at))
                    });
                    *place = found.fold(Place { likeness: f32::MIN, ..*place }, best_of);
                }
            }
        }
        let place = places.into_iter().reduce(best_of)?;
        let side = |side: usize, room: usize| size_of(float(side) * place.scale).clamp(1, room);
        let (width, height) = (side(copy.width, picture.width), side(copy.height, picture.height));
        let is_same = (width, height) == (copy.width, copy.height);
        let copy = if is_same { copy.clone() } else { copy.resized(width, height) };
        let at = (
            size_of(place.at.0).min(picture.width - width),
            size_of(place.at.1).min(picture.height - height),
        );
        let likeness = self::likeness(picture, &copy, at);
        Some(Self { copy, at, likeness })
    }
}

fn best_of(one: Place, other: Place) -> Place {
    if other.likeness > one.likeness { other } else { one }
}

/// Picture and copy, both made smaller.
struct Level {
    factor: f32,
    picture: Plane,
    copy: Plane,
    /// The copy's own sides.
    sides: (usize, usize),
}

impl Level {
    fn new(picture: &Plane, copy: &Plane, factor: usize) -> Self {
        let small = picture.shrunk(factor);
        // About as large as it will be, so that little is lost when its size changes.
        let longer = small.width.max(small.height).saturating_mul(2);
        let own = (copy.width.max(copy.height) / longer.max(1)).max(1);
        let sides = (copy.width, copy.height);
        Self { factor: float(factor), picture: small, copy: copy.shrunk(own), sides }
    }

    /// The best place of the copy in this size: anywhere, or near a place.
    fn best(&self, scale: f32, near: Option<(f32, f32)>) -> Option<Place> {
        let side = |side: usize| size_of(float(side) * scale / self.factor);
        let (width, height) = (side(self.sides.0), side(self.sides.1));
        let (width, height) = (width.min(self.picture.width), height.min(self.picture.height));
        if width.min(height) < SIDE_MIN {
            return None;
        }
        let piece = self.copy.resized(width, height);
        let room = (self.picture.width - width, self.picture.height - height);
        let range = |near: Option<f32>, room: usize| match near {
            None => 0..=room,
            Some(at) => {
                let middle = size_of(at / self.factor).min(room);
                middle.saturating_sub(2)..=(middle + 2).min(room)
            }
        };
        let (across, down) = (near.map(|at| at.0), near.map(|at| at.1));
        let places = range(down, room.1)
            .flat_map(|y| range(across, room.0).map(move |x| (x, y)))
            .map(|at| (likeness(&self.picture, &piece, at), at));
        let (likeness, at) =
            places.reduce(|one, other| if other.0 > one.0 { other } else { one })?;
        let at = (float(at.0) * self.factor, float(at.1) * self.factor);
        Some(Place { scale, at, likeness })
    }
}

fn likeness(picture: &Plane, copy: &Plane, at: (usize, usize)) -> f32 {
    correlation(picture.rows_in(at, (copy.width, copy.height)).zip(copy.rows()))
}
