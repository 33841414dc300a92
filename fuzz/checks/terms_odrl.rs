//! An ODRL document that is read may be signed, and is written and read again as the same terms.

use dataspace_policy::{
    OdrlOperands, OdrlPolicy, OperandFact, OwnOperand, Terms, ValueType, odrl_digest_in,
};
use dataspace_primitives::Name;

/// A space that maps an operand to a fact, and one to none.
fn space() -> OdrlOperands {
    let name = |text: &str| text.parse::<Name>().expect("a name");
    let tier = OperandFact::Attribute { name: name("tier"), values: ValueType::Region };
    let own = |fact, words| OwnOperand { fact, words: name(words) };
    OdrlOperands {
        operands: [
            (name("partner"), own(tier, "the partner tier")),
            (name("warranty"), own(OperandFact::Law, "the warranty")),
        ]
        .into(),
        ..OdrlOperands::default()
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let space = space();
    let found = OdrlPolicy::parse_in(text, &space);
    let digest = odrl_digest_in(text, &space);
    match found {
        Ok(OdrlPolicy { terms, .. }) => {
            terms.check().expect("read, but not to be signed");
            let again = terms.to_odrl().to_string();
            // Names that take a byte in the document may take three when they are escaped.
            if again.len() <= dataspace_policy::ODRL_LEN_MAX {
                assert_eq!(Terms::from_odrl(&again).as_ref(), Ok(&terms), "{text}\n{again}");
                assert_eq!(odrl_digest_in(&again, &space), digest, "{text}\n{again}");
            }
        }
        Err(error) => {
            // The place is one of the document: a pointer is empty or begins with a slash.
            assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{error:?}");
            assert!(!error.help.is_empty(), "{error:?}");
            assert_eq!(digest, Err(error));
        }
    }
}
