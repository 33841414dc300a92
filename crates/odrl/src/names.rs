//! Which term a name stands for: plain, with a prefix, or as a full IRI.

use std::borrow::Cow;

use dataspace_policy::Action;

pub(crate) mod context;

pub use self::context::{DSP_CONTEXT, EXTENSION_CONTEXT};

/// Namespace of ODRL 2.2.
pub(crate) const ODRL: &str = "http://www.w3.org/ns/odrl/2/";
/// Namespace of the ODRL terms that are our own, prefix `dataspace:`; also the name of our ODRL
/// profile. `docs/odrl.md` says what each means.
pub const ODRL_NAMESPACE: &str = "https://w3id.org/dataspace/terms/";
/// Namespace of the XML schema data types.
pub(crate) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
/// Namespaces of the Catena-X profile.
pub(crate) const CATENA_X: [&str; 3] = [
    "https://w3id.org/catenax/2025/9/policy/",
    "https://w3id.org/catenax/2025/6/policy/",
    "https://w3id.org/catenax/policy/",
];
/// Namespaces of the Dataspace Protocol.
pub(crate) const DSPACE: [&str; 3] = [
    "https://w3id.org/dspace/2025/1/",
    "https://w3id.org/dspace/2024/1/",
    "https://w3id.org/dspace/v0.8/",
];

