//! What trusted parties state in signed statements decides, while the profile trusts them for it.

use std::collections::BTreeMap;

use dataspace_identity::{Origin, SecretKey};
use dataspace_ledger::{Refusal, evidence::EvidenceError};
use dataspace_policy::{Constraint, Terms, facts::Payment};
use dataspace_primitives::{Digest, Signed, Validity};
use dataspace_runtime::{
    Access, Applied, ChangeError, NewRequest, access::ReleaseError, index::IndexState,
    replay_decisions, request_access_to, setup::SetupError,
};
use dataspace_tlog::{Event, Fact};
use dataspace_usage_contract::{
    ContractId, SpaceProfile, StatedEnvironment, Statement, Statements,
    statement::{About, StatedBy, StatedValue, StatementError, StatementRule, Subject},
};
use serde_bytes::ByteBuf;

use crate::support::story::verify;
use crate::support::{
    DAY, Files, Node, TestClock, at, authority, consumer, days, name, permitted, provider,
    read_only, research, rival, signed_profile, space_id, stranger, table,
};

/// Who is trusted for most kinds.
fn inspector() -> SecretKey {
    SecretKey::from_seed(&mut [40; 32]).unwrap()
}

fn rules(profile: &mut SpaceProfile) {
    let by = || StatedBy::Party(inspector().did().clone());
    let all = [
        ("blurred", by(), About::Product),
        ("paid-until", StatedBy::Provider, About::Contract),
        ("grade", by(), About::Member),
        ("fair", by(), About::Space),
        ("payment", StatedBy::Provider, About::Contract),
        ("events", by(), About::Space),
        ("state", by(), About::Contract),
        ("level", by(), About::Product),
        ("attested", by(), About::Environment),
    ];
    profile.statements =
        all.map(|(kind, by, about)| (name(kind), StatementRule { by, about })).into();
}

fn node() -> Node {
    with_rules(Node::new())
}

fn with_rules(node: Node) -> Node {
    let profile = signed_profile(|profile| {
        profile.version = 2;
        rules(profile);
    });
    node.space.publish(profile).unwrap();
    node
}

/// Of the inspector, unless a test says otherwise.
fn statement(node: &Node, kind: &str, subject: Subject, value: Option<StatedValue>) -> Statement {
    Statement {
        space: space_id(),
        log: Some(node.space.log().origin().clone()),
        issuer: inspector().did().clone(),
        subject,
        kind: name(kind),
        value,
        serial: 1,
        validity: days(0, 20),
    }
}

fn blurred(node: &Node, is_blurred: bool, serial: u64) -> Statement {
    let (product, value) = (Subject::Product(name("alloys")), StatedValue::Flag(is_blurred));
    Statement { serial, ..statement(node, "blurred", product, Some(value)) }
}

fn sign(statement: &Statement) -> Signed<Statement> {
    let by = if statement.issuer == *provider().did() { provider() } else { inspector() };
    Signed::sign(statement, &by).unwrap()
}

fn take(node: &Node, statement: &Statement) -> Result<Applied, ChangeError> {
    node.space.take_statement(sign(statement))
}

fn state(node: &Node, statement: &Statement) {
    assert_eq!(take(node, statement).unwrap(), Applied::Now);
}

