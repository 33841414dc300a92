//! Usage terms and the decision on one access: [`Terms`] in plain words, the same terms as Cedar
//! text that both parties sign, and a [`Program`] that decides by that text.
//!
//! # What it refuses to do
//! - It never counts what it cannot evaluate as true: a policy that errs denies and is named.
//! - A space's profile can only forbid; a `permit` in it is refused ([`InvalidPolicies::Permit`]).
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
//! # Cedar
//! Any Cedar policies, entities and requests run compiled by [`Engine::from_cedar`]. Cedar's own
//! evaluator defines what is right; one in [`SHADOW_SHARE`] decisions is held against it.
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
//! | expressions nested deeper than 64 | Cedar's evaluator |
//! | entities or contexts that hold unknowns | Cedar's evaluator, for all policies |
//!
//! [`Program::fallbacks`], [`Policies::fallbacks`] and [`Engine::fallbacks`] count what is not
//! compiled. In policies of a data space, a `context` that is read as a whole counts as well.
//!
//! # Limits
//! At most [`CLAUSES_MAX`] clauses of a kind, [`VALUES_MAX`] values in a constraint, and Cedar
//! text within [`bounds`].

mod action;
pub mod bounds;
mod cedar_text;
mod clause;
mod constraint;
mod contracts;
mod decision;
mod duty;
mod engine;
mod explain;
mod facts;
mod lint;
mod memory;
mod named;
mod odrl;
mod oracle;
mod policies;
mod policy_finding;
mod program;
mod shadow;
mod simulate;
mod source;
mod table;
mod terms;
mod unknown;
mod words;
mod zone;

pub use crate::action::{Action, ParseActionError};
pub use crate::cedar_text::Scope;
pub use crate::clause::{Assurance, Clause, ClauseId, ClauseKind, ParseClauseIdError};
pub use crate::constraint::{
    Constraint, DEPTH_MAX, Hours, NODES_MAX, SECS_MAX, VALUES_MAX, Weekday,
};
pub use crate::contracts::{Asked, Contracts};
pub use crate::decision::{Decision, Denial, Grounds, Reason};
pub use crate::duty::{
    ColumnMask, DECIMALS_MAX, Duty, FILTER_VALUES_MAX, InvalidDuty, InvalidNumber, MaskMethod,
    Number, Operator, RowFilter, Scalar,
};
pub use crate::engine::{Answer, Engine};
pub use crate::explain::{Condition, Explanation, Verdict};
pub use crate::facts::{Environment, Facts, Payment, Person, Uses};
pub use crate::lint::Finding;
pub use crate::named::{UnmatchedValue, ValueKind, Vocabulary, look};
pub use crate::odrl::{
    ODRL_DEPTH_MAX, ODRL_LEN_MAX, ODRL_NAMESPACE, OdrlError, OdrlErrorKind, OdrlKind, OdrlPolicy,
    odrl_digest,
};
pub use crate::policies::{InvalidPolicies, Layer, Policies, schema_text};
pub use crate::policy_finding::PolicyFinding;
pub use crate::program::{Layers, Program};
pub use crate::shadow::{SHADOW_SHARE, set_shadow_share, shadow_checks, shadow_mismatches};
pub use crate::simulate::{
    Change, DIFFERENCES_MAX, Difference, Past, Simulated, Simulation, simulate,
};
pub use crate::source::Source;
pub use crate::terms::{CLAUSES_MAX, InvalidTerms, Legal, Rule, Terms};
