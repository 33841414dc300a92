//! JSON documents: a line of pointers, then the document.

use dataspace_data_plane::{Document, Piece, Product, product::Recipient};
use dataspace_policy::duty::{CalendarPart, Characters, PseudonymScope};
use dataspace_policy::{ColumnMask, Duty, KeptColumns, MaskMethod};
use dataspace_primitives::{Name, Secrets, Zeroizing, secrets::SecretsError};

const MASKS: [MaskMethod; 10] = [
    MaskMethod::Drop,
    MaskMethod::Null,
    MaskMethod::Hash,
    MaskMethod::Round { decimals: 1 },
    MaskMethod::Truncate { chars: 2 },
    MaskMethod::Bin { width: 7 },
    MaskMethod::Calendar { part: CalendarPart::Month },
    MaskMethod::Grid { cells: 10 },
    MaskMethod::Redact { characters: Characters::Digits },
    MaskMethod::Pseudonym { scope: PseudonymScope::Consumer, domain: None },
];

const RECIPIENT: Recipient<'_> = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

struct Sevens;

impl Secrets for Sevens {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

/// What leaves under the duties, all of it; `None` if they are refused, which opening then does too.
fn view(document: &Document, duties: &[Duty]) -> Option<Vec<u8>> {
    let opened = document.open(duties, None, &Sevens, RECIPIENT);
    if document.check(duties).is_err() {
        assert!(opened.is_err(), "what cannot be carried out is opened");
        return None;
    }
    let mut delivery = opened.expect("what was checked can be opened");
    let mut all = Vec::new();
    while let Some(Piece::Bytes { bytes, .. }) = delivery.next().expect("bytes in memory") {
        all.extend_from_slice(&bytes);
    }
    Some(all)
}

pub(crate) fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (line, text) = bytes.split_at(end);
    let Ok(document) = Document::from_bytes(text) else { return };
    let whole = view(&document, &[]).expect("no duty is refused");
    let again = Document::from_bytes(&whole).expect("what leaves is JSON");
    assert_eq!(view(&again, &[]).as_deref(), Some(whole.as_slice()), "it is not its own view");
    let names: Vec<Name> = String::from_utf8_lossy(line)
        .split(' ')
        .filter_map(|name| name.parse().ok())
        .take(8)
        .collect();
    let kept = Duty::Keep(KeptColumns { columns: names.iter().cloned().collect() });
    let masks = names.into_iter().enumerate().map(|(at, column)| {
        let method = MASKS[(at + text.len()) % MASKS.len()].clone();
        Duty::Mask(ColumnMask { column, method })
    });
    let masks: Vec<Duty> = masks.collect();
    for duties in [vec![kept.clone()], masks.clone(), [masks, vec![kept]].concat()] {
        let Some(left) = view(&document, &duties) else { continue };
        let again = Document::from_bytes(&left).expect("what leaves is JSON");
        // What was kept is kept again, and what was removed is gone.
        if let [Duty::Keep(_)] = duties.as_slice()
            && let Some(twice) = view(&again, &duties)
        {
            let is_same = twice == left || String::from_utf8_lossy(line).contains(char::is_numeric);
            assert!(is_same, "a view of a view is another one");
        }
    }
}
