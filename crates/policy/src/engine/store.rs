//! Cedar's entities and requests as values.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use bumpalo::Bump;
use cedar_policy::pst::SmolStr;
use cedar_policy::{Entities, EntityUid, Request};
use cedar_policy_core::ast::{self, ExprKind, Literal, PartialValue, ValueKind};
use foldhash::fast::RandomState;

use super::extension::{self, Ip};
use super::source::{Erred, Result, Source};
use super::value::{Constant, Record, Set, Uid, Value};
use crate::facts::Fact;

/// Deepest nesting of data that is taken over, as deep as JSON is read.
const DATA_DEPTH_MAX: usize = 128;

/// An entity or a request that cannot be taken over: an unknown, an extension type that is not one
/// of Cedar's four, or data nested deeper than [`DATA_DEPTH_MAX`].
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

/// A request, and the store that answers for its entities. Of the context it takes over what is
/// read, when it is read.
pub(crate) struct Asked<'a> {
    store: &'a Store,
    question: &'a Question<'a>,
    memory: &'a Bump,
    /// Sets and records of the context that were read.
    read: RefCell<HashMap<&'a str, Value<'a>, RandomState>>,
    context: OnceCell<Value<'a>>,
    is_foreign: Cell<bool>,
}

/// The names of a request and its context, where they are.
pub(crate) struct Question<'a> {
    principal: (String, &'a str),
    action: (String, &'a str),
    resource: (String, &'a str),
    context: &'a BTreeMap<SmolStr, ast::Value>,
}

impl Store {
    pub(crate) fn new(entities: &Entities) -> Converted<Self> {
        let mut store = Self::default();
        for entity in entities.iter() {
            let (ty, id) = owned(&entity.uid());
            let ancestors = entities.ancestors(&entity.uid()).into_iter().flatten();
            let ancestors = ancestors.map(owned).collect();
            let entity: &ast::Entity = entity.as_ref();
            let (attributes, tags) = (fields(entity.attrs())?, fields(entity.tags())?);
            let data = Data { attributes, tags, ancestors };
            store.entities.entry(ty).or_default().insert(id, data);
        }
        Ok(store)
    }

    fn get(&self, uid: Uid<'_>) -> Option<&Data> {
        self.entities.get(uid.ty)?.get(uid.id)
    }
}

impl<'a> Question<'a> {
    pub(crate) fn new(request: &'a Request) -> Converted<Self> {
        let known = |entity: Option<&'a EntityUid>| {
            let entity = entity.ok_or(NotConverted)?;
            Ok((entity.type_name().to_string(), entity.id().unescaped()))
        };
        let context = request.context().ok_or(NotConverted)?.as_ref();
        let ast::Context::Value(context) = context else { return Err(NotConverted) };
        Ok(Self {
            principal: known(request.principal())?,
            action: known(request.action())?,
            resource: known(request.resource())?,
            context,
        })
    }

    pub(crate) fn ask(&'a self, store: &'a Store, memory: &'a Bump) -> Asked<'a> {
        Asked {
            store,
            question: self,
            memory,
            read: RefCell::default(),
            context: OnceCell::new(),
            is_foreign: Cell::new(false),
        }
    }
}

impl<'a> Asked<'a> {
    /// Returns true if something was read that cannot be taken over, so that what was found does not count.
    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign.get()
    }

    fn taken(&self, value: &'a ast::Value) -> Result<Value<'a>> {
        taken(value, 0, self.memory).map_err(|NotConverted| {
            self.is_foreign.set(true);
            Erred
        })
    }
}

fn named<'a>((ty, id): &'a (String, &'a str)) -> Uid<'a> {
    Uid { id, ty }
}

impl<'a> Source<'a> for Asked<'a> {
    fn principal(&self) -> Uid<'a> {
        named(&self.question.principal)
    }

    fn action(&self) -> Uid<'a> {
        named(&self.question.action)
    }

    fn resource(&self) -> Uid<'a> {
        named(&self.question.resource)
    }

    fn context(&self) -> Result<Value<'a>> {
        if let Some(whole) = self.context.get() {
            return Ok(*whole);
        }
        let mut fields = Vec::with_capacity(self.question.context.len());
        for (name, value) in self.question.context {
            fields.push((name.as_str(), self.taken(value)?));
        }
        let whole = Value::Record(Record::Built(self.memory.alloc_slice_copy(&fields)));
        Ok(*self.context.get_or_init(|| whole))
    }

    fn has_context_attribute(&self, name: &str) -> bool {
        self.question.context.contains_key(name)
    }

    fn context_attribute(&self, name: &str) -> Result<Option<Value<'a>>> {
        let Some((name, value)) = self.question.context.get_key_value(name) else {
            return Ok(None);
        };
        if !matches!(value.value_kind(), ValueKind::Set(_) | ValueKind::Record(_)) {
            return self.taken(value).map(Some);
        }
        if let Some(known) = self.read.borrow().get(name.as_str()) {
            return Ok(Some(*known));
        }
        let value = self.taken(value)?;
        self.read.borrow_mut().insert(name, value);
        Ok(Some(value))
    }

    // INVARIANT: only the paved path compiles to facts.
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

