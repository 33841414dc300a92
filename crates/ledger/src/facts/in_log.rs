//! The facts of a record.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_policy::facts::{Fact, Kind, Known};
use dataspace_primitives::Name;
use dataspace_tlog::Fact as Entry;

/// The facts of a record.
pub(super) struct InLog<'a>(pub(super) &'a BTreeMap<String, Entry>);

impl<'a> InLog<'a> {
    /// What the record says of a fact; `None` if nothing. Sets of names are read by
    /// [`names`](Self::names).
    pub(super) fn known(&self, fact: Fact) -> Result<Option<Known<'a>>, &'static str> {
        let name = name(fact);
        let Some(entry) = self.0.get(name) else { return Ok(None) };
        match (fact.kind(), entry) {
            (Kind::Flag, Entry::Text(text)) => Ok(Some(Known::Flag(text == "true"))),
            (Kind::Text | Kind::Entity(_), Entry::Text(text)) => Ok(Some(Known::Text(text))),
            (Kind::Number, Entry::Number(number)) => Ok(Some(Known::Number(*number))),
            _ => Err(name),
        }
    }

    pub(super) fn names(&self, fact: Fact) -> Result<BTreeSet<Name>, &'static str> {
        let name = name(fact);
        let Some(Entry::Texts(texts)) = self.0.get(name) else { return Err(name) };
        texts.iter().map(|text| text.parse().map_err(|_| name)).collect()
    }
}

/// Its name in records.
pub(super) fn name(fact: Fact) -> &'static str {
    fact.in_log().unwrap_or_default()
}
