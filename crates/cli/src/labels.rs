//! Meaning of the labels of clauses, for people who sign contracts or read them.

use dataspace_policy::{Assurance, Clause};
use serde_json::{Map, Value};

use crate::json::object;
use crate::out::say;
use crate::paint;

/// All labels, from what a program does to what no program can do.
const ALL: [Assurance; 6] = [
    Assurance::Enforced,
    Assurance::Key,
    Assurance::Attested,
    Assurance::Deterrent,
    Assurance::Legal,
    Assurance::Unsupported,
];

/// One sentence, without a full stop. `docs/labels.md` says more.
fn meaning(label: Assurance) -> &'static str {
    match label {
        Assurance::Enforced => {
            "the provider's node decides and acts on facts that it holds itself, or that the space \
             authority signed"
        }
        Assurance::Key => "a key is given out only under this clause",
        Assurance::Attested => {
            "the node decides on what the consumer states and signs; a false statement is recorded, \
             and not prevented"
        }
        Assurance::Deterrent => "not prevented, but it can be traced afterwards",
        Assurance::Legal => "binds the parties by law; no program acts on it",
        Assurance::Unsupported => {
            "nobody supplies the fact, or no node carries it out: such a permission never applies, \
             such a prohibition always does"
        }
    }
}

/// The labels of these clauses.
fn used<'a>(clauses: impl IntoIterator<Item = &'a Clause>) -> impl Iterator<Item = Assurance> {
    let found: Vec<_> = clauses.into_iter().map(|clause| clause.assurance).collect();
    ALL.into_iter().filter(move |label| found.contains(label))
}

/// The labels of these clauses and what they mean, one for each line.
pub(crate) fn legend(clauses: &[Clause]) {
    say!("\n{}", paint::title("What the labels mean (docs/labels.md says more)"));
    for label in used(clauses) {
        say!("   {}  {}", paint::label(label), meaning(label));
    }
    say!("   {}", paint::dim("the weakest part of a clause gives it its label; nobody chooses it"));
}

/// The same as an object.
pub(crate) fn to_json<'a>(clauses: impl IntoIterator<Item = &'a Clause>) -> Value {
    used(clauses)
        .map(|label| (label.to_string(), Value::from(meaning(label))))
        .collect::<Map<_, _>>()
        .into()
}

/// Clauses for programs.
pub(crate) fn clauses_to_json(clauses: &[Clause]) -> Value {
    clauses
        .iter()
        .map(|Clause { id, words, assurance }| {
            object! {
                "id": id.to_string(),
                "words": words.as_str(),
                "assurance": assurance.to_string(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_lawyers_explains_every_label() {
        let page = include_str!("../../../docs/labels.md");
        for label in ALL {
            assert!(page.contains(&format!("| `{label}` |")), "{label}");
        }
    }
}
