//! What a provider states of nested values in JSON lines.

use dataspace_policy::duty::is_part_of;

use crate::options::{ColumnType, Nest, TableOptions};
use crate::table_error::OpenError;
use crate::tree::{DEPTH_MAX, VALUE};

/// A column, or a part of one, as it is stated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outline {
    Plain(ColumnType),
    /// Its fields, by their keys.
    Object(Vec<(String, Outline)>),
    List(Box<Outline>),
    /// Of its values.
    Map(Box<Outline>),
}

/// The columns that are stated, in their order.
pub(crate) fn outlines(options: &TableOptions) -> Result<Vec<(String, Outline)>, OpenError> {
    let is_root = |name: &&String| !options.nests.iter().any(|(nest, _)| is_part_of(name, nest));
    let roots = options.stated.iter().filter(is_root);
    roots.map(|name| Ok((name.clone(), Maker { options, depth: 0 }.part(name)?))).collect()
}

#[derive(Clone, Copy)]
struct Maker<'a> {
    options: &'a TableOptions,
    depth: usize,
}

fn refused(path: &str, what: &'static str) -> OpenError {
    OpenError::StatedNested { column: path.to_owned(), what }
}

impl<'a> Maker<'a> {
    fn part(self, path: &str) -> Result<Outline, OpenError> {
        let nests = self.options.nests.iter().filter(|(name, _)| name == path);
        let nests: Vec<Nest> = nests.map(|(_, nest)| *nest).collect();
        match (nests.as_slice(), self.column_type(path)) {
            ([], Some(column_type)) => Ok(Outline::Plain(column_type)),
            (nests, _) => self.nested(path, nests),
        }
    }

    fn nested(self, path: &str, nests: &[Nest]) -> Result<Outline, OpenError> {
        let fields = self.fields(path);
        if self.depth >= DEPTH_MAX && !(nests.is_empty() && fields.is_empty()) {
            return Err(refused(path, "it lies too deep"));
        }
        let below = Self { depth: self.depth + 1, ..self };
        match (nests.split_first(), self.column_type(path)) {
            (Some((Nest::List, rest)), _) => {
                below.nested(path, rest).map(|item| Outline::List(Box::new(item)))
            }
            (None, Some(column_type)) if fields.is_empty() => Ok(Outline::Plain(column_type)),
            (_, Some(_)) => Err(refused(path, "it has a type of its own, and parts")),
            (Some((Nest::Map, [])), None) => {
                let value = format!("{path}.{VALUE}");
                if fields.iter().any(|(name, _)| **name != value) {
                    return Err(refused(path, "of a map, only the values are stated"));
                }
                below.part(&value).map(|value| Outline::Map(Box::new(value)))
            }
            (None | Some((Nest::Object, [])), None) if !fields.is_empty() => {
                let fields =
                    fields.into_iter().map(|(name, key)| Ok((key.to_owned(), below.part(name)?)));
                Ok(Outline::Object(fields.collect::<Result<_, OpenError>>()?))
            }
            (None | Some((Nest::Object, [])), None) => Err(refused(path, "none of its parts are")),
            (Some(_), None) => Err(refused(path, "it is stated twice")),
        }
    }

    fn column_type(self, path: &str) -> Option<ColumnType> {
        let mut types = self.options.types.iter();
        types.find(|(name, _)| name == path).map(|(_, column_type)| *column_type)
    }

    /// The names that are stated of its fields, each with its key.
    fn fields(self, path: &str) -> Vec<(&'a String, &'a str)> {
        let options = self.options;
        let is_deeper = |name: &str| {
            options.nests.iter().any(|(nest, _)| is_part_of(nest, path) && is_part_of(name, nest))
        };
        let fields =
            options.stated.iter().filter(|name| is_part_of(name, path) && !is_deeper(name));
        let key = |name: &'a String| Some((name, name.get(path.len().saturating_add(1)..)?));
        fields.filter_map(key).collect()
    }
}
