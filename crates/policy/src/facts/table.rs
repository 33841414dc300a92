//! The table of facts: one row for each, and with it the constraint that the fact is among values.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region, UnixMillis, Validity};
use serde::{Deserialize, Serialize};

use super::access::{Environment, Facts, Payment};
use super::known::{Field, Kind, Known, Owner};
use super::value_kind::ValueKind;
use super::values::Values;
use crate::engine::entity::{ACTION, CONTRACT, ENVIRONMENT, PARTICIPANT, PERSON, PRODUCT, SPACE};
use crate::hours::Hours;
use crate::plays::Plays;
use crate::source::Source;

// A row, up to its semicolon:
//
//     fact: its owner and name in Cedar, kind, known?, who says it, (field of `Facts`), name in the log,
//         in English and its verb, in Chinese,
//         the constraint that it is among values (of a type, in a list), operand in ODRL, words;
//
// - Known is `always`, `optional` (a `?` in the schema), or `stated`: optional, and the consumer says
//   it in its request, in this field of [`Told`].
// - After `Nobody` comes what nobody supplies. A name "" in the log: the record has it elsewhere.
// - The constraint may be left out. A new one gets its name in documents from its variant.
// - The order is that in which signed Cedar texts ask whether facts are known: new rows at the end.
facts! {
    // Who asks for what, to do what. Not attributes: the variables of a request.
    Participant: Request "principal" Entity(PARTICIPANT), always, Authority, (participant), "participant",
        "the consumer" is, "使用方",
        /// The consumer is one of these, by DID.
        Participant(Name in Participant), "dataspace:participant", "if it is {}";
    Product: Request "resource" Entity(PRODUCT), always, Provider, (product), "product",
        "the product" is, "数据产品";
    Action: Request "action" Entity(ACTION), always, Consumer, (action), "action",
        "the action" is, "操作";

    // The consumer, by its membership credential.
    Region: Principal "region" Text, always, Authority, (region), "region",
        "the consumer's region" is, "使用方所在地区",
        /// The consumer is established in one of these jurisdictions.
        Jurisdiction(Region in Region), "dataspace:jurisdiction", "if established in {}";
    Roles: Principal "roles" Roles, always, Authority, (roles), "roles",
        "the consumer's roles" are, "使用方角色",
        /// The consumer has one of these roles in the space.
        Role(Name in Role), "dataspace:role", "if it has the role {}";
    Credentials: Principal "credentials" Texts, always, Authority, (credentials), "credentials",
        "the consumer's credentials" are, "使用方凭证",
        /// The consumer has a credential of one of these types. That it has none of them is never known.
        Credential(Name), "dataspace:credential", "if it has the credential {}";

    // The product.
    Class: Resource "class" Text, always, Provider, (product_class), "productClass",
        "the product's class" is, "产品类别",
        /// The product is of one of these classes.
        Class(Name in Class), "dataspace:productClass", "if the product is of the class {}";

    // The access, the contract and its uses, by the provider's clock, log and register.
    Now: Context "now" Instant, always, Provider, (now), "now",
        "the time" is, "时间";
    Purpose: Context "purpose" Text, always, Consumer, (purpose), "purpose",
        "the purpose" is, "使用目的",
        /// The purpose that the consumer states is one of these.
        Purpose(Name in Purpose), "odrl:purpose", "for {}";
    Purposes: Context "purposes" Texts, always, Consumer, (purposes), "purposes",
        "the purpose with the broader ones" is, "使用目的及其上级目的",
        /// It is one of these or narrower, in the space's hierarchy.
        PurposeWithin(Name in Purpose), "odrl:purpose", "for {} or narrower purposes";
    Space: Context "space" Entity(SPACE), always, Authority, (space), "space",
        "the space" is, "数据空间";
    Contract: Context "contract" Entity(CONTRACT), always, Provider, (contract), "",
        "the contract" is, "合约";
    AgreedAt: Contract "agreedAt" Instant, always, Provider, (agreed_at), "agreedAt",
        "the time of the agreement" is, "合约签订时间";
    Uses: Context "uses" Number, always, Provider, (uses.contract), "uses",
        "the number of uses" is, "使用次数";
    UsesByConsumer: Context "usesByConsumer" Number, always, Provider, (uses.consumer), "usesByConsumer",
        "the consumer's number of uses" is, "使用方的使用次数";
    UsesToday: Context "usesToday" Number, always, Provider, (uses.today), "usesToday",
        "the number of uses today" is, "当日使用次数";
    UsesThisMonth: Context "usesThisMonth" Number, always, Provider, (uses.this_month), "usesThisMonth",
        "the number of uses this month" is, "当月使用次数";

    // The consumer's signed statements.
    Person: Context "person" Entity(PERSON), optional, Consumer, (person.as_ref()?.id), "person",
        "the person" is, "操作人员";
    PersonRoles: Person "roles" Roles, always, Consumer, (person.as_ref()?.roles), "personRoles",
        "the person's roles" are, "操作人员角色",
        /// The person who acts for the consumer has one of these roles.
        PersonRole(Name), "dataspace:personRole", "if its person has the role {}";
    Environment: Context "environment" Entity(ENVIRONMENT), optional, Consumer, (environment.as_ref()?.id), "environment",
        "the environment" is, "使用环境";
    Attested: Environment "attested" Flag, optional, Trusted,
        (environment.as_ref()?.attested), "environmentAttested",
        "the attestation of the environment" is, "环境可信证明";
    Sandbox: Environment "sandbox" Flag, always, Consumer, (environment.as_ref()?.sandbox), "environmentSandbox",
        "the sandbox of the environment" is, "环境沙箱";
    SecurityLevel: Environment "securityLevel" Number, always, Consumer,
        (environment.as_ref()?.security_level), "environmentSecurityLevel",
        "the security level of the environment" is, "环境安全等级";
    Connector: Environment "connector" Text, always, Consumer,
        (environment.as_ref()?.connector), "environmentConnector",
        "the connector" is, "连接器",
        /// The data go through one of these connectors.
        Connector(Name), "dataspace:connector", "through the connector {}";
    Application: Environment "application" Text, always, Consumer,
        (environment.as_ref()?.application), "environmentApplication",
        "the application" is, "应用程序",
        /// The data are used in one of these applications.
        Application(Name), "dataspace:application", "in the application {}";
    RecipientRegion: Context "recipientRegion" Text, stated(recipient_region: Option<Region>), Consumer,
        (recipient_region), "recipientRegion",
        "the region of the recipient" is, "接收方所在地区",
        /// The consumer states that the data go to one of these.
        RecipientRegion(Region in Region), "odrl:spatial", "if the data go to {}";

    // Signed statements of parties that the space's profile trusts for them.
    Level: Resource "level" Number, optional, Trusted, (product_level), "productLevel",
        "the product's classification" is, "产品分级";
    Payment: Context "payment" Text, optional, Trusted, (payment), "payment",
        "the payment" is, "支付状态",
        /// The payment is in one of these states.
        Payment(Payment in Payment), "dataspace:payment", "while the payment is {}";
    Events: Context "events" Texts, optional, Trusted, (events), "events",
        "the events" are, "空间事件",
        /// One of these goes on in the space.
        Event(Name), "odrl:event", "during {}";
    State: Context "state" Text, optional, Trusted, (state), "state",
        "the state of the process" is, "流程状态",
        /// The contract's process is in one of these states.
        State(Name), "dataspace:state", "while the process is in the state {}";

    // What the contract counts of a recording beside its uses, this access counted. Known where its terms ask.
    Plays: Context "plays" Number, optional, Provider, (uses.metered.plays), "plays",
        "the number of plays" is, "播放次数";
    PlayedUntil: Context "playedUntil" Number, optional, Provider, (uses.metered.played_until), "playedUntil",
        "the second that the open play has come to" is, "当前播放已至的秒数";
    Seconds: Context "seconds" Number, optional, Provider, (uses.metered.seconds), "seconds",
        "the number of seconds" is, "提供的总秒数";
    // The part that is asked for, and that alone is released.
    AskedUntil: Context "askedUntil" Number, optional, Provider, (asked_until), "",
        "the end of the stretch that is asked for" is, "所请求片段的截止秒数";

    /// A condition on one access.
    ///
    /// Where a fact is not known that a rule asks for anywhere, a permission does not apply and a
    /// prohibition does: under [`Not`](Self::Not) and [`Any`](Self::Any), too. [`Constraint::source`]
    /// says who supplies it.
    more {
        /// The access happens within this time.
        Time(validity: Validity),
        /// At this instant or later.
        From(at: UnixMillis),
        /// Before this instant.
        Before(at: UnixMillis),
        /// At these hours of the week.
        Hours(hours: Hours),
        /// Fewer than this many seconds after the agreement. 1 to [`SECS_MAX`](crate::constraint::SECS_MAX).
        Elapsed(secs: u64),
        /// The contract was used fewer than this many times before. At least 1.
        Count(max: u32),
        /// The consumer used the product fewer than this many times before, under all its contracts.
        ConsumerCount(max: u32),
        /// The contract was used fewer than this many times before on this day (UTC).
        DayCount(max: u32),
        /// The contract was used fewer than this many times before in this calendar month (UTC).
        MonthCount(max: u32),
        /// At most so many plays under the contract, this one counted.
        PlayCount(plays: Plays),
        /// At most so many seconds under the contract, with those of the stretch that is asked for
        /// ([`Part::Seconds`](dataspace_primitives::Part::Seconds)). Not known where none is. At least 1.
        SecondsCount(max: u32),
        /// The stretch that is asked for ends within the first so many seconds. Not known where none is. At least 1.
        FirstSeconds(until: u32),
        /// The consumer's credentials say one of these. Not known where they do not have the name.
        Attribute {
            /// Of what.
            name: Name,
            /// What they say.
            values: BTreeSet<Name>,
        },
        /// A party that the space trusts for it states one of these in a signed statement of this kind. Not
        /// known where nobody does.
        Vouched {
            /// The kind of statement.
            kind: Name,
            /// What it says.
            values: BTreeSet<Name>,
        },
        /// The environment was attested.
        Attested,
        /// Data cannot leave the environment.
        Sandbox,
        /// The environment has at least this security level.
        SecurityLevel(least: u32),
        /// The product is classified at most at this level.
        Level(most: u32),
        /// It does not hold.
        Not(one: Box<Constraint>),
        /// All hold (ODRL: `and`). At least two.
        All(all: Vec<Constraint>),
        /// At least one holds (ODRL: `or`). At least two.
        Any(all: Vec<Constraint>),
        /// Just one holds (ODRL: `xone`). At least two. One rule has room for 16 in all, or for 15
        /// in a prohibition that asks for what can be unknown ([`bounds`](crate::bounds)).
        One(all: Vec<Constraint>),
    }
}

