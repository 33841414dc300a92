//! Words and deciding text: of this version of the compiler they must agree, everywhere; of another
//! version nobody can tell here, and everywhere it is said.

use dataspace_identity::DidKeys;
use dataspace_ledger::{Refusal, replayed::ReplayError};
use dataspace_policy::{Action, Rule, cedar_text::COMPILER_VERSION};
use dataspace_primitives::{CoSignature, Digest, Signed, cbor};
use dataspace_runtime::{ChangeError, replay_decisions, setup::SetupError};
use dataspace_tlog::{Event, Finding};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, Offer, OfferId, agreement::AgreeError,
};
use serde_bytes::ByteBuf;

use crate::support::{Files, Node, authority, consumer, provider, terms};

/// A contract that both signed: it reads as if it permitted nothing but research, and its text
/// permits whatever is read. Or the other way round.
fn two_faced(compiler: u32) -> Agreement {
    let node = Node::new();
    let wide = node.contract(terms().permit(Rule::new([Action::Read])));
    let wide = node.space.agreement(wide).unwrap().value().clone();
    let offer = OfferId::from_digest(Digest::of(b"another offer"));
    Agreement { terms: terms(), compiler, offer, ..wide }
}

/// A node's directory with this contract in its log, and its identifier.
fn with_contract(compiler: u32) -> (Files, ContractId) {
    let node = Node::new();
    let log = node.space.log().origin().clone();
    let agreement = Agreement { log, ..two_faced(compiler) };
    let signatures =
        [provider(), consumer()].map(|key| CoSignature::sign(&agreement, &key).unwrap()).to_vec();
    let signed = Signed::assemble(&agreement, signatures).unwrap();
    let contract = Digest::of(&cbor::to_canonical(&agreement).unwrap());
    let document = ByteBuf::from(signed.as_bytes());
    let files = node.close();
    files.forge(Event::Concluded { contract, document });
    (files, ContractId::from_digest(contract))
}

#[test]
fn a_text_that_is_not_what_the_words_say_is_not_concluded() {
    let node = Node::new();
    let offer = node.offer(terms());
    let read = Offer::verify(offer.clone(), provider().did(), &DidKeys, node.now()).unwrap();
    let log = node.space.log().origin().clone();
    for compiler in [COMPILER_VERSION, COMPILER_VERSION + 1] {
        let offer_id = OfferId::from_digest(read.digest());
        let agreement = Agreement { log: log.clone(), offer: offer_id, ..two_faced(compiler) };
        let acceptance = Acceptance {
            offer: offer_id,
            consumer: consumer().did().clone(),
            contract: ContractId::from_digest(Digest::of(&cbor::to_canonical(&agreement).unwrap())),
            signature: CoSignature::sign(&agreement, &consumer()).unwrap(),
        };
        let acceptance = Signed::sign(&acceptance, &consumer()).unwrap();
        let refused = node.space.conclude(offer.clone(), acceptance).unwrap_err();
        assert!(
            matches!(
                refused,
                ChangeError::Refused(Refusal::Agree(AgreeError::OtherAgreement { .. }))
            ),
            "{refused}"
        );
    }
}

#[test]
fn a_text_of_this_version_that_is_not_what_the_words_say_is_neither_opened_nor_replayed() {
    let (files, _) = with_contract(COMPILER_VERSION);
    match files.open() {
        Err(SetupError::Record { source: Refusal::Agree(AgreeError::TextDiffers), .. }) => {}
        other => panic!("{other:?}"),
    }
    match replay_decisions(&files.log(), authority().did(), None) {
        Err(ReplayError::Record { source: Refusal::Agree(AgreeError::TextDiffers), .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_of_another_version_decides_and_everybody_is_told() {
    for compiler in [0, COMPILER_VERSION + 1, u32::MAX] {
        let (files, contract) = with_contract(compiler);
        let node = files.reopen();
        assert_eq!(node.space.compiled_elsewhere(), [(contract, compiler)]);
        // The text decides, not the words.
        let request = node.request_for(contract, Action::Read, "alloy-design");
        let release = crate::support::released(node.space.access(request).unwrap());
        let evidence = node.space.evidence(release.receipt()).unwrap();
        drop(release);
        let evidence = evidence.verify(authority().did()).unwrap();
        let told = evidence.findings().iter().any(|finding| {
            matches!(finding, Finding::NotProved(text)
                if text.contains(&format!("version {compiler} of the compiler wrote it")))
        });
        assert!(told, "{:#?}", evidence.findings());

        let replayed = replay_decisions(&node.close().log(), authority().did(), None).unwrap();
        assert!(replayed.is_sound(), "{:#?}", replayed.first);
        assert_eq!(replayed.other_compilers, 1);
        let [one] = &replayed.first_other_compilers[..] else { panic!() };
        assert_eq!((one.contract, one.compiler), (contract, compiler));
        let findings = replayed.findings();
        let text = findings[0].to_string();
        assert!(text.contains(&format!("version {compiler}")), "{text}");
    }
    let node = Node::new();
    let contract = node.contract(terms());
    drop(node.released(contract));
    assert!(node.space.compiled_elsewhere().is_empty());
    let replayed = replay_decisions(&node.close().log(), authority().did(), None).unwrap();
    assert!(replayed.findings().is_empty());
}
