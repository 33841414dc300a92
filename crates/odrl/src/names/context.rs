//! `@context`: what a document says its names stand for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{OdrlErrorKind, Refused};
use crate::json::Json;
use crate::names::{self, Term};
use crate::operands::OdrlOperands;

/// Context of the Dataspace Protocol 2025-1: each message, catalogue and dataset names it.
pub const DSP_CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";

/// Context of our own, which defines the prefix of [`ODRL_NAMESPACE`](crate::names::ODRL_NAMESPACE): named
/// beside [`DSP_CONTEXT`] where a policy says what the Dataspace Protocol has no term for.
pub const EXTENSION_CONTEXT: &str = "https://w3id.org/dataspace/terms/context.jsonld";

/// Gives a policy by itself the terms that [`DSP_CONTEXT`] gives it within a message.
pub(crate) const DSP_ODRL_CONTEXT: &str = "https://w3id.org/dspace/2025/1/odrl-profile.jsonld";

/// Contexts that give the terms the meaning that this reader gives them.
const CONTEXTS: [&str; 14] = [
    DSP_CONTEXT,
    DSP_ODRL_CONTEXT,
    EXTENSION_CONTEXT,
    "https://w3id.org/dspace/2024/1/context.json",
    "https://w3id.org/dspace/2024/1/odrl-profile.jsonld",
    "http://www.w3.org/ns/odrl.jsonld",
    "https://www.w3.org/ns/odrl.jsonld",
    names::ODRL,
    "https://w3id.org/catenax/2025/9/policy/odrl.jsonld",
    "https://w3id.org/catenax/2025/9/policy/context.jsonld",
    "https://w3id.org/tractusx/policy/v1.0.0",
    "https://w3id.org/tractusx/edc/v0.0.1",
    "https://w3id.org/edc/connector/management/v0.0.1",
    "https://w3id.org/edc/connector/management/v2",
];

/// What the names of a document stand for.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// What the document defines: a name or prefix, and its IRI, or `None` where the definition
    /// does more than to give an IRI.
    defined: BTreeMap<&'a str, Option<&'a str>>,
    /// Plain names that nothing defines are of this vocabulary, and not of ODRL.
    is_foreign: bool,
    pub(crate) operands: &'a OdrlOperands,
}

impl<'a> Names<'a> {
    /// Those of a document that has just this `@context`, if any.
    pub(crate) fn read(
        root: &'a Json<'a>,
        operands: &'a OdrlOperands,
    ) -> Result<Self, Refused<'a>> {
        let mut names = Self { defined: BTreeMap::new(), is_foreign: false, operands };
        let Json::Object(members) = root else { return Ok(names) };
        let Some((_, context)) = members.iter().find(|(name, _)| name == "@context") else {
            return Ok(names);
        };
        let (mut has_odrl, mut vocabulary) = (false, None);
        let parts = match context {
            Json::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for part in parts {
            match part {
                Json::Null => {}
                Json::Text(text) => {
                    let is_known = CONTEXTS.contains(&text.as_ref()) || operands.has_context(text);
                    if !is_known {
                        return Err(Refused::new(part, OdrlErrorKind::UnknownContext));
                    }
                    has_odrl = true;
                }
                Json::Object(all) => {
                    for (name, value) in all {
                        if name == "@vocab" {
                            vocabulary = Some(value);
                        } else {
                            names.define(name, value)?;
                        }
                    }
                }
                _ => {
                    let expected = "the address of a context, or an object";
                    return Err(Refused::new(part, OdrlErrorKind::Value { expected }));
                }
            }
        }
        names.is_foreign = match vocabulary {
            Some(Json::Null) | None => false,
            // Some write the address of the context for the namespace; it is no namespace of others.
            Some(Json::Text(iri)) if names::is_odrl(iri) || iri.ends_with("/ns/odrl.jsonld") => {
                false
            }
            Some(Json::Text(iri)) if !CONTEXTS.contains(&iri.as_ref()) => !has_odrl,
            Some(other) => {
                return Err(Refused::new(other, OdrlErrorKind::UnknownContext).because(
                    "@vocab takes a namespace such as http://www.w3.org/ns/odrl/2/; the address of \
                     a context stands in @context itself",
                ));
            }
        };
        Ok(names)
    }