/// A row of the table.
struct Row {
    owner: Owner,
    name: &'static str,
    path: &'static str,
    kind: Kind,
    is_optional: bool,
    is_stated: bool,
    source: Source,
    unsupplied: Option<&'static str>,
    log: &'static str,
    english: &'static str,
    is_plural: bool,
    chinese: &'static str,
    among: Option<AmongRow>,
}

/// The constraint that a fact is among values.
struct AmongRow {
    make: Among,
    operand: &'static str,
    list: Option<ValueKind>,
    words: fn(&str) -> String,
}

impl Constraint {
    /// The fact and the values, if it says that the fact is among values.
    #[must_use]
    pub fn among(&self) -> Option<(Fact, Values<'_>)> {
        if let Form::Among(fact, values) = self.form() { Some((fact, values)) } else { None }
    }
}

/// How the constraint is made that a fact is among values, by the type of the values.
#[derive(Clone, Copy, Debug)]
pub enum Among {
    /// Names.
    Name(fn(BTreeSet<Name>) -> Constraint),
    /// Countries.
    Region(fn(BTreeSet<Region>) -> Constraint),
    /// States of a payment.
    Payment(fn(BTreeSet<Payment>) -> Constraint),
}

impl Fact {
    /// How Cedar text names it. What is known of persons' roles is asked with `in` alone.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.row().path
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(self) -> Owner {
        self.row().owner
    }

