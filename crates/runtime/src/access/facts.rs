//! The facts of one access, and how the log keeps them.
//!
//! What nothing here tells is not known, and so does not permit and does forbid: payment, events,
//! the state of the contract's process, a product's level, the attestation of an environment, and
//! every credential but the one of membership.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use dataspace_audit_log::Fact;
use dataspace_identity::MembershipCredential;
use dataspace_policy::{Facts, Person, Terms};
use dataspace_primitives::{Name, UnixMillis};
use dataspace_usage_contract::{Agreement, PublishedProfile, StatedPerson, Statements};

use crate::access::asked::Decided;
use crate::access::stated::{Stated, stated_environment};
use crate::state::members::Member;

/// Every member was admitted by one of these; whether it has others is not known.
static CREDENTIALS: LazyLock<BTreeSet<Name>> =
    LazyLock::new(|| "MembershipCredential".parse().into_iter().collect());

impl Decided {
    /// As they were at the decision.
    pub(crate) fn facts(&self) -> Facts<'_> {
        self.facts_at(self.now, &self.member, &self.profile)
    }

    /// As they are for the same access at another time. Its own use is not counted again.
    pub(crate) fn facts_at<'a>(
        &'a self,
        now: UnixMillis,
        member: &'a Member,
        profile: &'a PublishedProfile,
    ) -> Facts<'a> {
        let agreement = self.asked.contract.agreement.value();
        let request = self.asked.request.value();
        let credential = member.admitted.credential();
        let consumer = (agreement.consumer.as_str(), credential.region);
        let product = (agreement.product.as_str(), agreement.product_class.as_str());
        let plain = Facts::new(consumer, request.action, product, request.purpose.as_str(), now);
        let Statements { recipient_region, person, environment } = &request.statements;
        Facts {
            roles: &credential.roles,
            credentials: &CREDENTIALS,
            attributes: &credential.attributes,
            person: person.as_ref().map(stated_person),
            // A purpose that the space does not have is denied in any case.
            purposes: profile.purposes(&request.purpose).unwrap_or(plain.purposes),
            recipient_region: *recipient_region,
            environment: environment.as_ref().map(stated_environment),
            contract: &self.asked.contract.id_text,
            space: agreement.space.name.as_str(),
            agreed_at: self.asked.contract.agreed_at,
            uses: self.uses,
            ..plain
        }
    }
}

fn stated_person(person: &StatedPerson) -> Person<'_> {
    Person { id: person.id.as_str(), roles: &person.roles }
}

/// What the facts of a recorded access are made of: for whoever makes the decision again.
pub(crate) struct Basis<'a> {
    pub(crate) agreement: &'a Agreement,
    /// The contract's identifier.
    pub(crate) contract: &'a str,
    /// The time of the record of the conclusion.
    pub(crate) agreed_at: UnixMillis,
    /// The consumer's, in force at the decision.
    pub(crate) credential: &'a MembershipCredential,
    pub(crate) stated: &'a Stated<'a>,
    /// The purpose and every broader one; `None` if the space does not have it, which is denied in
    /// any case.
    pub(crate) purposes: Option<&'a BTreeSet<Name>>,
    /// The time of the record of the decision.
    pub(crate) now: UnixMillis,
}

impl<'a> Basis<'a> {
    pub(crate) fn facts(&self) -> Facts<'a> {
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
pub(crate) fn duties(terms: &Terms) -> Vec<String> {
    (1..=terms.duties.len()).map(|number| format!("duty-{number}")).collect()
}

/// Every fact that is known, so that the decision can be made again from the log. The contract is
/// the record's own.
pub(crate) fn recorded(facts: &Facts<'_>) -> BTreeMap<String, Fact> {
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