    fn define(&mut self, name: &'a str, value: &'a Json<'a>) -> Result<(), Refused<'a>> {
        let unknown = || Refused::new(value, OdrlErrorKind::UnknownContext);
        let iri = match value {
            _ if matches!(name, "@version" | "@protected" | "@language") => return Ok(()),
            _ if name.starts_with('@') => return Err(unknown()),
            Json::Text(iri) => Some(iri.as_ref()),
            Json::Object(parts) => {
                let simple = |(part, _): &(Cow<'_, str>, Json<'_>)| {
                    matches!(part.as_ref(), "@id" | "@type" | "@prefix" | "@protected")
                };
                let id = parts.iter().find_map(|(part, value)| match value {
                    Json::Text(iri) if part == "@id" => Some(iri.as_ref()),
                    _ => None,
                });
                id.filter(|_| parts.iter().all(simple))
            }
            Json::Null => None,
            _ => return Err(unknown()),
        };
        let is_possible = match iri {
            Some(iri) => names::may_mean(name, iri) && !turns(name, iri) && !is_scheme(name),
            None => !names::is_fixed(name) && !name.contains(':'),
        };
        if !is_possible {
            return Err(unknown());
        }
        // A later definition replaces an earlier one (JSON-LD).
        self.defined.insert(name, iri);
        Ok(())
    }

    /// The term that a name stands for.
    pub(crate) fn term(&self, text: &'a str) -> Term<'a> {
        match self.defined.get(text) {
            Some(Some(iri)) => match self.prefixed(iri) {
                Term::Plain(_) => Term::Other,
                term => term,
            },
            Some(None) => Term::Other,
            None => match self.prefixed(text) {
                Term::Plain(_) if self.is_foreign => Term::Other,
                term => term,
            },
        }
    }

    /// The term of a member's name. `uid` and `type` are names for `@id` and `@type`.
    pub(crate) fn member(&self, text: &'a str) -> Term<'a> {
        match self.term(text) {
            Term::Plain("uid") | Term::Odrl("uid") => Term::Keyword("@id"),
            Term::Plain("type") => Term::Keyword("@type"),
            term => term,
        }
    }

    fn prefixed(&self, text: &'a str) -> Term<'a> {
        match self.split(text) {
            Some((Some(iri), name)) => names::in_namespace(iri, name),
            Some((None, _)) => Term::Other,
            None => Term::of(text),
        }
    }

    /// What the document defines the prefix as, and the name behind it.
    fn split(&self, text: &'a str) -> Option<(Option<&'a str>, &'a str)> {
        let (prefix, name) = text.split_once(':')?;
        let iri = self.defined.get(prefix)?;
        (!name.starts_with("//")).then_some((*iri, name))
    }

    /// The name as a full IRI where its prefix is known; else as it stands.
    pub(crate) fn iri(&self, text: &'a str) -> Cow<'a, str> {
        match self.expanded(text) {
            Cow::Borrowed(text) => names::iri(text),
            Cow::Owned(iri) => Cow::Owned(iri),
        }
    }

    /// The name as a full IRI where the document says how; else as it stands.
    pub(crate) fn expanded(&self, text: &'a str) -> Cow<'a, str> {
        match (self.defined.get(text), self.split(text)) {
            (Some(Some(iri)), _) => Cow::Borrowed(iri),
            (None, Some((Some(iri), name))) => Cow::Owned(format!("{iri}{name}")),
            _ => Cow::Borrowed(text),
        }
    }
}

/// Returns true if a definition gives a name the meaning of another one that is known here.
fn turns(name: &str, iri: &str) -> bool {
    match Term::of(iri) {
        // A name of its own is no name that means something by itself.
        _ if name.contains(':') => true,
        Term::Other => false,
        // A namespace, for a prefix.
        term if term == names::in_namespace(iri, "") => false,
        Term::Keyword(keyword) => {
            !matches!((name, keyword), ("id" | "uid", "@id") | ("type", "@type"))
        }
        Term::Odrl(other)
        | Term::CatenaX(other)
        | Term::Dspace(other)
        | Term::Edc(other)
        | Term::TractusX(other)
        | Term::Ids(other)
        | Term::Dublin(other)
        | Term::Label(other)
        | Term::Rdf(other) => name != other,
        Term::Plain(_) | Term::Own(_) | Term::Xsd(_) => true,
    }
}

/// Returns true if identifiers of parties and products begin so: a prefix of this name would change them.
fn is_scheme(name: &str) -> bool {
    matches!(name, "did" | "http" | "https" | "mailto" | "tag" | "urn")
}
