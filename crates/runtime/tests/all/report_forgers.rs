//! Who says something else of what left than the node did.

use dataspace_ledger::{Refusal, replayed::Deviation, state::ReportError};
use dataspace_primitives::Digest;
use dataspace_runtime::setup::SetupError;
use dataspace_tlog::{Event, LeafIndex, record::ReleaseReport};

use crate::reports::{replay, report, reports};
use crate::support::{Node, authority, counted, terms};

#[test]
fn who_forges_a_report_is_refused_and_found() {
    let node = Node::new();
    let (contract, other) = (node.contract(counted(2)), node.contract(terms()));
    let mut release = node.released(contract);
    assert!(release.by_ref().all(|batch| batch.is_ok()));
    let genuine = report(&node, &release);
    drop(release);
    let without = node.released(contract);
    let open = without.receipt().index;
    let denied = node.denied(contract).receipt().index;
    // As if it had been killed: the one that is open has no report.
    let files = node.files.copy();
    drop(without);
    assert!(replay(&files).is_sound());
    assert_eq!(replay(&files).unreported, 1);
    let of = |access| ReleaseReport { access, ..genuine.clone() };
    let later = LeafIndex::new(1_000);
    let cases = [
        (genuine.clone(), ReportError::Again { access: genuine.access }),
        (of(denied), ReportError::NoPermit { access: denied }),
        (of(LeafIndex::new(0)), ReportError::NoPermit { access: LeafIndex::new(0) }),
        (of(later), ReportError::NoPermit { access: later }),
        (
            ReleaseReport { contract: *other.as_digest(), ..of(open) },
            ReportError::OtherContract { access: open },
        ),
        (ReleaseReport { pieces: 0, ..of(open) }, ReportError::Impossible),
        (ReleaseReport { rows: genuine.bytes + 1, ..of(open) }, ReportError::Impossible),
    ];
    for (forged, expected) in cases {
        let files = files.copy();
        files.forge(Event::Released(forged));
        let replayed = replay(&files);
        let found: Vec<_> = replayed.first.iter().map(|one| &one.deviation).collect();
        assert_eq!(found, [&Deviation::Report(expected)]);
        std::fs::remove_file(files.path().join("index")).ok();
        match files.open() {
            Err(SetupError::Record { source: Refusal::Report(told), .. }) => {
                assert_eq!(told, expected);
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
    // Of the one that is open it is the only one: nobody can tell.
    let copy = files.copy();
    copy.forge(Event::Released(of(open)));
    assert!(replay(&copy).is_sound() && copy.open().is_ok());
    let unknown = ReleaseReport { contract: Digest::of(b"none"), ..of(open) };
    files.forge(Event::Released(unknown));
    let refused = files.open();
    let is_told =
        matches!(refused, Err(SetupError::Record { source: Refusal::UnknownContract { .. }, .. }));
    assert!(is_told, "{refused:?}");
}

#[test]
fn evidence_shows_what_left_and_no_other_report() {
    let node = Node::new();
    let contract = node.contract(terms());
    let read = |rows: usize| {
        let mut release = node.released(contract);
        assert!(release.by_ref().take(rows).all(|batch| batch.is_ok()));
        let receipt = release.receipt().clone();
        drop(release);
        (receipt, reports(&node).pop().unwrap())
    };
    let (whole, (of_whole, report)) = read(9);
    let (_, (of_other, _)) = read(0);
    let evidence = node.space.evidence_at(of_whole, Some(&whole.request)).unwrap();
    let verified = evidence.clone().verify(authority().did()).unwrap();
    assert_eq!((verified.report(), verified.report_index()), (Some(&report), Some(of_whole)));
    assert_eq!(verified.index(), whole.index);
    let findings = format!("{:?}", verified.findings());
    assert!(findings.contains("10 rows"), "{findings}");
    // Without the report as before, and says so.
    let without = node.space.evidence(&whole).unwrap();
    let plain = without.clone().verify(authority().did()).unwrap();
    assert_eq!(plain.report(), None);
    assert!(format!("{:?}", plain.findings()).contains("what left: no report"));

    // A forger puts the files' parts together.
    let bytes = |evidence: &dataspace_ledger::Evidence| evidence.to_bytes().unwrap();
    let read = |bytes: &[u8]| -> serde_cbor::Value { serde_cbor::from_slice(bytes).unwrap() };
    let fields = |evidence: &dataspace_ledger::Evidence| match read(&bytes(evidence)) {
        serde_cbor::Value::Map(fields) => fields,
        other => panic!("{other:?}"),
    };
    let key = |name: &str| serde_cbor::Value::Text(name.to_owned());
    let other = node.space.evidence_at(of_other, None).unwrap();
    let good = fields(&node.space.evidence_at(of_whole, Some(&whole.request)).unwrap());
    let take = |fields: &std::collections::BTreeMap<serde_cbor::Value, serde_cbor::Value>| {
        let bytes =
            dataspace_primitives::cbor::to_canonical(&serde_cbor::Value::Map(fields.clone()));
        dataspace_ledger::Evidence::from_bytes(&bytes.unwrap())
            .and_then(|evidence| evidence.verify(authority().did()))
            .map(drop)
    };
    take(&good).unwrap();
    let mut swapped = good.clone();
    swapped.insert(key("report"), fields(&other)[&key("report")].clone());
    swapped.insert(key("checkpoint"), fields(&other)[&key("checkpoint")].clone());
    let error = take(&swapped).unwrap_err();
    assert!(!error.parts().is_empty(), "{error}");
    let mut stripped = good.clone();
    stripped.remove(&key("report"));
    assert!(take(&stripped).is_err(), "its version says that there is one");
    let mut older = good.clone();
    older.insert(key("v"), serde_cbor::Value::Integer(2));
    assert!(take(&older).is_err());
    let mut of_decision = good.clone();
    of_decision.insert(key("report"), good[&key("decision")].clone());
    let error = take(&of_decision).unwrap_err();
    assert!(error.to_string().contains("record of what left"), "{error}");
    // The genuine parts under the new checkpoint, but the report of the other release.
    let of_whole_now = node.space.evidence_at(whole.index, Some(&whole.request)).unwrap();
    let mut mixed = fields(&of_whole_now);
    let other_now = fields(&node.space.evidence_at(of_other, None).unwrap());
    mixed.insert(key("report"), other_now[&key("report")].clone());
    mixed.insert(key("v"), serde_cbor::Value::Integer(3));
    let error = take(&mixed).unwrap_err();
    assert!(error.to_string().contains("another decision"), "{error}");
}
