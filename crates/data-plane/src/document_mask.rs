//! Masks on the parts of a document.

use dataspace_policy::duty::instant_nanos;
use dataspace_policy::{ColumnMask, MaskMethod};

use crate::coarse::{lower_end, lower_end_of_float, middle};
use crate::constant::in_json;
use crate::json::Json;
use crate::mask::{cut, redact};
use crate::plan_error::PlanError;
use crate::pseudonym::{Joined, PseudonymKeys, Pseudonyms};
use crate::round::{round_float, round_integer};

/// The place of an item in an array (RFC 6901, section 4).
pub(crate) fn index(part: &str) -> Option<usize> {
    let is_plain = part == "0" || (!part.starts_with(['0', '+']) && !part.is_empty());
    if is_plain { part.parse().ok() } else { None }
}

/// One mask, at the parts of the document that it is about.
pub(crate) struct Masking<'a> {
    clause: usize,
    name: &'a str,
    method: &'a MaskMethod,
    pseudonyms: Option<Pseudonyms>,
}

impl<'a> Masking<'a> {
    /// Without keys, to check that it can be done.
    pub(crate) fn new(clause: usize, mask: &'a ColumnMask, keys: Option<&PseudonymKeys>) -> Self {
        let (name, method) = (mask.column.as_str(), &mask.method);
        let joined = Joined::of(method);
        let pseudonyms =
            keys.zip(joined).and_then(|(keys, joined)| Pseudonyms::new(keys, &joined, name));
        Self { clause, name, method, pseudonyms }
    }

    /// How many parts it found.
    pub(crate) fn at(
        &self,
        value: &mut Json,
        at: &[String],
        places: &mut usize,
    ) -> Result<usize, PlanError> {
        *places = places.checked_sub(1).ok_or(PlanError::TooManyParts { clause: self.clause })?;
        let [first, rest @ ..] = at else {
            *value = self.masked(value)?;
            return Ok(1);
        };
        let removes = rest.is_empty() && *self.method == MaskMethod::Drop;
        match value {
            Json::Object(members) if removes => Ok(usize::from(members.remove(first).is_some())),
            Json::Object(members) => match members.get_mut(first) {
                Some(member) => self.at(member, rest, places),
                // Of items, an array was agreed.
                None if first == "*" => Err(self.misfit("object", "looked into")),
                None => Ok(0),
            },
            Json::Array(items) if first == "*" && removes => {
                items.clear();
                Ok(1)
            }
            Json::Array(items) if first == "*" => {
                let mut found = usize::from(items.is_empty());
                for item in items {
                    found = found.saturating_add(self.at(item, rest, places)?);
                }
                Ok(found)
            }
            Json::Array(items) => {
                let Some(place) = index(first) else {
                    return Err(self.misfit("array", "looked into"));
                };
                // The others keep their places: an item that is removed leaves a null.
                match items.get_mut(place) {
                    Some(item) if removes => {
                        *item = Json::Null;
                        Ok(1)
                    }
                    Some(item) => self.at(item, rest, places),
                    None => Ok(0),
                }
            }
            Json::Null => Ok(0),
            // WHY an error: a value of another shape would leave as it is.
            other => Err(self.misfit(other.kind(), "looked into")),
        }
    }

    fn misfit(&self, kind: &str, action: &'static str) -> PlanError {
        let (clause, column) = (self.clause, self.name.to_owned());
        PlanError::ColumnType { clause, column, data_type: kind.to_owned(), action }
    }

    fn masked(&self, value: &Json) -> Result<Json, PlanError> {
        let misfit = |action| self.misfit(value.kind(), action);
        Ok(match (self.method, value) {
            // A missing value stays missing.
            (MaskMethod::Drop | MaskMethod::Null, _) | (_, Json::Null) => Json::Null,
            (MaskMethod::Hash | MaskMethod::Pseudonym { .. }, _) => {
                let hidden = match (&self.pseudonyms, value) {
                    (_, Json::Array(_) | Json::Object(_)) => {
                        return Err(misfit("replaced by pseudonyms"));
                    }
                    // To check that it can be done, none is needed.
                    (None, _) => String::new(),
                    (Some(pseudonyms), value) => pseudonyms.of_json(value).unwrap_or_default(),
                };
                Json::Text(hidden)
            }
            (MaskMethod::Constant(constant), value) => {
                in_json(constant, value).ok_or_else(|| misfit("replaced by this constant"))?
            }
            (MaskMethod::Generalise(broader), Json::Text(text)) => {
                Json::Text(broader.of(text).to_string())
            }
            (MaskMethod::Generalise(broader), Json::Integer(value)) => {
                Json::Text(broader.of(&value.to_string()).to_string())
            }
            (MaskMethod::Generalise(_), _) => return Err(misfit("replaced by broader values")),
            (MaskMethod::Round { decimals }, Json::Float(value)) => {
                one_form(round_float(*decimals)(*value))
            }
            (MaskMethod::Round { decimals }, Json::Integer(value)) => {
                let zeros = if *decimals < 0 { u32::from(decimals.unsigned_abs()) } else { 0 };
                Json::Integer(round_integer(*value, zeros).unwrap_or_default())
            }
            (MaskMethod::Bin { width }, Json::Integer(value)) => {
                Json::Integer(lower_end(*value, i128::from(*width)).unwrap_or_default())
            }
            (MaskMethod::Bin { width }, Json::Float(value)) => {
                one_form(lower_end_of_float(*value, f64::from(*width)))
            }
            (MaskMethod::Grid { cells }, Json::Float(value)) => grid(*value, *cells),
            (MaskMethod::Grid { cells }, Json::Integer(value)) => {
                // What is that large is no latitude or longitude.
                i32::try_from(*value).map_or(Json::Null, |value| grid(f64::from(value), *cells))
            }
            (MaskMethod::Truncate { chars }, Json::Text(text)) => {
                let chars = usize::try_from(*chars).unwrap_or(usize::MAX);
                Json::Text(cut(text, chars).to_owned())
            }
            (MaskMethod::Redact { characters }, Json::Text(text)) => {
                Json::Text(redact(text, *characters))
            }
            (MaskMethod::Calendar { part }, Json::Text(text)) if instant_nanos(text).is_some() => {
                Json::Text(part.cut(text))
            }
            (MaskMethod::Round { .. }, _) => return Err(misfit("rounded")),
            (MaskMethod::Bin { .. }, _) => return Err(misfit("sorted into intervals")),
            (MaskMethod::Grid { .. }, _) => return Err(misfit("moved to a grid")),
            (MaskMethod::Truncate { .. }, _) => return Err(misfit("cut")),
            (MaskMethod::Redact { .. }, _) => return Err(misfit("redacted")),
            // A date or an instant was expected, or it is a mask of tables alone.
            _ => return Err(misfit("masked in this way")),
        })
    }
}

/// A whole number without a point, however the hidden one was written: that must not show.
fn one_form(value: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Json::Integer(value as i128)
    } else {
        Json::Float(value)
    }
}

/// What is no latitude or longitude becomes null.
fn grid(value: f64, cells: u32) -> Json {
    middle(value, f64::from(cells)).map_or(Json::Null, Json::Float)
}
