//! What a consumer states about an access, the purposes of the space, and facts that nobody knows.

use dataspace_ledger::Refusal;
use dataspace_policy::{Action, Constraint, Rule, Terms, facts::Payment};
use dataspace_primitives::{Name, Region};
use dataspace_runtime::{Access, AccessError, ChangeError, NewRequest, request_access_to};
use dataspace_tlog::Fact;
use dataspace_usage_contract::{
    ContractId, Scenario, StatedEnvironment, StatedPerson, Statements, request::PERSON_ROLES_MAX,
};

use crate::support::{Node, TestClock, consumer, name, read_only, research, signed_profile};

fn access(
    node: &Node,
    contract: ContractId,
    statements: Statements,
) -> Result<Access, AccessError> {
    let clock = TestClock(node.files.clock.clone());
    let (by, purpose) = (consumer(), name("research"));
    let agreement = node.space.agreement(contract).unwrap();
    let request = request_access_to(
        &by,
        &agreement,
        NewRequest { statements, ..NewRequest::new(Action::Read, purpose) },
        &clock,
    );
    node.space.access(request.unwrap())
}

fn is_released(node: &Node, contract: ContractId, statements: Statements) -> bool {
    matches!(access(node, contract, statements).unwrap(), Access::Released(_))
}

fn names(all: &[&str]) -> std::collections::BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

fn from(region: &str) -> Statements {
    Statements { recipient_region: Some(Region::parse(region).unwrap()), ..Statements::default() }
}

fn person(roles: &[&str]) -> Statements {
    let person = StatedPerson { id: name("ada"), roles: names(roles) };
    Statements { person: Some(person), ..Statements::default() }
}

fn environment(change: impl FnOnce(&mut StatedEnvironment)) -> Statements {
    let mut environment = StatedEnvironment {
        id: name("lab"),
        sandbox: true,
        security_level: 3,
        connector: name("edc"),
        application: name("notebook"),
    };
    change(&mut environment);
    Statements { environment: Some(environment), ..Statements::default() }
}

fn contract(node: &Node, constraint: Constraint) -> ContractId {
    node.contract(Terms::new().permit(research().when(constraint)))
}

#[test]
fn what_the_terms_ask_for_must_be_stated_and_right() {
    let node = Node::new();
    let nothing = Statements::default;
    for (constraint, good, wrong) in [
        (
            Constraint::RecipientRegion([Region::parse("FR").unwrap()].into()),
            from("FR"),
            [nothing(), from("DE")],
        ),
        (
            Constraint::PersonRole(names(&["engineer"])),
            person(&["engineer", "auditor"]),
            [nothing(), person(&["auditor"])],
        ),
        (Constraint::Sandbox, environment(|_| {}), [nothing(), environment(|e| e.sandbox = false)]),
        (
            Constraint::SecurityLevel(3),
            environment(|_| {}),
            [nothing(), environment(|e| e.security_level = 2)],
        ),
        (
            Constraint::Connector(names(&["edc"])),
            environment(|_| {}),
            [nothing(), environment(|e| e.connector = name("other"))],
        ),
        (
            Constraint::Application(names(&["notebook"])),
            environment(|_| {}),
            [nothing(), environment(|e| e.application = name("other"))],
        ),
    ] {
        let id = contract(&node, constraint.clone());
        assert!(is_released(&node, id, good.clone()), "{constraint:?}");
        for wrong in wrong.clone() {
            assert!(!is_released(&node, id, wrong), "{constraint:?}");
        }
        // The same as a prohibition: what is not stated, is forbidden.
        let terms = Terms::new()
            .permit(research())
            .prohibit(Rule::new([Action::Read]).when(constraint.clone()));
        let id = node.contract(terms);
        let [unstated, other] = wrong;
        assert!(!is_released(&node, id, good), "{constraint:?}");
        assert!(!is_released(&node, id, unstated), "{constraint:?}");
        assert!(is_released(&node, id, other), "{constraint:?}");
    }
}

#[test]
fn nobody_can_state_that_an_environment_was_attested() {
    let node = Node::new();
    let id = contract(&node, Constraint::Attested);
    assert!(!is_released(&node, id, environment(|_| {})));
}

