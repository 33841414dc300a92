//! Terms to a document and back.

use dataspace_odrl::{OdrlError, OdrlOperands, OdrlPolicy, Value, to_offer};
use dataspace_policy::Terms;

pub(crate) fn from_odrl(text: &str) -> Result<Terms, OdrlError> {
    OdrlPolicy::parse(text).map(|policy| policy.terms)
}

pub(crate) fn from_odrl_in(text: &str, operands: &OdrlOperands) -> Result<Terms, OdrlError> {
    OdrlPolicy::parse_in(text, operands).map(|policy| policy.terms)
}

/// The terms as an offer by itself.
pub(crate) fn to_odrl(terms: &Terms) -> Value {
    to_offer(terms, "urn:example:offer").unwrap().into_document()
}
