//! A value of a document, and the names of the document that give it meaning.

use std::borrow::Cow;

use crate::error::{OdrlErrorKind, Refused};
use crate::json::Json;
use crate::names::Term;
use crate::names::context::Names;

/// A value, read with the names of its document.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) json: &'a Json<'a>,
    pub(crate) names: &'a Names<'a>,
}

impl<'a> At<'a> {
    pub(crate) fn error(self, kind: OdrlErrorKind) -> Refused<'a> {
        Refused::new(self.json, kind)
    }

    pub(crate) fn expected(self, expected: &'static str) -> Refused<'a> {
        self.error(OdrlErrorKind::Value { expected })
    }

    pub(crate) fn missing(self, member: &'static str) -> Refused<'a> {
        self.error(OdrlErrorKind::Missing { member })
    }

    fn child(self, json: &'a Json<'a>) -> Self {
        At { json, ..self }
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self.json, Json::Null)
    }

    /// The members of an object, in the order of the text: the term that each stands for, and its
    /// value.
    pub(crate) fn members(self) -> Result<Vec<(Term<'a>, Self)>, Refused<'a>> {
        let Json::Object(all) = self.json else { return Err(self.expected("an object")) };
        let member = |(name, json): &'a (Cow<'a, str>, Json<'a>)| {
            (self.names.member(name), self.child(json))
        };
        Ok(all.iter().map(member).collect())
    }

    /// The member of this name, or the item of this number.
    pub(crate) fn step(self, name: &str) -> Option<Self> {
        let found = match self.json {
            Json::Object(all) => all.iter().find(|(one, _)| one == name).map(|(_, json)| json),
            Json::Array(all) => all.get(name.parse::<usize>().ok()?),
            _ => None,
        };
        found.map(|json| self.child(json))
    }

    /// The name of a member as it stands, for a help text.
    pub(crate) fn name_of(self, member: At<'_>) -> &'a str {
        let Json::Object(all) = self.json else { return "" };
        let found = all.iter().find(|(_, json)| std::ptr::eq(json, member.json));
        found.map_or("", |(name, _)| name.as_ref())
    }

    /// The items of an array, also in a `@list` or `@set`; any other value stands for an array of
    /// itself (JSON-LD).
    pub(crate) fn items(self) -> Vec<Self> {
        match self.json {
            Json::Array(all) => match all.as_slice() {
                [one @ Json::Object(_)] if self.child(one).listed().is_some() => {
                    self.child(one).items()
                }
                all => all.iter().map(|json| self.child(json)).collect(),
            },
            Json::Object(_) => match self.listed() {
                Some(list) => list.items(),
                None => vec![self],
            },
            _ => vec![self],
        }
    }

    /// The array in `{"@list": […]}` or `{"@set": […]}`.
    fn listed(self) -> Option<Self> {
        match self.json {
            Json::Object(all) => match all.as_slice() {
                [(name, list @ Json::Array(_))] if name == "@list" || name == "@set" => {
                    Some(self.child(list))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The only item of an array of one, or the value itself.
    pub(crate) fn alone(self) -> Self {
        match self.json {
            Json::Array(all) => match all.as_slice() {
                [one] => self.child(one),
                _ => self,
            },
            _ => self,
        }
    }

    pub(crate) fn text(self) -> Result<&'a str, Refused<'a>> {
        match self.alone().json {
            Json::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// An identifier: a text, or `{"@id": text}` or `{"@value": text}`, which say the same
    /// (JSON-LD).
    pub(crate) fn id(self) -> Result<&'a str, Refused<'a>> {
        match self.alone().json {
            Json::Object(all) => match all.as_slice() {
                [(name, Json::Text(text))] if name == "@id" || name == "@value" => Ok(text),
                _ => Err(self.expected("an identifier")),
            },
            _ => self.text(),
        }
    }

    /// The term that an identifier stands for.
    pub(crate) fn term(self) -> Result<Term<'a>, Refused<'a>> {
        Ok(self.names.term(self.id()?))
    }

    /// The term of a `@type`; `None` if there are several.
    pub(crate) fn kind(self) -> Option<Term<'a>> {
        self.id().ok().map(|text| self.names.term(text))
    }
}
