//! Usage terms and the decision on one access: [`Terms`] in plain words, the same terms as Cedar
//! text that both parties sign, and a [`Program`] that decides by that text.
//!
//! # What it refuses to do
//! - It never counts what it cannot evaluate as true: a policy that errs denies and is named.
//! - A space's profile can only forbid; a `permit` in it is refused ([`InvalidPolicies::Permit`](policies::InvalidPolicies::Permit)).
//! - It sees attributes, never keys or data; it reads no clock.
//!
//! # Example
//! ```
//! use dataspace_policy::{
//!     Action, Constraint, Decision, Facts, Layers, Program, Rule, Scope, Terms,
//! };
//! use dataspace_primitives::Region;
//!
//! let terms = Terms::new().permit(
//!     Rule::new([Action::Read])
//!         .when(Constraint::Purpose(["research".parse()?].into()))
//!         .when(Constraint::Count(3)),
//! );
//! let scope = Scope { consumer: "did:key:z6Mk…".to_owned(), product: "alloys".parse()? };
//! let program = Program::new(&terms.to_cedar(&scope)?)?;
//!
//! let consumer = (scope.consumer.as_str(), Region::parse("DE")?);
//! let now = "2026-06-01T00:00:00Z".parse()?;
//! let facts = Facts::new(consumer, Action::Read, ("alloys", "open"), "marketing", now);
//! let Decision::Deny(denial) = program.decide(&facts, Layers::default()) else { unreachable!() };
//! assert_eq!(
//!     denial.to_string(),
//!     "permission-1: the purpose must be research; the request says marketing"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Many contracts
//! [`Contracts`] finds the program of a contract by its identifier. Contracts whose texts differ in
//! parties, products and instants alone share their code. A [`Decision`] explains itself on demand;
//! [`simulate`] tells what a change of policies would have decided otherwise.
//!
//! [`Terms::lint`] finds clauses without effect before anybody signs them.
//!
//! # Facts: who supplies them, and what is not known
//! What is not known does not permit, and forbids: a rule that asks anywhere for such a fact, under
//! `not` and `or` too, does not apply as a permission and applies as a prohibition. A clause's
//! [`Assurance`] is that of its weakest fact ([`Constraint::source`]).
//!
//! | constraint | fact | who supplies it at a node | if it is missing | label |
//! |---|---|---|---|---|
//! | `Participant` | the consumer's DID | its signature | – | enforced |
//! | `Jurisdiction`, `Role` | `region`, `roles` | the space authority: membership credential | – | enforced |
//! | `Attribute` | what the credential says under a name | the space authority: membership credential | not known, for each name that it does not state | enforced |
//! | `Credential` | types of credentials | the space authority: `MembershipCredential` | not known, for every other type; that none is held is never known | enforced for that type, else unsupported |
//! | `Time`, `From`, `Before`, `Hours` | the time | the provider's clock | – | enforced |
//! | `Elapsed` | when the contract was concluded | the provider's log | – | enforced |
//! | `Count`, `ConsumerCount`, `DayCount`, `MonthCount` | uses before this one | the provider's log | – | enforced |
//! | `PlayCount`, `SecondsCount` | plays, and seconds that were asked for, this access counted | the provider's log | not known where the terms do not count them, and seconds where no stretch is asked for | enforced |
//! | `FirstSeconds` | the stretch that is asked for, and alone released | the provider's node | not known where none is | enforced |
//! | `Class` | the product's class | the provider's register | – | enforced |
//! | `Purpose`, `PurposeWithin` | the purpose; broader ones by the profile | the consumer's signed request | – | attested |
//! | `RecipientRegion` | where the data go | the consumer's signed request | not known | attested |
//! | `PersonRole` | the person and its roles | the consumer's signed request | not known | attested |
//! | `Sandbox`, `SecurityLevel`, `Connector`, `Application` | the environment | the consumer's signed request | not known | attested |
//! | `Attested` | a check of the environment | a party that the profile trusts: signed statement | not known | enforced if nothing else is asked of the environment |
//! | `Level` | the product's classification | a party that the profile trusts: signed statement | not known | enforced |
//! | `Payment`, `Event`, `State` | payment, events, the process's state | a party that the profile trusts: signed statement | not known | enforced |
//! | `Vouched` | what a statement of this kind says | a party that the profile trusts: signed statement | not known, for each kind that nobody states | enforced |
//!
//! [`Terms::lint`] tells of clauses that ask for what nobody supplies. Forbids that a space or a
//! provider writes in Cedar must hold where a fact is not known, and are refused if they may not
//! ([`InvalidPolicies::Unknown`](policies::InvalidPolicies::Unknown)): ask in an `unless { context has person && … }`. What they name must
//! exist ([`InvalidPolicies::Value`](policies::InvalidPolicies::Value), [`Policies::check_values`]); ids, texts and facts that may not
//! be meant are told by [`Policies::lint`]. Ids that differ in case alone, or in letters that look
//! alike, are two ids: that is told, not refused.
//!
//! # Actions: what a node does for them
//! | action | a node | as a permission | as a prohibition |
//! |---|---|---|---|
//! | `read`, `transfer` | releases the rows that the duties leave | enforced | enforced if it covers all actions that are permitted, else attested: for another one the same rows are released |
//! | `derive`, `train`, `display`, `play`, `share` | the same; the consumer does it out of sight | attested | legal |
//! | `query`, `aggregate` | nothing yet ([`Action::is_carried_out`]): offers that permit them are refused, requests denied | unsupported | legal |
//!
//! Every duty is carried out, or nothing is released. What is [`Exclusive`] holds when contracts are
//! concluded: no access is decided by it.
//!
//! # Cedar
//! Any Cedar policies, entities and requests run compiled by [`Engine::from_cedar`](engine::Engine::from_cedar). Cedar's own
//! evaluator defines what is right; one in [`SHADOW_SHARE`](shadow::SHADOW_SHARE) decisions is compared with it.
//!
//! | Cedar | here |
//! |---|---|
//! | literals, `principal`, `action`, `resource`, `context` | compiled |
//! | `&&` `\|\|` `!` `if` `==` `!=` `<` `<=` `>` `>=` `+` `-` `*` and unary `-`, with overflow | compiled |
//! | `in`, `is`, `is … in` over the hierarchy | compiled |
//! | attributes, `has` (also `has a.b`), tags (`hasTag`, `getTag`), records | compiled |
//! | sets: `contains`, `containsAll`, `containsAny`, `isEmpty` | compiled |
//! | `like` | compiled |
//! | `decimal`, `datetime`, `duration`, `ip` and all their functions | compiled |
//! | policies linked from templates | compiled |
//! | expressions nested deeper than 64, chains longer than 1,024 | Cedar's evaluator |
//! | data nested deeper than 128 | Cedar's evaluator |
//! | entities or contexts that hold unknowns | Cedar's evaluator, for all policies |
//!
//! [`Program::fallbacks`], [`Policies::fallbacks`] and [`Engine::fallbacks`](engine::Engine::fallbacks) count what is not
//! compiled. In policies of a data space, a `context` that is read as a whole counts as well.
//!
//! # Limits
//! At most [`CLAUSES_MAX`](terms::CLAUSES_MAX) clauses of a kind, [`VALUES_MAX`](constraint::VALUES_MAX) values in a constraint, and Cedar
//! text within [`bounds`].