/// A name and the vocabulary that it is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term<'a> {
    /// Of JSON-LD: `@id`, `@type`, ….
    Keyword(&'a str),
    /// Plain: of ODRL, or of Catena-X where that has the term.
    Plain(&'a str),
    Odrl(&'a str),
    Own(&'a str),
    CatenaX(&'a str),
    Xsd(&'a str),
    /// Of the Dataspace Protocol.
    Dspace(&'a str),
    /// Of the Eclipse Dataspace Components.
    Edc(&'a str),
    /// Of the Eclipse Tractus-X connector.
    TractusX(&'a str),
    /// A code of the International Data Spaces.
    Ids(&'a str),
    /// Of Dublin Core.
    Dublin(&'a str),
    /// Of a vocabulary that labels and describes.
    Label(&'a str),
    Rdf(&'a str),
    /// Of another vocabulary.
    Other,
}

/// A vocabulary, and with a name of it a [`Term`].
#[derive(Clone, Copy)]
enum Of {
    Odrl,
    Own,
    CatenaX,
    Xsd,
    Dspace,
    Edc,
    TractusX,
    Ids,
    Dublin,
    Label,
    Rdf,
    Other,
}

impl Of {
    const fn term(self, name: &str) -> Term<'_> {
        match self {
            Self::Odrl => Term::Odrl(name),
            Self::Own => Term::Own(name),
            Self::CatenaX => Term::CatenaX(name),
            Self::Xsd => Term::Xsd(name),
            Self::Dspace => Term::Dspace(name),
            Self::Edc => Term::Edc(name),
            Self::TractusX => Term::TractusX(name),
            Self::Ids => Term::Ids(name),
            Self::Dublin => Term::Dublin(name),
            Self::Label => Term::Label(name),
            Self::Rdf => Term::Rdf(name),
            Self::Other => Term::Other,
        }
    }
}

/// Prefix, namespace, and the vocabulary.
const VOCABULARIES: [(&str, &str, Of); 30] = [
    ("odrl", ODRL, Of::Odrl),
    ("odrl", "https://www.w3.org/ns/odrl/2/", Of::Odrl),
    ("dataspace", ODRL_NAMESPACE, Of::Own),
    ("xsd", XSD, Of::Xsd),
    ("cx-policy", CATENA_X[0], Of::CatenaX),
    ("cx-policy", CATENA_X[1], Of::CatenaX),
    ("cx-policy", CATENA_X[2], Of::CatenaX),
    ("dspace", DSPACE[0], Of::Dspace),
    ("dspace", DSPACE[1], Of::Dspace),
    ("dspace", DSPACE[2], Of::Dspace),
    ("edc", "https://w3id.org/edc/v0.0.1/ns/", Of::Edc),
    ("tx", "https://w3id.org/tractusx/v0.0.1/ns/", Of::TractusX),
    ("idsc", "https://w3id.org/idsa/code/", Of::Ids),
    ("dc", "http://purl.org/dc/elements/1.1/", Of::Dublin),
    ("dc", "https://purl.org/dc/elements/1.1/", Of::Dublin),
    ("dct", "http://purl.org/dc/terms/", Of::Dublin),
    ("dct", "https://purl.org/dc/terms/", Of::Dublin),
    ("dcterms", "http://purl.org/dc/terms/", Of::Dublin),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#", Of::Label),
    ("skos", "http://www.w3.org/2004/02/skos/core#", Of::Label),
    ("schema", "http://schema.org/", Of::Label),
    ("schema", "https://schema.org/", Of::Label),
    ("foaf", "http://xmlns.com/foaf/0.1/", Of::Label),
    ("vcard", "http://www.w3.org/2006/vcard/ns#", Of::Label),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#", Of::Rdf),
    ("cc", "http://creativecommons.org/ns#", Of::Other),
    ("owl", "http://www.w3.org/2002/07/owl#", Of::Other),
    ("dcat", "http://www.w3.org/ns/dcat#", Of::Other),
    ("prov", "http://www.w3.org/ns/prov#", Of::Other),
    ("ids", "https://w3id.org/idsa/core/", Of::Other),
];

/// Prefixes that mean the same in every document.
const FIXED: [&str; 5] = ["odrl", "dataspace", "xsd", "cx-policy", "dspace"];

/// Returns true if no document may give this prefix another meaning.
pub(crate) fn is_fixed(prefix: &str) -> bool {
    FIXED.contains(&prefix)
}

/// Returns true if a document may give the prefix this meaning.
pub(crate) fn may_mean(prefix: &str, iri: &str) -> bool {
    let known = |(one, namespace, _): &(&str, &str, Of)| *one == prefix && *namespace == iri;
    !is_fixed(prefix) || VOCABULARIES.iter().any(known)
}

/// Returns true if this is the namespace of ODRL.
pub(crate) fn is_odrl(iri: &str) -> bool {
    matches!(in_namespace(iri, ""), Term::Odrl(_))
}

/// A name with a known prefix as a full IRI; any other as it stands.
pub(crate) fn iri(text: &str) -> Cow<'_, str> {
    let Some((prefix, name)) = text.split_once(':') else { return Cow::Borrowed(text) };
    let found = VOCABULARIES.iter().find(|(one, ..)| *one == prefix && !name.starts_with("//"));
    found.map_or(Cow::Borrowed(text), |(_, iri, _)| Cow::Owned(format!("{iri}{name}")))
}

/// The term of a name in a namespace.
pub(crate) fn in_namespace<'a>(iri: &str, name: &'a str) -> Term<'a> {
    let found = VOCABULARIES.iter().find(|(_, namespace, _)| *namespace == iri);
    found.map_or(Term::Other, |(_, _, of)| of.term(name))
}

impl<'a> Term<'a> {
    /// Without what the document declares.
    pub(crate) fn of(text: &'a str) -> Self {
        if text.starts_with('@') {
            return Self::Keyword(text);
        }
        let Some((prefix, name)) = text.split_once(':') else { return Self::Plain(text) };
        for (one, iri, of) in &VOCABULARIES {
            if let Some(name) = text.strip_prefix(iri) {
                return of.term(name);
            }
            if *one == prefix && !name.starts_with("//") {
                return of.term(name);
            }
        }
        Self::Other
    }

    /// The name, if it is one of ODRL.
    pub(crate) fn odrl(self) -> Option<&'a str> {
        match self {
            Self::Plain(name) | Self::Odrl(name) => Some(name),
            _ => None,
        }
    }

    /// The name, if it is one of our own.
    pub(crate) fn own(self) -> Option<&'a str> {
        match self {
            Self::Own(name) => Some(name),
            _ => None,
        }
    }
}

/// Before a broader value, percent-encoded, in the operand that names the values which it stands for.
pub(crate) const BROADER: &str = "dataspace:broader/";

/// The operators of ODRL, as far as the Dataspace Protocol has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Neq,
    Gt,
    Gteq,
    Lt,
    Lteq,
    IsA,
    IsPartOf,
    HasPart,
    IsAnyOf,
    IsAllOf,
    IsNoneOf,
}

impl Comparison {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Eq, "eq"),
        (Self::Neq, "neq"),
        (Self::Gt, "gt"),
        (Self::Gteq, "gteq"),
        (Self::Lt, "lt"),
        (Self::Lteq, "lteq"),
        (Self::IsA, "isA"),
        (Self::IsPartOf, "isPartOf"),
        (Self::HasPart, "hasPart"),
        (Self::IsAnyOf, "isAnyOf"),
        (Self::IsAllOf, "isAllOf"),
        (Self::IsNoneOf, "isNoneOf"),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(one, _)| *one == self).map_or("eq", |(_, name)| name)
    }

    /// Returns true if the Dataspace Protocol has an operator of just this spelling.
    pub(crate) fn is_of_protocol(text: &str) -> bool {
        Self::ALL.into_iter().any(|(_, name)| name == text)
    }

    /// In any case: connectors write `isAnyOf` and `ISANYOF` alike. Older ones have names of their
    /// own for three of them.
    pub(crate) fn parse(term: Term<'_>) -> Option<Self> {
        let name = match term.odrl()? {
            "GEQ" => "gteq",
            "LEQ" => "lteq",
            "IN" => "isAnyOf",
            name => name,
        };
        let found = Self::ALL.into_iter().find(|(_, one)| one.eq_ignore_ascii_case(name));
        found.map(|(one, _)| one)
    }
}

/// The ODRL term of an action, our own where ODRL has none of that meaning: its `transfer` gives
/// away the asset itself, its `aggregate` makes a collection.
pub(crate) fn action_term(action: Action) -> &'static str {
    match action {
        Action::Read => "odrl:read",
        Action::Query => "dataspace:query",
        Action::Aggregate => "dataspace:aggregate",
        Action::Transfer => "dataspace:transfer",
        Action::Derive => "odrl:derive",
        Action::Train => "dataspace:train",
        Action::Display => "odrl:display",
        Action::Play => "odrl:play",
        Action::Share => "odrl:distribute",
    }
}

/// Bytes that are not letters, digits or `-._~` as `%` and two hexadecimal digits (RFC 3986 §2.1).
pub(crate) fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// `None` where a `%` has no two hexadecimal digits after it, or the bytes are not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        decoded.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(decoded).ok()
}
