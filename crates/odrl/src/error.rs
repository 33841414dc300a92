//! Why a text is not read.

use std::borrow::Cow;

use dataspace_policy::{duty::InvalidDuty, terms::InvalidTerms};
use thiserror::Error;

use crate::json::{self, Json};
use crate::limits::{ODRL_DEPTH_MAX, ODRL_LEN_MAX, ODRL_VALUES_MAX};

/// Why an ODRL document does not become [`Terms`](dataspace_policy::Terms), where, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the ODRL document is refused at `{}`", dataspace_primitives::shown(pointer))]
pub struct OdrlError {
    /// The place in the document: a JSON pointer (RFC 6901), empty for the whole document.
    pub pointer: String,
    /// What is wrong there.
    #[source]
    pub kind: OdrlErrorKind,
    /// For the people who wrote the document: the reason in more words, and what to write instead.
    /// Names from the document are cleaned in it.
    pub help: String,
}

impl OdrlError {
    /// Of the document as a whole.
    pub(crate) fn whole(kind: OdrlErrorKind) -> Self {
        let help = kind.help().into();
        Self { pointer: String::new(), kind, help }
    }

    /// At this place.
    pub(crate) fn at(self, pointer: &str) -> Self {
        Self { pointer: pointer.to_owned(), ..self }
    }
}

/// A part of a document that is refused.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    place: &'a Json<'a>,
    kind: OdrlErrorKind,
    help: Cow<'static, str>,
}

impl<'a> Refused<'a> {
    pub(crate) fn new(place: &'a Json<'a>, kind: OdrlErrorKind) -> Self {
        let help = Cow::Borrowed(kind.help());
        Self { place, kind, help }
    }

    /// Says more than the kind does.
    pub(crate) fn because(self, help: impl Into<Cow<'static, str>>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// With its place in the whole document.
    pub(crate) fn within(self, document: &Json<'_>) -> OdrlError {
        let Self { place, kind, help } = self;
        OdrlError { pointer: json::pointer(document, place), kind, help: help.into_owned() }
    }
}

/// Longest name from a document in a help text, in characters.
const SHOWN_MAX: usize = 96;

/// A name from a document, in quotation marks.
pub(crate) fn shown(text: &str) -> String {
    if text.is_empty() {
        return "this".to_owned();
    }
    format!("`{}`", dataspace_primitives::shown(text).at_most(SHOWN_MAX))
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
    /// More than [`ODRL_VALUES_MAX`] values.
    #[error("the document has more than {ODRL_VALUES_MAX} values")]
    TooMany,
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
    /// There is no value where one was looked for.
    #[error("there is nothing here")]
    Nothing,
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
    /// A rule names another product or party than the rest of the document.
    #[error("this is not the {what} that the rest of the document names")]
    Differs {
        /// `target`, `assigner`, `assignee` or `@id`.
        what: &'static str,
    },
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

impl OdrlErrorKind {
    /// What would help, where nothing more is known about the place.
    fn help(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::TooMany => {
                "a contract of this size is read by nobody; split it into several"
            }
            Self::Syntax { .. } => "the document must be JSON; the place is where it ends to be",
            Self::TooDeep => "take needless arrays and `and`s out of each other",
            Self::DuplicateMember => {
                "write the member once; readers differ in which one of two they take"
            }
            Self::UnknownMember => {
                "a member that is passed over could restrict the contract; take it out, or say with \
                 a constraint what it demands"
            }
            Self::Nothing => "name the place of a policy in the document, such as /offer",
            Self::Missing { .. } => "add the member",
            Self::Value { .. } => "write the value as the terms of this project ask for it",
            Self::UnknownContext => {
                "a context can give every term another meaning; use \
                 https://w3id.org/dspace/2025/1/context.jsonld or http://www.w3.org/ns/odrl.jsonld, \
                 or let the space list the context in its profile"
            }
            Self::UnknownProfile => {
                "a profile adds terms and rules, and who does not know it must not decide (ODRL \
                 Information Model, section 4); leave it out if no name of it is used, or let the \
                 space list it in its profile"
            }
            Self::UnknownType => "use a type of ODRL that fits here, or leave it out",
            Self::Differs { .. } => {
                "a contract is about one product, of one provider, for one consumer; write a \
                 document for each"
            }
            Self::UnknownAction => {
                "use one of use, read, derive, display, play, distribute, or an action of \
                 https://w3id.org/dataspace/terms/"
            }
            Self::UnknownOperand => {
                "no fact answers it; use an operand of ODRL or of https://w3id.org/dataspace/terms/ \
                 that this page lists, or let the space map the operand in its profile"
            }
            Self::UnknownOperator => {
                "use one of eq, neq, gt, gteq, lt, lteq, isA, isPartOf, hasPart, isAnyOf, isAllOf, \
                 isNoneOf"
            }
            Self::Operator => "use an operator that is listed for this operand",
            Self::Sequence => "use `and` if the order does not matter",
            Self::LegalInside => {
                "whether it holds is not known when an access is decided; move it into the \
                 conjunction of the permission, or into a duty"
            }
            Self::Scope => "write one permission, or a document for each permission",
            Self::Terms(InvalidTerms::NoPermission) => {
                "what is not permitted is forbidden here, so nobody could use the product; to open \
                 it without conditions write \"permission\": [{\"action\": \"use\"}]"
            }
            Self::Terms(_) | Self::Duty(_) => "the reason says which bound or rule is broken",
            Self::Encoding => "report this as an error of the program",
        }
    }
}
