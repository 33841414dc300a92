//! What happens to a column before it leaves.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, StringArray, downcast_integer, new_null_array};
use arrow_schema::{DataType, Field};
use dataspace_policy::duty::{CalendarPart, Characters, PSEUDONYM_DIGITS};
use dataspace_policy::{ColumnMask, MaskMethod};
use dataspace_primitives::Name;

use crate::coarse;
use crate::column::{
    Cells, Kind, Text, TextTooLong, copy, mapped, mapped_all, released_type, texts, texts_of,
    type_name, width,
};
use crate::constant::{Broadened, Constant};
use crate::plan_error::PlanError;
use crate::pseudonym::{Joined, PseudonymKeys, Pseudonyms};
use crate::round::{round_decimal, round_floats, round_integer};
use crate::spelling;
use crate::tree::Tree;
use crate::watermark::Marker;

/// What a mask does that does not fit a column's type, in words.
fn misfit(method: &MaskMethod, data_type: &DataType) -> Option<&'static str> {
    let kind = Kind::of(data_type);
    let is_number = kind.is_some_and(Kind::is_number);
    let (fits, action) = match method {
        MaskMethod::Constant(constant) => {
            (Constant::of(constant, data_type).is_some(), "replaced by this constant")
        }
        MaskMethod::Generalise(_) => {
            (matches!(kind, Some(Kind::Text | Kind::Integer)), "replaced by broader values")
        }
        MaskMethod::Drop | MaskMethod::Null => (true, "hidden"),
        MaskMethod::Hash | MaskMethod::Pseudonym { .. } => {
            (kind.is_some(), "replaced by pseudonyms")
        }
        MaskMethod::Round { .. } => (is_number, "rounded"),
        MaskMethod::Truncate { .. } => (kind == Some(Kind::Text), "cut"),
        MaskMethod::Bin { .. } => {
            let has_ones = !matches!(kind, Some(Kind::Decimal { scale: ..0, .. }));
            (is_number && has_ones, "sorted into intervals")
        }
        MaskMethod::Calendar { .. } => {
            (kind == Some(Kind::Instant), "cut to a part of the calendar")
        }
        MaskMethod::Grid { .. } => {
            (matches!(kind, Some(Kind::Float32 | Kind::Float64)), "moved to a grid")
        }
        MaskMethod::Redact { .. } => (kind == Some(Kind::Text), "redacted"),
    };
    (!fits).then_some(action)
}

/// The masks of one table, by leaf, each with its duty.
pub(crate) struct Masks(Vec<Option<(usize, MaskMethod)>>);

impl Masks {
    /// None on any leaf.
    pub(crate) fn of(tree: &Tree) -> Self {
        Self(vec![None; tree.schema().fields().len()])
    }

    pub(crate) fn compile(
        &mut self,
        mask: &ColumnMask,
        clause: usize,
        tree: &Tree,
    ) -> Result<(), PlanError> {
        let name = mask.column.as_str();
        let part = tree.part(clause, name)?;
        let is_hiding = matches!(mask.method, MaskMethod::Drop | MaskMethod::Null);
        if !part.is_leaf && !is_hiding {
            return Err(tree.nested(clause, name, part));
        }
        let leaves = part.leaves.clone();
        let fields = tree.schema().fields().get(leaves.clone()).unwrap_or_default();
        for (field, slot) in fields.iter().zip(self.0.get_mut(leaves).unwrap_or_default()) {
            let column = field.name().clone();
            if let Some((first, _)) = slot {
                return Err(PlanError::SecondMask { clause, first: *first, column });
            }
            if let Some(action) = misfit(&mask.method, field.data_type()) {
                let data_type = type_name(field.data_type());
                return Err(PlanError::ColumnType { clause, column, data_type, action });
            }
            *slot = Some((clause, mask.method.clone()));
        }
        Ok(())
    }

