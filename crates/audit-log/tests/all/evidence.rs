use std::collections::BTreeSet;

use dataspace_audit_log::{
    AddCheckpoint, Checkpoint, CollectError, ConsistencyProof, Event, Evidence, EvidenceError,
    Finding, LeafIndex, Log, Origin, Record, TreeSize, Verdict, VerifiedEvidence, Witness,
    WitnessKey, WitnessPolicy,
};
use dataspace_identity::{Admitted, MembershipCredential, SecretKey, SpaceId, TrustAnchors};
use dataspace_primitives::{CoSignature, Digest, Payload, Signed, Validity, Verified, cbor};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::support::{Disk, Vault, access, key, small, time};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agreement {
    text: String,
}

impl Payload for Agreement {
    const TYPE: &'static str = "application/vnd.dataspace.test-agreement+cbor";
    const SIGNATURES: usize = 2;
}

/// The file as an attacker would write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    v: u8,
    contract: ByteBuf,
    credentials: Vec<ByteBuf>,
    record: ByteBuf,
    index: u64,
    path: Vec<Digest>,
    checkpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<ByteBuf>,
}

const AUTHORITY: u8 = 9;
const PROVIDER: u8 = 1;
const CONSUMER: u8 = 2;
const STRANGER: u8 = 3;
const REQUEST: &[u8] = b"the signed request";

fn space(authority: u8) -> SpaceId {
    SpaceId::new(key(authority).did().clone(), "demo".parse().unwrap())
}

fn anchors() -> TrustAnchors {
    TrustAnchors::new(space(AUTHORITY))
}

fn credential(subject: u8, signer: u8, until: u64) -> Signed<MembershipCredential> {
    let credential = MembershipCredential {
        space: space(AUTHORITY),
        subject: key(subject).did().clone(),
        name: format!("Member {subject}").parse().unwrap(),
        serial: 1,
        issued_at: time(0),
        roles: BTreeSet::from(["provider".parse().unwrap()]),
        attributes: [].into(),
        region: "DE".parse().unwrap(),
        validity: Validity::new(time(0), time(until)).unwrap(),
    };
    Signed::sign(&credential, &key(signer)).unwrap()
}

fn admitted(subject: u8) -> Admitted {
    anchors().admit(credential(subject, AUTHORITY, 1000), time(1)).unwrap()
}

fn contract(text: &str, signers: [u8; 2]) -> Signed<Agreement> {
    let agreement = Agreement { text: text.to_owned() };
    let sign = |seed: u8| CoSignature::sign(&agreement, &key(seed)).unwrap();
    Signed::assemble(&agreement, signers.map(sign).to_vec()).unwrap()
}

fn verified(text: &str) -> Verified<Agreement> {
    let keys = dataspace_identity::Did::trust_all([key(PROVIDER).did(), key(CONSUMER).did()]);
    contract(text, [PROVIDER, CONSUMER]).verify(&keys, time(1)).unwrap()
}

/// A log of `operator` with one access under `contract` at `at` between other records.
struct Scene {
    log: Log,
    index: LeafIndex,
    operator: SecretKey,
}

fn scene(operator: u8, contract: Digest, at: u64) -> Scene {
    let operator = key(operator);
    let origin = Origin::named(operator.did(), "node-1").unwrap();
    let log = Log::create_on(Box::new(Disk::default()), origin).unwrap();
    let _before = log.append(&small(0)).unwrap();
    let mut event = access(Verdict::Permit { uses: 1, duties: vec![] });
    event.contract = contract;
    event.request = Digest::of(REQUEST);
    let index = log.append(&Record::new(time(at), Event::Access(event))).unwrap().index();
    let _after = log.append(&small(2)).unwrap();
    Scene { log, index, operator }
}

fn collect(scene: &Scene, contract: &Verified<Agreement>, request: Option<&[u8]>) -> Evidence {
    let checkpoint = scene.log.checkpoint(&scene.operator).unwrap();
    let (provider, consumer) = (admitted(PROVIDER), admitted(CONSUMER));
    let participants = [&provider, &consumer];
    Evidence::collect(&scene.log, scene.index, &checkpoint, contract, &participants, request)
        .unwrap()
}

