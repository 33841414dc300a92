//! The facts of one access, and how the log keeps them.
//!
//! What nothing here tells is not known, and so does not permit and does forbid: payment, events,
//! the state of the contract's process, a product's level, the attestation of an environment, and
//! every credential but the one of membership.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use dataspace_identity::MembershipCredential;
use dataspace_policy::{Action, Environment, Facts, Person, Terms, Uses};
use dataspace_primitives::{Name, Region, UnixMillis};
use dataspace_tlog::Fact;
use dataspace_usage_contract::{AccessRequest, Agreement, StatedEnvironment, Statements};

/// Every member was admitted by one of these; whether it has others is not known.
static CREDENTIALS: LazyLock<BTreeSet<Name>> =
    LazyLock::new(|| "MembershipCredential".parse().into_iter().collect());

/// What only the consumer's request tells, and the counts of the decision.
#[derive(Clone, Debug)]
pub struct Stated<'a> {
    /// What to do.
    pub action: Action,
    /// What for.
    pub purpose: Cow<'a, Name>,
    /// Who, and in which roles.
    pub person: Option<(&'a str, Cow<'a, BTreeSet<Name>>)>,
    /// Where it is processed.
    pub environment: Option<Environment<'a>>,
    /// Where the recipient is.
    pub recipient_region: Option<Region>,
    /// The counts on which is decided.
    pub uses: Uses,
}

impl<'a> Stated<'a> {
    /// As the consumer signed it.
    #[must_use]
    pub fn of(request: &'a AccessRequest, uses: Uses) -> Self {
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
    pub fn read(facts: &'a BTreeMap<String, Fact>) -> Result<Self, &'static str> {
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

fn stated_environment(environment: &StatedEnvironment) -> Environment<'_> {
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

/// What the facts of an access are made of, be it decided now or again.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The agreement that both parties signed.
    pub agreement: &'a Agreement,
    /// The contract's identifier.
    pub contract: &'a str,
    /// The time of the record of the conclusion.
    pub agreed_at: UnixMillis,
    /// The consumer's, in force at the decision.
    pub credential: &'a MembershipCredential,
    /// What the request states.
    pub stated: &'a Stated<'a>,
    /// The purpose and every broader one; `None` if the space does not have it, which is denied in
    /// any case.
    pub purposes: Option<&'a BTreeSet<Name>>,
    /// The time of the record of the decision.
    pub now: UnixMillis,
}

impl<'a> Basis<'a> {
    /// The facts.
    #[must_use]
    pub fn facts(&self) -> Facts<'a> {
        let Self { agreement, credential, stated, .. } = *self;
        let consumer = (agreement.consumer.as_str(), credential.region);
        let product = (agreement.product.as_str(), agreement.product_class.as_str());
        let purpose = stated.purpose.as_str();
        let plain = Facts::new(consumer, stated.action, product, purpose, self.now);
        Facts {
            roles: &credential.roles,
            credentials: &CREDENTIALS,
            attributes: &credential.attributes,
            person: stated.person.as_ref().map(|(id, roles)| Person { id, roles }),
            purposes: self.purposes.unwrap_or(plain.purposes),
            recipient_region: stated.recipient_region,
            environment: stated.environment,
            contract: self.contract,
            space: agreement.space.name.as_str(),
            agreed_at: self.agreed_at,
            uses: stated.uses,
            ..plain
        }
    }
}

/// The duties that a release executes, as its record names them.
#[must_use]
pub fn duties(terms: &Terms) -> Vec<String> {
    (1..=terms.duties.len()).map(|number| format!("duty-{number}")).collect()
}

/// Every fact that is known, so that the decision can be made again from the log. The contract is
/// the record's own.
#[must_use]
pub fn recorded(facts: &Facts<'_>) -> BTreeMap<String, Fact> {
    let Facts {
        participant,
        region,
        roles,
        credentials,
        attributes,
        person,
        product,
        product_class,
        product_level,
        action,
        purpose,
        purposes,
        recipient_region,
        environment,
        now,
        space,
        contract: _,
        agreed_at,
        uses,
        payment,
        events,
        state,
    } = facts;
    let mut all = vec![
        ("participant", text(participant)),
        ("region", text(region.as_str())),
        ("roles", texts(roles)),
        ("credentials", texts(credentials)),
        ("product", text(product)),
        ("productClass", text(product_class)),
        ("action", text(action.as_str())),
        ("purpose", text(purpose)),
        ("purposes", texts(purposes)),
        ("now", number(now.as_millis())),
        ("space", text(space)),
        ("agreedAt", number(agreed_at.as_millis())),
        ("uses", number(uses.contract)),
        ("usesByConsumer", number(uses.consumer)),
        ("usesToday", number(uses.today)),
        ("usesThisMonth", number(uses.this_month)),
    ];
    if let Some(person) = person {
        all.extend([("person", text(person.id)), ("personRoles", texts(person.roles))]);
    }
    if let Some(environment) = environment {
        all.extend([
            ("environment", text(environment.id)),
            ("environmentSandbox", flag(environment.sandbox)),
            ("environmentSecurityLevel", number(environment.security_level)),
            ("environmentConnector", text(environment.connector)),
            ("environmentApplication", text(environment.application)),
        ]);
    }
    let attested = environment.and_then(|environment| environment.attested);
    all.extend(attested.map(|attested| ("environmentAttested", flag(attested))));
    all.extend(product_level.map(|level| ("productLevel", number(level))));
    all.extend(recipient_region.map(|region| ("recipientRegion", text(region.as_str()))));
    all.extend(payment.map(|payment| ("payment", text(payment.as_str()))));
    all.extend(events.map(|events| ("events", texts(events))));
    all.extend(state.map(|state| ("state", text(state))));
    let attributes = attributes.iter().map(|(name, value)| {
        // No other fact has a colon in its name.
        (format!("attribute:{name}"), text(value.as_str()))
    });
    all.into_iter().map(|(name, fact)| (name.to_owned(), fact)).chain(attributes).collect()
}

fn text(text: &str) -> Fact {
    Fact::Text(text.to_owned())
}

fn texts(names: &BTreeSet<Name>) -> Fact {
    Fact::Texts(names.iter().map(ToString::to_string).collect())
}

fn number(number: impl Into<u64>) -> Fact {
    Fact::Number(number.into())
}

fn flag(flag: bool) -> Fact {
    text(if flag { "true" } else { "false" })
}
