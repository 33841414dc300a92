//! What a person should see before signing forbids that were written by hand.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::PolicySet;

use crate::lint::is_mixed;
use crate::named::{look, strings};
use crate::phrase::list;

/// Something about a space's or provider's policies that they can be signed with, and that may not be
/// meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyFinding {
    /// The policy asks for facts that nobody supplies ([`Source::Nobody`](crate::source::Source::Nobody)):
    /// at a node it forbids as it does where they are not known.
    Unsupplied {
        /// The policy's id.
        policy: String,
        /// The facts, in plain words.
        facts: Vec<String>,
    },
    /// A text in the policy has letters of several scripts: it may not be the text that it seems to
    /// be, and then never matches.
    Script {
        /// The policy's id.
        policy: String,
        /// The text.
        text: String,
    },
    /// Two policies have ids that people would take for one: by case, or by letters that look
    /// alike. They are two policies, and denials name each by its own id.
    SimilarIds {
        /// The policy's id.
        policy: String,
        /// The other one.
        other: String,
    },
}

impl PolicyFinding {
    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupplied { .. } => "unsupplied",
            Self::Script { .. } => "script",
            Self::SimilarIds { .. } => "similar-ids",
        }
    }
}

impl fmt::Display for PolicyFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupplied { policy, facts } => {
                let facts = list(facts.iter(), "or");
                write!(
                    f,
                    "policy {policy:?} forbids as if it were not known: nobody supplies {facts}"
                )
            }
            Self::Script { policy, text } => write!(
                f,
                "policy {policy:?} has the text {text:?}, whose letters are of several scripts; see \
                 that it is the one that is meant, since letters that look alike do not match"
            ),
            Self::SimilarIds { policy, other } => {
                write!(f, "the ids {other:?} and {policy:?} look alike and are two policies")
            }
        }
    }
}

/// By the order of the ids.
pub(crate) fn findings(set: &PolicySet) -> Vec<PolicyFinding> {
    let mut policies: Vec<_> = set.policies().collect();
    policies.sort_by(|one, other| one.id().cmp(other.id()));
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for policy in policies {
        let id: &str = policy.id().as_ref();
        let mixed = strings(policy).into_iter().filter(|text| is_mixed(text));
        all.extend(mixed.map(|text| PolicyFinding::Script { policy: id.to_owned(), text }));
        if let Some(other) = seen.insert(look(id), id) {
            let (policy, other) = (id.to_owned(), other.to_owned());
            all.push(PolicyFinding::SimilarIds { policy, other });
        }
    }
    all
}