fn owned(uid: &EntityUid) -> (Box<str>, Box<str>) {
    (uid.type_name().to_string().into(), uid.id().unescaped().into())
}

fn fields<'a>(
    fields: impl Iterator<Item = (&'a SmolStr, &'a PartialValue)>,
) -> Converted<HashMap<Box<str>, Constant>> {
    let memory = Bump::new();
    let field = |(name, value): (&SmolStr, &PartialValue)| match value {
        PartialValue::Value(value) => {
            Ok((name.as_str().into(), taken(value, 0, &memory)?.to_constant()))
        }
        PartialValue::Residual(_) => Err(NotConverted),
    };
    fields.map(field).collect()
}

/// Cedar's value as one of ours, with its texts where they are.
fn taken<'a>(value: &'a ast::Value, depth: usize, memory: &'a Bump) -> Converted<Value<'a>> {
    if depth > DATA_DEPTH_MAX {
        return Err(NotConverted);
    }
    Ok(match value.value_kind() {
        ValueKind::Lit(Literal::Bool(value)) => Value::Bool(*value),
        ValueKind::Lit(Literal::Long(value)) => Value::Long(*value),
        ValueKind::Lit(Literal::String(value)) => Value::String(value),
        ValueKind::Lit(Literal::EntityUID(uid)) => {
            let ty = memory.alloc_str(&uid.entity_type().to_string());
            Value::Entity(Uid { ty, id: uid.eid().as_ref() })
        }
        ValueKind::Set(items) => {
            let items = items.iter().map(|item| taken(item, depth + 1, memory));
            let mut items = items.collect::<Converted<Vec<_>>>()?;
            items.sort_unstable();
            items.dedup();
            Value::Set(Set::Built(memory.alloc_slice_copy(&items)))
        }
        ValueKind::Record(fields) => {
            let field = |(name, value): (&'a SmolStr, &'a ast::Value)| {
                Ok((name.as_str(), taken(value, depth + 1, memory)?))
            };
            let fields = fields.iter().map(field).collect::<Converted<Vec<_>>>()?;
            Value::Record(Record::Built(memory.alloc_slice_copy(&fields)))
        }
        ValueKind::ExtensionValue(value) => {
            let call = ast::RestrictedExpr::from(value.as_ref().clone()).into();
            called(&call).ok_or(NotConverted)?
        }
    })
}

/// The value of `decimal("1.0")` and its like, or of an instant, which Cedar writes as an offset
/// from 1970.
fn called(call: &ast::Expr) -> Option<Value<'static>> {
    let ExprKind::ExtensionFunctionApp { fn_name, args } = call.expr_kind() else { return None };
    match (fn_name.to_string().as_str(), args.as_slice()) {
        ("offset", [from, by]) => match (called(from)?, called(by)?) {
            (Value::Datetime(from), Value::Duration(by)) => {
                Some(Value::Datetime(from.checked_add(by)?))
            }
            _ => None,
        },
        (constructor, [argument]) => {
            let ExprKind::Lit(Literal::String(text)) = argument.expr_kind() else { return None };
            match constructor {
                "decimal" => extension::decimal(text).map(Value::Decimal),
                "datetime" => extension::datetime(text).map(Value::Datetime),
                "duration" => extension::duration(text).map(Value::Duration),
                "ip" => Ip::parse(text).map(Value::Ip),
                _ => None,
            }
        }
        _ => None,
    }
}