fn refused(node: &Node, statement: &Statement) -> Refusal {
    match take(node, statement) {
        Err(ChangeError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn when(constraint: Constraint) -> Terms {
    Terms::new().permit(research().when(constraint))
}

fn vouched(kind: &str, says: &str) -> Constraint {
    Constraint::Vouched { kind: name(kind), values: [name(says)].into() }
}

fn is_released(node: &Node, contract: ContractId) -> bool {
    drop(node.space.access(node.request(contract)).unwrap());
    permitted(node.decisions().last().unwrap()).is_some()
}

/// Every decision of the log comes out the same, from the log alone.
fn assert_sound(node: Node) -> Files {
    let files = node.close();
    let replayed = replay_decisions(&files.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound() && replayed.decisions > 0, "{:#?}", replayed.first);
    files
}

#[test]
fn what_is_stated_permits_and_forbids_and_what_is_not_does_as_before() {
    let not = |one| Constraint::Not(Box::new(one));
    let purpose = Constraint::Purpose([name("research")].into());
    let either = |one| Constraint::Any(vec![one, purpose.clone()]);
    let is = || vouched("blurred", "true");
    let prohibit = |one| Terms::new().permit(research()).prohibit(read_only().when(one));
    for (terms, none, yes, no) in [
        (when(is()), false, true, false),
        (when(not(is())), false, false, true),
        (when(either(is())), false, true, true),
        (when(either(not(is()))), false, true, true),
        (prohibit(is()), false, false, true),
        (prohibit(not(is())), false, true, false),
        (prohibit(either(is())), false, false, false),
    ] {
        let node = node();
        let contract = node.contract(terms.clone());
        assert_eq!(is_released(&node, contract), none, "not stated: {terms:?}");
        state(&node, &blurred(&node, true, 1));
        assert_eq!(is_released(&node, contract), yes, "true: {terms:?}");
        state(&node, &blurred(&node, false, 2));
        assert_eq!(is_released(&node, contract), no, "false: {terms:?}");
        state(&node, &Statement { value: None, ..blurred(&node, true, 3) });
        assert_eq!(is_released(&node, contract), none, "withdrawn: {terms:?}");
        assert_sound(node);
    }
}

#[test]
fn each_kind_of_subject_and_value_decides() {
    let paid = StatedValue::Name(name("paid"));
    let names = |all: &[&str]| StatedValue::Names(all.iter().map(|one| name(one)).collect());
    let member = Subject::Member(consumer().did().clone());
    type Of = fn(ContractId) -> Subject;
    let of: Of = Subject::Contract;
    let cases: Vec<(Constraint, &str, Of, StatedValue, StatedValue)> = vec![
        (
            Constraint::Payment([Payment::Paid].into()),
            "payment",
            of,
            paid,
            StatedValue::Name(name("overdue")),
        ),
        (
            Constraint::Event([name("fair")].into()),
            "events",
            |_| Subject::Space,
            names(&["fair", "strike"]),
            names(&[]),
        ),
        (
            Constraint::State([name("running")].into()),
            "state",
            of,
            StatedValue::Name(name("running")),
            StatedValue::Name(name("stopped")),
        ),
        (
            Constraint::Level(2),
            "level",
            |_| Subject::Product(name("alloys")),
            StatedValue::Number(2),
            StatedValue::Number(3),
        ),
        (
            vouched("paid-until", "ahead"),
            "paid-until",
            of,
            StatedValue::Time(at(1)),
            StatedValue::Time(at(0)),
        ),
        (
            vouched("grade", "A"),
            "grade",
            |_| Subject::Member(consumer().did().clone()),
            StatedValue::Name(name("A")),
            StatedValue::Name(name("B")),
        ),
        (
            vouched("fair", "true"),
            "fair",
            |_| Subject::Space,
            StatedValue::Flag(true),
            StatedValue::Flag(false),
        ),
    ];
    let node = node();
    for (constraint, kind, subject, holds, fails) in cases {
        let contract = node.contract(when(constraint.clone()));
        assert!(!is_released(&node, contract), "nothing is stated: {constraint:?}");
        let one = |serial, value| {
            let one = statement(&node, kind, subject(contract), Some(value));
            let issuer = match kind {
                "payment" | "paid-until" => provider().did().clone(),
                _ => inspector().did().clone(),
            };
            Statement { serial, issuer, ..one }
        };
        state(&node, &one(1, holds));
        assert!(is_released(&node, contract), "{constraint:?}");
        state(&node, &one(2, fails));
        assert!(!is_released(&node, contract), "{constraint:?}");
    }
    // Of another member, or another contract, nothing follows.
    let other = research().when(vouched("grade", "A")).when(Constraint::Count(9));
    let contract = node.contract(Terms::new().permit(other));
    let others = Subject::Member(rival().did().clone());
    state(&node, &statement(&node, "grade", others, Some(StatedValue::Name(name("A")))));
    assert!(!is_released(&node, contract));
    let again = statement(&node, "grade", member, Some(StatedValue::Name(name("A"))));
    state(&node, &Statement { serial: 3, ..again });
    assert!(is_released(&node, contract));
    assert_sound(node);
}

#[test]
fn what_is_paid_until_an_instant_is_paid_before_it() {
    let node = node();
    let contract = node.contract(when(vouched("paid-until", "ahead")));
    let paid = statement(
        &node,
        "paid-until",
        Subject::Contract(contract),
        Some(StatedValue::Time(at(10 * DAY))),
    );
    state(&node, &Statement { issuer: provider().did().clone(), ..paid });
    node.advance(10 * DAY - 1);
    assert!(is_released(&node, contract));
    node.advance(1);
    assert!(!is_released(&node, contract));
    assert_sound(node);
}

#[test]
fn a_statement_counts_from_its_beginning_to_before_its_end() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    state(&node, &Statement { validity: days(2, 4), ..blurred(&node, true, 7) });
    assert!(!is_released(&node, contract));
    node.advance(2 * DAY);
    assert!(is_released(&node, contract));
    node.advance(2 * DAY - 1);
    assert!(is_released(&node, contract));
    node.advance(1);
    assert!(!is_released(&node, contract));
    // What was stated before does not come back where the newest is over.
    let older = Statement { validity: days(0, 30), ..blurred(&node, true, 6) };
    assert!(matches!(refused(&node, &older), Refusal::OlderStatement { current: 7, found: 6, .. }));
    assert_sound(node);
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    // The greatest number counts, be it over, not yet valid, or a withdrawal.
    for (last, expected) in [
        (Some((true, days(0, 20))), true),
        (Some((false, days(0, 20))), false),
        (Some((true, Validity::new(at(0), at(1)).unwrap())), false),
        (Some((true, days(5, 6))), false),
        (None, false),
    ] {
        for order in orders {
            let node = node();
            node.advance(60);
            let contract = node.contract(when(vouched("blurred", "true")));
            let mut last_one = blurred(&node, true, 9);
            match last {
                Some((is, validity)) => {
                    last_one.value = Some(StatedValue::Flag(is));
                    last_one.validity = validity;
                }
                None => last_one.value = None,
            }
            let all = [blurred(&node, false, 1), blurred(&node, true, 2), last_one];
            for place in order {
                let _older_ones_are_refused = take(&node, &all[place]);
            }
            assert_eq!(is_released(&node, contract), expected, "{order:?} {last:?}");
            let stated = || {
                let records = node.records().into_iter();
                records.filter(|one| matches!(one.event, Event::Stated { .. })).count()
            };
            let before = stated();
            assert_eq!(take(&node, &all[2]).unwrap(), Applied::AlreadyInForce);
            for older in &all[..2] {
                assert!(matches!(refused(&node, older), Refusal::OlderStatement { .. }));
            }
            // With the same number, another one replaces nothing.
            let twin = Statement { validity: days(0, 19), ..blurred(&node, true, 9) };
            assert!(matches!(refused(&node, &twin), Refusal::OlderStatement { .. }));
            assert_eq!(stated(), before);
            assert_sound(node);
        }
    }
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
fn who_is_no_longer_trusted_states_nothing() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    state(&node, &blurred(&node, true, 1));
    assert!(is_released(&node, contract));
    let publish = |version, change: &dyn Fn(&mut SpaceProfile)| {
        let profile = signed_profile(|profile| {
            profile.version = version;
            rules(profile);
            change(profile);
        });
        node.space.publish(profile).unwrap();
    };
    let blurred_by = |profile: &mut SpaceProfile, by| {
        let rule = StatementRule { by, about: About::Product };
        profile.statements.insert(name("blurred"), rule);
    };
    publish(3, &|profile| blurred_by(profile, StatedBy::Party(rival().did().clone())));
    assert!(!is_released(&node, contract));
    publish(4, &|profile| drop(profile.statements.remove(&name("blurred"))));
    assert!(!is_released(&node, contract));
    // Not about products any more.
    publish(5, &|profile| {
        let by = StatedBy::Party(inspector().did().clone());
        profile.statements.insert(name("blurred"), StatementRule { by, about: About::Space });
    });
    assert!(!is_released(&node, contract));
    publish(6, &|_| {});
    assert!(is_released(&node, contract));
    assert_sound(node);
}

#[test]
fn an_environment_is_attested_by_somebody_else_than_its_consumer() {
    let node = node();
    let contract = node.contract(when(Constraint::Attested));
    let inside = |id: &str| {
        let environment = StatedEnvironment {
            id: name(id),
            sandbox: false,
            security_level: 0,
            connector: name("edc"),
            application: name("notebook"),
        };
        let statements = Statements { environment: Some(environment), ..Statements::default() };
        let clock = TestClock(node.files.clock.clone());
        let agreement = node.space.agreement(contract).unwrap();
        let new = NewRequest {
            statements,
            ..NewRequest::new(dataspace_policy::Action::Read, name("research"))
        };
        let request = request_access_to(&consumer(), &agreement, new, &clock).unwrap();
        matches!(node.space.access(request).unwrap(), Access::Released(_))
    };
    assert!(!inside("vault"));
    let of = |of: &SecretKey| Subject::Environment { of: of.did().clone(), id: name("vault") };
    let yes = Some(StatedValue::Flag(true));
    state(&node, &statement(&node, "attested", of(&rival()), yes.clone()));
    assert!(!inside("vault"));
    state(&node, &statement(&node, "attested", of(&consumer()), yes));
    assert!(inside("vault") && !inside("Vault") && !is_released(&node, contract));
    assert_sound(node);
}

#[test]
fn what_was_stated_is_known_after_reopening_by_log_and_by_index() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    state(&node, &blurred(&node, false, 1));
    state(&node, &blurred(&node, true, 2));
    let files = node.close();
    // As a crash leaves it, without an index; then by the index.
    let copy = files.copy();
    let _there_is_none = std::fs::remove_file(copy.path().join("index"));
    let node = copy.reopen();
    assert!(is_released(&node, contract));
    assert!(matches!(refused(&node, &blurred(&node, true, 1)), Refusal::OlderStatement { .. }));
    node.space.write_index().unwrap();
    let node = node.close().reopen();
    assert!(matches!(node.space.index_state().unwrap(), IndexState::Used { .. }));
    assert!(is_released(&node, contract));
    assert_eq!(take(&node, &blurred(&node, true, 2)).unwrap(), Applied::AlreadyInForce);
    assert!(matches!(refused(&node, &blurred(&node, true, 1)), Refusal::OlderStatement { .. }));
    assert_sound(node);
}

#[test]
fn a_running_release_stops_when_what_it_rests_on_is_withdrawn() {
    let node = with_rules(Node::with_table(table(4 * 4096)));
    state(&node, &blurred(&node, true, 1));
    let mut release = node.released(node.contract(when(vouched("blurred", "true"))));
    release.next().unwrap().unwrap();
    state(&node, &Statement { value: None, ..blurred(&node, true, 2) });
    match release.next() {
        Some(Err(ReleaseError::Stopped { reason })) => {
            assert!(reason.contains("blurred"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn terms_that_ask_for_what_nobody_can_state_are_not_offered() {
    let node = node();
    let typo = Node::new_offer(when(vouched("blured", "true")));
    match node.space.offer(typo) {
        Err(ChangeError::Refused(Refusal::UnknownKind { kind })) => {
            assert_eq!(kind, name("blured"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn denials_say_what_must_be_stated() {
    let node = node();
    let contract = node.contract(when(vouched("blurred", "true")));
    let told = node.denied(contract).to_string();
    assert!(
        told.contains("a party that the space trusts must state blurred; nobody states it"),
        "{told}"
    );
    state(&node, &blurred(&node, false, 1));
    let told = node.denied(contract).to_string();
    let expected =
        "blurred must be true, as a party states that the space trusts; the statement says false";
    assert!(told.contains(expected), "{told}");
}

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
    for others in [vec![size - 1], vec![size - 2], vec![7, size - 1], vec![7, 7, 6], vec![5]] {
        let error = collect(others.clone()).unwrap_err();
        assert!(
            matches!(error, EvidenceError::OtherStatement { .. } | EvidenceError::Event { .. }),
            "{others:?}: {error:?}"
        );
    }
    drop(statements);
}
