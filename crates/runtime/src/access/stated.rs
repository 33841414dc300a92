//! What a record alone tells of an access.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use dataspace_audit_log::Fact;
use dataspace_policy::{Action, Environment, Uses};
use dataspace_primitives::{Name, Region};
use dataspace_usage_contract::{AccessRequest, StatedEnvironment, Statements};

/// What only the consumer's request tells, and the counts of the decision.
pub(crate) struct Stated<'a> {
    pub(crate) action: Action,
    pub(crate) purpose: Cow<'a, Name>,
    pub(crate) person: Option<(&'a str, Cow<'a, BTreeSet<Name>>)>,
    pub(crate) environment: Option<Environment<'a>>,
    pub(crate) recipient_region: Option<Region>,
    pub(crate) uses: Uses,
}

impl<'a> Stated<'a> {
    /// As the consumer signed it.
    pub(crate) fn of(request: &'a AccessRequest, uses: Uses) -> Self {
        let Statements { recipient_region, person, environment } = &request.statements;
        Self {
            action: request.action,
            purpose: Cow::Borrowed(&request.purpose),
            person: person.as_ref().map(|one| (one.id.as_str(), Cow::Borrowed(&one.roles))),
            environment: environment.as_ref().map(stated_environment),
            recipient_region: *recipient_region,
            uses,
        }
    }

    /// As a record says it.
    ///
    /// # Errors
    /// The name of a fact that is missing or cannot be what it says.
    pub(crate) fn read(facts: &'a BTreeMap<String, Fact>) -> Result<Self, &'static str> {
        let text = |name: &'static str| match facts.get(name) {
            Some(Fact::Text(text)) => Ok(text.as_str()),
            _ => Err(name),
        };
        let number = |name: &'static str| match facts.get(name) {
            Some(Fact::Number(number)) => Ok(*number),
            _ => Err(name),
        };
        let person = match facts.get("person") {
            None => None,
            Some(Fact::Text(id)) => {
                let Some(Fact::Texts(roles)) = facts.get("personRoles") else {
                    return Err("personRoles");
                };
                let roles = roles.iter().map(|role| role.parse()).collect::<Result<_, _>>();
                let roles: BTreeSet<Name> = roles.map_err(|_| "personRoles")?;
                Some((id.as_str(), Cow::Owned(roles)))
            }
            Some(_) => return Err("person"),
        };
        let environment = match facts.get("environment") {
            None => None,
            Some(_) => Some(Environment {
                id: text("environment")?,
                // Nobody checks an attestation, so none counts.
                attested: None,
                sandbox: text("environmentSandbox")? == "true",
                security_level: number("environmentSecurityLevel")?
                    .try_into()
                    .map_err(|_| "environmentSecurityLevel")?,
                connector: text("environmentConnector")?,
                application: text("environmentApplication")?,
            }),
        };
        let recipient_region = match facts.get("recipientRegion") {
            None => None,
            Some(_) => Some(text("recipientRegion")?.parse().map_err(|_| "recipientRegion")?),
        };
        Ok(Self {
            action: text("action")?.parse().map_err(|_| "action")?,
            purpose: Cow::Owned(text("purpose")?.parse().map_err(|_| "purpose")?),
            person,
            environment,
            recipient_region,
            uses: Uses {
                contract: number("uses")?,
                consumer: number("usesByConsumer")?,
                today: number("usesToday")?,
                this_month: number("usesThisMonth")?,
            },
        })
    }
}

pub(crate) fn stated_environment(environment: &StatedEnvironment) -> Environment<'_> {
    Environment {
        id: environment.id.as_str(),
        // Nobody checks one.
        attested: None,
        sandbox: environment.sandbox,
        security_level: environment.security_level,
        connector: environment.connector.as_str(),
        application: environment.application.as_str(),
    }
}
