//! The items of lists and maps, by row.

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, LargeListArray, ListArray, MapArray, OffsetSizeTrait,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

/// The items of lists or the entries of maps.
pub(crate) enum Items<'a> {
    Small(&'a ListArray),
    Large(&'a LargeListArray),
    Fixed(&'a FixedSizeListArray),
    Map(&'a MapArray),
}

/// Rows of items, and how many of them there are up to the end of each row of the lists.
pub(crate) struct Taken {
    pub(crate) rows: Vec<usize>,
    pub(crate) ends: Vec<i32>,
}

impl Taken {
    pub(crate) fn offsets(&self) -> OffsetBuffer<i32> {
        // INVARIANT: they begin at zero and do not fall.
        OffsetBuffer::new([0].into_iter().chain(self.ends.iter().copied()).collect())
    }
}

impl<'a> Items<'a> {
    pub(crate) fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::List(_) => array.as_list_opt::<i32>().map(Self::Small),
            DataType::LargeList(_) => array.as_list_opt::<i64>().map(Self::Large),
            DataType::FixedSizeList(_, _) => array.as_fixed_size_list_opt().map(Self::Fixed),
            DataType::Map(_, _) => array.as_map_opt().map(Self::Map),
            _ => None,
        }
    }

    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Small(lists) => lists.nulls(),
            Self::Large(lists) => lists.nulls(),
            Self::Fixed(lists) => lists.nulls(),
            Self::Map(maps) => maps.nulls(),
        }
    }

    /// The items of all lists; of maps, their keys.
    pub(crate) fn values(&self) -> &'a ArrayRef {
        match self {
            Self::Small(lists) => lists.values(),
            Self::Large(lists) => lists.values(),
            Self::Fixed(lists) => lists.values(),
            Self::Map(maps) => maps.keys(),
        }
    }

    /// A part of the entries of all maps.
    pub(crate) fn part(&self, place: usize) -> Option<ArrayRef> {
        match self {
            Self::Map(maps) => maps.entries().columns().get(place).cloned(),
            _ => None,
        }
    }

    /// From which item on, and to which, a row has them; `None` if its list is missing.
    pub(crate) fn range(&self, row: usize) -> Option<(usize, usize)> {
        fn between<O: OffsetSizeTrait>(offsets: &[O], row: usize) -> Option<(usize, usize)> {
            Some((offsets.get(row)?.as_usize(), offsets.get(row + 1)?.as_usize()))
        }
        if self.nulls().is_some_and(|nulls| row >= nulls.len() || nulls.is_null(row)) {
            return None;
        }
        match self {
            Self::Small(lists) => between(lists.offsets(), row),
            Self::Large(lists) => between(lists.offsets(), row),
            Self::Fixed(lists) => {
                let len = usize::try_from(lists.value_length()).ok()?;
                let from = row.checked_mul(len)?;
                (row < lists.len()).then_some((from, from.checked_add(len)?))
            }
            Self::Map(maps) => between(maps.offsets(), row),
        }
    }

    /// The items of these rows, and no others: what lies under missing lists, or outside of all, is not
    /// among them. `None` if they are more than an array of lists holds.
    pub(crate) fn take(&self, rows: &[usize]) -> Option<Taken> {
        let (mut items, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            if let Some((from, to)) = self.range(*row) {
                items.extend(from..to);
            }
            ends.push(i32::try_from(items.len()).ok()?);
        }
        Some(Taken { rows: items, ends })
    }
}
