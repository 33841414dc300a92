//! Names that the policies of one sector can speak of, beyond the schema of all spaces.
//!
//! In the schema, participants and contracts have tags of any name: what credentials say, and what signed
//! statements say. A policy that asks for a mistyped one is valid, and holds for everybody or for nobody. An
//! [`Extension`] names the tags that there are in a sector, in Cedar's schema language, and
//! [`Policies::parse_extended`] has Cedar's own validator find every other one.
//!
//! ```
//! use dataspace_policy::{Layer, Policies, extension::Extension};
//!
//! let extension = Extension::parse(r#"namespace Dataspace {
//!     type ContractTags = { "blurred"?: String };
//! }"#)?;
//! let policy = |kind: &str| format!(
//!     "@id(\"blurred\") forbid (principal, action, resource) unless {{ \
//!      context.contract.hasTag(\"{kind}\") && context.contract.getTag(\"{kind}\") == \"true\" }};"
//! );
//! assert!(Policies::parse_extended(&policy("blurred"), Layer::Space, &extension).is_ok());
//! assert!(Policies::parse(&policy("blured"), Layer::Space).is_ok());
//! assert!(Policies::parse_extended(&policy("blured"), Layer::Space, &extension).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;

use cedar_policy::{Policy, PolicySet, Schema, SchemaFragment, Validator};
use cedar_policy_core::ast;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::policies::{self, InvalidPolicies, Layer, Policies, STACK_LEN};

/// Longest text of an extension, in bytes.
pub const EXTENSION_LEN_MAX: usize = 64 << 10;
/// Most opening brackets of an extension, with those in its comments: it has few, and Cedar's parser goes into them by
/// recursion.
pub const BRACKETS_MAX: usize = 64;
/// Most names of one owner of tags.
pub const TAGS_MAX: usize = 64;

/// The one namespace.
const NAMESPACE: &str = "Dataspace";
/// The types of an extension, and whose tags they name.
const TYPES: [(&str, &str); 2] = [("ParticipantTags", "Participant"), ("ContractTags", "Contract")];

/// The tags that there are in a sector.
#[derive(Clone)]
pub struct Extension {
    validators: [Validator; 2],
    tags: [BTreeSet<String>; 2],
}

/// Why a text is no extension.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvalidExtension {
    /// Longer than [`EXTENSION_LEN_MAX`].
    #[error("the schema has {len} bytes; {EXTENSION_LEN_MAX} are possible")]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// More than [`BRACKETS_MAX`] opening brackets.
    #[error("the schema has {found} opening brackets; {BRACKETS_MAX} are possible")]
    Brackets {
        /// Brackets found.
        found: usize,
    },
    /// No schema in Cedar's language.
    #[error("the schema cannot be read: {message}")]
    Syntax {
        /// Cedar's message, with the line.
        message: String,
    },
    /// Something else than records of tags, all optional texts.
    #[error(
        "{what} cannot be in an extension: write `namespace Dataspace`, and in it the types ParticipantTags and \
         ContractTags, as in `type ContractTags = {{ \"blurred\"?: String }};`"
    )]
    Form {
        /// What else is there.
        what: String,
    },
    /// More than [`TAGS_MAX`] names in one type.
    #[error("{owner} has {found} names; {TAGS_MAX} are possible")]
    TooMany {
        /// The type.
        owner: &'static str,
        /// Names found.
        found: usize,
    },
    /// A tag of the name of something that every space knows.
    #[error("{owner} names `{name}`, which is an attribute in every space")]
    Taken {
        /// The type.
        owner: &'static str,
        /// The name.
        name: String,
    },
}

fn syntax(error: &impl fmt::Display) -> InvalidExtension {
    InvalidExtension::Syntax { message: error.to_string() }
}

fn form(what: impl Into<String>) -> InvalidExtension {
    InvalidExtension::Form { what: what.into() }
}

