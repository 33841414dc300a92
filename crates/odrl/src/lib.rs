//! Usage terms as ODRL 2.2 in the profile of the Dataspace Protocol 2025-1, both ways.
//!
//! [`OdrlPolicy`] reads a document or a part of a message; [`to_offer`], [`to_message_offer`] and
//! [`to_agreement`] write what the protocol's JSON schemas accept, and what is read back as the same
//! terms.
//!
//! # What it refuses to do
//! - It passes over nothing that could bind. What this page does not list is refused with its place,
//!   the reason and what would help ([`OdrlError`]).
//! - It permits no more than the strictest reading of the document.
//! - It fetches nothing: JSON-LD is read as it stands, compact or expanded, without a processor.
//!
//! # Example
//! ```
//! use dataspace_odrl::{OdrlOperands, OdrlPolicy, to_message_offer};
//! use dataspace_policy::{Action, Constraint, Rule, Terms};
//!
//! let purpose = Constraint::Purpose(["research".parse()?].into());
//! let terms = Terms::new().permit(Rule::new([Action::Read]).when(purpose));
//!
//! let offer = to_message_offer(&terms, "urn:uuid:1", "urn:uuid:alloys")?;
//! let message = serde_json::json!({
//!     "@context": offer.context(),
//!     "@type": "ContractOfferMessage",
//!     "providerPid": "urn:uuid:2",
//!     "callbackAddress": "https://provider.example/dsp",
//!     "offer": offer.into_member(),
//! });
//!
//! let none = OdrlOperands::default();
//! let read = OdrlPolicy::parse_at(&message.to_string(), "/offer", &none)?;
//! assert_eq!(read.terms, terms);
//! assert_eq!(read.target.as_deref(), Some("urn:uuid:alloys"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Names
//! The names that this page lists, plain, with a prefix, or as full IRIs. A document may define
//! prefixes and names in its `@context`; what it does not use does no harm, and no name that is known
//! here can be given the meaning of another. A space can say in its profile what its own operands
//! stand for ([`OdrlOperands`]).
//!
//! # What the protocol has no term for
//! It is written with names of our own: actions and left operands, the only places where the
//! protocol's schemas leave names open. Such a policy names [`EXTENSION_CONTEXT`](names::EXTENSION_CONTEXT) in its contexts and
//! [`ODRL_NAMESPACE`](names::ODRL_NAMESPACE) as its profile, so that nobody takes it who does not know them. `docs/odrl.md`
//! says what each name means.
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
//! as a sentence ([`Legal::Text`](dataspace_policy::Legal::Text)).
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
//! | `PlayCount` | `dataspace:playCount`, `dataspace:playCount/60` of those that count after 60 seconds | `lteq`, `lt` |
//! | `SecondsCount` | `odrl:meteredTime` | `lteq`; a duration in whole seconds |
//! | `FirstSeconds` | `dataspace:firstSeconds` | `lteq`, `lt` |
//! | `ConsumerCount`, `DayCount`, `MonthCount`, `Level` | `dataspace:consumerCount`, `dayCount`, `monthCount`, `productLevel` | `lteq`, `lt` |
//! | `SecurityLevel` | `dataspace:securityLevel` | `gteq`, `gt` |
//! | `RecipientRegion` | `odrl:spatial` | `eq`, `isAnyOf`; `isPartOf` with a group |
//! | `Event` | `odrl:event` | `eq`, `isAnyOf`, `hasPart`, `isAllOf` |
//! | `Credential`, `Role`, `PersonRole` | `dataspace:credential`, `role`, `personRole` | likewise |
//! | `Jurisdiction`, `Participant`, `Connector`, `Application`, `Class`, `Payment`, `State` | `dataspace:jurisdiction`, `participant`, `connector`, `application`, `productClass`, `payment`, `state` | `eq`, `isAnyOf` |
//! | `Attribute` | `dataspace:attribute/` and the name, percent-encoded | `eq`, `isAnyOf` |
//! | `Vouched` | `dataspace:vouched/` and the kind, percent-encoded | `eq`, `isAnyOf` |
//! | `Attested`, `Sandbox` | `dataspace:attested`, `sandbox` | `eq` with `true` |
//! | `Hours` | `dataspace:hours` | `eq` with a `dataspace:Hours` |
//! | `Elapsed`, its `Not` | `edc:inForceDate` | `lt`, `lteq`; `gteq`, `gt` (the next second) with `contractAgreement+30d` |
//! | `Before`, `From` | `edc:inForceDate`, `POLICY_EVALUATION_TIME` | as `odrl:dateTime` |
//! | `Attribute` `referringConnector` | `REFERRING_CONNECTOR` | `eq`, `isAnyOf` |
//! | `Purpose` | `PURPOSE`, `idsc:PURPOSE` | `eq`, `isAnyOf` |
//! | none | `ALWAYS_TRUE` | `eq` with `true` |
//! | `Not` of `eq`, `isAnyOf` | the same | `neq`, `isNoneOf` |
//! | `Not` of another | `dataspace:not` | `eq` with the constraint as right operand |
//! | `All`, `Any`, `One` | `and`, `or`, `xone` | |
//!
//! ODRL has no negation. A rewriting with `xone` would turn into its contrary where an unknown part
//! is left out. `odrl:recipient` is refused as a constraint: when data are passed on, it is not the
//! consumer. `andSequence` is refused: nothing decides in what order facts came true.
//!
//! # Obligations
//! | terms | action | constraints |
//! |---|---|---|
//! | `Mask` | `dataspace:mask` | `dataspace:column`, `dataspace:method` (`dataspace:drop`, `null`, `hash`, `round`, `truncate`), `dataspace:decimals`, `dataspace:characters` |
//! | `Filter` | `dataspace:filter` | `dataspace:column`, `dataspace:value` with the filter's operator; numbers are typed |
//! | `Text` | `dataspace:heed` | `dataspace:text` |
//! | `Operand` | `dataspace:comply` | the operand itself, kept as it stands; `dataspace:operand`, `operator`, `values` where the protocol has no such operator |
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
//! [`ODRL_LEN_MAX`](limits::ODRL_LEN_MAX) bytes, [`ODRL_DEPTH_MAX`](limits::ODRL_DEPTH_MAX) levels and [`ODRL_VALUES_MAX`](limits::ODRL_VALUES_MAX) values, so terms that are
//! written longer cannot be read again. A number with a fraction must be typed (`xsd:decimal`): as a
//! JSON number it would pass through a binary float. Whatever the text, reading takes less than
//! 10 MB.

mod at;
mod document;
pub mod error;
pub mod invalid_operands;
mod json;
pub mod limits;
pub mod names;
mod normal;
pub mod operands;
mod read;
pub mod write;

pub use serde_json::Value;

pub use crate::document::{OdrlKind, OdrlPolicy};
pub use crate::error::OdrlError;

pub use crate::normal::{odrl_digest, odrl_digest_in};
pub use crate::operands::OdrlOperands;
pub use crate::write::{to_agreement, to_message_offer, to_offer};
