//! Terms as ODRL 2.2 in the profile of the Dataspace Protocol 2025-1, both ways.
//!
//! JSON-LD is read as it stands, compact or expanded, without a JSON-LD processor: the names that
//! this page lists, plain, with a prefix, or as full IRIs. A document may define prefixes and names
//! in its `@context`; what it does not use does no harm, and no name that is known here can be given
//! the meaning of another. What is not listed is refused with its place, the reason and what would
//! help ([`OdrlError::help`]); nothing that could bind is passed over in silence.
//!
//! What is read permits no more than the strictest reading of the document. A space can say in its
//! profile what its own operands stand for ([`OdrlOperands`]).
//!
//! # Rules
//! | terms | ODRL |
//! |---|---|
//! | actions `read`, `derive`, `display`, `play`, `share` | `odrl:read`, `derive`, `display`, `play`, `distribute` |
//! | `query`, `aggregate`, `transfer`, `train` | `dataspace:query` … (`odrl:transfer` gives away the asset itself, `odrl:aggregate` makes a collection) |
//! | all nine | `use` |
//! | several | `use` with the constraint `dataspace:action isAnyOf […]`; an array of actions is read, too |
//!
//! `USE`, `{"odrl:type": …}` and `{"rdf:value": …}` of older documents are read, too.
//!
//! `target`, `assigner` and `assignee` may stand at the policy and at each rule and duty, and are the
//! same wherever they stand: else refused, as are collections. `@id` and `uid` name a part and say
//! nothing. Metadata of Dublin Core and labels bind nobody and are passed over, but `coverage`,
//! `spatial`, `license`, `rights`, `accessRights`, `rightsHolder` and `conformsTo`, which are kept
//! as a sentence ([`Legal::Text`](crate::Legal::Text)).
//!
//! # Constraints
//! | terms | left operand | operators (the first is written) |
//! |---|---|---|
//! | `Purpose`, `PurposeWithin` | `odrl:purpose` | `eq`, `isAnyOf`; within: `isPartOf`, `isA` |
//! | `From`, `Before` | `odrl:dateTime` | `gteq`, `gt`; `lt`, `lteq` (the next millisecond); a fraction of a millisecond decides as the whole millisecond after it |
//! | `Time` of one day | `odrl:dateTime` | `eq`, `neq` with a date that has an offset, such as `2026-02-12Z` |
//! | `Time` | `and` of just `odrl:dateTime gteq` and `lt` in this order | |
//! | `Elapsed` | `odrl:elapsedTime` | `lt`; a duration since the agreement |
//! | `Count` | `odrl:count` | `lteq`, `lt` |
//! | `ConsumerCount`, `DayCount`, `MonthCount`, `Level` | `dataspace:consumerCount`, `dayCount`, `monthCount`, `productLevel` | `lteq`, `lt` |
//! | `SecurityLevel` | `dataspace:securityLevel` | `gteq`, `gt` |
//! | `RecipientRegion` | `odrl:spatial` | `eq`, `isAnyOf`; `isPartOf` with a group |
//! | `Event` | `odrl:event` | `eq`, `isAnyOf`, `hasPart`, `isAllOf` |
//! | `Credential`, `Role`, `PersonRole` | `dataspace:credential`, `role`, `personRole` | likewise |
//! | `Jurisdiction`, `Participant`, `Connector`, `Application`, `Class`, `Payment`, `State` | `dataspace:jurisdiction`, `participant`, `connector`, `application`, `productClass`, `payment`, `state` | `eq`, `isAnyOf` |
//! | `Attribute` | `dataspace:attribute/` and the name, percent-encoded | `eq`, `isAnyOf` |
//! | `Attested`, `Sandbox` | `dataspace:attested`, `sandbox` | `eq` with `true` |
//! | `Hours` | `dataspace:hours` | `eq` with a `dataspace:Hours` |
//! | `Elapsed`, its `Not` | `edc:inForceDate` | `lt`, `lteq`; `gteq`, `gt` (the next second) with `contractAgreement+30d` |
//! | `Before`, `From` | `edc:inForceDate`, `POLICY_EVALUATION_TIME` | as `odrl:dateTime` |
//! | `Attribute` `referringConnector` | `REFERRING_CONNECTOR` | `eq`, `isAnyOf` |
//! | `Purpose` | `PURPOSE`, `idsc:PURPOSE` | `eq`, `isAnyOf` |
//! | none | `ALWAYS_TRUE` | `eq` with `true` |
//! | `Not` | the same with `neq`, `isNoneOf` for `eq`, `isAnyOf`; else `{"dataspace:not": …}` | |
//! | `All`, `Any`, `One` | `and`, `or`, `xone` | |
//!
//! ODRL has no negation. A connector that does not know `dataspace:not` finds no comparison there
//! and refuses; a rewriting with `xone` would turn into its contrary where an unknown part is left
//! out. `odrl:recipient` is refused as a constraint: when data are passed on, it is not the
//! consumer. `andSequence` is refused: nothing decides in what order facts came true.
//!
//! # Obligations
//! | terms | action | constraints |
//! |---|---|---|
//! | `Mask` | `dataspace:mask` | `dataspace:column`, `dataspace:method` (`dataspace:drop`, `null`, `hash`, `round`, `truncate`), `dataspace:decimals`, `dataspace:characters` |
//! | `Filter` | `dataspace:filter` | `dataspace:column`, `dataspace:value` with the filter's operator; numbers are typed |
//! | `Text` | `dataspace:heed` | `dataspace:text` |
//! | `Operand` | `dataspace:comply` | the operand itself, kept as it stands |
//! | `Forbidden` | `dataspace:refrain` | likewise |
//! | `DeleteAfter` | `odrl:delete` | `odrl:delayPeriod` |
//! | `ModifyAtRest` | `dataspace:modifyAtRest` | `dataspace:method` |
//! | `Log` | `dataspace:log` | |
//! | `Notify` | `odrl:inform` | `odrl:recipient`; the member `informedParty` is read, too |
//! | `ShareUnder` | `odrl:nextPolicy` | `dataspace:policy` |
//!
//! `duty` in a permission is read likewise, but only if there is one permission: duties bind under
//! the whole contract.
//!
//! # Catena-X
//! | left operand | terms |
//! |---|---|
//! | `UsagePurpose` | `Purpose` |
//! | `Membership eq active` | `Credential` `MembershipCredential` |
//! | `FrameworkAgreement`, `BusinessPartnerGroup`, `BusinessPartnerNumber` | `Attribute` of this name; the number's is `bpn` |
//! | `DataUsageEndDate`, `DataUsageEndDurationDays`, `DataFrequency` (once) | `Before`, `Elapsed`, `Count(1)`, and beside it `Legal::Operand`: their text demands deletion, too |
//! | `XCredential`, `Dismantler` (`eq active`), `FrameworkAgreement.x` of earlier profiles | `Credential`; `Attribute` of this name |
//! | `UsageRestriction`, `AffiliatesRegion`, `AffiliatesBpnl` in a prohibition of `use` | `Forbidden`, and a prohibition of what the profile's text forbids and an action tells apart: `share` for affiliates; `share`, `display`, `play` for third parties; `derive` for manipulations and derivations |
//! | all others of 2025-09 | `Operand` |
//!
//! The action `access`, by which a participant sees an offer, is `read` and no more.
//!
//! `Operand` is made only from what the only permission demands in any case, and from
//! `DataProvisioningEnd…` in an obligation `use`. Under `or`, `xone`, a negation or in a
//! prohibition its truth would decide, and nobody knows it: refused. So is `isNoneOf` of partner
//! numbers and groups, which a partner without one would pass.
//!
//! # Regions
//! Countries by ISO 3166-1, of two or three letters, or by the IRIs of the Publications Office of the
//! European Union, ontologi.es, ISO and (some) Wikidata. `EU` and `EEA` stand for their countries,
//! which are what is signed.
//!
//! # Limits
//! [`ODRL_LEN_MAX`] bytes and [`ODRL_DEPTH_MAX`] levels, so terms that are written longer cannot be
//! read again. A number with a fraction must be typed (`xsd:decimal`): as a JSON number it would
//! pass through a binary float. Whatever the text, reading takes less than 10 MB.

