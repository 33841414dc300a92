//! Arguments for templates, from anybody: JSON that is refused, or terms that can be signed, are carried out,
//! mean what Cedar takes, and have the same clauses in both languages.

use dataspace_sectors::{Arguments, Language};

/// The first line names a template; the rest is JSON.
pub(crate) fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (id, json) = bytes.split_at(end);
    let Ok(arguments) = Arguments::from_json(json) else { return };
    let id = String::from_utf8_lossy(id);
    for sector in dataspace_sectors::all() {
        let Some(template) = sector.template(&id) else { continue };
        let Ok(draft) = template.fill(&arguments) else { continue };
        let terms = draft.terms(Language::English);
        terms.check().unwrap();
        assert!(terms.not_carried_out().is_none());
        let scope = dataspace_policy::Scope {
            consumer: "did:web:consumer.example".to_owned(),
            product: "product".parse().unwrap(),
        };
        let text = terms.to_cedar(&scope).unwrap();
        assert_eq!(draft.terms(Language::Chinese).to_cedar(&scope).unwrap(), text);
        let (en, zh) = (draft.clauses(Language::English), draft.clauses(Language::Chinese));
        assert_eq!(en.len(), zh.len());
        for (en, zh) in en.iter().zip(&zh) {
            assert_eq!((en.id, en.assurance), (zh.id, zh.assurance));
            assert!(!en.words.is_empty() && !zh.words.is_empty());
        }
        // The same arguments, the same terms.
        assert_eq!(template.fill(&arguments).unwrap().terms(Language::English), terms);
    }
}