fn good(request: Option<&[u8]>) -> Vec<u8> {
    let contract = verified("terms");
    collect(&scene(PROVIDER, contract.digest(), 5), &contract, request).to_bytes().unwrap()
}

fn verify(bytes: &[u8]) -> Result<VerifiedEvidence<Agreement>, EvidenceError> {
    Evidence::from_bytes(bytes)?.verify(&anchors())
}

/// The good evidence with one thing changed.
fn forged(change: impl FnOnce(&mut Wire)) -> Result<VerifiedEvidence<Agreement>, EvidenceError> {
    let mut wire: Wire = cbor::from_canonical(&good(Some(REQUEST)), 1 << 20).unwrap();
    change(&mut wire);
    verify(&cbor::to_canonical(&wire).unwrap())
}

fn bytes<T>(signed: &Signed<T>) -> ByteBuf {
    ByteBuf::from(signed.as_bytes())
}

#[test]
fn evidence_verifies_offline_with_the_authority_alone() {
    for request in [None, Some(REQUEST)] {
        let evidence = verify(&good(request)).unwrap();
        assert_eq!(evidence.contract().value().text, "terms");
        assert_eq!(evidence.access().contract, evidence.contract().digest());
        assert_eq!(evidence.index(), LeafIndex::new(1));
        assert_eq!(evidence.time(), time(5));
        assert_eq!(evidence.checkpoint().size().as_u64(), 3);
        assert_eq!(evidence.participants().len(), 2);
        assert_eq!(evidence.has_request(), request.is_some());
    }
    assert!(forged(|_| {}).is_ok());
}

#[test]
fn the_log_of_the_consumer_is_evidence_too() {
    let contract = verified("terms");
    let evidence = collect(&scene(CONSUMER, contract.digest(), 5), &contract, None);
    assert!(verify(&evidence.to_bytes().unwrap()).is_ok());
}