#[test]
fn what_no_part_of_the_node_knows_does_not_permit() {
    let node = Node::new();
    for constraint in [
        Constraint::Payment([Payment::Due, Payment::Overdue, Payment::Paid].into()),
        Constraint::Event(names(&["fair"])),
        Constraint::State(names(&["running"])),
        Constraint::Level(3),
        Constraint::Attested,
        Constraint::Credential(names(&["Iso27001"])),
        Constraint::Attribute { name: name("bpn"), values: names(&["BPNL1"]) },
    ] {
        let id = contract(&node, Constraint::Not(Box::new(constraint.clone())));
        assert!(!is_released(&node, id, Statements::default()), "{constraint:?}");
        let id = contract(&node, constraint.clone());
        assert!(!is_released(&node, id, Statements::default()), "{constraint:?}");
        let either = vec![constraint.clone(), Constraint::Purpose(names(&["research"]))];
        for forbidden in [
            constraint.clone(),
            Constraint::Not(Box::new(constraint.clone())),
            Constraint::Any(either.clone()),
            Constraint::All(either.clone()),
            Constraint::One(either),
        ] {
            let rule = read_only().when(forbidden);
            let id = node.contract(Terms::new().permit(research()).prohibit(rule));
            assert!(!is_released(&node, id, Statements::default()), "{constraint:?}");
        }
    }
}

#[test]
fn the_record_says_what_was_stated() {
    let node = Node::new();
    let id = node.contract(Terms::new().permit(research()));
    let stated = Statements {
        person: person(&["engineer"]).person,
        recipient_region: from("FR").recipient_region,
        ..environment(|_| {})
    };
    assert!(is_released(&node, id, stated));
    assert!(is_released(&node, id, Statements::default()));
    let [full, bare] = node.decisions().try_into().unwrap();
    let text = |text: &str| Fact::Text(text.to_owned());
    for (fact, value) in [
        ("person", text("ada")),
        ("personRoles", Fact::Texts(["engineer".to_owned()].into())),
        ("recipientRegion", text("FR")),
        ("environment", text("lab")),
        ("environmentSandbox", text("true")),
        ("environmentSecurityLevel", Fact::Number(3)),
        ("environmentConnector", text("edc")),
        ("environmentApplication", text("notebook")),
    ] {
        assert_eq!(full.facts.get(fact), Some(&value), "{fact}");
        assert_eq!(bare.facts.get(fact), None, "{fact}");
    }
}

#[test]
fn a_request_with_more_roles_than_a_record_should_hold_is_not_taken() {
    let node = Node::new();
    let id = node.contract(Terms::new().permit(research()));
    let roles = |len: usize| {
        let roles = (0..len).map(|role| name(&role.to_string())).collect();
        let person = Some(StatedPerson { id: name("ada"), roles });
        Statements { person, ..Statements::default() }
    };
    assert!(is_released(&node, id, roles(PERSON_ROLES_MAX)));
    let before = node.len();
    let refused = access(&node, id, roles(PERSON_ROLES_MAX + 1)).unwrap_err();
    assert!(matches!(refused, AccessError::Malformed(_)));
    assert_eq!(node.len(), before);
}

/// `alloys` is part of `materials`, which the profile has; `marketing` stands alone.
fn with_purposes(node: &Node) {
    let profile = signed_profile(|profile| {
        profile.version = 2;
        let broader = Some(name("materials"));
        let scenario = Scenario { description: name("a purpose"), broader };
        profile.scenarios.insert(name("alloys"), scenario);
        profile.scenarios.insert(name("materials"), Scenario::new(name("a purpose")));
        profile.scenarios.insert(name("marketing"), Scenario::new(name("a purpose")));
    });
    node.space.publish(profile).unwrap();
}

#[test]
fn a_narrower_purpose_is_permitted_and_a_broader_one_is_not() {
    let node = Node::new();
    with_purposes(&node);
    for (permitted, outcomes) in [
        ("materials", [("materials", true), ("alloys", true), ("marketing", false)]),
        ("alloys", [("materials", false), ("alloys", true), ("marketing", false)]),
    ] {
        let within = Constraint::PurposeWithin(names(&[permitted]));
        let id = node.contract(Terms::new().permit(read_only().when(within)));
        for (purpose, expected) in outcomes {
            let access = node.space.access(node.request_for(id, Action::Read, purpose)).unwrap();
            assert_eq!(matches!(access, Access::Released(_)), expected, "{purpose}");
        }
    }
}

#[test]
fn a_purpose_that_the_space_does_not_have_is_found_at_any_depth() {
    let node = Node::new();
    for purposes in
        [Constraint::Purpose(names(&["gossip"])), Constraint::PurposeWithin(names(&["gossip"]))]
    {
        let deep = Constraint::Not(Box::new(Constraint::Any(vec![
            Constraint::Sandbox,
            Constraint::All(vec![Constraint::Attested, purposes.clone()]),
        ])));
        for terms in [
            Terms::new().permit(research()).permit(read_only().when(deep.clone())),
            Terms::new().permit(research()).prohibit(read_only().when(deep.clone())),
            Terms::new().permit(read_only().when(purposes)),
        ] {
            let refused = node.space.offer(Node::new_offer(terms)).unwrap_err();
            assert!(matches!(refused, ChangeError::Refused(Refusal::UnknownPurpose { purpose })
                if purpose == name("gossip")));
        }
    }
}
