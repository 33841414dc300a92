//! Which term a name stands for: plain, with a prefix, or as a full IRI.

use crate::action::Action;

/// Namespace of ODRL 2.2.
pub(super) const ODRL: &str = "http://www.w3.org/ns/odrl/2/";
/// Our own namespace.
pub(super) const OWN: &str = super::ODRL_NAMESPACE;
/// Namespaces of the Catena-X profile.
pub(super) const CATENA_X: [&str; 3] = [
    "https://w3id.org/catenax/2025/9/policy/",
    "https://w3id.org/catenax/2025/6/policy/",
    "https://w3id.org/catenax/policy/",
];
/// Namespace of the XML schema data types.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// A name and the vocabulary that it is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term<'a> {
    /// Plain: of ODRL, or of Catena-X where that has the term.
    Plain(&'a str),
    Odrl(&'a str),
    Own(&'a str),
    CatenaX(&'a str),
    /// Of another vocabulary.
    Other,
}

impl<'a> Term<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let under = |prefix, iri| text.strip_prefix(prefix).or_else(|| text.strip_prefix(iri));
        if let Some(name) = under("odrl:", ODRL) {
            return Self::Odrl(name);
        }
        if let Some(name) = under("dataspace:", OWN) {
            return Self::Own(name);
        }
        for iri in CATENA_X {
            if let Some(name) = under("cx-policy:", iri) {
                return Self::CatenaX(name);
            }
        }
        if text.contains(':') { Self::Other } else { Self::Plain(text) }
    }

    /// The name, if it is one of ODRL.
    pub(super) fn odrl(self) -> Option<&'a str> {
        match self {
            Self::Plain(name) | Self::Odrl(name) => Some(name),
            _ => None,
        }
    }

    /// The name, if it is one of our own.
    pub(super) fn own(self) -> Option<&'a str> {
        match self {
            Self::Own(name) => Some(name),
            _ => None,
        }
    }
}

/// The operators of ODRL, as far as the Dataspace Protocol has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
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

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(one, _)| *one == self).map_or("eq", |(_, name)| name)
    }

    /// In any case: connectors write `isAnyOf` and `ISANYOF` alike.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = Term::of(text).odrl()?;
        let found = Self::ALL.into_iter().find(|(_, one)| one.eq_ignore_ascii_case(name));
        found.map(|(one, _)| one)
    }
}

/// The ODRL term of an action, our own where ODRL has none of that meaning: its `transfer` gives
/// away the asset itself, its `aggregate` makes a collection.
pub(super) fn action_term(action: Action) -> &'static str {
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

/// The actions that a term stands for: `use` is every use (ODRL Vocabulary §3.9).
pub(super) fn actions(text: &str) -> Option<Vec<Action>> {
    let term = Term::of(text);
    if term.odrl() == Some("use") {
        return Some(Action::ALL.to_vec());
    }
    let found = Action::ALL.into_iter().find(|action| match Term::of(action_term(*action)) {
        Term::Odrl(name) => term.odrl() == Some(name),
        own => term == own,
    });
    found.map(|action| vec![action])
}

/// Bytes that are not letters, digits or `-._~` as `%` and two hexadecimal digits (RFC 3986 §2.1).
pub(super) fn percent_encoded(text: &str) -> String {
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
pub(super) fn percent_decoded(text: &str) -> Option<String> {
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
