//! Which facts constraints ask for, who supplies them, and which of them can be unknown.

use std::collections::BTreeSet;

use dataspace_primitives::Name;

use crate::facts::{Constraint, Fact, Form, Owner};
use crate::source::Source;
use crate::terms::Terms;

/// The type of credential that every member of a space holds.
pub(crate) const MEMBERSHIP: &str = "MembershipCredential";

/// A fact that can be unknown, and that a constraint asks for. In the order in which Cedar texts ask
/// for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unknown<'a> {
    Fact(Fact),
    Attribute(&'a Name),
    /// That one of these is held can be known; that none is, cannot.
    Credential(&'a BTreeSet<Name>),
    /// What a signed statement of this kind says.
    Vouched(&'a Name),
}

impl Unknown<'_> {
    /// What nobody supplies, in plain words; `None` if somebody does.
    pub(crate) fn unsupplied(self) -> Option<String> {
        match self {
            Self::Fact(fact) => fact.unsupplied().map(str::to_owned),
            Self::Credential(all) if !has_membership(all) => {
                Some(format!("any credential but the {MEMBERSHIP}"))
            }
            Self::Credential(_) | Self::Attribute(_) | Self::Vouched(_) => None,
        }
    }
}

fn has_membership(types: &BTreeSet<Name>) -> bool {
    types.iter().any(|one| one.as_str() == MEMBERSHIP)
}

impl Terms {
    /// The facts of the table that constraints ask for, at any depth.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<Fact> {
        let mut all = BTreeSet::new();
        for constraint in self.rules().flat_map(|(_, rule)| &rule.constraints) {
            constraint.each(&mut |one| all.extend(one.fact()));
        }
        all
    }
}

impl Constraint {
    /// The fact that it asks for, where it is one of the table.
    fn fact(&self) -> Option<Fact> {
        match self.form() {
            Form::Time(_) | Form::From(_) | Form::Before(_) | Form::Hours(_) => Some(Fact::Now),
            Form::Elapsed(_) => Some(Fact::AgreedAt),
            Form::Count(_) => Some(Fact::Uses),
            Form::ConsumerCount(_) => Some(Fact::UsesByConsumer),
            Form::DayCount(_) => Some(Fact::UsesToday),
            Form::MonthCount(_) => Some(Fact::UsesThisMonth),
            Form::PlayCount(_) => Some(Fact::Plays),
            Form::SecondsCount(_) => Some(Fact::Seconds),
            Form::FirstSeconds(_) => Some(Fact::AskedUntil),
            Form::Attested => Some(Fact::Attested),
            Form::Sandbox => Some(Fact::Sandbox),
            Form::SecurityLevel(_) => Some(Fact::SecurityLevel),
            Form::Level(_) => Some(Fact::Level),
            Form::Among(fact, _) => Some(fact),
            Form::Attribute { .. }
            | Form::Vouched { .. }
            | Form::Not(_)
            | Form::All(_)
            | Form::Any(_)
            | Form::One(_) => None,
        }
    }

    /// Who supplies the facts that it asks for; the one that is worth least.
    #[must_use]
    pub fn source(&self) -> Source {
        let own = match self {
            Self::Credential(types) if !has_membership(types) => Source::Nobody,
            Self::Vouched { .. } => Source::Trusted,
            one => one.fact().map_or(Source::Authority, |fact| match fact.owner() {
                // Which one it is, the consumer says.
                Owner::Person | Owner::Environment => fact.source().max(Source::Consumer),
                _ => fact.source(),
            }),
        };
        self.parts().iter().map(Self::source).fold(own, Source::max)
    }

    /// Adds the facts that it asks for and that can be unknown.
    pub(crate) fn unknowns<'a>(&'a self, all: &mut BTreeSet<Unknown<'a>>) {
        match self {
            Self::Attribute { name, .. } => all.extend([Unknown::Attribute(name)]),
            Self::Credential(types) => all.extend([Unknown::Credential(types)]),
            Self::Vouched { kind, .. } => all.extend([Unknown::Vouched(kind)]),
            one => {
                let fact = one.fact();
                let owner = fact.and_then(|fact| match fact.owner() {
                    Owner::Person => Some(Fact::Person),
                    Owner::Environment => Some(Fact::Environment),
                    _ => None,
                });
                let fact = fact.filter(|fact| fact.is_optional());
                all.extend([owner, fact].into_iter().flatten().map(Unknown::Fact));
            }
        }
        self.parts().iter().for_each(|part| part.unknowns(all));
    }
}
