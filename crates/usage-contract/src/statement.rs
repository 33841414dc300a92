//! Signed statements of parties that a space trusts for them: payments, events, attestations, levels.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_identity::{Did, Origin, Resolver, SpaceId, claimed_keys, did::ParseDidError};
use dataspace_policy::{
    Terms,
    facts::{Fact, Payment},
};
use dataspace_primitives::{
    Name, Payload, Signed, UnixMillis, Validity, Verified, bounded, signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::ContractId;

/// Most kinds of statements of a profile.
pub const STATEMENT_KINDS_MAX: usize = 16;
/// Most names of one [`StatedValue::Names`].
pub const STATED_NAMES_MAX: usize = 64;

/// What a [`StatedValue::Time`] says while it lies ahead, to terms that ask for it.
pub const AHEAD: &str = "ahead";
/// And from that instant on.
pub const PAST: &str = "past";

/// A party's signed statement about a contract, a product, a member, an environment or the space. It
/// counts while the space's profile trusts the party for its kind, and nobody can state anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Statement {
    /// The space.
    pub space: SpaceId,
    /// The node for which it counts; `None` for every node of the space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Origin>,
    /// Who states it, and signs.
    pub issuer: Did,
    /// What it is about.
    pub subject: Subject,
    /// The kind of statement, one of the profile's.
    pub kind: Name,
    /// What is stated; `None` withdraws what was stated before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<StatedValue>,
    /// Of two statements of one issuer, kind and subject the one with the greater number counts, in
    /// whatever order they come. At most the time of its record, in milliseconds since 1970: counting from 1 will
    /// do, and so will the time.
    pub serial: u64,
    /// When it counts: half-open. Outside, nothing is known; what was stated before does not come back.
    pub validity: Validity,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// A contract.
    Contract(ContractId),
    /// A product of the node that the statement names.
    Product(Name),
    /// A participant.
    Member(Did),
    /// What a participant uses data in, by the name that it has for it.
    Environment {
        /// The participant.
        of: Did,
        /// The environment.
        id: Name,
    },
    /// The space.
    Space,
}

/// What is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StatedValue {
    /// True or false: `true` or `false` in terms.
    Flag(bool),
    /// A name, which terms compare.
    Name(Name),
    /// A set of names, at most [`STATED_NAMES_MAX`]: these, and no others.
    Names(#[serde(deserialize_with = "bounded::set::<_, _, STATED_NAMES_MAX>")] BTreeSet<Name>),
    /// A whole number.
    Number(u32),
    /// An instant: `ahead` in terms before it, `past` from it on.
    Time(UnixMillis),
}

/// Whom a space trusts for a kind of statements, and about what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatementRule {
    /// Who may state it.
    pub by: StatedBy,
    /// About what.
    pub about: About,
}

/// Who may make statements of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StatedBy {
    /// Each provider, at its own node.
    Provider,
    /// This party, at every node.
    Party(Did),
}

/// What statements of a kind are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum About {
    /// The contract of an access.
    Contract,
    /// Its product.
    Product,
    /// Its consumer.
    Member,
    /// The environment that the consumer states.
    Environment,
    /// The space.
    Space,
}

/// Kinds that answer facts of their own: constraints on the payment, the events, the state of the process,
/// the classification of the product and the attestation of the environment ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// `payment`, of a contract: `due`, `overdue` or `paid`.
    Payment,
    /// `events`, of the space: names of all that go on.
    Events,
    /// `state`, of a contract: the name of its process's state.
    State,
    /// `level`, of a product: the number of its classification.
    Level,
    /// `attested`, of an environment: true or false.
    Attested,
}

/// Why a statement is not taken for one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// It does not verify with the keys of those who signed it.
    #[error("the statement does not verify")]
    Verify(#[from] VerifyError),
    /// The key that signed it belongs to no DID.
    #[error("the statement is signed by a key of nobody")]
    Signer(#[from] ParseDidError),
    /// Signed by somebody else.
    #[error("the statement names `{issuer}`, who did not sign it")]
    Issuer {
        /// The issuer named.
        issuer: Did,
    },
    /// Products of different nodes can have one name.
    #[error("a statement about a product must name the node that has it")]
    NoNode,
    /// A kind that answers a fact cannot say that.
    #[error("a statement of the kind `{kind}` says {expected}")]
    Value {
        /// The kind.
        kind: Name,
        /// What it can say.
        expected: &'static str,
    },
}

impl Payload for Statement {
    const TYPE: &'static str = "application/vnd.dataspace.statement+cbor";
}

impl Statement {
    /// Checks that the issuer that it names signed it, and that it can say what it says.
    ///
    /// # Errors
    /// [`StatementError`] otherwise.
    pub fn verify(
        statement: Signed<Self>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, StatementError> {
        // It is named inside, so whose signature it is comes first.
        let keys = claimed_keys(&statement, resolver)?;
        let statement = statement.verify(&keys, now)?;
        let Self { log, issuer, subject, kind, value, .. } = statement.value();
        if !issuer.has_signed(&statement) {
            return Err(StatementError::Issuer { issuer: issuer.clone() });
        }
        if log.is_none() && matches!(subject, Subject::Product(_)) {
            return Err(StatementError::NoNode);
        }
        if let (Some(fact), Some(value)) = (FactKind::of(kind), value)
            && !fact.can_be(value)
        {
            let (kind, expected) = (kind.clone(), fact.values());
            return Err(StatementError::Value { kind, expected });
        }
        Ok(statement)
    }
}

impl Subject {
    /// The sort of subject.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::Contract(_) => About::Contract,
            Self::Product(_) => About::Product,
            Self::Member(_) => About::Member,
            Self::Environment { .. } => About::Environment,
            Self::Space => About::Space,
        }
    }
}