use dataspace_primitives::Digest;

use crate::terms::Terms;

mod action;
mod at;
mod catena_x;
mod comparison;
mod constraint;
mod context;
mod document;
mod error;
mod invalid_operands;
mod json;
mod json_text;
mod left_operand;
mod limits;
mod metadata;
mod names;
mod normal;
mod obligation;
mod offset;
mod operands;
mod parties;
mod place;
mod policy;
mod region;
mod shape;
mod time;
mod value;
mod write;

pub use self::document::{OdrlKind, OdrlPolicy};
pub use self::error::{OdrlError, OdrlErrorKind};
pub use self::invalid_operands::InvalidOperands;
pub use self::limits::{ODRL_DEPTH_MAX, ODRL_LEN_MAX, ODRL_VALUES_MAX};
pub use self::names::ODRL_NAMESPACE;
pub use self::operands::{OPERANDS_MAX, OdrlOperands, OperandFact, OwnOperand, ValueType};

impl Terms {
    /// The terms as an ODRL `Set`, which [`Terms::from_odrl`] reads back as they are.
    ///
    /// An offer or agreement needs its own `@type`, `@id` and parties in addition.
    #[must_use]
    pub fn to_odrl(&self) -> serde_json::Value {
        write::write(self)
    }

    /// The terms of an ODRL document. What else it says is in [`OdrlPolicy::parse`].
    ///
    /// ```
    /// use dataspace_policy::{Action, Constraint, Rule, Terms};
    ///
    /// let offer = r#"{"@type": "Offer", "@id": "urn:uuid:1", "permission": [{
    ///     "action": "use",
    ///     "constraint": [{"leftOperand": "count", "operator": "lt", "rightOperand": "4"}]
    /// }]}"#;
    /// let terms = Terms::new().permit(Rule::new(Action::ALL).when(Constraint::Count(3)));
    /// assert_eq!(Terms::from_odrl(offer)?, terms);
    /// # Ok::<(), dataspace_policy::OdrlError>(())
    /// ```
    ///
    /// # Errors
    /// As [`OdrlPolicy::parse`].
    pub fn from_odrl(text: &str) -> Result<Self, OdrlError> {
        OdrlPolicy::parse(text).map(|policy| policy.terms)
    }

