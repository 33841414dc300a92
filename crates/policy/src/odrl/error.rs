use thiserror::Error;

use crate::duty::InvalidDuty;
use crate::terms::InvalidTerms;

use super::{ODRL_DEPTH_MAX, ODRL_LEN_MAX};

/// Why an ODRL document does not become [`Terms`](crate::Terms), and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the ODRL document is refused at `{pointer}`")]
pub struct OdrlError {
    /// The place in the document: a JSON pointer (RFC 6901), empty for the whole document.
    pub pointer: String,
    /// What is wrong there.
    #[source]
    pub kind: OdrlErrorKind,
}

/// What is wrong with a part of an ODRL document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OdrlErrorKind {
    /// Longer than [`ODRL_LEN_MAX`].
    #[error("the document has {len} bytes, at most {ODRL_LEN_MAX} are read")]
    TooLong {
        /// Bytes found.
        len: usize,
    },
    /// Not JSON (RFC 8259).
    #[error("not JSON, at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Objects and arrays within each other deeper than [`ODRL_DEPTH_MAX`].
    #[error("deeper than {ODRL_DEPTH_MAX} levels")]
    TooDeep,
    /// The member stands twice in its object (under one name or under two names for one term):
    /// readers differ in which one they take.
    #[error("the member stands twice")]
    DuplicateMember,
    /// The member is not one that this reader understands, so it must not be passed over.
    #[error("this member is not understood here")]
    UnknownMember,
    /// A member is missing.
    #[error("the member `{member}` is missing")]
    Missing {
        /// Which.
        member: &'static str,
    },
    /// Another type of JSON value, or a value outside the range.
    #[error("expected {expected}")]
    Value {
        /// What belongs here.
        expected: &'static str,
    },
    /// A context that could change what the terms of the document mean.
    #[error("this context is not known, it could change what the document means")]
    UnknownContext,
    /// An ODRL profile whose terms this reader does not know.
    #[error("this profile is not known")]
    UnknownProfile,
    /// A `@type` that does not fit here.
    #[error("this type is not understood here")]
    UnknownType,
    /// Not an action that a request can ask for, or a duty that can be carried out.
    #[error("this action is not understood here")]
    UnknownAction,
    /// A left operand that no fact answers.
    #[error("this left operand is not understood here")]
    UnknownOperand,
    /// Not an operator of ODRL.
    #[error("not an operator")]
    UnknownOperator,
    /// The operator has no meaning with this left operand, or one that no constraint has.
    #[error("this operator is not possible with this left operand")]
    Operator,
    /// `andSequence`: nothing decides in what order facts came true.
    #[error("the order of constraints cannot be decided")]
    Sequence,
    /// A term that binds by law alone, where its truth would decide: in a prohibition or inside
    /// `or`, `xone` or a negation.
    #[error(
        "this binds by law alone; it can stand only among what a permission demands in any case"
    )]
    LegalInside,
    /// A term that binds by law, or a duty, of one permission among several: here both bind
    /// under the whole contract.
    #[error("this would bind under the other permissions too")]
    Scope,
    /// A rule or the whole document says what may not be signed.
    #[error("such terms cannot be signed")]
    Terms(#[source] InvalidTerms),
    /// A duty that cannot be carried out.
    #[error("this duty cannot be carried out")]
    Duty(#[source] InvalidDuty),
    /// The terms have no canonical encoding. Not known to happen.
    #[error("the terms have no canonical encoding")]
    Encoding,
}
