//! Which bytes of a file are which seconds of the recording in it.

use dataspace_primitives::Digest;
use thiserror::Error;

use crate::plan_error::PartError;

/// Most points of a timeline: a day of them, one a second, and as much again.
pub const POINTS_MAX: usize = 172_800;

/// At which byte of a file which second begins, as its provider states it: the places where a player can begin, and
/// where a stretch can end.
///
/// What stands before second 0 is the file's head, such as the initialization segment of a film: it leaves with each
/// stretch, before its seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    points: Vec<(u32, u64)>,
    seconds: u32,
}

/// Why points are no timeline. For the provider's operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimelineError {
    /// None, or more than [`POINTS_MAX`].
    #[error("a timeline has 1 to {POINTS_MAX} points; there are {found}, or more")]
    Count {
        /// Points found.
        found: usize,
    },
    /// The first point is not second 0.
    #[error("the first point is second {found}; it must be second 0")]
    First {
        /// Its second.
        found: u32,
    },
    /// Seconds or bytes do not rise from one point to the next.
    #[error("the point at second {second} is not after the one before it, in seconds and bytes")]
    Order {
        /// The second of the later one.
        second: u32,
    },
    /// It ends before its last point.
    #[error("the recording has {seconds} seconds, and a point at second {last}")]
    Seconds {
        /// Seconds that it has.
        seconds: u32,
        /// The second of the last point.
        last: u32,
    },
    /// A point beyond the end of the file.
    #[error("the file has {len} bytes, and a point at byte {byte}")]
    Len {
        /// Bytes of the file.
        len: u64,
        /// The byte of the last point.
        byte: u64,
    },
}

impl Timeline {
    /// The points in their order, second and byte, of a recording that has so many `seconds`: a last one that is not
    /// whole counts.
    ///
    /// # Errors
    /// [`TimelineError`] if they are none.
    pub fn new(
        points: impl IntoIterator<Item = (u32, u64)>,
        seconds: u32,
    ) -> Result<Self, TimelineError> {
        let points: Vec<_> = points.into_iter().take(POINTS_MAX.saturating_add(1)).collect();
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
            return Err(TimelineError::Count { found: 0 });
        };
        if points.len() > POINTS_MAX {
            return Err(TimelineError::Count { found: points.len() });
        }
        if *first != 0 {
            return Err(TimelineError::First { found: *first });
        }
        for (before, after) in points.iter().zip(points.iter().skip(1)) {
            if after.0 <= before.0 || after.1 <= before.1 {
                return Err(TimelineError::Order { second: after.0 });
            }
        }
        if *last >= seconds {
            return Err(TimelineError::Seconds { seconds, last: *last });
        }
        Ok(Self { points, seconds })
    }

    /// Seconds of the recording; a last one that is not whole counts.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// Checks it against the file.
    pub(crate) fn check(&self, len: u64) -> Result<(), TimelineError> {
        match self.points.last() {
            Some((_, byte)) if *byte >= len => Err(TimelineError::Len { len, byte: *byte }),
            _ => Ok(()),
        }
    }

    /// Bytes of the head, and the bytes of a stretch in a file of `len` bytes.
    pub(crate) fn bytes(
        &self,
        (from, until): (u32, u32),
        len: u64,
    ) -> Result<(u64, (u64, u64)), PartError> {
        let seconds = self.seconds;
        if until > seconds {
            return Err(PartError::Seconds { from, until, seconds });
        }
        let byte = |second: u32| {
            let place = self.points.binary_search_by_key(&second, |(second, _)| *second);
            let point = place.ok().and_then(|place| self.points.get(place));
            point.map(|(_, byte)| *byte).ok_or(PartError::Point { second })
        };
        let end = if until == seconds { len } else { byte(until)? };
        Ok((byte(0)?, (byte(from)?, end)))
    }

    /// What contracts rely on.
    pub(crate) fn digest(&self) -> Digest {
        let mut bytes = self.seconds.to_be_bytes().to_vec();
        for (second, byte) in &self.points {
            bytes.extend_from_slice(&second.to_be_bytes());
            bytes.extend_from_slice(&byte.to_be_bytes());
        }
        Digest::of(&bytes)
    }
}
