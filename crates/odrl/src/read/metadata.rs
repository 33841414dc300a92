//! Members that describe a document: passed over if they bind nobody, kept as a sentence if they
//! may.

use dataspace_policy::Legal;
use dataspace_primitives::Name;

use crate::at::At;
use crate::error::Refused;
use crate::names::Term;
use crate::read::value;

/// Terms of Dublin Core that describe, and bind nobody.
const DESCRIBING: [&str; 20] = [
    "abstract",
    "alternative",
    "bibliographicCitation",
    "comment",
    "contributor",
    "created",
    "creator",
    "date",
    "dateSubmitted",
    "description",
    "format",
    "identifier",
    "issued",
    "language",
    "modified",
    "publisher",
    "source",
    "subject",
    "title",
    "type",
];

/// Terms of Dublin Core that may bind: where the document applies, and under what other texts.
const BINDING: [&str; 7] =
    ["accessRights", "conformsTo", "coverage", "license", "rights", "rightsHolder", "spatial"];

/// Terms of other vocabularies that describe.
const LABELS: [&str; 12] = [
    "label",
    "comment",
    "seeAlso",
    "isDefinedBy",
    "prefLabel",
    "altLabel",
    "definition",
    "note",
    "scopeNote",
    "name",
    "description",
    "fn",
];

/// Plain names that no vocabulary of rules has, and people write for other people.
const PLAIN: [&str; 6] = ["comment", "description", "label", "name", "summary", "title"];

/// Returns true if the term describes, and binds nobody.
pub(crate) fn is_label(term: Term<'_>) -> bool {
    match term {
        Term::Dublin(name) => DESCRIBING.contains(&name),
        Term::Label(name) => LABELS.contains(&name),
        Term::Plain(name) => PLAIN.contains(&name),
        _ => false,
    }
}

/// The name of a term that may bind.
pub(crate) fn binding(term: Term<'_>) -> Option<&'static str> {
    let Term::Dublin(name) = term else { return None };
    BINDING.into_iter().find(|one| *one == name)
}

/// The sentence of a term that may bind.
pub(crate) fn sentence<'a>(name: &'static str, at: At<'a>) -> Result<Legal, Refused<'a>> {
    let value: Name = value::any_text(value::single(at)?)?;
    let sentence = format!("the {name} (Dublin Core) of these terms is {value}").parse();
    sentence.map(Legal::Text).map_err(|_| at.expected("a shorter value"))
}
