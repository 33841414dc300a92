//! Left operands of a space's own, and what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::words::OwnWords;
use dataspace_primitives::{Name, bounded};
use serde::{Deserialize, Serialize};

/// Most operands, profiles or contexts that a space can name.
pub const OPERANDS_MAX: usize = 128;

/// What a space's own names in ODRL documents stand for: signed with the space's profile, so that
/// every participant reads a document alike.
///
/// Nothing that this reader understands by itself can be given another meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OdrlOperands {
    /// Left operands: the full IRI, or the plain name where documents have no prefix for it.
    #[serde(deserialize_with = "bounded::map::<_, _, _, OPERANDS_MAX>")]
    pub operands: BTreeMap<Name, OwnOperand>,
    /// ODRL profiles that say no more than what stands here, by IRI.
    #[serde(deserialize_with = "bounded::set::<_, _, OPERANDS_MAX>")]
    pub profiles: BTreeSet<Name>,
    /// JSON-LD contexts that define names as they stand here and as ODRL has them, by address.
    #[serde(deserialize_with = "bounded::set::<_, _, OPERANDS_MAX>")]
    pub contexts: BTreeSet<Name>,
}

/// A left operand of a space's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OwnOperand {
    /// What answers it.
    pub fact: OperandFact,
    /// What it is called in clauses, such as `the partner tier`.
    pub words: Name,
}

/// What answers a left operand of a space's own. The type of its values follows from it.
///
/// Where the fact is not known, a permission that asks for it does not apply and a prohibition
/// does, as with every fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperandFact {
    /// What the consumer's credentials say under this name.
    Attribute {
        /// The attribute.
        name: Name,
        /// How its values are written.
        values: ValueType,
    },
    /// The consumer has this credential. One value says so, such as `active`.
    Credential {
        /// The type of the credential.
        credential: Name,
        /// The only value.
        value: Name,
    },
    /// The consumer's roles in the space.
    Role,
    /// The roles of the person who acts for the consumer.
    PersonRole,
    /// The purpose that the consumer states.
    Purpose,
    /// The consumer, by DID.
    Participant,
    /// Where the consumer is established: countries or groups of them.
    Jurisdiction,
    /// Where the data go, as the consumer states: countries or groups of them.
    RecipientRegion,
    /// The connector that the data go through.
    Connector,
    /// The application that the data are used in.
    Application,
    /// The class of the product.
    Class,
    /// What goes on in the space.
    Event,
    /// The state of the contract's process.
    State,
    /// The time of the access.
    Time,
    /// No fact: it binds by law alone.
    Law,
}

/// How the values of an attribute are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueType {
    /// Texts and IRIs, as they stand.
    Text,
    /// Whole numbers, in digits without leading zeros.
    Whole,
    /// `true` or `false`.
    Truth,
    /// Countries or groups of them, by the codes of ISO 3166-1.
    Region,
}

impl OdrlOperands {
    /// Returns true if nothing stands here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn has_context(&self, text: &str) -> bool {
        self.contexts.iter().any(|one| one.as_str() == text)
    }

    pub(crate) fn has_profile(&self, text: &str) -> bool {
        self.profiles.iter().any(|one| one.as_str() == text)
    }

    pub(crate) fn find(&self, text: &str) -> Option<(&Name, &OwnOperand)> {
        if self.operands.is_empty() {
            return None;
        }
        // A text that is no name is longer than any operand here.
        self.operands.get_key_value(&text.parse::<Name>().ok()?)
    }

    fn words_of(&self, is_it: impl Fn(&OperandFact) -> bool) -> Option<&Name> {
        self.operands.values().find(|own| is_it(&own.fact)).map(|own| &own.words)
    }
}

impl OwnWords for OdrlOperands {
    fn attribute(&self, attribute: &Name) -> Option<&Name> {
        self.words_of(
            |fact| matches!(fact, OperandFact::Attribute { name, .. } if name == attribute),
        )
    }

    fn credential(&self, of: &Name) -> Option<(&Name, &Name)> {
        self.operands.values().find_map(|own| match &own.fact {
            OperandFact::Credential { credential, value } if credential == of => {
                Some((&own.words, value))
            }
            _ => None,
        })
    }

    fn law(&self, operand: &Name) -> Option<&Name> {
        let own = self.operands.get(operand)?;
        (own.fact == OperandFact::Law).then_some(&own.words)
    }
}
