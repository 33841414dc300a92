//! Contracts by their identifier: shared code, layers, explanations, simulations, and what an
//! attacker who chooses constants, texts or facts can try.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
mod contracts;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod simulation;

#[cfg(test)]
mod support {
    use dataspace_policy::{Action, Constraint, Facts, Layer, Policies, Rule, Scope, Terms};
    use dataspace_primitives::{Digest, Name, UnixMillis, Validity};

    pub(crate) const CONSUMER: &str = "did:key:z6MkOne";

    pub(crate) fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    pub(crate) fn at(text: &str) -> UnixMillis {
        text.parse().unwrap()
    }

    pub(crate) fn id(number: u32) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    pub(crate) fn scope(consumer: &str, product: &str) -> Scope {
        Scope { consumer: consumer.to_owned(), product: name(product) }
    }

    pub(crate) fn year(year: u32) -> Constraint {
        let begin = |year| at(&format!("{year}-01-01T00:00:00Z"));
        Constraint::Time(Validity::new(begin(year), begin(year + 1)).unwrap())
    }

    pub(crate) fn research_in(when: u32) -> Terms {
        let purpose = Constraint::Purpose([name("research")].into());
        Terms::new().permit(Rule::new([Action::Read]).when(purpose).when(year(when)))
    }

    pub(crate) fn facts() -> Facts<'static> {
        let consumer = (CONSUMER, "DE".parse().unwrap());
        let now = at("2026-06-01T00:00:00Z");
        Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now)
    }

    pub(crate) fn forbids(layer: Layer, text: &str) -> Policies {
        Policies::parse(text, layer).unwrap()
    }
}
