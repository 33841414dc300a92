//! Puts arguments into the terms of a template.
//!
//! - A text that is `${name}` alone becomes the argument's value: a number, a text or a list.
//! - In a longer text, `${name}` becomes the argument as people read it.
//! - `{ "en": …, "zh": … }` becomes the text in the language of the terms.
//! - `{ "in": "${names}", "each": … }` in a list becomes one entry for each of the list `names`, in which
//!   `${it}` stands for that one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::language::Language;
use crate::parameter::Bound;

/// Most that arguments can make of one template: a value counts as one, a text as its bytes.
pub const FILLED_MAX: usize = 1 << 20;

/// The name in `each` for the one at hand.
pub(crate) const IT: &str = "it";

/// Why a text of a template cannot be filled. Found when the template is read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPlaceholder {
    /// A placeholder that names no parameter.
    #[error("`${{{name}}}` names no parameter")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A parameter that the template does not use.
    #[error("the parameter `{name}` is not used")]
    Unused {
        /// The name.
        name: String,
    },
    /// `${` without `}`.
    #[error("a placeholder does not end")]
    Open,
    /// An `each` over what is not a list, or within another one.
    #[error("`each` goes over one list, and not within another `each`")]
    Each,
    /// What arguments make of the template is larger than [`FILLED_MAX`].
    #[error("what the arguments make of the template is too large")]
    TooLarge,
}

/// The arguments, and the language of the texts.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    bound: &'a BTreeMap<String, Bound>,
    language: Language,
    it: Option<&'a Bound>,
    left: &'a Cell<usize>,
}

/// As much as [`FILLED_MAX`] allows, for one scope.
pub(crate) fn room() -> Cell<usize> {
    Cell::new(FILLED_MAX)
}

impl<'a> Scope<'a> {
    /// Outside of any `each`; `left` is the [`room`] for what is made.
    pub(crate) fn new(
        bound: &'a BTreeMap<String, Bound>,
        language: Language,
        left: &'a Cell<usize>,
    ) -> Self {
        Self { bound, language, it: None, left }
    }

    fn take(self, size: usize) -> Result<(), InvalidPlaceholder> {
        let left = self.left.get().checked_sub(size).ok_or(InvalidPlaceholder::TooLarge)?;
        self.left.set(left);
        Ok(())
    }

    fn get(self, name: &str) -> Result<&'a Bound, InvalidPlaceholder> {
        let found = if name == IT { self.it } else { self.bound.get(name) };
        found.ok_or_else(|| InvalidPlaceholder::Unknown { name: name.to_owned() })
    }

    /// The value with arguments in place of placeholders.
    // As deep as the JSON that was read, which the parser bounds.
    pub(crate) fn fill(self, value: &Value) -> Result<Value, InvalidPlaceholder> {
        self.take(1)?;
        match value {
            Value::String(text) => match whole(text) {
                Some(name) => {
                    let bound = self.get(name)?;
                    self.take(bound.size())?;
                    Ok(bound.json.clone())
                }
                None => Ok(Value::String(self.text(text)?)),
            },
            Value::Array(all) => {
                let mut filled = Vec::with_capacity(all.len());
                for one in all {
                    match each(one) {
                        Some((list, body)) => {
                            let entries = whole(list).map(|name| self.get(name)).transpose()?;
                            let entries = entries.and_then(Bound::entries);
                            let Some(entries) = entries.filter(|_| self.it.is_none()) else {
                                return Err(InvalidPlaceholder::Each);
                            };
                            let Self { bound, language, left, .. } = self;
                            for it in &entries {
                                let scope = Scope { bound, language, it: Some(it), left };
                                filled.push(scope.fill(body)?);
                            }
                        }
                        None => filled.push(self.fill(one)?),
                    }
                }
                Ok(Value::Array(filled))
            }
            Value::Object(all) => {
                if let Some(text) = text_in(all, self.language) {
                    return Ok(Value::String(self.text(text)?));
                }
                let filled = all.iter().map(|(name, one)| Ok((name.clone(), self.fill(one)?)));
                Ok(Value::Object(filled.collect::<Result<_, _>>()?))
            }
            plain => Ok(plain.clone()),
        }
    }

    /// The text with arguments, as people read them, in place of placeholders.
    pub(crate) fn text(self, text: &str) -> Result<String, InvalidPlaceholder> {
        let mut filled = String::with_capacity(text.len());
        for piece in Pieces(text) {
            match piece? {
                Piece::Plain(plain) => {
                    self.take(plain.len())?;
                    filled.push_str(plain);
                }
                Piece::Name(name) => {
                    let bound = self.get(name)?;
                    self.take(bound.size())?;
                    filled.push_str(&bound.in_words(self.language));
                }
            }
        }
        Ok(filled)
    }
}

/// Collects the names in all placeholders of a value.
pub(crate) fn names(value: &Value, found: &mut BTreeSet<String>) -> Result<(), InvalidPlaceholder> {
    match value {
        Value::String(text) => names_in(text, found),
        Value::Array(all) => all.iter().try_for_each(|one| names(one, found)),
        Value::Object(all) => all.values().try_for_each(|one| names(one, found)),
        _ => Ok(()),
    }
}

/// Collects the names in all placeholders of a text.
pub(crate) fn names_in(text: &str, found: &mut BTreeSet<String>) -> Result<(), InvalidPlaceholder> {
    for piece in Pieces(text) {
        if let Piece::Name(name) = piece? {
            found.insert(name.to_owned());
        }
    }
    Ok(())
}

/// The name, if the text is one placeholder and no more.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains('}'))
}

fn each(value: &Value) -> Option<(&str, &Value)> {
    let all = value.as_object().filter(|all| all.len() == 2)?;
    Some((all.get("in")?.as_str()?, all.get("each")?))
}

/// The text in this language, if these are the texts in every language.
fn text_in(all: &Map<String, Value>, language: Language) -> Option<&str> {
    let is_text = |language: Language| all.get(language.as_str()).is_some_and(Value::is_string);
    let is_texts = all.len() == Language::ALL.len() && Language::ALL.into_iter().all(is_text);
    all.get(language.as_str())?.as_str().filter(|_| is_texts)
}

enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str),
}

/// The pieces of a text that are left.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, InvalidPlaceholder>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0;
        if text.is_empty() {
            return None;
        }
        let (plain, rest) = text.split_once("${").unwrap_or((text, ""));
        if !plain.is_empty() {
            self.0 = text.strip_prefix(plain).unwrap_or_default();
            return Some(Ok(Piece::Plain(plain)));
        }
        let Some((name, rest)) = rest.split_once('}') else {
            self.0 = "";
            return Some(Err(InvalidPlaceholder::Open));
        };
        self.0 = rest;
        Some(Ok(Piece::Name(name)))
    }
}