impl Extension {
    /// Reads an extension; an empty text names no tags.
    ///
    /// # Errors
    /// [`InvalidExtension`].
    pub fn parse(text: &str) -> Result<Self, InvalidExtension> {
        if text.len() > EXTENSION_LEN_MAX {
            return Err(InvalidExtension::Len { len: text.len() });
        }
        let found = text.chars().filter(|c| matches!(c, '{' | '[' | '(' | '<')).count();
        if found > BRACKETS_MAX {
            return Err(InvalidExtension::Brackets { found });
        }
        let fragment = stacker::maybe_grow(STACK_LEN, STACK_LEN, || json_of(text))?;
        let tags = tags(fragment)?;
        let validator = |text: &str| {
            let mut base = json_of(text)?;
            for ((owner, entity), tags) in TYPES.into_iter().zip(&tags) {
                name_tags(&mut base, (owner, entity), tags)?;
            }
            Schema::from_json_value(base).map(Validator::new).map_err(|error| syntax(&error))
        };
        let [of_all, of_one] = policies::schema_texts();
        Ok(Self { validators: [validator(&of_all)?, validator(&of_one)?], tags })
    }

    /// The names of what credentials say of participants, sorted.
    pub fn participant_tags(&self) -> impl Iterator<Item = &str> {
        self.tags.first().into_iter().flatten().map(String::as_str)
    }

    /// The kinds of signed statements that are tags of contracts, sorted.
    pub fn contract_tags(&self) -> impl Iterator<Item = &str> {
        self.tags.last().into_iter().flatten().map(String::as_str)
    }
}

impl Policies {
    /// As [`parse`](Self::parse), and of tags there are those alone that the extension names; a tag whose name
    /// is computed is none of them.
    ///
    /// # Errors
    /// [`InvalidPolicies`]; [`InvalidPolicies::Schema`], with policy and line, for another tag.
    pub fn parse_extended(
        text: &str,
        layer: Layer,
        extension: &Extension,
    ) -> Result<Self, InvalidPolicies> {
        let parsed = Self::parse(text, layer)?;
        stacker::maybe_grow(STACK_LEN, STACK_LEN, || check(text, layer, extension))?;
        Ok(parsed)
    }
}

/// Checks a text that is good but for its tags.
fn check(text: &str, layer: Layer, extension: &Extension) -> Result<(), InvalidPolicies> {
    let unreadable = |message: String| InvalidPolicies::Schema { message };
    let set = policies::named(text).ok_or_else(|| unreadable("no policies".to_owned()))?;
    for policy in set.policies() {
        let mut tree = policy.to_json().map_err(|error| unreadable(error.to_string()))?;
        if !as_attributes(&mut tree) {
            let (line, id) = (line(text, policy), policy.id());
            return Err(unreadable(format!(
                "line {line}: policy `{id}` computes the name of a tag, or whose tag it is"
            )));
        }
        let spelled = Policy::from_json(Some(policy.id().clone()), tree);
        let mut alone = PolicySet::new();
        alone
            .add(spelled.map_err(|error| unreadable(error.to_string()))?)
            .map_err(|error| unreadable(error.to_string()))?;
        policies::validate(&extension.validators, &alone, layer).map_err(|error| match error {
            InvalidPolicies::Schema { message } => {
                unreadable(format!("line {}: {message}", line(text, policy)))
            }
            error => error,
        })?;
    }
    Ok(())
}

/// The line in which a policy begins.
fn line(text: &str, policy: &Policy) -> usize {
    let policy: &ast::Policy = policy.as_ref();
    let before = policy.loc().and_then(|loc| text.get(..loc.start())).unwrap_or_default();
    before.matches('\n').count().saturating_add(1)
}

/// Spells tags as attributes. `hasTag` becomes a comparison that reads the attribute, since `has` is good of any name.
/// Returns true if every name is written out, and so is the way to who has the tag.
fn as_attributes(tree: &mut Value) -> bool {
    match tree {
        Value::Object(node) => {
            if !node.values_mut().all(as_attributes) {
                return false;
            }
            let read = |sides: &Value| {
                let attr = sides.get("right")?.get("Value")?.as_str()?;
                // WHY: it is written twice below, so that what it nests in would double at each step.
                if !is_way(sides.get("left")?) {
                    return None;
                }
                Some(json!({ ".": { "left": sides.get("left")?, "attr": attr } }))
            };
            if let Some(read) = node.get("getTag").and_then(read) {
                *tree = read;
            } else if let Some(read) = node.get("hasTag").and_then(read) {
                *tree = json!({ "==": { "left": read, "right": read } });
            } else {
                return !node.contains_key("getTag") && !node.contains_key("hasTag");
            }
            true
        }
        Value::Array(items) => items.iter_mut().all(as_attributes),
        _ => true,
    }
}

