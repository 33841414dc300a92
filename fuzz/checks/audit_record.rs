//! What is taken for a record is the one encoding of one, within every cap.

use dataspace_tlog::{
    Event, Fact, Record, Verdict,
    record::{FACTS_MAX, RECORD_LEN_MAX, TEXT_LEN_MAX, TEXTS_MAX},
};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(record) = Record::from_bytes(bytes) else { return };
    assert!(bytes.len() <= RECORD_LEN_MAX);
    assert_eq!(record.v, Record::VERSION);
    assert_eq!(record.to_bytes().ok().as_deref(), Some(bytes), "a second encoding");
    let Event::Access(access) = &record.event else { return };
    assert!(access.facts.len() <= FACTS_MAX);
    let mut texts: Vec<&String> = access.facts.keys().collect();
    for fact in access.facts.values() {
        match fact {
            Fact::Text(text) => texts.push(text),
            Fact::Number(_) => {}
            Fact::Texts(several) => {
                assert!(several.len() <= TEXTS_MAX);
                texts.extend(several);
            }
        }
    }
    let list = match &access.verdict {
        Verdict::Permit { duties, .. } => duties,
        Verdict::Deny { reasons } => {
            assert!(!reasons.is_empty(), "a denial without a reason");
            reasons
        }
    };
    assert!(list.len() <= TEXTS_MAX);
    texts.extend(list);
    assert!(texts.iter().all(|text| text.len() <= TEXT_LEN_MAX), "a text too long");
}
