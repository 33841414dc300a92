//! The facts of one access, and how the log keeps them.
//!
//! What nothing here tells is not known, and so does not permit and does forbid: what no party states
//! that the space trusts for it, and every credential but the one of membership.

mod in_log;
mod vouched;

pub(crate) use self::vouched::PLACE;
pub use self::vouched::{Vouched, statement_places};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use dataspace_identity::MembershipCredential;
use dataspace_policy::{
    Action, Facts, Terms, Uses,
    facts::{Environment, Fact, Known, Metered, Person, Told},
};
use dataspace_primitives::{Name, Part, UnixMillis};
use dataspace_tlog::{AccessRecord, Fact as Entry};
use dataspace_usage_contract::{AccessRequest, Agreement, Statements, meter::Use};

use self::in_log::{InLog, name};

/// Every member was admitted by one of these; whether it has others is not known.
static CREDENTIALS: LazyLock<BTreeSet<Name>> =
    LazyLock::new(|| "MembershipCredential".parse().into_iter().collect());

/// What only the consumer's request tells, and the counts of the decision.
#[derive(Clone, Debug)]
pub struct Stated<'a> {
    /// What to do.
    pub action: Action,
    /// The access, as far as counts depend on it.
    pub access: Use,
    /// What for.
    pub purpose: Cow<'a, Name>,
    /// Who, and in which roles.
    pub person: Option<(&'a str, Cow<'a, BTreeSet<Name>>)>,
    /// What else it says.
    pub told: Told<'a>,
    /// The counts on which is decided.
    pub uses: Uses,
}

impl<'a> Stated<'a> {
    /// As the consumer signed it.
    #[must_use]
    pub fn of(request: &'a AccessRequest, uses: Uses) -> Self {
        let part = request.part.as_ref();
        Self::new((request.action, &request.purpose, part), &request.statements, uses)
    }

    /// As a consumer states it to its own node.
    #[must_use]
    pub fn new(
        (action, purpose, part): (Action, &'a Name, Option<&Part>),
        statements: &'a Statements,
        uses: Uses,
    ) -> Self {
        let person = statements.person.as_ref();
        Self {
            action,
            access: Use::new(action, part),
            purpose: Cow::Borrowed(purpose),
            person: person.map(|one| (one.id.as_str(), Cow::Borrowed(&one.roles))),
            told: statements.told(),
            uses,
        }
    }

    /// As a record says it.
    ///
    /// # Errors
    /// The name of a fact that is missing or cannot be what it says.
    pub fn read(access: &'a AccessRecord) -> Result<Self, &'static str> {
        let record = InLog(&access.facts);
        let text = |fact| match record.known(fact)? {
            Some(Known::Text(text)) => Ok(text),
            _ => Err(name(fact)),
        };
        let number = |fact| match record.known(fact)? {
            Some(Known::Number(number)) => Ok(number),
            _ => Err(name(fact)),
        };
        let person = match record.known(Fact::Person)? {
            None => None,
            Some(_) => Some((text(Fact::Person)?, Cow::Owned(record.names(Fact::PersonRoles)?))),
        };
        let environment = match record.known(Fact::Environment)? {
            None => None,
            Some(_) => Some(Environment {
                id: text(Fact::Environment)?,
                // Not by the consumer.
                attested: None,
                sandbox: record.known(Fact::Sandbox)? == Some(Known::Flag(true)),
                security_level: number(Fact::SecurityLevel)?
                    .try_into()
                    .map_err(|_| name(Fact::SecurityLevel))?,
                connector: text(Fact::Connector)?,
                application: text(Fact::Application)?,
            }),
        };
        let mut told = Told { environment, ..Told::default() };
        for fact in Fact::ALL.iter().copied().filter(|fact| fact.is_stated()) {
            if let Some(known) = record.known(fact)?
                && !told.read(fact, known)
            {
                return Err(name(fact));
            }
        }
        let counted = |fact| match record.known(fact)? {
            None => Ok(None),
            Some(Known::Number(number)) => Ok(Some(number)),
            Some(_) => Err(name(fact)),
        };
        let played_until = counted(Fact::PlayedUntil)?.map(u32::try_from).transpose();
        let metered = Metered {
            plays: counted(Fact::Plays)?,
            played_until: played_until.map_err(|_| name(Fact::PlayedUntil))?,
            seconds: counted(Fact::Seconds)?,
        };
        let action = text(Fact::Action)?.parse().map_err(|_| name(Fact::Action))?;
        Ok(Self {
            action,
            access: Use::new(action, access.part.as_ref()),
            purpose: Cow::Owned(text(Fact::Purpose)?.parse().map_err(|_| name(Fact::Purpose))?),
            person,
            told,
            uses: Uses {
                contract: number(Fact::Uses)?,
                consumer: number(Fact::UsesByConsumer)?,
                today: number(Fact::UsesToday)?,
                this_month: number(Fact::UsesThisMonth)?,
                metered,
            },
        })
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
    /// What trusted parties state.
    pub vouched: &'a Vouched,
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
        let Self { agreement, credential, stated, vouched, .. } = *self;
        let consumer = (agreement.consumer.as_str(), credential.region);
        let product = (agreement.product.as_str(), agreement.product_class.as_str());
        let purpose = stated.purpose.as_str();
        let plain = Facts::new(consumer, stated.action, product, purpose, self.now);
        let mut facts = Facts {
            roles: &credential.roles,
            credentials: &CREDENTIALS,
            attributes: &credential.attributes,
            person: stated.person.as_ref().map(|(id, roles)| Person { id, roles }),
            purposes: self.purposes.unwrap_or(plain.purposes),
            contract: self.contract,
            space: agreement.space.name.as_str(),
            agreed_at: self.agreed_at,
            uses: stated.uses,
            asked_until: stated.access.asked_until(),
            ..plain
        };
        facts.tell(stated.told);
        vouched.tell(&mut facts);
        facts
    }
}

/// The duties that a release executes, as its record names them.
#[must_use]
pub fn duties(terms: &Terms) -> Vec<String> {
    (1..=terms.duties.len()).map(|number| format!("duty-{number}")).collect()
}

/// Every fact that is known, so that the decision can be made again from the log, and the records of the
/// statements among them. The contract is the record's own.
#[must_use]
pub fn recorded(facts: &Facts<'_>, vouched: &Vouched) -> BTreeMap<String, Entry> {
    let all = Fact::ALL.iter().filter_map(|fact| {
        let name = fact.in_log()?;
        Some((name.to_owned(), entry(facts.known(*fact)?)))
    });
    let attributes = facts.attributes.iter().map(|(name, value)| {
        // No other fact has a colon in its name.
        (format!("attribute:{name}"), Entry::Text(value.to_string()))
    });
    all.chain(attributes).chain(vouched.recorded()).collect()
}

/// Returns true if the consumer states the fact of this name by a field of its request.
pub(crate) fn is_stated(in_log: &str) -> bool {
    Fact::ALL.iter().any(|fact| fact.is_stated() && fact.in_log() == Some(in_log))
}

fn entry(known: Known<'_>) -> Entry {
    match known {
        Known::Text(text) | Known::Entity { id: text, .. } => Entry::Text(text.to_owned()),
        Known::Texts(names) => Entry::Texts(names.iter().map(ToString::to_string).collect()),
        Known::Number(number) => Entry::Number(number),
        Known::Instant(at) => Entry::Number(at.as_millis()),
        Known::Flag(flag) => Entry::Text(flag.to_string()),
    }
}
