//! Evidence, for somebody who knows nothing but the authority.

use dataspace_audit_log::{Evidence, EvidenceError, LeafIndex, Verdict, VerifiedEvidence};
use dataspace_identity::Did;
use dataspace_policy::Action;
use dataspace_primitives::Validity;
use dataspace_runtime::ExportError;
use dataspace_usage_contract::{Agreement, contract_id};

use crate::support::{
    DAY, Files, Node, at, authority, consumer, provider, revocation, signed_credential,
    signed_profile, stranger, terms,
};

fn verify(bytes: &[u8], authority: &Did) -> Result<VerifiedEvidence<Agreement>, EvidenceError> {
    let evidence = Evidence::from_bytes(bytes)?;
    let anchors = evidence.anchors(authority)?;
    evidence.verify::<Agreement>(&anchors)
}

#[test]
fn a_permit_is_shown_to_whoever_knows_the_authority() {
    let node = Node::new();
    let contract = node.contract(terms());
    let release = node.released(contract);
    let bytes = node.space.evidence(release.receipt()).unwrap().to_bytes().unwrap();
    let verified = verify(&bytes, authority().did()).unwrap();
    assert_eq!(contract_id(verified.contract()), contract);
    assert_eq!(verified.contract().value().terms, terms());
    assert_eq!(verified.index(), release.receipt().index);
    assert_eq!(verified.time(), at(0));
    assert!(verified.has_request());
    assert!(matches!(verified.access().verdict, Verdict::Permit { uses: 1, .. }));
    let mut members: Vec<_> = verified.participants().iter().map(|one| one.did().clone()).collect();
    members.sort();
    let mut expected = [provider().did().clone(), consumer().did().clone()];
    expected.sort();
    assert_eq!(members, expected);
}

#[test]
fn a_denial_is_shown_too() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request_for(contract, Action::Train, "research");
    let denied = crate::support::denied(node.space.access(request).unwrap());
    let bytes = node.space.evidence(&denied.receipt()).unwrap().to_bytes().unwrap();
    let verified = verify(&bytes, authority().did()).unwrap();
    assert!(matches!(&verified.access().verdict, Verdict::Deny { reasons } if reasons.len() == 1));
}

#[test]
fn no_bit_of_the_file_can_be_changed() {
    let node = Node::new();
    let release = node.released(node.contract(terms()));
    let bytes = node.space.evidence(release.receipt()).unwrap().to_bytes().unwrap();
    for bit in (0..bytes.len() * 8).step_by(7) {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&forged, authority().did()).is_err(), "bit {bit}");
    }
    for len in (0..bytes.len()).step_by(13) {
        assert!(verify(&bytes[..len], authority().did()).is_err(), "{len} bytes");
    }
}

#[test]
fn evidence_says_nothing_to_whoever_trusts_another_authority() {
    let node = Node::new();
    let release = node.released(node.contract(terms()));
    let bytes = node.space.evidence(release.receipt()).unwrap().to_bytes().unwrap();
    let refused = verify(&bytes, stranger().did());
    assert!(matches!(refused, Err(EvidenceError::Credential(_))), "{refused:?}");
}

#[test]
fn the_checkpoint_of_another_node_does_not_carry_the_evidence() {
    let node = Node::new();
    let release = node.released(node.contract(terms()));
    let bytes = node.space.evidence(release.receipt()).unwrap().to_bytes().unwrap();
    let ours = node.space.checkpoint().unwrap();
    // The consumer's own node, with as many records: its operator is a participant as well.
    let files = Files::new();
    let theirs = files.setup(consumer()).create(signed_profile(|_| {})).unwrap();
    for _ in 1..node.len() {
        theirs.admit(signed_credential(&provider(), |_| {})).unwrap();
    }
    let theirs = theirs.checkpoint().unwrap();
    let (ours, theirs) = (ours.as_note().as_bytes(), theirs.as_note().as_bytes());
    assert_eq!(ours.len(), theirs.len());
    let at = bytes.windows(ours.len()).position(|window| window == ours).unwrap();
    let forged = [&bytes[..at], theirs, &bytes[at + ours.len()..]].concat();
    let refused = verify(&forged, authority().did());
    assert!(matches!(refused, Err(EvidenceError::Inclusion(_))), "{refused:?}");
}

#[test]
fn the_request_of_another_access_does_not_fit() {
    let node = Node::new();
    let contract = node.contract(terms());
    let (first, second) = (node.released(contract), node.released(contract));
    let index = first.receipt().index;
    let swapped = node.space.evidence_at(index, Some(&second.receipt().request)).unwrap();
    let refused = verify(&swapped.to_bytes().unwrap(), authority().did());
    assert!(matches!(refused, Err(EvidenceError::OtherRequest)));
    let without = node.space.evidence_at(index, None).unwrap().to_bytes().unwrap();
    assert!(!verify(&without, authority().did()).unwrap().has_request());
}

#[test]
fn there_is_no_evidence_for_what_is_no_decision() {
    let node = Node::new();
    let refused = node.space.evidence_at(LeafIndex::new(0), None);
    assert!(matches!(refused, Err(ExportError::NotADecision { .. })));
    let missing = node.space.evidence_at(LeafIndex::new(10_000), None);
    assert!(matches!(missing, Err(ExportError::Read(_))));
}

#[test]
fn evidence_of_an_old_decision_outlives_revocation_readmission_and_restart() {
    let node = Node::new();
    let contract = node.contract(terms());
    let receipt = node.released(contract).receipt().clone();
    node.advance(DAY);
    node.space.revoke(revocation(consumer().did(), at(DAY - 1))).unwrap();
    let year = Validity::new(at(DAY), at(400 * DAY)).unwrap();
    for member in [consumer(), provider()] {
        node.space.admit(signed_credential(&member, |one| one.validity = year)).unwrap();
    }
    let node = node.close().reopen();
    let bytes = node.space.evidence(&receipt).unwrap().to_bytes().unwrap();
    assert_eq!(verify(&bytes, authority().did()).unwrap().time(), at(0));
    let later = node.released(contract).receipt().clone();
    let bytes = node.space.evidence(&later).unwrap().to_bytes().unwrap();
    assert_eq!(verify(&bytes, authority().did()).unwrap().time(), at(DAY));
}
