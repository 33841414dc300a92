//! The files of a sector, from anybody: refused, or every template makes terms that can be signed, in both
//! languages, and a space can be founded.

use dataspace_primitives::{Signed, UnixMillis};
use dataspace_sectors::{
    Language, Sector,
    sector::{Files, InvalidSector},
};
use dataspace_usage_contract::PublishedProfile;

/// Files with a line `---` between them: profile, forbids, one template, schema. What is missing at the end is empty.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.splitn(4, "\n---\n");
    let (Some(profile), Some(forbids)) = (parts.next(), parts.next()) else { return };
    let template: Vec<_> = parts.next().into_iter().collect();
    let schema = parts.next().unwrap_or_default();
    let sector = match Sector::parse(Files { profile, forbids, schema, templates: &template }) {
        Ok(sector) => sector,
        Err(InvalidSector::Template { number, .. } | InvalidSector::Text { number, .. }) => {
            return assert_eq!(number, 1);
        }
        Err(_) => return,
    };
    for template in sector.templates() {
        let draft = template.fill(&template.example()).unwrap();
        for language in Language::ALL {
            draft.terms(language).check().unwrap();
            assert!(!template.title(language).is_empty() && !template.text(language).is_empty());
            assert!(draft.clauses(language).iter().all(|one| !one.words.is_empty()));
        }
        assert!(draft.terms(Language::English).lint().is_empty());
    }
    let authority = dataspace_identity::SecretKey::from_seed(&mut [7; 32]).unwrap();
    let profile = sector.profile("space".parse().unwrap(), authority.did().clone());
    // What one document has room for is less than what the files have.
    let Ok(signed) = Signed::sign(&profile, &authority) else { return };
    let space = PublishedProfile::publish(signed, authority.did(), UnixMillis::MIN).unwrap();
    assert_eq!(space.policies().ids().count(), sector.forbids(Language::English).count());
}
