//! What a record alone tells of an access.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_audit_log::Fact;
use dataspace_policy::{Action, Environment, Uses};
use dataspace_primitives::{Name, Region};

/// What only the consumer's request tells, and the counts of the decision.
pub(super) struct Stated<'a> {
    pub(super) action: Action,
    pub(super) purpose: Name,
    pub(super) person: Option<(&'a str, BTreeSet<Name>)>,
    pub(super) environment: Option<Environment<'a>>,
    pub(super) recipient_region: Option<Region>,
    pub(super) uses: Uses,
}

impl<'a> Stated<'a> {
    /// # Errors
    /// The name of a fact that is missing or cannot be what it says.
    pub(super) fn read(facts: &'a BTreeMap<String, Fact>) -> Result<Self, &'static str> {
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
                Some((id.as_str(), roles.map_err(|_| "personRoles")?))
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
            purpose: text("purpose")?.parse().map_err(|_| "purpose")?,
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
