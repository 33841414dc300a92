//! What manifests say of training.

use std::fmt;

use c2pa::Manifest;
use dataspace_primitives::shown;
use serde_json::Value;

use crate::limits::LISTED_MAX;

/// One word of a manifest against training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// True if it stands in the file's own manifest, false if in one of an ingredient.
    pub is_own: bool,
    /// The use, such as `c2pa.ai_training`; empty if it cannot be read.
    pub of: String,
    /// What is said.
    pub said: Said,
}

/// What a manifest says of a use, if that is not that it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// `notAllowed`.
    NotAllowed,
    /// `constrained`: on conditions that no machine reads.
    Constrained,
    /// Something that cannot be read.
    Unreadable,
    /// Something that was taken out of an ingredient's manifest.
    Redacted,
}

impl fmt::Display for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.said {
            Said::NotAllowed => "not allowed",
            Said::Constrained => "constrained",
            Said::Unreadable => "not to be read",
            Said::Redacted => "redacted",
        };
        let of = if self.of.is_empty() { "its word on training" } else { &self.of };
        write!(f, "{} is {said}", shown(of).at_most(64))?;
        if self.is_own { Ok(()) } else { f.write_str(" (by an ingredient)") }
    }
}

/// All that were found: the first ones, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reservations {
    pub(crate) listed: Vec<Reservation>,
    pub(crate) count: usize,
}

impl Reservations {
    fn add(&mut self, is_own: bool, of: &str, said: Said) {
        self.count += 1;
        if self.listed.len() < LISTED_MAX {
            // A use that is named at length is cut where it is shown, and here.
            let of = of.chars().take(256).collect();
            self.listed.push(Reservation { is_own, of, said });
        }
    }
}

/// Returns true if an assertion of this label is about training, in whatever spelling and version.
fn is_on_training(label: &str) -> bool {
    let letters = label.chars().filter(char::is_ascii_alphabetic);
    letters.map(|letter| letter.to_ascii_lowercase()).collect::<String>().contains("trainingmining")
}

/// The last part of the address of an assertion: its label.
fn label(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

pub(crate) fn of_manifest(manifest: &Manifest, is_own: bool, found: &mut Reservations) {
    // WHY by the claim's list: the engine leaves out assertions that it cannot decode.
    let references = manifest.assertion_references();
    let expected = references.filter(|one| is_on_training(label(&one.url()))).count();
    let all = manifest.assertions().iter().filter(|one| is_on_training(one.label()));
    let mut read = 0;
    for assertion in all {
        read += 1;
        match assertion.value() {
            Ok(value) => of_value(value, is_own, found),
            Err(_) => found.add(is_own, "", Said::Unreadable),
        }
    }
    if read < expected {
        found.add(is_own, "", Said::Unreadable);
    }
    let redacted = manifest.redactions().unwrap_or_default().iter();
    for _ in redacted.filter(|url| is_on_training(label(url))) {
        found.add(false, "", Said::Redacted);
    }
}

/// `{ "entries": { "c2pa.ai_training": { "use": "notAllowed" }, … } }`.
fn of_value(value: &Value, is_own: bool, found: &mut Reservations) {
    let entries = value.get("entries").and_then(Value::as_object);
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
        return found.add(is_own, "", Said::Unreadable);
    };
    for (of, entry) in entries {
        match entry.get("use").and_then(Value::as_str) {
            Some("allowed") => {}
            Some("notAllowed") => found.add(is_own, of, Said::NotAllowed),
            Some("constrained") => found.add(is_own, of, Said::Constrained),
            _ => found.add(is_own, of, Said::Unreadable),
        }
    }
}