    /// Its name in Cedar.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What its values are.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.row().kind
    }

    /// Returns true if it can be unknown where its owner is known.
    #[must_use]
    pub const fn is_optional(self) -> bool {
        self.row().is_optional
    }

    /// Returns true if the consumer states it in its request by a field of its own ([`Told`]).
    #[must_use]
    pub const fn is_stated(self) -> bool {
        self.row().is_stated
    }

    /// Who supplies it.
    #[must_use]
    pub const fn source(self) -> Source {
        self.row().source
    }

    /// What nobody supplies, in plain words; `None` if somebody does.
    pub(crate) const fn unsupplied(self) -> Option<&'static str> {
        self.row().unsupplied
    }

    /// Its name in the log's records; `None` if they have it elsewhere.
    #[must_use]
    pub const fn in_log(self) -> Option<&'static str> {
        let name = self.row().log;
        if name.is_empty() { None } else { Some(name) }
    }

    /// What it is called in English.
    #[must_use]
    pub const fn in_english(self) -> &'static str {
        self.row().english
    }

    /// Returns true if what it is called in English takes a plural verb.
    pub(crate) const fn is_plural(self) -> bool {
        self.row().is_plural
    }

    /// What it is called in Chinese.
    #[must_use]
    pub const fn in_chinese(self) -> &'static str {
        self.row().chinese
    }

    /// The constraint that it is among values.
    #[must_use]
    pub fn among(self) -> Option<Among> {
        self.row().among.as_ref().map(|among| among.make)
    }

    /// The left operand of that constraint in ODRL.
    #[must_use]
    pub fn operand(self) -> Option<&'static str> {
        self.row().among.as_ref().map(|among| among.operand)
    }

    /// The list that the values of that constraint are taken from.
    pub(crate) fn list(self) -> Option<ValueKind> {
        self.row().among.as_ref()?.list
    }

    /// That constraint in plain words.
    pub(crate) fn words(self, values: &str) -> Option<String> {
        self.row().among.as_ref().map(|among| (among.words)(values))
    }
}

// What nobody supplies has words, what somebody supplies has none. What is stated, the consumer says,
// and it is no set: a record could not be read back without a copy.
const _: () = {
    let mut rest = Fact::ALL;
    while let [fact, after @ ..] = rest {
        let is_unsupplied = matches!(fact.source(), Source::Nobody);
        assert!(is_unsupplied == fact.unsupplied().is_some());
        let is_consumers = matches!(fact.source(), Source::Consumer);
        assert!(!fact.is_stated() || is_consumers && !fact.kind().is_set());
        rest = after;
    }
};
