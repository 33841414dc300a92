//! Where in a picture a copy lies that was cut or made smaller.

use crate::compared::correlation;
use crate::plane::Plane;

/// The longer side of the pictures that are compared at every place.
const COARSE: usize = 96;

/// A copy in the size that it has in the picture, the place of its upper left corner there, and how like it is.
pub(crate) struct Overlay {
    pub(crate) copy: Plane,
    pub(crate) at: (usize, usize),
    pub(crate) likeness: f32,
}

impl Overlay {
    /// The best of: the whole picture in another size, and a piece of it in its own size.
    pub(crate) fn find(picture: &Plane, copy: Plane) -> Self {
        let is_same = (copy.width, copy.height) == (picture.width, picture.height);
        let whole = if is_same { copy.clone() } else { copy.resized(picture.width, picture.height) };
        let likeness = likeness(picture, &whole, (0, 0));
        let whole = Self { copy: whole, at: (0, 0), likeness };
        if is_same || copy.width > picture.width || copy.height > picture.height {
            return whole;
        }
        let piece = Self::piece(picture, copy);
        if piece.likeness > whole.likeness { piece } else { whole }
    }

    /// Of a copy that is no larger than the picture: first in small, then more and more exactly.
    fn piece(picture: &Plane, copy: Plane) -> Self {
        let mut factor = (picture.width.max(picture.height) / COARSE).max(1);
        // Something must be left of the copy.
        while factor > 1 && copy.width.min(copy.height) / factor < 8 {
            factor /= 2;
        }
        let (mut at, mut likeness, mut reach) = ((0, 0), f32::MIN, usize::MAX);
        loop {
            let (small, piece) = (picture.shrunk(factor), copy.shrunk(factor));
            let room = (small.width - piece.width, small.height - piece.height);
            let range = |middle: usize, room: usize| {
                middle.saturating_sub(reach)..=middle.saturating_add(reach).min(room)
            };
            (likeness, at) = range(at.1, room.1)
                .flat_map(|y| range(at.0, room.0).map(move |x| (x, y)))
                .map(|place| (self::likeness(&small, &piece, place), place))
                .fold((f32::MIN, at), |best, one| if one.0 > best.0 { one } else { best });
            if factor == 1 {
                return Self { copy, at, likeness };
            }
            let finer = (factor / 2).max(1);
            // A place in the finer picture, and as many pixels around it as the coarse one had in one.
            at = (at.0 * factor / finer, at.1 * factor / finer);
            reach = (factor / finer).max(1) + 1;
            factor = finer;
        }
    }
}

fn likeness(picture: &Plane, copy: &Plane, at: (usize, usize)) -> f32 {
    let rows = picture.rows_in(at, (copy.width, copy.height)).zip(copy.rows());
    correlation(rows.flat_map(|(one, other)| one.iter().copied().zip(other.iter().copied())))
}