impl StatedValue {
    /// What terms compare at `now`; `None` for a set of names.
    #[must_use]
    pub fn says(&self, now: UnixMillis) -> Option<Name> {
        match self {
            Self::Flag(flag) => flag.to_string().parse().ok(),
            Self::Name(name) => Some(name.clone()),
            Self::Names(_) => None,
            Self::Number(number) => number.to_string().parse().ok(),
            Self::Time(at) => (if now < *at { AHEAD } else { PAST }).parse().ok(),
        }
    }
}

impl StatedBy {
    /// The party, at a node of `provider`.
    #[must_use]
    pub fn party<'a>(&'a self, provider: &'a Did) -> &'a Did {
        match self {
            Self::Provider => provider,
            Self::Party(did) => did,
        }
    }
}

impl FactKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Payment, Self::Events, Self::State, Self::Level, Self::Attested];

    /// The fact that statements of this kind answer, if they do.
    #[must_use]
    pub fn of(kind: &Name) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == kind.as_str())
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Events => "events",
            Self::State => "state",
            Self::Level => "level",
            Self::Attested => "attested",
        }
    }

    /// The fact.
    #[must_use]
    pub const fn fact(self) -> Fact {
        match self {
            Self::Payment => Fact::Payment,
            Self::Events => Fact::Events,
            Self::State => Fact::State,
            Self::Level => Fact::Level,
            Self::Attested => Fact::Attested,
        }
    }

    /// What its statements are about.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::Payment | Self::State => About::Contract,
            Self::Events => About::Space,
            Self::Level => About::Product,
            Self::Attested => About::Environment,
        }
    }

    const fn values(self) -> &'static str {
        match self {
            Self::Payment => "due, overdue or paid",
            Self::Events => "names",
            Self::State => "a name",
            Self::Level => "a whole number",
            Self::Attested => "true or false",
        }
    }

    fn can_be(self, value: &StatedValue) -> bool {
        match (self, value) {
            (Self::Payment, StatedValue::Name(name)) => payment(name).is_some(),
            (Self::Events, StatedValue::Names(_))
            | (Self::State, StatedValue::Name(_))
            | (Self::Level, StatedValue::Number(_))
            | (Self::Attested, StatedValue::Flag(_)) => true,
            _ => false,
        }
    }
}

/// The kinds of statements that terms ask for.
#[must_use]
pub fn kinds_of(terms: &Terms) -> BTreeSet<Name> {
    let asked = terms.asked();
    let facts = FactKind::ALL.into_iter().filter(|kind| asked.contains(&kind.fact()));
    let facts = facts.filter_map(|kind| kind.as_str().parse().ok());
    facts.chain(terms.vouched().map(|(kind, _)| kind.clone())).collect()
}

/// The state of a payment of this name.
#[must_use]
pub fn payment(name: &Name) -> Option<Payment> {
    Payment::ALL.into_iter().find(|one| one.as_str() == name.as_str())
}

/// In plain words, without the kind: `true`, `2027-01-01T00:00:00.000Z`, `fair, strike`.
impl fmt::Display for StatedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Names(names) => {
                let names: Vec<_> = names.iter().map(Name::as_str).collect();
                f.write_str(&names.join(", "))
            }
            Self::Number(number) => number.fmt(f),
            Self::Time(at) => at.fmt(f),
        }
    }
}

/// In plain words: `product alloys`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(contract) => write!(f, "contract {contract}"),
            Self::Product(product) => write!(f, "product {product}"),
            Self::Member(did) => write!(f, "participant {did}"),
            Self::Environment { of, id } => write!(f, "environment {id} of {of}"),
            Self::Space => f.write_str("the space"),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contract => "a contract",
            Self::Product => "a product",
            Self::Member => "a participant",
            Self::Environment => "an environment",
            Self::Space => "the space",
        })
    }
}
