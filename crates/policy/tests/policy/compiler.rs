//! Signed contracts name the version of the compiler that wrote their Cedar text, and whoever has
//! that version checks text and clauses against each other. So no version may write another text
//! than it did.

use std::path::PathBuf;

use dataspace_policy::{Action, Rule, Terms, cedar_text::COMPILER_VERSION};

use crate::constraints::every_constraint;
use crate::support::{read_always, read_when, rich, scope};

/// Terms of every kind, as they are compiled here.
fn compiled() -> String {
    let of = |terms: &Terms| terms.to_cedar(&scope()).unwrap();
    let mut all = vec![of(&rich()), of(&read_always())];
    all.extend(Action::ALL.map(|action| of(&Terms::new().permit(Rule::new([action])))));
    for constraint in every_constraint() {
        all.push(of(&read_when(constraint.clone())));
        let forbids = read_always().prohibit(Rule::new([Action::Read]).when(constraint));
        // A count cannot be forbidden.
        all.extend(forbids.check().is_ok().then(|| of(&forbids)));
    }
    all.join("\n")
}

fn pinned(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "vectors", "terms", file].iter().collect()
}

/// What the file says; written if it is not there.
// WHY never over a file that is there: what a version wrote stays what it wrote.
fn read(file: &str, now: &str) -> String {
    let path = pinned(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, now).unwrap();
    }
    std::fs::read_to_string(&path).unwrap_or_default()
}

#[test]
fn another_text_is_written_by_another_version_only() {
    let (all, file) = (compiled(), format!("compiled-{COMPILER_VERSION}.cedar"));
    let first = read(&file, &all);
    let rest = all.strip_prefix(&first).unwrap_or_else(|| {
        panic!(
            "terms compile to another text than version {COMPILER_VERSION} wrote into {file}: raise \
             COMPILER_VERSION, run this with UPDATE_GOLDEN=1, and keep the file of the old version"
        )
    });
    // Texts of constraints that were added later: no earlier contract of this version has them.
    let added = format!("compiled-{COMPILER_VERSION}-added.cedar");
    assert_eq!(read(&added, rest), rest, "{added}");
}
