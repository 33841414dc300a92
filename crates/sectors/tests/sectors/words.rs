//! What people read, in files that a lawyer can look through: `tests/golden`. To write them again after a
//! change that is meant: `UPDATE_GOLDEN=1 cargo test -p dataspace-sectors`.

use std::fmt::Write as _;

use dataspace_policy::Clause;
use dataspace_sectors::{Language, Sector, chinese, template::Template};

use crate::support::root;

fn clauses(page: &mut String, clauses: &[Clause], language: Language) {
    for Clause { id, words, assurance } in clauses {
        let label = match language {
            Language::English => assurance.to_string(),
            Language::Chinese => chinese::label(*assurance).to_owned(),
        };
        writeln!(page, "- {id} [{label}] {words}").unwrap();
    }
    page.push('\n');
}

fn template(page: &mut String, template: &Template) {
    let draft = template.fill(&template.example()).unwrap();
    writeln!(page, "## {}\n", template.id()).unwrap();
    for language in Language::ALL {
        writeln!(page, "**{}** {}\n", template.title(language), template.text(language)).unwrap();
        clauses(page, &draft.clauses(language), language);
    }
    for one in template.parameters() {
        let is_needed = if one.default().is_some() { "" } else { ", needed" };
        let told = Language::ALL
            .map(|language| format!("{} ({})", one.text(language), one.kind().words(language)));
        writeln!(page, "- `{}`{is_needed}: {}", one.name(), told.join(" · ")).unwrap();
    }
    page.push('\n');
}

fn page(sector: &Sector) -> String {
    let mut page =
        format!("# {} · {}\n\n", sector.title(Language::English), sector.title(Language::Chinese));
    let two = |page: &mut String, what: &str, of: [Vec<(String, String)>; 2]| {
        writeln!(page, "## {what}\n").unwrap();
        let [en, zh] = of;
        for ((name, en), (_, zh)) in en.into_iter().zip(zh) {
            writeln!(page, "- `{name}`: {en} · {zh}").unwrap();
        }
        page.push('\n');
    };
    let owned =
        |(name, text): (&dataspace_primitives::Name, &str)| (name.to_string(), text.to_owned());
    two(&mut page, "Purposes", Language::ALL.map(|one| sector.purposes(one).map(owned).collect()));
    two(&mut page, "Classes", Language::ALL.map(|one| sector.classes(one).map(owned).collect()));
    two(&mut page, "Roles", Language::ALL.map(|one| sector.roles(one).map(owned).collect()));
    two(
        &mut page,
        "Statements",
        Language::ALL.map(|one| sector.statements(one).map(owned).collect()),
    );
    two(&mut page, "Forbids", Language::ALL.map(|one| sector.forbids(one).map(owned).collect()));
    for one in sector.templates() {
        template(&mut page, one);
    }
    page
}

#[test]
fn people_read_what_the_golden_files_say() {
    for sector in dataspace_sectors::all() {
        let page = page(sector);
        let path = root().join(format!("tests/golden/{}.md", sector.id()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert!(page == golden, "{} differs; see the head of this file", path.display());
    }
}
