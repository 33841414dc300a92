//! Who supplies the facts that constraints ask for, and which of them can be unknown.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::Name;

use crate::constraint::Constraint;

/// Who supplies a fact. The crate's page has a table. A later one is worth less; the last one among
/// the facts of a clause gives its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The space authority, in what it signed: credentials and the profile.
    Authority,
    /// The provider's node: its clock, its log, its register of products.
    Provider,
    /// The consumer, in its signed request.
    Consumer,
    /// Nobody yet: it is never known.
    Nobody,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authority => "the space authority",
            Self::Provider => "the provider's node",
            Self::Consumer => "the consumer",
            Self::Nobody => "nobody",
        })
    }
}

/// The type of credential that every member of a space holds.
pub(crate) const MEMBERSHIP: &str = "MembershipCredential";

/// A fact that can be unknown, and that a constraint asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unknown<'a> {
    Person,
    Environment,
    /// After the environment of which it is.
    Attested,
    RecipientRegion,
    Level,
    Payment,
    Events,
    State,
    Attribute(&'a Name),
    /// That one of these is held can be known; that none is, cannot.
    Credential(&'a BTreeSet<Name>),
}

impl Unknown<'_> {
    /// What nobody supplies, in plain words; `None` if somebody does.
    pub(crate) fn unsupplied(self) -> Option<String> {
        Some(match self {
            Self::Attested => "whether an environment was attested".to_owned(),
            Self::Level => "the classification of a product".to_owned(),
            Self::Payment => "the state of a payment".to_owned(),
            Self::Events => "what goes on in the space".to_owned(),
            Self::State => "the state of a contract's process".to_owned(),
            Self::Credential(all) if !all.iter().any(|one| one.as_str() == MEMBERSHIP) => {
                format!("any credential but the {MEMBERSHIP}")
            }
            _ => return None,
        })
    }
}

impl Constraint {
    /// Who supplies the facts that it asks for; the one that is worth least.
    #[must_use]
    pub fn source(&self) -> Source {
        let own = match self {
            Self::Jurisdiction(_)
            | Self::Participant(_)
            | Self::Attribute { .. }
            | Self::Role(_)
            | Self::Not(_)
            | Self::All(_)
            | Self::Any(_)
            | Self::One(_) => Source::Authority,
            Self::Credential(all) if all.iter().any(|one| one.as_str() == MEMBERSHIP) => {
                Source::Authority
            }
            Self::Time(_)
            | Self::From(_)
            | Self::Before(_)
            | Self::Hours(_)
            | Self::Elapsed(_)
            | Self::Count(_)
            | Self::ConsumerCount(_)
            | Self::DayCount(_)
            | Self::MonthCount(_)
            | Self::Class(_) => Source::Provider,
            Self::Purpose(_)
            | Self::PurposeWithin(_)
            | Self::RecipientRegion(_)
            | Self::PersonRole(_)
            | Self::Sandbox
            | Self::SecurityLevel(_)
            | Self::Connector(_)
            | Self::Application(_) => Source::Consumer,
            Self::Credential(_)
            | Self::Attested
            | Self::Level(_)
            | Self::Payment(_)
            | Self::Event(_)
            | Self::State(_) => Source::Nobody,
        };
        self.parts().iter().map(Self::source).fold(own, Source::max)
    }

    /// Adds the facts that it asks for and that can be unknown.
    pub(crate) fn unknowns<'a>(&'a self, all: &mut BTreeSet<Unknown<'a>>) {
        match self {
            Self::PersonRole(_) => all.extend([Unknown::Person]),
            Self::Attested => all.extend([Unknown::Environment, Unknown::Attested]),
            Self::Sandbox | Self::SecurityLevel(_) | Self::Connector(_) | Self::Application(_) => {
                all.extend([Unknown::Environment]);
            }
            Self::RecipientRegion(_) => all.extend([Unknown::RecipientRegion]),
            Self::Level(_) => all.extend([Unknown::Level]),
            Self::Payment(_) => all.extend([Unknown::Payment]),
            Self::Event(_) => all.extend([Unknown::Events]),
            Self::State(_) => all.extend([Unknown::State]),
            Self::Attribute { name, .. } => all.extend([Unknown::Attribute(name)]),
            Self::Credential(types) => all.extend([Unknown::Credential(types)]),
            _ => {}
        }
        self.parts().iter().for_each(|part| part.unknowns(all));
    }
}
