//! The facts of one access as values, by the schema of a data space.

use cedar_policy::pst::{Expr, Var};

use super::entity::{
    ACTION, CONTRACT, ENVIRONMENT, PARTICIPANT, PERSON, PRODUCT, ROLE, SPACE, TIME_ZONE,
};
use super::node::{Fact, Text};
use super::shape::Constants;
use super::source::{Erred, Result, Source};
use super::value::{Set, Uid, Value};
use crate::facts::{Facts, Payment};
use crate::zone;

/// The facts of one access, with numbers that Cedar can hold.
pub(crate) struct Access<'a> {
    facts: &'a Facts<'a>,
    constants: Constants<'a>,
    now: i64,
    agreed_at: i64,
}

/// Which fact stands behind `expr.name`.
pub(crate) fn fact(expr: &Expr, name: &str) -> Option<Fact> {
    let Expr::Var(variable) = expr else { return None };
    Some(match (variable, name) {
        (Var::Principal, "region") => Fact::Region,
        (Var::Principal, "roles") => Fact::Roles,
        (Var::Principal, "credentials") => Fact::Credentials,
        (Var::Resource, "class") => Fact::Class,
        (Var::Resource, "level") => Fact::Level,
        (Var::Context, "now") => Fact::Now,
        (Var::Context, "purpose") => Fact::Purpose,
        (Var::Context, "purposes") => Fact::Purposes,
        (Var::Context, "space") => Fact::Space,
        (Var::Context, "contract") => Fact::Contract,
        (Var::Context, "uses") => Fact::Uses,
        (Var::Context, "usesByConsumer") => Fact::UsesByConsumer,
        (Var::Context, "usesToday") => Fact::UsesToday,
        (Var::Context, "usesThisMonth") => Fact::UsesThisMonth,
        (Var::Context, "person") => Fact::Person,
        (Var::Context, "environment") => Fact::Environment,
        (Var::Context, "recipientRegion") => Fact::RecipientRegion,
        (Var::Context, "payment") => Fact::Payment,
        (Var::Context, "events") => Fact::Events,
        (Var::Context, "state") => Fact::State,
        _ => return None,
    })
}

impl<'a> Access<'a> {
    /// `None` if a number is larger than Cedar's.
    pub(crate) fn new(facts: &'a Facts<'a>, constants: Constants<'a>) -> Option<Self> {
        let now = i64::try_from(facts.now.as_millis()).ok()?;
        let agreed_at = i64::try_from(facts.agreed_at.as_millis()).ok()?;
        let uses = &facts.uses;
        let all_fit = [uses.contract, uses.consumer, uses.today, uses.this_month]
            .into_iter()
            .all(|count| i64::try_from(count).is_ok());
        all_fit.then_some(Self { facts, constants, now, agreed_at })
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

/// INVARIANT: [`Access::new`] made sure that it fits.
fn count(count: u64) -> Value<'static> {
    Value::Long(i64::try_from(count).unwrap_or(i64::MAX))
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
        let facts = self.facts;
        Ok(match fact {
            Fact::Region => Value::String(facts.region.as_str()),
            Fact::Roles => Value::Set(Set::Names(facts.roles)),
            Fact::Credentials => Value::Set(Set::Names(facts.credentials)),
            Fact::Class => Value::String(facts.product_class),
            Fact::Level => Value::Long(i64::from(facts.product_level.ok_or(Erred)?)),
            Fact::Now => Value::Datetime(self.now),
            Fact::Purpose => Value::String(facts.purpose),
            Fact::Purposes => Value::Set(Set::Names(facts.purposes)),
            Fact::Space => Value::Entity(Uid { ty: SPACE, id: facts.space }),
            Fact::Contract => Value::Entity(Uid { ty: CONTRACT, id: facts.contract }),
            Fact::Uses => count(facts.uses.contract),
            Fact::UsesByConsumer => count(facts.uses.consumer),
            Fact::UsesToday => count(facts.uses.today),
            Fact::UsesThisMonth => count(facts.uses.this_month),
            Fact::Person => Value::Entity(Uid { ty: PERSON, id: facts.person.ok_or(Erred)?.id }),
            Fact::Environment => {
                Value::Entity(Uid { ty: ENVIRONMENT, id: facts.environment.ok_or(Erred)?.id })
            }
            Fact::RecipientRegion => {
                Value::String(facts.recipient_region.as_ref().ok_or(Erred)?.as_str())
            }
            Fact::Payment => Value::String(facts.payment.map(Payment::as_str).ok_or(Erred)?),
            Fact::Events => Value::Set(Set::Names(facts.events.ok_or(Erred)?)),
            Fact::State => Value::String(facts.state.ok_or(Erred)?),
        })
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
        match entity.ty {
            PARTICIPANT if entity.id == facts.participant => match name {
                "region" => self.fact(Fact::Region).ok(),
                "roles" => self.fact(Fact::Roles).ok(),
                "credentials" => self.fact(Fact::Credentials).ok(),
                _ => None,
            },
            PRODUCT if entity.id == facts.product => match name {
                "class" => self.fact(Fact::Class).ok(),
                "level" => self.fact(Fact::Level).ok(),
                _ => None,
            },
            CONTRACT if entity.id == facts.contract => {
                (name == "agreedAt").then_some(Value::Datetime(self.agreed_at))
            }
            ENVIRONMENT => {
                let environment = facts.environment.filter(|one| one.id == entity.id)?;
                Some(match name {
                    "attested" => Value::Bool(environment.attested?),
                    "sandbox" => Value::Bool(environment.sandbox),
                    "securityLevel" => Value::Long(i64::from(environment.security_level)),
                    "connector" => Value::String(environment.connector),
                    "application" => Value::String(environment.application),
                    _ => return None,
                })
            }
            TIME_ZONE => {
                let local = zone::local(entity.id, facts.now)?;
                match name {
                    "weekday" => Some(Value::Long(local.weekday)),
                    "minute" => Some(Value::Long(local.minute)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn tag(&self, entity: Uid<'a>, name: &str) -> Option<Value<'a>> {
        if entity != self.principal() {
            return None;
        }
        let mut attributes = self.facts.attributes.iter();
        let (_, value) = attributes.find(|(key, _)| key.as_str() == name)?;
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
