//! The facts of one access as values, by the schema of a data space.

use cedar_policy::pst::{Expr, Var};

use super::entity::{ACTION, CONTRACT, ENVIRONMENT, PARTICIPANT, PERSON, PRODUCT, ROLE, TIME_ZONE};
use super::node::Text;
use super::shape::Constants;
use super::source::{Erred, Result, Source};
use super::value::{Set, Uid, Value};
use crate::facts::{Fact, Facts, Known, Owner};
use crate::zone;

/// The facts of one access, with numbers that Cedar can hold.
pub(crate) struct Access<'a> {
    facts: &'a Facts<'a>,
    constants: Constants<'a>,
    now: i64,
}

/// Which fact stands behind `expr.name`.
pub(crate) fn fact(expr: &Expr, name: &str) -> Option<Fact> {
    let Expr::Var(variable) = expr else { return None };
    let owner = match variable {
        Var::Principal => Owner::Principal,
        Var::Resource => Owner::Resource,
        Var::Context => Owner::Context,
        Var::Action => return None,
    };
    Fact::named(owner, name)
}

impl<'a> Access<'a> {
    /// `None` if a number is larger than Cedar's.
    pub(crate) fn new(facts: &'a Facts<'a>, constants: Constants<'a>) -> Option<Self> {
        let now = i64::try_from(facts.now.as_millis()).ok()?;
        let uses = &facts.uses;
        let agreed_at = facts.agreed_at.as_millis();
        let metered = [uses.metered.plays, uses.metered.seconds];
        let all_fit = [agreed_at, uses.contract, uses.consumer, uses.today, uses.this_month]
            .into_iter()
            .chain(metered.into_iter().flatten())
            .all(|number| i64::try_from(number).is_ok());
        all_fit.then_some(Self { facts, constants, now })
    }

    pub(crate) fn facts(&self) -> &'a Facts<'a> {
        self.facts
    }

    pub(crate) fn constants(&self) -> Constants<'a> {
        self.constants
    }
}

impl Access<'_> {
    fn is_same(&self, fact: &str, text: &Text) -> bool {
        match text {
            Text::Own(text) => **text == *fact,
            Text::Place(place) => self.constants.id(*place) == Some(fact.as_bytes()),
        }
    }
}

impl<'a> From<Known<'a>> for Value<'a> {
    // INVARIANT: [`Access::new`] made sure that numbers fit.
    #[inline]
    fn from(known: Known<'a>) -> Self {
        let long = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match known {
            Known::Text(text) => Self::String(text),
            Known::Texts(names) => Self::Set(Set::Names(names)),
            Known::Number(number) => Self::Long(long(number)),
            Known::Instant(at) => Self::Datetime(long(at.as_millis())),
            Known::Flag(flag) => Self::Bool(flag),
            Known::Entity { ty, id } => Self::Entity(Uid { id, ty }),
        }
    }
}

impl<'a> Source<'a> for Access<'a> {
    fn principal(&self) -> Uid<'a> {
        Uid { ty: PARTICIPANT, id: self.facts.participant }
    }

    fn action(&self) -> Uid<'a> {
        Uid { ty: ACTION, id: self.facts.action.as_str() }
    }

    fn resource(&self) -> Uid<'a> {
        Uid { ty: PRODUCT, id: self.facts.product }
    }

    // INVARIANT: what reads the context in another way than by its facts is not compiled.
    fn context(&self) -> Result<Value<'a>> {
        Err(Erred)
    }

    fn fact(&self, fact: Fact) -> Result<Value<'a>> {
        self.facts.read(fact).ok_or(Erred)
    }

    fn is_participant(&self, text: &Text) -> bool {
        self.is_same(self.facts.participant, text)
    }

    fn is_product(&self, text: &Text) -> bool {
        self.is_same(self.facts.product, text)
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn place(&self, place: u16) -> Result<&'a str> {
        // INVARIANT: it was cut from a text between two characters.
        str::from_utf8(self.constants.id(place).ok_or(Erred)?).map_err(|_| Erred)
    }

    fn time_place(&self, place: u16) -> Result<i64> {
        self.constants.time(place).ok_or(Erred)
    }

    fn attribute(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        let facts = self.facts;
        let owner = match entity.ty {
            PARTICIPANT if entity.id == facts.participant => Owner::Principal,
            PRODUCT if entity.id == facts.product => Owner::Resource,
            CONTRACT if entity.id == facts.contract => Owner::Contract,
            ENVIRONMENT if facts.environment.is_some_and(|one| one.id == entity.id) => {
                Owner::Environment
            }
            TIME_ZONE => {
                let local = zone::local(entity.id, facts.now)?;
                return match name {
                    "weekday" => Some(Value::Long(local.weekday)),
                    "minute" => Some(Value::Long(local.minute)),
                    _ => None,
                };
            }
            _ => return None,
        };
        facts.read(Fact::named(owner, name)?)
    }

    fn tag(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        let tags = match entity.ty {
            PARTICIPANT if entity.id == self.facts.participant => self.facts.attributes,
            CONTRACT if entity.id == self.facts.contract => self.facts.vouched,
            _ => return None,
        };
        let (_, value) = tags.iter().find(|(key, _)| key.as_str() == name)?;
        Some(Value::String(value.as_str()))
    }

    fn has_ancestor(&self, entity: Uid<'a>, ancestor: Uid<'_>) -> bool {
        if ancestor.ty != ROLE {
            return false;
        }
        let roles = match entity.ty {
            PARTICIPANT if entity.id == self.facts.participant => Some(self.facts.roles),
            PERSON => {
                let person = self.facts.person.filter(|person| person.id == entity.id);
                person.map(|person| person.roles)
            }
            _ => None,
        };
        roles.is_some_and(|roles| roles.iter().any(|role| role.as_str() == ancestor.id))
    }
}
