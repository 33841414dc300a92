//! An ODRL document that is read may be signed, and is written and read again as the same terms, by
//! itself and in a message.

use dataspace_odrl::{
    OdrlOperands, OdrlPolicy,
    limits::ODRL_LEN_MAX,
    odrl_digest_in,
    operands::{OperandFact, OwnOperand, ValueType},
    to_message_offer, to_offer,
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
            let written = to_offer(&terms, "urn:a:1").expect("read, but not to be signed");
            let again = written.into_document().to_string();
            let offer = to_message_offer(&terms, "urn:a:1", "urn:a:2").expect("as before");
            let message = format!("{{\"offer\":{}}}", offer.into_member());
            // Names that take a byte in the document may take three when they are escaped.
            if again.len().max(message.len()) <= ODRL_LEN_MAX {
                let read = OdrlPolicy::parse(&again).map(|policy| policy.terms);
                assert_eq!(read.as_ref(), Ok(&terms), "{text}\n{again}");
                assert_eq!(odrl_digest_in(&again, &space), digest, "{text}\n{again}");
                let sent = OdrlPolicy::parse_at(&message, "/offer", &space);
                let sent = sent.expect("read by itself, but not in a message");
                assert_eq!(sent.terms, terms, "{text}\n{message}");
                assert_eq!(sent.target.as_deref(), Some("urn:a:2"));
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