#[test]
fn the_findings_say_what_is_proved_and_what_is_not() {
    let findings = verify(&good(None)).unwrap().findings();
    let proved = |one: &&Finding| matches!(one, Finding::Proved(_));
    assert_eq!(findings.iter().filter(proved).count(), 5);
    let text: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    for part in ["proved: did:key:", "use number 1", "not proved: that the operator shows", "true"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_ne!(verify(&good(Some(REQUEST))).unwrap().findings(), findings);
}

#[test]
fn every_bit_flip_of_an_evidence_file_is_refused() {
    let bytes = good(Some(REQUEST));
    let refused = |range: std::ops::Range<usize>| {
        for at in range {
            let mut changed = bytes.clone();
            for bit in 0..8 {
                changed[at] ^= 1 << bit;
                assert!(verify(&changed).is_err(), "byte {at}, bit {bit}");
                changed[at] ^= 1 << bit;
            }
        }
    };
    let middle = bytes.len() / 2;
    std::thread::scope(|scope| {
        scope.spawn(|| refused(0..middle));
        refused(middle..bytes.len());
    });
}

#[test]
fn every_bit_flip_of_an_evidence_file_without_a_request_is_refused() {
    let bytes = good(None);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verify(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_file_that_is_cut_or_longer_is_refused() {
    let bytes = good(None);
    for len in 0..bytes.len() {
        assert!(verify(&bytes[..len]).is_err());
    }
    assert!(verify(&[&bytes[..], &[0]].concat()).is_err());
    let giant = vec![0; dataspace_audit_log::EVIDENCE_LEN_MAX + 1];
    assert!(matches!(verify(&giant), Err(EvidenceError::Decode(_))));
}

#[test]
fn another_contract_of_the_same_participants_is_refused() {
    let other = contract("better terms", [PROVIDER, CONSUMER]);
    let error = forged(|wire| wire.contract = bytes(&other)).unwrap_err();
    assert!(matches!(error, EvidenceError::OtherContract { .. }), "{error}");
}

#[test]
fn a_contract_signed_by_others_is_refused() {
    let other = contract("terms", [PROVIDER, STRANGER]);
    let error = forged(|wire| wire.contract = bytes(&other)).unwrap_err();
    assert!(matches!(error, EvidenceError::Participants), "{error}");
}

#[test]
fn a_contract_of_another_kind_is_refused() {
    let other = credential(PROVIDER, AUTHORITY, 1000);
    let error = forged(|wire| wire.contract = bytes(&other)).unwrap_err();
    assert!(matches!(error, EvidenceError::ContractForm(_)), "{error}");
}

#[test]
fn missing_extra_doubled_or_reordered_credentials_are_refused() {
    type Change<'a> = &'a dyn Fn(&mut Vec<ByteBuf>);
    let stranger = credential(STRANGER, AUTHORITY, 1000);
    let changes: [Change<'_>; 6] = [
        &|all| all.truncate(1),
        &Vec::clear,
        &|all| all.push(bytes(&stranger)),
        &|all| all.push(all[0].clone()),
        &|all| all[1] = all[0].clone(),
        &|all| all.reverse(),
    ];
    for change in changes {
        let error = forged(|wire| change(&mut wire.credentials)).unwrap_err();
        assert!(matches!(error, EvidenceError::Participants), "{error}");
    }
    let many = forged(|wire| wire.credentials = vec![bytes(&stranger); 9]).unwrap_err();
    assert!(matches!(many, EvidenceError::Decode(_)), "{many}");
}

#[test]
fn a_credential_not_of_the_authority_or_out_of_its_time_is_refused() {
    for (signer, until) in [(PROVIDER, 1000), (STRANGER, 1000), (AUTHORITY, 5)] {
        let at = usize::from(key(PROVIDER).did() > key(CONSUMER).did());
        let bad = credential(PROVIDER, signer, until);
        let error = forged(|wire| wire.credentials[at] = bytes(&bad)).unwrap_err();
        assert!(matches!(error, EvidenceError::Credential(_)), "{error}");
    }
}

#[test]
fn another_authority_believes_nothing() {
    let evidence = Evidence::from_bytes(&good(None)).unwrap();
    let anchors = TrustAnchors::new(space(STRANGER));
    let error = evidence.verify::<Agreement>(&anchors).unwrap_err();
    assert!(matches!(error, EvidenceError::Credential(_)), "{error}");
}

#[test]
fn a_request_that_was_not_decided_is_refused() {
    let error = forged(|wire| wire.request = Some(ByteBuf::from(b"another".to_vec())));
    assert!(matches!(error, Err(EvidenceError::OtherRequest)));
}

#[test]
fn an_edited_record_is_refused() {
    let error = forged(|wire| {
        let mut record = Record::from_bytes(&wire.record).unwrap();
        let Event::Access(access) = &mut record.event else { panic!() };
        access.verdict = Verdict::Permit { uses: 2, duties: vec![] };
        wire.record = ByteBuf::from(record.to_bytes().unwrap());
    });
    assert!(matches!(error, Err(EvidenceError::Inclusion(_))));
}

#[test]
fn a_record_at_another_place_is_refused() {
    for index in [0, 2, 3, u64::MAX] {
        let error = forged(|wire| wire.index = index);
        assert!(matches!(error, Err(EvidenceError::Inclusion(_))));
    }
}

#[test]
fn a_record_that_is_not_an_access_is_refused() {
    let record = small(0).to_bytes().unwrap();
    let error = forged(|wire| wire.record = ByteBuf::from(record));
    assert!(matches!(error, Err(EvidenceError::NotAnAccess)));
}

#[test]
fn a_proof_longer_than_any_is_refused_before_it_is_hashed() {
    let error = forged(|wire| wire.path = vec![Digest::of(b"x"); 65]);
    assert!(matches!(error, Err(EvidenceError::Decode(_))));
}

#[test]
fn the_log_of_a_stranger_is_no_evidence() {
    let contract = verified("terms");
    let evidence = collect(&scene(STRANGER, contract.digest(), 5), &contract, None);
    let error = evidence.verify::<Agreement>(&anchors()).unwrap_err();
    assert!(matches!(error, EvidenceError::Operator { .. }), "{error}");
}

#[test]
fn a_strangers_checkpoint_under_a_participants_name_is_refused() {
    let contract = verified("terms");
    let scene = scene(STRANGER, contract.digest(), 5);
    let wire = collect(&scene, &contract, None).to_bytes().unwrap();
    let mut wire: Wire = cbor::from_canonical(&wire, 1 << 20).unwrap();
    let (stranger, provider) = (key(STRANGER), key(PROVIDER));
    wire.checkpoint = wire.checkpoint.replace(stranger.did().as_str(), provider.did().as_str());
    let error = verify(&cbor::to_canonical(&wire).unwrap()).unwrap_err();
    assert!(matches!(error, EvidenceError::Checkpoint(_)), "{error}");
}

#[test]
fn an_unknown_version_or_field_is_refused() {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct More {
        v: u8,
        contract: ByteBuf,
        credentials: Vec<ByteBuf>,
        record: ByteBuf,
        index: u64,
        path: Vec<Digest>,
        checkpoint: String,
        comment: &'static str,
    }
    let error = forged(|wire| wire.v = 2).unwrap_err();
    assert!(matches!(error, EvidenceError::Version { found: 2 }));
    let wire: Wire = cbor::from_canonical(&good(None), 1 << 20).unwrap();
    let Wire { v, contract, credentials, record, index, path, checkpoint, .. } = wire;
    let comment = "not signed by anybody";
    let more = More { v, contract, credentials, record, index, path, checkpoint, comment };
    let error = verify(&cbor::to_canonical(&more).unwrap()).unwrap_err();
    assert!(matches!(error, EvidenceError::Decode(_)), "{error}");
}

#[test]
fn a_checkpoint_from_before_the_record_or_of_another_log_collects_nothing() {
    let contract = verified("terms");
    let scene = scene(PROVIDER, contract.digest(), 5);
    let (provider, consumer) = (admitted(PROVIDER), admitted(CONSUMER));
    let participants = [&provider, &consumer];
    let early = scene.log.checkpoint(&scene.operator).unwrap();
    let later = scene.log.append(&small(7)).unwrap().index();
    let collected = Evidence::collect(&scene.log, later, &early, &contract, &participants, None);
    assert!(matches!(collected, Err(CollectError::Prove(_))));
    let other = Log::create_on(Box::new(Disk::default()), Origin::new(key(PROVIDER).did()));
    let other = other.unwrap().checkpoint(&scene.operator).unwrap();
    let collected =
        Evidence::collect(&scene.log, scene.index, &other, &contract, &participants, None);
    assert!(matches!(collected, Err(CollectError::Checkpoint(_))));
}

fn witness_key(seed: u8) -> WitnessKey {
    WitnessKey::new(&format!("witness.example/{seed}"), *key(seed).did().public_key()).unwrap()
}

/// The checkpoint with the cosignature of a new witness.
fn cosigned(checkpoint: &Checkpoint, seed: u8) -> Checkpoint {
    let (signer, logs) = (Box::new(key(seed)), [checkpoint.origin().clone()]);
    let store = Box::new(Vault::default());
    let witness = Witness::open(witness_key(seed), signer, &logs, store).unwrap();
    let (from, to) = (TreeSize::EMPTY, checkpoint.size());
    let body = AddCheckpoint::body(&ConsistencyProof { from, to, path: vec![] }, checkpoint);
    let cosignature = witness.add_checkpoint(body.as_bytes(), time(7000)).unwrap();
    checkpoint.with_cosignatures(cosignature.as_line(), &[witness_key(seed)]).unwrap()
}

/// The good evidence, its checkpoint cosigned by these witnesses.
fn witnessed(seeds: &[u8]) -> Vec<u8> {
    let contract = verified("terms");
    let scene = scene(PROVIDER, contract.digest(), 5);
    let bare = scene.log.checkpoint(&scene.operator).unwrap();
    let checkpoint = seeds.iter().fold(bare, |checkpoint, seed| cosigned(&checkpoint, *seed));
    let (provider, consumer) = (admitted(PROVIDER), admitted(CONSUMER));
    let participants = [&provider, &consumer];
    Evidence::collect(&scene.log, scene.index, &checkpoint, &contract, &participants, None)
        .unwrap()
        .to_bytes()
        .unwrap()
}

fn verify_witnessed(
    bytes: &[u8],
    quorum: usize,
) -> Result<VerifiedEvidence<Agreement>, EvidenceError> {
    let policy = WitnessPolicy::new(quorum, [21, 22, 23].map(witness_key).to_vec()).unwrap();
    Evidence::from_bytes(bytes)?.verify_witnessed(&anchors(), &policy)
}

fn findings(evidence: &VerifiedEvidence<Agreement>) -> String {
    evidence.findings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn evidence_says_which_of_the_given_witnesses_cosigned() {
    let bytes = witnessed(&[21, 23, 40]);
    let evidence = verify_witnessed(&bytes, 2).unwrap();
    let cosigners = evidence.cosigners().unwrap();
    assert!(cosigners.is_quorum());
    assert_eq!(cosigners.absent(), [witness_key(22)]);
    let text = findings(&evidence);
    for part in [
        "proved: the witness witness.example/21 said at 2026-09-21T14:13:27Z",
        "proved: the witness witness.example/23 said",
        "not proved: that the witness witness.example/22 saw",
        "proved: a quorum saw the checkpoint: 2 of 3 witnesses cosigned, 2 are asked for",
        "proved: whoever asks for a quorum of the same witnesses can be shown another history only \
         if 1 of them or more lie",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("the same log") && !text.contains("/40"), "{text}");
    // Too few is not an error, and not a proof.
    let text = findings(&verify_witnessed(&bytes, 3).unwrap());
    assert!(text.contains("not proved: that the operator shows everybody the same log: 2 of 3"));
    // A quorum that another quorum need not meet proves less.
    let text = findings(&verify_witnessed(&bytes, 1).unwrap());
    assert!(
        text.contains("not proved: that the operator shows everybody the same log: the quorum")
    );
    // Who names no witness is told nothing of them.
    let evidence = verify(&bytes).unwrap();
    assert!(evidence.cosigners().is_none());
    assert!(!findings(&evidence).contains("proved: the witness"));
    let unwitnessed = verify_witnessed(&good(None), 1).unwrap();
    assert!(unwitnessed.cosigners().unwrap().present().is_empty());
}

#[test]
fn no_bit_flip_in_evidence_makes_a_cosignature_count() {
    let bytes = witnessed(&[21]);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let Ok(evidence) = verify_witnessed(&changed, 1) else { continue };
        assert!(!evidence.cosigners().unwrap().is_quorum(), "byte {at}");
    }
}

#[test]
fn a_cosignature_that_does_not_verify_refuses_the_evidence_of_whoever_asks_for_it() {
    let other = witnessed(&[21]);
    let other: Wire = cbor::from_canonical(&other, 1 << 20).unwrap();
    let line = other.checkpoint.lines().last().unwrap();
    let contract = verified("terms");
    let scene = scene(PROVIDER, contract.digest(), 6);
    let wire = collect(&scene, &contract, None).to_bytes().unwrap();
    let mut wire: Wire = cbor::from_canonical(&wire, 1 << 20).unwrap();
    wire.checkpoint.extend([line, "\n"]);
    let bytes = cbor::to_canonical(&wire).unwrap();
    assert!(verify(&bytes).is_ok());
    let error = verify_witnessed(&bytes, 1).unwrap_err();
    assert!(matches!(error, EvidenceError::Cosignature(_)), "{error}");
}
