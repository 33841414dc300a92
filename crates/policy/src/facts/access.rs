use std::collections::{BTreeMap, BTreeSet};

use dataspace_primitives::{Name, Region, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::action::Action;

static NO_NAMES: BTreeSet<Name> = BTreeSet::new();
static NO_ATTRIBUTES: BTreeMap<Name, Name> = BTreeMap::new();

/// All that a decision may look at, gathered for each access. No keys, no data.
///
/// What is `None` is not known, nor is what [`attributes`](Self::attributes), [`vouched`](Self::vouched)
/// and [`credentials`](Self::credentials) do not list: a permission that asks for it does not permit, a
/// prohibition that asks for it forbids. [`Source`](crate::source::Source) says who supplies which fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Who asks: the consumer's DID.
    pub participant: &'a str,
    /// Where the consumer is established.
    pub region: Region,
    /// What the space authority says the consumer may be.
    pub roles: &'a BTreeSet<Name>,
    /// Types of credentials that the consumer is known to hold. Whether it holds another one is not
    /// known.
    pub credentials: &'a BTreeSet<Name>,
    /// What the consumer's credentials say. What they do not name is not known.
    pub attributes: &'a BTreeMap<Name, Name>,
    /// The person or machine that acts for the consumer.
    pub person: Option<Person<'a>>,
    /// What is asked for.
    pub product: &'a str,
    /// The product's class in the space.
    pub product_class: &'a str,
    /// The product's classification level: 0 is public, more is more secret.
    pub product_level: Option<u32>,
    /// What the consumer wants to do.
    pub action: Action,
    /// What for, in the consumer's signed words.
    pub purpose: &'a str,
    /// The purpose and every broader one, by the space's profile.
    pub purposes: &'a BTreeSet<Name>,
    /// Where the data go, in the consumer's signed words.
    pub recipient_region: Option<Region>,
    /// In what the data are used.
    pub environment: Option<Environment<'a>>,
    /// When: the provider's clock.
    pub now: UnixMillis,
    /// The second before which the stretch ends that is asked for; `None` if none is.
    pub asked_until: Option<u32>,
    /// The space.
    pub space: &'a str,
    /// The contract's identifier.
    pub contract: &'a str,
    /// When the contract was agreed.
    pub agreed_at: UnixMillis,
    /// How often it was used before.
    pub uses: Uses,
    /// How far the contract is paid for.
    pub payment: Option<Payment>,
    /// What goes on in the space, as its authority announced.
    pub events: Option<&'a BTreeSet<Name>>,
    /// The state of the contract's process (IDS: state).
    pub state: Option<&'a str>,
    /// What parties say that the space trusts, by the kind of their signed statements. What is not
    /// here is not known.
    pub vouched: &'a BTreeMap<Name, Name>,
}

/// Uses before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Under this contract.
    pub contract: u64,
    /// Of the product by this consumer, under all contracts.
    pub consumer: u64,
    /// Under this contract, on this day (UTC).
    pub today: u64,
    /// Under this contract, in this calendar month (UTC).
    pub this_month: u64,
    /// What its other counts come to.
    pub metered: Metered,
}

/// What the counts of plays and seconds come to under a contract, this access counted as far as it counts. What the
/// contract does not count is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Plays.
    pub plays: Option<u64>,
    /// The second up to which the play has come that is open; `None` if none is.
    pub played_until: Option<u32>,
    /// Seconds that were asked for; `None` too if this access asks for no stretch of seconds.
    pub seconds: Option<u64>,
}

/// Who acts for a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person<'a> {
    /// The identifier.
    pub id: &'a str,
    /// What the consumer says the person may be.
    pub roles: &'a BTreeSet<Name>,
}

/// Where data are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment<'a> {
    /// The identifier.
    pub id: &'a str,
    /// What the check of an attestation of it said.
    pub attested: Option<bool>,
    /// True if data cannot leave it.
    pub sandbox: bool,
    /// Security level; more is safer.
    pub security_level: u32,
    /// The connector.
    pub connector: &'a str,
    /// The application.
    pub application: &'a str,
}

/// The state of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Payment {
    /// Not paid, and not late.
    Due,
    /// Not paid in time.
    Overdue,
    /// Paid.
    Paid,
}

impl Payment {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Due, Self::Overdue, Self::Paid];

    /// The name in terms and Cedar.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Overdue => "overdue",
            Self::Paid => "paid",
        }
    }
}

impl<'a> Facts<'a> {
    /// What every access has; all else is empty or not known, and no use was made.
    #[must_use]
    pub fn new(
        (participant, region): (&'a str, Region),
        action: Action,
        (product, product_class): (&'a str, &'a str),
        purpose: &'a str,
        now: UnixMillis,
    ) -> Self {
        Self {
            participant,
            region,
            roles: &NO_NAMES,
            credentials: &NO_NAMES,
            attributes: &NO_ATTRIBUTES,
            person: None,
            product,
            product_class,
            product_level: None,
            action,
            purpose,
            purposes: &NO_NAMES,
            recipient_region: None,
            environment: None,
            now,
            asked_until: None,
            space: "",
            contract: "",
            agreed_at: now,
            uses: Uses::default(),
            payment: None,
            events: None,
            state: None,
            vouched: &NO_ATTRIBUTES,
        }
    }
}

impl Uses {
    /// Under this contract; none by other counts.
    #[must_use]
    pub const fn of_contract(uses: u64) -> Self {
        let metered = Metered { plays: None, played_until: None, seconds: None };
        Self { contract: uses, consumer: 0, today: 0, this_month: 0, metered }
    }
}
