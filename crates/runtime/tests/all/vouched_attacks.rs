//! Attempts to state what one is not trusted for, and forgeries of statements.

use std::collections::BTreeMap;

use dataspace_identity::{MembershipCredential, Origin, SecretKey};
use dataspace_ledger::{Refusal, evidence::EvidenceError};
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{ChangeError, replay_decisions, setup::SetupError};
use dataspace_tlog::{Event, Fact};
use dataspace_usage_contract::{
    Statement,
    statement::{About, StatedBy, StatedValue, StatementError, StatementRule, Subject},
};
use serde_bytes::ByteBuf;

use crate::rotation::{YEAR, document, institute, key};
use crate::support::story::verify;
use crate::support::{
    Node, authority, consumer, credential, name, provider, rival, signed_profile, stranger,
};
use crate::vouched::{
    blurred, inspector, is_released, node, refused, sign, state, statement, vouched, when,
};

#[test]
fn a_log_with_a_forged_statement_is_not_opened() {
    let forge = |statement: &dyn Fn(&Node) -> Signed<Statement>| {
        let node = node();
        state(&node, &blurred(&node, true, 5));
        let document = ByteBuf::from(statement(&node).as_bytes());
        let files = node.close();
        files.forge(Event::Stated { document });
        match files.open() {
            Err(SetupError::Record { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    };
    let stranger_in_his_name =
        |node: &Node| Signed::sign(&blurred(node, true, 6), &stranger()).unwrap();
    assert!(matches!(forge(&stranger_in_his_name), Refusal::Statement(_)));
    let stranger_as_such = |node: &Node| {
        let mut one = blurred(node, true, 6);
        one.issuer = stranger().did().clone();
        Signed::sign(&one, &stranger()).unwrap()
    };
    assert!(matches!(forge(&stranger_as_such), Refusal::NotTrusted { .. }));
    let replayed = |node: &Node| sign(&blurred(node, true, 5));
    assert!(matches!(forge(&replayed), Refusal::AlreadyInForce));
    let older = |node: &Node| sign(&blurred(node, false, 4));
    assert!(matches!(forge(&older), Refusal::OlderStatement { .. }));
}

#[test]
fn a_decision_on_what_nobody_stated_shows_in_the_replay() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    state(&node, &blurred(&node, true, 1));
    assert!(is_released(&node, contract));
    state(&node, &blurred(&node, false, 2));
    let mut lie = node.decisions().pop().unwrap();
    let place = lie.facts["statement:blurred"].clone();
    assert_eq!(lie.facts["vouched:blurred"], Fact::Text("true".to_owned()));
    lie.request = Digest::of(b"another request");
    let files = node.close();
    files.forge(Event::Access(lie.clone()));
    let replayed = replay_decisions(&files.log(), authority().did(), None).unwrap();
    let told = format!("{:?}", replayed.first);
    assert!(told.contains("vouched:blurred") && told.contains("statement:blurred"), "{told}");
    assert!(told.contains("Verdict"), "{told}");
    assert_eq!(place, lie.facts["statement:blurred"]);
}

#[test]
fn evidence_shows_the_statements_on_which_was_decided() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    state(&node, &blurred(&node, true, 1));
    let release = node.released(contract);
    let evidence = node.space.evidence(release.receipt()).unwrap();
    let bytes = evidence.to_bytes().unwrap();
    let told = |bytes: &[u8]| {
        let findings = verify(bytes).unwrap().findings();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let shown = told(&bytes);
    let signed = format!("proved: {} signed what the decision rests on", inspector().did());
    assert!(shown.contains(&signed), "{shown}");
    assert!(shown.contains("not proved: that the space trusts"), "{shown}");

    // Without it, the file says that it is the provider's word.
    let mut parts: BTreeMap<String, serde_cbor::Value> = serde_cbor::from_slice(&bytes).unwrap();
    let statements = parts.remove("statements").unwrap();
    let write = |parts: &BTreeMap<String, serde_cbor::Value>| {
        dataspace_primitives::cbor::to_canonical(parts).unwrap()
    };
    assert!(verify(&write(&parts)).is_err(), "of the version with statements");
    parts.insert("v".to_owned(), serde_cbor::Value::Integer(2));
    let without = told(&write(&parts));
    assert!(without.contains("not proved: that a party that the space trusts stated"), "{without}");
    assert!(!without.contains(&signed));

    // What no statement is named for is no fact, and none is from later.
    for (fact, value) in [
        ("payment", Fact::Text("paid".to_owned())),
        ("vouched:grade", Fact::Text("A".to_owned())),
        ("statement:grade", Fact::Number(1_000_000)),
        ("productLevel", Fact::Number(1)),
        ("state", Fact::Text("running".to_owned())),
        ("events", Fact::Texts(["fair".to_owned()].into())),
    ] {
        let mut lie = node.decisions().pop().unwrap();
        lie.facts.insert(fact.to_owned(), value);
        lie.request = Digest::of(fact.as_bytes());
        let forged = node.files.copy();
        forged.forge(Event::Access(lie));
        let replayed = replay_decisions(&forged.log(), authority().did(), None).unwrap();
        let told = format!("{:?}", replayed.first);
        assert!(told.contains(fact), "{told}");
    }

    // With another statement, under the same checkpoint: one that says the contrary, and one of another kind.
    state(&node, &blurred(&node, false, 2));
    let fair = statement(&node, "fair", Subject::Space, Some(StatedValue::Flag(true)));
    state(&node, &fair);
    let size = node.len();
    let checkpoint = node.space.checkpoint().unwrap();
    let entry = |index: u64| {
        let index = dataspace_tlog::LeafIndex::new(index);
        dataspace_ledger::evidence::Entry {
            index,
            path: node.space.log().inclusion_proof(index, checkpoint.size()).unwrap().path,
            record: ByteBuf::from(node.space.log().read(index).unwrap()),
        }
    };
    let collect = |statements: Vec<u64>| {
        let credential = |key: &SecretKey| crate::support::signed_credential(key, |_| {});
        let receipt = release.receipt();
        dataspace_ledger::Evidence::collect(
            &checkpoint,
            [entry(6), entry(receipt.index.as_u64())],
            [&credential(&provider()), &credential(&consumer())],
            Some(&receipt.request),
            Vec::new(),
        )
        .with_statements(statements.into_iter().map(entry).collect())
        .verify(authority().did())
    };
    assert!(collect(vec![7]).is_ok());
    for others in
        [vec![size - 1], vec![size - 2], vec![7, size - 1], vec![7, 7], vec![7, 7, 6], vec![5]]
    {
        let error = collect(others.clone()).unwrap_err();
        assert!(
            matches!(error, EvidenceError::OtherStatement { .. } | EvidenceError::Event { .. }),
            "{others:?}: {error:?}"
        );
    }
    drop(statements);
}

#[test]
fn only_whom_the_profile_trusts_can_state_it() {
    let node = node();
    let good = blurred(&node, true, 1);
    let by = |issuer: &SecretKey| Statement { issuer: issuer.did().clone(), ..good.clone() };
    let signed = |one: &Statement, key: &SecretKey| match node
        .space
        .take_statement(Signed::sign(one, key).unwrap())
    {
        Err(ChangeError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    for key in [stranger(), consumer(), provider(), authority()] {
        assert!(matches!(signed(&by(&key), &key), Refusal::NotTrusted { .. }));
        // In the name of the trusted one.
        assert!(matches!(signed(&good, &key), Refusal::Statement(StatementError::Issuer { .. })));
    }
    let refusal = |change: &dyn Fn(&mut Statement)| {
        let mut changed = good.clone();
        change(&mut changed);
        refused(&node, &changed)
    };
    let space = |one: &mut Statement| one.space.name = name("elsewhere");
    assert!(matches!(refusal(&space), Refusal::OtherSpace { .. }));
    let log = |one: &mut Statement| one.log = Some(Origin::new(rival().did()).unwrap());
    assert!(matches!(refusal(&log), Refusal::OtherNode { .. }));
    let no_log = |one: &mut Statement| one.log = None;
    assert!(matches!(refusal(&no_log), Refusal::Statement(StatementError::NoNode)));
    let kind = |one: &mut Statement| one.kind = name("no-such-kind");
    assert!(matches!(refusal(&kind), Refusal::UnknownKind { .. }));
    let subject = |one: &mut Statement| one.subject = Subject::Space;
    assert!(matches!(refusal(&subject), Refusal::OtherSubject { .. }));
    let level = |one: &mut Statement| one.kind = name("level");
    assert!(matches!(refusal(&level), Refusal::Statement(StatementError::Value { .. })));
    // What is paid at one provider is the word of that provider.
    let contract = node.contract(when(vouched("blurred", "true")));
    let paid = statement(
        &node,
        "payment",
        Subject::Contract(contract),
        Some(StatedValue::Name(name("paid"))),
    );
    assert!(matches!(refused(&node, &paid), Refusal::NotTrusted { .. }));
    assert!(!is_released(&node, contract));
    // For every node of the space.
    let fair = statement(&node, "fair", Subject::Space, Some(StatedValue::Flag(true)));
    state(&node, &Statement { log: None, ..fair });
    // A bit is changed on the way.
    let mut bytes = sign(&good).as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let changed = Signed::from_bytes(bytes).unwrap();
    assert!(matches!(
        node.space.take_statement(changed),
        Err(ChangeError::Refused(Refusal::Statement(StatementError::Verify(_))))
    ));
}

#[test]
fn what_was_signed_by_a_key_that_is_taken_back_no_longer_counts() {
    let node = Node::new();
    let did = institute();
    let profile = signed_profile(|profile| {
        profile.version = 2;
        let by = StatedBy::Party(did.clone());
        let rule = StatementRule { by, about: About::Product };
        profile.statements = [(name("blurred"), rule)].into();
    });
    node.space.publish(profile).unwrap();
    let by_first = |serial| {
        let mut one = blurred(&node, true, serial);
        one.issuer = did.clone();
        Signed::sign(&one, &key(&did, 1)).unwrap()
    };
    // Nobody knows its keys yet.
    assert!(node.space.take_statement(by_first(1)).is_err());
    let member = MembershipCredential { subject: did.clone(), ..credential(&authority()) };
    node.space.admit(Signed::sign(&member, &authority()).unwrap()).unwrap();
    node.space.record_keys(document(&did, 1, &[(1, YEAR)], &authority())).unwrap();
    node.space.take_statement(by_first(1)).unwrap();
    let contract = node.contract(when(vouched("blurred", "true")));
    let release = node.released(contract);
    // The file shows the issuer's keys, too.
    let bytes = node.space.evidence(release.receipt()).unwrap().to_bytes().unwrap();
    let findings = verify(&bytes).unwrap().findings();
    let expected = format!("{did} signed what the decision rests on");
    assert!(findings.iter().any(|one| one.to_string().contains(&expected)), "{findings:?}");
    drop(release);

    node.space.record_keys(document(&did, 2, &[(2, YEAR)], &authority())).unwrap();
    assert!(!is_released(&node, contract));
    assert!(node.space.take_statement(by_first(2)).is_err());
    let mut again = blurred(&node, true, 2);
    again.issuer = did.clone();
    node.space.take_statement(Signed::sign(&again, &key(&did, 2)).unwrap()).unwrap();
    assert!(is_released(&node, contract));
    let files = node.close();
    let replayed = replay_decisions(&files.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:?}", replayed.first);
}

#[test]
fn a_serial_number_ahead_of_the_time_locks_nobody_out() {
    let node = node();
    for ahead in [u64::MAX, (node.now().as_millis()) + 60_001] {
        let refusal = refused(&node, &blurred(&node, true, ahead));
        assert!(matches!(refusal, Refusal::SerialAhead { found } if found == ahead), "{refusal}");
    }
    state(&node, &blurred(&node, true, node.now().as_millis()));
    node.advance(1);
    state(&node, &blurred(&node, false, node.now().as_millis()));
}