/// Returns true of a variable, and of attributes and tags that are reached from one.
fn is_way(mut tree: &Value) -> bool {
    loop {
        match (tree.get("Var"), tree.get(".").and_then(|sides| sides.get("left"))) {
            (Some(_), _) => return true,
            (None, Some(left)) => tree = left,
            (None, None) => return false,
        }
    }
}

fn json_of(text: &str) -> Result<Value, InvalidExtension> {
    let (fragment, _warnings) =
        SchemaFragment::from_cedarschema_str(text).map_err(|error| syntax(&error))?;
    fragment.to_json_value().map_err(|error| syntax(&error))
}

/// The names in the types of an extension, which has nothing else.
fn tags(fragment: Value) -> Result<[BTreeSet<String>; 2], InvalidExtension> {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    let Value::Object(namespaces) = fragment else { return Err(form("no namespace")) };
    for (namespace, body) in namespaces {
        if namespace != NAMESPACE {
            return Err(form(format!("the namespace `{namespace}`")));
        }
        let Value::Object(body) = body else { return Err(form("the namespace's text")) };
        for (part, types) in body {
            let Value::Object(types) = types else { return Err(form(part)) };
            if part != "commonTypes" && !types.is_empty() {
                return Err(form(part));
            }
            for (name, shape) in types {
                let known = TYPES.into_iter().zip(&mut found);
                let mut known = known.filter(|((owner, _), _)| *owner == name);
                let Some(((owner, _), all)) = known.next() else {
                    return Err(form(format!("the type `{name}`")));
                };
                let record = shape.get("attributes").and_then(Value::as_object);
                let record = record
                    .ok_or_else(|| form(format!("another type than a record as `{name}`")))?;
                if record.len() > TAGS_MAX {
                    return Err(InvalidExtension::TooMany { owner, found: record.len() });
                }
                if let Some((tag, _)) = record.iter().find(|(_, one)| !is_optional_text(one)) {
                    return Err(form(format!("`{tag}`, which is no optional text,")));
                }
                all.extend(record.keys().cloned());
            }
        }
    }
    Ok(found)
}

fn is_optional_text(tag: &Value) -> bool {
    let is = |key: &str, texts: &[&str]| {
        tag.get(key).and_then(Value::as_str).is_some_and(|text| texts.contains(&text))
    };
    let is_text = is("type", &["String"])
        || is("type", &["EntityOrCommon"]) && is("name", &["String", "__cedar::String"]);
    is_text && tag.get("required").and_then(Value::as_bool) == Some(false)
}

/// Gives an entity of the base attributes in place of its tags.
fn name_tags(
    base: &mut Value,
    (owner, entity): (&'static str, &str),
    tags: &BTreeSet<String>,
) -> Result<(), InvalidExtension> {
    let place = format!("/{NAMESPACE}/entityTypes/{entity}");
    let entity = base.pointer_mut(&place).and_then(Value::as_object_mut);
    let entity = entity.ok_or_else(|| form(place))?;
    entity.remove("tags");
    let shape = entity.entry("shape").or_insert_with(|| json!({ "type": "Record" }));
    let attributes = shape
        .as_object_mut()
        .map(|shape| shape.entry("attributes").or_insert_with(|| Value::Object(Map::new())));
    let Some(Value::Object(attributes)) = attributes else { return Err(form(owner)) };
    for name in tags {
        let taken = attributes.insert(name.clone(), json!({ "type": "String" }));
        if taken.is_some() {
            return Err(InvalidExtension::Taken { owner, name: name.clone() });
        }
    }
    Ok(())
}

// Cedar's schema is long.
impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension").field("tags", &self.tags).finish_non_exhaustive()
    }
}
