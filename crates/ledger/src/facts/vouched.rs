//! What trusted parties state about one access.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::{
    Facts,
    facts::{Environment, Fact, Known, Payment},
};
use dataspace_primitives::{Name, UnixMillis};
use dataspace_tlog::{Fact as Entry, LeafIndex};
use dataspace_usage_contract::statement::{FactKind, StatedValue, payment};

use super::in_log::{InLog, name};

/// The signed statements that count for one access at one time, by their kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouched {
    said: BTreeMap<Name, Name>,
    places: BTreeMap<Name, LeafIndex>,
    payment: Option<Payment>,
    events: Option<BTreeSet<Name>>,
    state: Option<Name>,
    level: Option<u32>,
    attested: Option<bool>,
}

/// Before the kind, in the name of the fact that a record keeps of it: no other fact has a colon there.
const SAID: &str = "vouched:";
/// And in the name of the fact that says which record has the statement.
pub(crate) const PLACE: &str = "statement:";

impl Vouched {
    /// Takes in what the statement of this kind in the record at `place` says at `now`.
    pub(crate) fn add(
        &mut self,
        kind: &Name,
        (value, now): (&StatedValue, UnixMillis),
        place: LeafIndex,
    ) {
        self.places.insert(kind.clone(), place);
        self.said.extend(value.says(now).map(|said| (kind.clone(), said)));
        match (FactKind::of(kind), value) {
            (Some(FactKind::Payment), StatedValue::Name(name)) => self.payment = payment(name),
            (Some(FactKind::Events), StatedValue::Names(names)) => {
                self.events = Some(names.clone());
            }
            (Some(FactKind::State), StatedValue::Name(name)) => self.state = Some(name.clone()),
            (Some(FactKind::Level), StatedValue::Number(level)) => self.level = Some(*level),
            (Some(FactKind::Attested), StatedValue::Flag(flag)) => self.attested = Some(*flag),
            _ => {}
        }
    }

    /// As a record says it.
    ///
    /// # Errors
    /// The name of a fact that cannot be what it says.
    pub(crate) fn read(facts: &BTreeMap<String, Entry>) -> Result<Self, String> {
        let mut vouched = Self::default();
        for (fact, entry) in facts {
            let wrong = || fact.clone();
            if let Some(kind) = fact.strip_prefix(SAID) {
                let Entry::Text(said) = entry else { return Err(wrong()) };
                let said = said.parse().map_err(|_| wrong())?;
                vouched.said.insert(kind.parse().map_err(|_| wrong())?, said);
            } else if let Some(kind) = fact.strip_prefix(PLACE) {
                let Entry::Number(place) = entry else { return Err(wrong()) };
                let kind = kind.parse().map_err(|_| wrong())?;
                vouched.places.insert(kind, LeafIndex::new(*place));
            }
        }
        vouched.read_facts(&InLog(facts)).map_err(str::to_owned)?;
        match vouched.unfounded() {
            None => Ok(vouched),
            Some(fact) => Err(fact),
        }
    }

    /// A fact for which no statement is named.
    fn unfounded(&self) -> Option<String> {
        let said = self.said.keys().find(|kind| !self.places.contains_key(*kind));
        let facts = [
            (self.payment.is_some(), FactKind::Payment, Fact::Payment),
            (self.events.is_some(), FactKind::Events, Fact::Events),
            (self.state.is_some(), FactKind::State, Fact::State),
            (self.level.is_some(), FactKind::Level, Fact::Level),
            (self.attested.is_some(), FactKind::Attested, Fact::Attested),
        ];
        let mut facts = facts.into_iter().filter(|(is_known, kind, _)| {
            *is_known && !self.places.keys().any(|one| one.as_str() == kind.as_str())
        });
        let fact = facts.next().map(|(_, _, fact)| name(fact).to_owned());
        said.map(|kind| format!("{SAID}{kind}")).or(fact)
    }

    fn read_facts(&mut self, record: &InLog<'_>) -> Result<(), &'static str> {
        let text = |fact| match record.known(fact)? {
            None => Ok(None),
            Some(Known::Text(text)) => text.parse::<Name>().map(Some).map_err(|_| name(fact)),
            Some(_) => Err(name(fact)),
        };
        if let Some(paid) = text(Fact::Payment)? {
            self.payment = Some(payment(&paid).ok_or(name(Fact::Payment))?);
        }
        self.state = text(Fact::State)?;
        if record.0.contains_key(name(Fact::Events)) {
            self.events = Some(record.names(Fact::Events)?);
        }
        if let Some(Known::Number(level)) = record.known(Fact::Level)? {
            self.level = Some(level.try_into().map_err(|_| name(Fact::Level))?);
        }
        if let Some(Known::Flag(attested)) = record.known(Fact::Attested)? {
            self.attested = Some(attested);
        }
        Ok(())
    }

    /// Adds what is stated to the facts of the access.
    pub(crate) fn tell<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.vouched = &self.said;
        facts.payment = self.payment;
        facts.events = self.events.as_ref();
        facts.state = self.state.as_ref().map(Name::as_str);
        facts.product_level = self.level;
        let attested = self.attested;
        facts.environment = facts.environment.map(|one| Environment { attested, ..one });
    }

    /// What a record keeps beside the facts of the table.
    pub(crate) fn recorded(&self) -> impl Iterator<Item = (String, Entry)> {
        let said = self
            .said
            .iter()
            .map(|(kind, said)| (format!("{SAID}{kind}"), Entry::Text(said.to_string())));
        let places = self
            .places
            .iter()
            .map(|(kind, place)| (format!("{PLACE}{kind}"), Entry::Number(place.as_u64())));
        said.chain(places)
    }

    /// The kinds of the statements, each with the record that has it.
    pub fn places(&self) -> impl Iterator<Item = (&Name, LeafIndex)> {
        self.places.iter().map(|(kind, place)| (kind, *place))
    }
}

/// The records of the statements on which a decision with these recorded facts was made, by kind.
#[must_use]
pub fn statement_places(facts: &BTreeMap<String, Entry>) -> BTreeMap<&str, LeafIndex> {
    let all = facts.iter().filter_map(|(fact, entry)| match entry {
        Entry::Number(place) => Some((fact.strip_prefix(PLACE)?, LeafIndex::new(*place))),
        _ => None,
    });
    all.collect()
}
