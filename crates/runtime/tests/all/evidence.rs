//! Evidence, for somebody who knows nothing but the authority.

use dataspace_ledger::{
    Evidence, VerifiedEvidence,
    evidence::{EVIDENCE_LEN_MAX, EvidenceError, Part},
};
use dataspace_policy::Action;
use dataspace_primitives::cbor;
use dataspace_primitives::{Digest, Validity};
use dataspace_runtime::space::ExportError;
use dataspace_tlog::{
    Checkpoint, LeafIndex, TreeSize, Verdict, Witness,
    note::WitnessKey,
    tree::ConsistencyProof,
    witness::{AddCheckpoint, SeenStore, WitnessPolicy},
};
use dataspace_usage_contract::contract_id;

use crate::support::story::{Wire, verify};
use crate::support::{
    DAY, Node, at, authority, consumer, counted, denied, name, provider, revocation,
    signed_credential, stranger, terms,
};

fn evidence_of(node: &Node, receipt: &dataspace_runtime::Receipt) -> Vec<u8> {
    node.space.evidence(receipt).unwrap().to_bytes().unwrap()
}

/// Of a permit.
fn good() -> Vec<u8> {
    let node = Node::new();
    let release = node.released(node.contract(terms()));
    evidence_of(&node, release.receipt())
}