pub mod action;
mod asked;
pub mod bounds;
#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_data.rs"]
mod cedar_data;
#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_policies.rs"]
#[expect(clippy::format_collect, reason = "short texts, shown to people")]
mod cedar_policies;
pub mod cedar_text;
pub mod clause;
pub mod constraint;
pub mod contracts;
pub mod decision;
#[cfg(test)]
#[path = "../../../fuzz/checks/dice.rs"]
mod dice;
pub mod duty;
pub mod engine;
mod exclusive;
pub mod explain;
pub mod extension;
pub mod facts;
mod hours;
mod judged;
pub mod lint;
mod memory;
mod meters;
pub mod named;
mod oracle;
mod phrase;
pub mod plays;
pub mod policies;
mod policy_finding;
mod program;
mod reason;
mod rivals;
pub mod shadow;
mod shared;
pub mod simulate;
pub mod source;
mod table;
pub mod terms;
mod unknown;
pub mod words;
mod zone;

pub use crate::action::Action;
pub use crate::cedar_text::Scope;
pub use crate::clause::{Assurance, Clause, ClauseId, ClauseKind};

pub use crate::contracts::{Compiler, Contracts};
pub use crate::decision::{Decision, Denial};
pub use crate::duty::{
    Aggregate, ColumnMask, Duty, KeptColumns, Limit, MaskMethod, Number, Operator, Persons,
    RowFilter, Sample, Scalar, Watermark,
};

pub use crate::exclusive::Exclusive;
pub use crate::facts::{Constraint, Facts, Uses};
pub use crate::hours::{Hours, Weekday};
pub use crate::judged::Layers;

pub use crate::meters::Meters;
pub use crate::named::Vocabulary;
pub use crate::plays::Plays;
pub use crate::policies::{Layer, Policies};

pub use crate::program::Program;
pub use crate::reason::Reason;

pub use crate::terms::{Legal, Rule, Terms};