    /// Leaves out all leaves but these, and those of the parts among these.
    // WHY some masks can be hidden: a column that groups are not made of does not leave at all.
    pub(crate) fn keep(
        &mut self,
        kept: &BTreeSet<Name>,
        clause: usize,
        tree: &Tree,
        can_hide_masks: bool,
    ) -> Result<(), PlanError> {
        let mut is_kept = vec![false; self.0.len()];
        for column in kept {
            let part = tree.part(clause, column.as_str())?;
            is_kept.get_mut(part.leaves.clone()).unwrap_or_default().fill(true);
        }
        for ((field, is_kept), slot) in tree.schema().fields().iter().zip(is_kept).zip(&mut self.0)
        {
            match slot {
                _ if is_kept => {}
                Some(_) if can_hide_masks => *slot = Some((clause, MaskMethod::Drop)),
                None | Some((_, MaskMethod::Drop)) => *slot = Some((clause, MaskMethod::Drop)),
                Some((mask, _)) => {
                    let column = field.name().clone();
                    return Err(PlanError::MaskNotKept { clause: *mask, column });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn are_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// The leaves that leave.
    pub(crate) fn outputs(self, tree: &Tree) -> Result<Vec<Output>, PlanError> {
        let columns = tree.schema().fields().iter().zip(self.0).enumerate();
        let outputs = columns.map(|(source, (field, mask))| {
            Output::new(source, field, mask.as_ref().map(|(_, method)| method))
        });
        outputs.filter_map(Result::transpose).collect()
    }
}

#[derive(Debug)]
enum Action {
    Copy,
    Null,
    Hash(Joined),
    Constant(Constant),
    Generalise(Broadened),
    Round(i8),
    Truncate(usize),
    Bin(u32),
    Calendar(CalendarPart),
    Grid(u32),
    Redact(Characters),
}

/// A leaf that leaves.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its place among the leaves of the table.
    pub(crate) source: usize,
    action: Action,
    /// Only where it has no mask.
    mark: Option<Marker>,
    /// As it leaves.
    pub(crate) released: Field,
}

impl Output {
    /// `None` if the leaf is left out.
    pub(crate) fn new(
        source: usize,
        field: &Field,
        mask: Option<&MaskMethod>,
    ) -> Result<Option<Self>, PlanError> {
        let released = released_type(field.data_type());
        let (action, data_type) = match mask {
            Some(MaskMethod::Drop) => return Ok(None),
            // A type that could not leave leaves no trace of itself either.
            Some(MaskMethod::Null) => (Action::Null, Some(released.unwrap_or(DataType::Null))),
            Some(method @ (MaskMethod::Hash | MaskMethod::Pseudonym { .. })) => {
                (Joined::of(method).map_or(Action::Null, Action::Hash), Some(DataType::Utf8))
            }
            Some(MaskMethod::Constant(constant)) => {
                // What does not fit was refused.
                let constant = Constant::of(constant, field.data_type());
                (constant.map_or(Action::Null, Action::Constant), released)
            }
            Some(MaskMethod::Generalise(broader)) => {
                (Action::Generalise(Broadened::new(broader)), Some(DataType::Utf8))
            }
            Some(MaskMethod::Round { decimals }) => (Action::Round(*decimals), released),
            Some(MaskMethod::Truncate { chars }) => {
                (Action::Truncate(usize::try_from(*chars).unwrap_or(usize::MAX)), released)
            }
            Some(MaskMethod::Bin { width }) => (Action::Bin(*width), released),
            Some(MaskMethod::Calendar { part }) => (Action::Calendar(*part), released),
            Some(MaskMethod::Grid { cells }) => (Action::Grid(*cells), released),
            Some(MaskMethod::Redact { characters }) => (Action::Redact(*characters), released),
            None => (Action::Copy, released),
        };
        let data_type = data_type.ok_or_else(|| PlanError::UnreleasedType {
            column: field.name().clone(),
            data_type: type_name(field.data_type()),
        })?;
        // Built from its name: metadata of the source may tell about hidden values.
        let released = spelling::carried(Field::new(field.name(), data_type, true), field);
        Ok(Some(Self { source, action, mark: None, released }))
    }

    /// Marks it; false if it has a mask, or a mark already.
    pub(crate) fn mark(&mut self, marker: Marker) -> bool {
        matches!(self.action, Action::Copy) && self.mark.replace(marker).is_none()
    }

    /// What marks it.
    pub(crate) fn marker(&mut self) -> Option<&mut Marker> {
        self.mark.as_mut()
    }

    /// What its pseudonyms can be joined with, if it has any.
    pub(crate) fn joined(&self) -> Option<&Joined> {
        match &self.action {
            Action::Hash(joined) => Some(joined),
            _ => None,
        }
    }

    /// Returns true if different values stay different ones, and are never missing.
    pub(crate) fn tells_apart(&self) -> bool {
        matches!(self.action, Action::Copy | Action::Hash(_))
    }

    /// Returns true if values of the table are needed for it.
    pub(crate) fn reads(&self) -> bool {
        !matches!(self.action, Action::Null)
    }

    /// Bytes that every value takes.
    fn fixed_len(&self) -> usize {
        let beside = match &self.action {
            Action::Constant(constant) => constant.len(),
            Action::Generalise(broader) => broader.len(),
            Action::Hash(_) => PSEUDONYM_DIGITS,
            _ => 0,
        };
        width(self.released.data_type()) + beside
    }

    fn keeps_text(&self) -> bool {
        matches!(self.action, Action::Copy | Action::Truncate(_) | Action::Redact(_))
    }

    /// Bytes that so many different rows take at most, all together; `None` if only their values can tell.
    pub(crate) fn most(&self, array: Option<&ArrayRef>, rows: usize) -> Option<usize> {
        let texts = array.filter(|_| self.keeps_text()).map_or(Some(0), |array| {
            let offsets = array.as_string_opt::<i32>().map(StringArray::offsets);
            let Some(offsets) = offsets else { return Text::of(array).is_none().then_some(0) };
            usize::try_from(offsets.last() - offsets.first()).ok()
        });
        self.fixed_len().checked_mul(rows)?.checked_add(texts?)
    }

    /// Adds the bytes that the values of `rows` take at most to `lens`.
    pub(crate) fn add_lens(&self, array: Option<&ArrayRef>, rows: &[usize], lens: &mut [usize]) {
        let fixed = self.fixed_len();
        for len in lens.iter_mut() {
            *len = len.saturating_add(fixed);
        }
        if self.keeps_text()
            && let Some(text) = array.and_then(|array| Text::of(array.as_ref()))
        {
            for (len, row) in lens.iter_mut().zip(rows) {
                *len = len.saturating_add(text.len(*row));
            }
        }
    }

    /// A fresh array of the values of `rows`; `None` if `array` is not of the column's type.
    pub(crate) fn column(
        &self,
        array: Option<&ArrayRef>,
        rows: &[usize],
        name: &str,
        keys: Option<&PseudonymKeys>,
    ) -> Option<Result<ArrayRef, TextTooLong>> {
        if matches!(self.action, Action::Null) {
            return Some(Ok(new_null_array(self.released.data_type(), rows.len())));
        }
        let array = array?.as_ref();
        match self.action {
            Action::Null => None,
            Action::Copy => match &self.mark {
                Some(mark) => mark.column(array, rows).map(Ok),
                None => copy(array, rows),
            },
            Action::Constant(ref constant) => constant.column(array, rows),
            Action::Generalise(ref broader) => broader.column(array, rows),
            Action::Round(decimals) => round(array, rows, decimals).map(Ok),
            Action::Hash(ref joined) => {
                let (cells, pseudonyms) =
                    (Cells::of(array)?, Pseudonyms::new(keys?, joined, name)?);
                let len = rows.len().saturating_mul(PSEUDONYM_DIGITS);
                Some(texts_of(len, rows.iter().map(|row| pseudonyms.of(&cells, *row))))
            }
            Action::Truncate(chars) => {
                let text = Text::of(array)?;
                Some(texts(rows.iter().map(|row| text.get(*row).map(|text| cut(text, chars)))))
            }
            Action::Bin(width) => coarse::bin(array, rows, width).map(Ok),
            Action::Calendar(part) => coarse::calendar(array, rows, part).map(Ok),
            Action::Grid(cells) => coarse::grid(array, rows, cells).map(Ok),
            Action::Redact(characters) => {
                let text = Text::of(array)?;
                let redacted = |row: &usize| text.get(*row).map(|text| redact(text, characters));
                Some(texts(rows.iter().map(redacted)))
            }
        }
    }
}

fn round(array: &dyn Array, rows: &[usize], decimals: i8) -> Option<ArrayRef> {
    let data_type = array.data_type();
    let zeros = if decimals < 0 { u32::from(decimals.unsigned_abs()) } else { 0 };
    macro_rules! integers {
        ($t:ty) => {
            mapped::<$t>(array, rows, |v| round_integer(i128::from(v), zeros))
        };
    }
    downcast_integer! {
        data_type => (integers),
        DataType::Float32 => {
            mapped_all::<Float32Type>(array, rows, |all| round_floats(all, decimals))
        }
        DataType::Float64 => {
            mapped_all::<Float64Type>(array, rows, |all| round_floats(all, decimals))
        }
        DataType::Decimal128(precision, scale) => {
            mapped::<Decimal128Type>(array, rows, |v| round_decimal(v, *precision, *scale, decimals))
        }
        _ => None,
    }
}

/// The first `chars` Unicode scalar values.
pub(crate) fn cut(text: &str, chars: usize) -> &str {
    // Most texts begin with letters of one byte.
    if let Some(start) = text.get(..chars).filter(|start| start.is_ascii()) {
        return start;
    }
    let end = text.char_indices().nth(chars).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

/// The text with these characters replaced.
pub(crate) fn redact(text: &str, characters: Characters) -> String {
    text.chars().map(|one| characters.redacted(one).unwrap_or(one)).collect()
}