fn told(evidence: &VerifiedEvidence) -> String {
    let findings = evidence.findings();
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_permit_is_shown_to_whoever_knows_the_authority() {
    let node = Node::new();
    let contract = node.contract(counted(2));
    node.advance(60);
    let release = node.released(contract);
    let verified = verify(&evidence_of(&node, release.receipt())).unwrap();
    assert_eq!(contract_id(verified.contract()), contract);
    assert_eq!(verified.contract().value().terms, counted(2));
    assert_eq!(verified.index(), release.receipt().index);
    assert_eq!((verified.concluded_at(), verified.time()), (at(0), at(60)));
    assert_eq!(verified.request().unwrap().purpose, name("research"));
    assert!(matches!(verified.access().verdict, Verdict::Permit { uses: 1, .. }));
    assert_eq!(verified.provider().did(), provider().did());
    assert_eq!(verified.consumer().did(), consumer().did());
    let told = told(&verified);
    for part in [
        "proved: these two, whom the contract names, and nobody else signed it: sha256:",
        "proved: the Cedar text that decides is what the clauses compile to",
        "a permit, as record 6: use 1 of 2",
        "proved: the consumer signed the request that was decided: read for \"research\"",
        "proved: the contract permits this access by permission-1",
        "not proved: that neither space nor provider forbade it",
        "not proved: that the provider shows everybody the same log",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn a_denial_is_shown_as_one() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request_for(contract, Action::Train, "research");
    let denied = denied(node.space.access(request).unwrap());
    let verified = verify(&evidence_of(&node, &denied.receipt())).unwrap();
    assert!(matches!(&verified.access().verdict, Verdict::Deny { reasons } if reasons.len() == 1));
    let told = told(&verified);
    assert!(told.contains("a denial") && !told.contains("a permit"), "{told}");
    assert!(told.contains("follows: no clause of the contract permits to train"), "{told}");
    assert!(told.contains("not proved: that nothing was released all the same"), "{told}");
}

#[test]
fn denials_for_what_is_in_other_records_say_so() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.revoke(revocation(consumer().did(), at(1))).unwrap();
    node.advance(1);
    let verified = verify(&evidence_of(&node, &node.denied(contract).receipt())).unwrap();
    let all = told(&verified);
    assert!(
        all.contains("not proved: that this reason to deny holds: the space authority"),
        "{all}"
    );

    // A membership that is over shows itself.
    let node = Node::new();
    let contract = node.contract(terms());
    node.space
        .admit(signed_credential(&consumer(), |one| {
            one.serial = 2;
            one.validity = Validity::new(at(0), at(20)).unwrap();
        }))
        .unwrap();
    node.advance(20);
    let verified = verify(&evidence_of(&node, &node.denied(contract).receipt())).unwrap();
    let all = told(&verified);
    assert!(all.contains("follows: the consumer's membership is valid"), "{all}");
    assert!(!verified.consumer().is_member_at(verified.time()));
}

#[test]
fn no_bit_of_the_file_can_be_changed() {
    let bytes = good();
    for bit in (0..bytes.len() * 8).step_by(7) {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&forged).is_err(), "bit {bit}");
    }
    for len in (0..bytes.len()).step_by(13) {
        assert!(verify(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(verify(&[&bytes[..], &[0]].concat()).is_err());
    assert!(matches!(verify(&vec![0; EVIDENCE_LEN_MAX + 1]), Err(EvidenceError::Decode(_))));
}

#[test]
fn evidence_says_nothing_to_whoever_trusts_another_authority() {
    let evidence = Evidence::from_bytes(&good()).unwrap();
    let refused = evidence.verify(stranger().did());
    assert!(matches!(refused, Err(EvidenceError::Authority { .. })), "{refused:?}");
}

#[derive(serde::Serialize)]
struct Old {
    v: u8,
    contract: serde_bytes::ByteBuf,
}

#[test]
fn paths_of_no_log_and_files_of_other_versions_are_told_apart() {
    let mut wire = Wire::read(&good());
    wire.decision.path = vec![Digest::of(b"x"); 65];
    let long = wire.verify();
    assert!(matches!(long, Err(EvidenceError::PathLen { part: Part::Decision, len: 65 })));
    for v in [1, 3] {
        let other = Wire { v, ..Wire::read(&good()) }.verify();
        assert!(matches!(other, Err(EvidenceError::Version { found }) if found == u64::from(v)));
    }
    let old = cbor::to_canonical(&Old { v: 1, contract: Vec::new().into() }).unwrap();
    let old = verify(&old).unwrap_err();
    assert!(matches!(old, EvidenceError::Version { found: 1 }), "{old}");
    assert!(old.to_string().contains("ask the provider for the evidence again"));
}

#[test]
fn the_request_of_another_access_is_not_collected() {
    let node = Node::new();
    let contract = node.contract(terms());
    let (first, second) = (node.released(contract), node.released(contract));
    let index = first.receipt().index;
    let swapped = node.space.evidence_at(index, Some(&second.receipt().request));
    assert!(matches!(swapped, Err(ExportError::Evidence(EvidenceError::OtherRequest { .. }))));
    let without = node.space.evidence_at(index, None).unwrap().to_bytes().unwrap();
    assert!(verify(&without).unwrap().request().is_none());
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
    // Another role before the end of the first credential: the decision was made by the first one.
    node.advance(60);
    node.space
        .admit(signed_credential(&consumer(), |one| {
            (one.serial, one.issued_at, one.roles) = (2, at(60), [name("provider")].into());
        }))
        .unwrap();
    node.advance(DAY - 60);
    node.space.revoke(revocation(consumer().did(), at(DAY))).unwrap();
    node.advance(1);
    let year = Validity::new(at(DAY), at(400 * DAY)).unwrap();
    for member in [consumer(), provider()] {
        node.space
            .admit(signed_credential(&member, |one| {
                (one.serial, one.issued_at, one.validity) = (3, at(DAY + 1), year);
            }))
            .unwrap();
    }
    let node = node.close().reopen();
    let verified = verify(&evidence_of(&node, &receipt)).unwrap();
    assert_eq!(verified.time(), at(0));
    assert_eq!(verified.consumer().credential().serial, 1);
    let later = node.released(contract).receipt().clone();
    let verified = verify(&evidence_of(&node, &later)).unwrap();
    assert_eq!((verified.time(), verified.consumer().credential().serial), (at(DAY + 1), 3));
}

fn witness_key(seed: u8) -> WitnessKey {
    let key = dataspace_identity::SecretKey::from_seed(&mut [seed; 32]).unwrap();
    WitnessKey::new(&format!("witness.example/{seed}"), key.did().public_key().unwrap()).unwrap()
}

#[test]
fn evidence_says_which_of_the_given_witnesses_cosigned() {
    let node = Node::new();
    let release = node.released(node.contract(terms()));
    let mut wire = Wire::read(&evidence_of(&node, release.receipt()));
    let bare = Checkpoint::verify(&wire.checkpoint, node.space.log().origin()).unwrap();
    let cosigned = [21, 23, 40].into_iter().fold(bare, |checkpoint, seed| {
        let dir = tempfile::tempdir().unwrap();
        let store: Box<dyn SeenStore> =
            Box::new(dataspace_tlog::witness::SeenDirectory::open(dir.path()).unwrap());
        let signer = Box::new(dataspace_identity::SecretKey::from_seed(&mut [seed; 32]).unwrap());
        let logs = [checkpoint.origin().clone()];
        let witness = Witness::open(witness_key(seed), signer, &logs, store).unwrap();
        let (from, to) = (TreeSize::EMPTY, checkpoint.size());
        let body = AddCheckpoint::body(&ConsistencyProof { from, to, path: vec![] }, &checkpoint);
        let line = witness.add_checkpoint(body.as_bytes(), at(7)).unwrap();
        checkpoint.with_cosignatures(line.as_line(), &[witness_key(seed)]).unwrap()
    });
    cosigned.as_note().clone_into(&mut wire.checkpoint);
    let bytes = cbor::to_canonical(&wire).unwrap();
    let with_quorum = |quorum| {
        let policy = WitnessPolicy::new(quorum, [21, 22, 23].map(witness_key).to_vec()).unwrap();
        let evidence = Evidence::from_bytes(&bytes).unwrap();
        evidence.verify_witnessed(authority().did(), &policy).unwrap()
    };
    let all = told(&with_quorum(2));
    for part in [
        "proved: the witness witness.example/21 said at 2026-06-01T00:00:07Z",
        "not proved: that the witness witness.example/22 saw",
        "proved: a quorum saw the checkpoint: 2 of 3 witnesses cosigned, 2 are asked for",
        "only if at least 1 of them lie too",
    ] {
        assert!(all.contains(part), "{part:?} is not in {all}");
    }
    assert!(!all.contains("the same log") && !all.contains("/40"), "{all}");
    // Too few is not an error, and not a proof.
    assert!(
        told(&with_quorum(3)).contains("not proved: that the operator shows everybody the same")
    );
    // Who names no witness is told nothing of them.
    let unwitnessed = verify(&bytes).unwrap();
    assert!(unwitnessed.cosigners().is_none() && !told(&unwitnessed).contains("the witness"));
}
