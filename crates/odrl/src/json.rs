//! JSON as it stands in the text: members in their order, duplicates kept, texts borrowed.
//! `serde_json::Value` would drop duplicates and take decimals for binary floats.

use std::borrow::Cow;

pub(crate) mod text;

#[derive(Debug)]
pub(crate) enum Json<'a> {
    Null,
    Boolean(bool),
    Integer {
        is_negative: bool,
        magnitude: u64,
    },
    /// A number with a fraction or exponent, or beyond 64 bits. Its digits are lost.
    Float,
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
    /// What is nested deeper than [`ODRL_DEPTH_MAX`](crate::limits::ODRL_DEPTH_MAX), skipped.
    TooDeep,
}

/// Where a value stands in a document: a JSON pointer (RFC 6901).
// WHY: looked for once, when something is refused. Carried along, the places of many values under
// a long name would cost the product of both.
pub(crate) fn pointer(document: &Json<'_>, place: &Json<'_>) -> String {
    let mut names = Vec::new();
    find(document, address(place), &mut names);
    let escaped = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    names.iter().rev().map(escaped).collect()
}

/// The names on the way that a JSON pointer describes; `None` for what is no pointer.
pub(crate) fn steps(pointer: &str) -> Option<impl Iterator<Item = String>> {
    let names = if pointer.is_empty() { None } else { Some(pointer.strip_prefix('/')?.split('/')) };
    Some(names.into_iter().flatten().map(|name| name.replace("~1", "/").replace("~0", "~")))
}

/// Collects the names on the way to the place, the last one first.
fn find(json: &Json<'_>, place: *const (), names: &mut Vec<String>) -> bool {
    if address(json) == place {
        return true;
    }
    match json {
        Json::Array(all) => {
            let found = all.iter().position(|json| find(json, place, names));
            names.extend(found.map(|i| i.to_string()));
            found.is_some()
        }
        Json::Object(all) => {
            let found = all.iter().find(|(_, json)| find(json, place, names));
            names.extend(found.map(|(name, _)| name.clone().into_owned()));
            found.is_some()
        }
        _ => false,
    }
}

fn address(json: &Json<'_>) -> *const () {
    std::ptr::from_ref(json).cast()
}