    /// The terms of an ODRL document of a space that gives names of its own a meaning.
    ///
    /// ```
    /// use dataspace_policy::{
    ///     Constraint, OdrlOperands, OperandFact, OwnOperand, Terms, ValueType,
    /// };
    ///
    /// let tier = OperandFact::Attribute { name: "tier".parse()?, values: ValueType::Text };
    /// let own = OwnOperand { fact: tier, words: "the partner tier".parse()? };
    /// let mut operands = OdrlOperands::default();
    /// operands.operands.insert("https://space.example/terms/tier".parse()?, own);
    /// operands.check()?;
    ///
    /// let offer = r#"{"@type": "Offer", "@id": "urn:uuid:1", "permission": [{
    ///     "action": "use",
    ///     "constraint": [{
    ///         "leftOperand": "https://space.example/terms/tier",
    ///         "operator": "eq",
    ///         "rightOperand": "gold"
    ///     }]
    /// }]}"#;
    /// let terms = Terms::from_odrl_in(offer, &operands)?;
    /// let words = &terms.clauses_in(&operands)[0].words;
    /// assert!(words.ends_with("if the partner tier is gold"), "{words}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`OdrlPolicy::parse`].
    pub fn from_odrl_in(text: &str, operands: &OdrlOperands) -> Result<Self, OdrlError> {
        OdrlPolicy::parse_in(text, operands).map(|policy| policy.terms)
    }
}

/// The SHA-256 of what the rules of an ODRL document mean.
///
/// The same for documents that differ only in how terms, values, arrays and members are written, in
/// the order of rules, obligations, constraints and values, in repetitions of them, in `and` within
/// `and` or `or` within `or`, or in whether actions share a rule. `@id`, `@type`, parties, target
/// and time have no part in it.
///
/// # Errors
/// As [`OdrlPolicy::parse`].
pub fn odrl_digest(text: &str) -> Result<Digest, OdrlError> {
    odrl_digest_in(text, &OdrlOperands::default())
}

/// [`odrl_digest`] of a document of a space that gives names of its own a meaning.
///
/// # Errors
/// As [`OdrlPolicy::parse`].
pub fn odrl_digest_in(text: &str, operands: &OdrlOperands) -> Result<Digest, OdrlError> {
    normal::digest(&Terms::from_odrl_in(text, operands)?)
}
