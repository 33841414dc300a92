//! What trusted parties state in signed statements decides, while the profile trusts them for it.

use dataspace_identity::SecretKey;
use dataspace_ledger::Refusal;
use dataspace_policy::{Constraint, Terms, facts::Payment};
use dataspace_primitives::{Signed, Validity};
use dataspace_runtime::{
    Access, Applied, ChangeError, NewRequest, access::ReleaseError, index::IndexState,
    replay_decisions, request_access_to,
};
use dataspace_tlog::Event;
use dataspace_usage_contract::{
    ContractId, SpaceProfile, StatedEnvironment, Statement, Statements,
    statement::{About, StatedBy, StatedValue, StatementRule, Subject},
};

use crate::support::{
    DAY, Files, Node, TestClock, at, authority, consumer, days, name, permitted, provider,
    read_only, research, rival, signed_profile, space_id, table,
};

/// Who is trusted for most kinds.
pub(crate) fn inspector() -> SecretKey {
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

pub(crate) fn node() -> Node {
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
pub(crate) fn statement(
    node: &Node,
    kind: &str,
    subject: Subject,
    value: Option<StatedValue>,
) -> Statement {
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

pub(crate) fn blurred(node: &Node, is_blurred: bool, serial: u64) -> Statement {
    let (product, value) = (Subject::Product(name("alloys")), StatedValue::Flag(is_blurred));
    Statement { serial, ..statement(node, "blurred", product, Some(value)) }
}

pub(crate) fn sign(statement: &Statement) -> Signed<Statement> {
    let by = if statement.issuer == *provider().did() { provider() } else { inspector() };
    Signed::sign(statement, &by).unwrap()
}

fn take(node: &Node, statement: &Statement) -> Result<Applied, ChangeError> {
    node.space.take_statement(sign(statement))
}

pub(crate) fn state(node: &Node, statement: &Statement) {
    assert_eq!(take(node, statement).unwrap(), Applied::Now);
}

pub(crate) fn refused(node: &Node, statement: &Statement) -> Refusal {
    match take(node, statement) {
        Err(ChangeError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn when(constraint: Constraint) -> Terms {
    Terms::new().permit(research().when(constraint))
}

pub(crate) fn vouched(kind: &str, says: &str) -> Constraint {
    Constraint::Vouched { kind: name(kind), values: [name(says)].into() }
}

pub(crate) fn is_released(node: &Node, contract: ContractId) -> bool {
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

/// What a statement is about, by the contract under which it decides.
type Of = fn(ContractId) -> Subject;

#[test]
fn each_kind_of_subject_and_value_decides() {
    let paid = StatedValue::Name(name("paid"));
    let names = |all: &[&str]| StatedValue::Names(all.iter().map(|one| name(one)).collect());
    let member = Subject::Member(consumer().did().clone());
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
fn a_provider_states_what_it_is_trusted_for() {
    let node = node();
    let paid = Constraint::Payment([Payment::Paid].into());
    let contract = node.contract(when(paid));
    let of = || (name("payment"), Subject::Contract(contract));
    let says = |text| Some(StatedValue::Name(name(text)));
    for (value, expected) in
        [(says("paid"), true), (says("overdue"), false), (says("paid"), true), (None, false)]
    {
        node.space.state(of(), value, days(0, 20)).unwrap();
        assert_eq!(is_released(&node, contract), expected);
    }
    let others = (name("blurred"), Subject::Product(name("alloys")));
    let error = node.space.state(others, Some(StatedValue::Flag(true)), days(0, 20)).unwrap_err();
    assert!(matches!(error, ChangeError::Refused(Refusal::NotTrusted { .. })));
    assert_sound(node);
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
