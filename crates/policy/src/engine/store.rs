//! Cedar's entities and requests as values.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, EvalResult, PartialValueToValueError, Request};

use super::eval::{Erred, Result, Source};
use super::extension::{self, Ip};
use super::node::Fact;
use super::value::{Constant, Constants, Uid, Value};

/// An entity or a request that cannot be taken over: an unknown, or an extension type that is not
/// one of Cedar's four.
#[derive(Debug)]
pub(crate) struct NotConverted;

type Converted<T> = std::result::Result<T, NotConverted>;

/// All entities, by type and identifier.
#[derive(Debug, Default)]
pub(crate) struct Store {
    entities: HashMap<Box<str>, HashMap<Box<str>, Data>>,
}

#[derive(Debug)]
struct Data {
    attributes: HashMap<Box<str>, Constant>,
    tags: HashMap<Box<str>, Constant>,
    /// Type and identifier, of ancestors at any distance.
    ancestors: HashSet<(Box<str>, Box<str>)>,
}

/// A request, and the store that answers for its entities.
pub(crate) struct Asked<'a> {
    store: &'a Store,
    principal: (&'a str, &'a str),
    action: (&'a str, &'a str),
    resource: (&'a str, &'a str),
    context: &'a Constant,
}

/// The names and values of a request, owned.
pub(crate) struct Question {
    principal: (Box<str>, Box<str>),
    action: (Box<str>, Box<str>),
    resource: (Box<str>, Box<str>),
    context: Constant,
}

impl Store {
    pub(crate) fn new(entities: &Entities) -> Converted<Self> {
        let mut store = Self::default();
        for entity in entities.iter() {
            let (ty, id) = uid(&entity.uid());
            let ancestors = entities.ancestors(&entity.uid()).into_iter().flatten();
            let data = Data {
                attributes: fields(entity.attrs())?,
                tags: fields(entity.tags())?,
                ancestors: ancestors.map(uid).collect(),
            };
            store.entities.entry(ty).or_default().insert(id, data);
        }
        Ok(store)
    }

    fn get(&self, uid: Uid<'_>) -> Option<&Data> {
        self.entities.get(uid.ty)?.get(uid.id)
    }
}

impl Question {
    pub(crate) fn new(request: &Request) -> Converted<Self> {
        let known = |entity: Option<&EntityUid>| entity.map(uid).ok_or(NotConverted);
        // Cedar keeps a context to itself; as an attribute of an entity it can be read.
        let context = request.context().ok_or(NotConverted)?.clone().into_iter();
        let entity = Entity::new_no_attrs(
            EntityUid::from_type_name_and_id(
                "Context".parse().map_err(|_| NotConverted)?,
                cedar_policy::EntityId::new(""),
            ),
            HashSet::new(),
        );
        let (id, _, parents) = entity.into_inner();
        let entity = Entity::new(id, context.collect(), parents).map_err(|_| NotConverted)?;
        Ok(Self {
            principal: known(request.principal())?,
            action: known(request.action())?,
            resource: known(request.resource())?,
            context: Constant::record(fields::<Vec<_>>(entity.attrs())?),
        })
    }

    pub(crate) fn ask<'a>(&'a self, store: &'a Store) -> Asked<'a> {
        let borrow = |(ty, id): &'a (Box<str>, Box<str>)| (ty.as_ref(), id.as_ref());
        Asked {
            store,
            principal: borrow(&self.principal),
            action: borrow(&self.action),
            resource: borrow(&self.resource),
            context: &self.context,
        }
    }
}

impl<'a> Source<'a> for Asked<'a> {
    fn principal(&self) -> Uid<'a> {
        Uid { ty: self.principal.0, id: self.principal.1 }
    }

    fn action(&self) -> Uid<'a> {
        Uid { ty: self.action.0, id: self.action.1 }
    }

    fn resource(&self) -> Uid<'a> {
        Uid { ty: self.resource.0, id: self.resource.1 }
    }

    fn context(&self) -> Result<Value<'a>> {
        Ok(self.context.as_value())
    }

    fn fact(&self, _: Fact) -> Result<Value<'a>> {
        Err(Erred)
    }

    fn attribute(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        Some(self.store.get(entity)?.attributes.get(name)?.as_value())
    }

    fn tag(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        Some(self.store.get(entity)?.tags.get(name)?.as_value())
    }

    fn has_ancestor(&self, entity: Uid<'a>, ancestor: Uid<'_>) -> bool {
        self.store.get(entity).is_some_and(|data| {
            data.ancestors.iter().any(|(ty, id)| **id == *ancestor.id && **ty == *ancestor.ty)
        })
    }
}

fn uid(uid: &EntityUid) -> (Box<str>, Box<str>) {
    (uid.type_name().to_string().into(), uid.id().unescaped().into())
}

fn fields<'a, C: FromIterator<(Box<str>, Constant)>>(
    fields: impl Iterator<Item = (&'a str, std::result::Result<EvalResult, PartialValueToValueError>)>,
) -> Converted<C> {
    fields
        .map(|(name, value)| Ok((name.into(), constant(&value.map_err(|_| NotConverted)?)?)))
        .collect()
}

fn constant(value: &EvalResult) -> Converted<Constant> {
    Ok(match value {
        EvalResult::Bool(value) => Constant::Bool(*value),
        EvalResult::Long(value) => Constant::Long(*value),
        EvalResult::String(value) => Constant::String(value.as_str().into()),
        EvalResult::EntityUid(one) => {
            let (ty, id) = uid(one);
            Constant::Entity { ty, id }
        }
        EvalResult::Set(items) => {
            let items = items.iter().map(constant).collect::<Converted<Vec<_>>>()?;
            Constant::Set(Constants::new(items))
        }
        EvalResult::Record(record) => {
            let field = |(name, value): (&String, &EvalResult)| {
                Ok((Box::from(name.as_str()), constant(value)?))
            };
            Constant::record(record.iter().map(field).collect::<Converted<Vec<_>>>()?)
        }
        EvalResult::ExtensionValue(text) => called(text).ok_or(NotConverted)?,
    })
}

/// The value of `decimal("1.0")` and its like, or of the instant that Cedar writes as an offset
/// from 1970.
fn called(text: &str) -> Option<Constant> {
    let (constructor, rest) = text.trim_start_matches('(').split_once("(\"")?;
    let (argument, rest) = rest.split_once("\")")?;
    let constant = match constructor {
        "decimal" => Constant::Decimal(extension::decimal(argument)?),
        "datetime" => Constant::Datetime(extension::datetime(argument)?),
        "duration" => Constant::Duration(extension::duration(argument)?),
        "ip" => Constant::Ip(Ip::parse(argument)?),
        _ => return None,
    };
    let rest = rest.trim_start_matches(')');
    match (constant, rest.strip_prefix(".offset(duration(\"")) {
        (constant, None) if rest.is_empty() => Some(constant),
        (Constant::Datetime(from), Some(offset)) => {
            let by = extension::duration(offset.strip_suffix("\"))")?)?;
            Some(Constant::Datetime(from.checked_add(by)?))
        }
        _ => None,
    }
}
