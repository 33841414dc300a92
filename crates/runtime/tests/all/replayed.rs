//! From the log alone anybody can make every decision again.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Constraint, Facts, Hours, Layers, Program, Rule, Terms, Uses, Weekday,
    facts::{Environment, Person},
};
use dataspace_primitives::{Name, UnixMillis};
use dataspace_runtime::{NewRequest, request_access_to};
use dataspace_tlog::{AccessRecord, Fact};
use dataspace_usage_contract::{
    Agreement, ContractId, StatedEnvironment, StatedPerson, Statements,
};

use crate::support::{Node, TestClock, consumer, name, permitted, research};

struct Recorded<'a>(&'a AccessRecord);

impl<'a> Recorded<'a> {
    fn text(&self, fact: &str) -> Option<&'a str> {
        match self.0.facts.get(fact)? {
            Fact::Text(text) => Some(text),
            other => panic!("{fact}: {other:?}"),
        }
    }

    fn number(&self, fact: &str) -> u64 {
        match &self.0.facts[fact] {
            Fact::Number(number) => *number,
            other => panic!("{fact}: {other:?}"),
        }
    }

    fn names(&self, fact: &str) -> BTreeSet<Name> {
        match self.0.facts.get(fact) {
            Some(Fact::Texts(texts)) => texts.iter().map(|text| name(text)).collect(),
            None => BTreeSet::new(),
            other => panic!("{fact}: {other:?}"),
        }
    }
}

/// By the record and the agreement, and nothing else of the node.
fn decide_again(record: &AccessRecord, agreement: &Agreement) -> bool {
    let recorded = Recorded(record);
    let text = |fact| recorded.text(fact).unwrap();
    let names = |fact| recorded.names(fact);
    let time = |fact| UnixMillis::new(recorded.number(fact)).unwrap();
    let (roles, credentials, purposes, person_roles) =
        (names("roles"), names("credentials"), names("purposes"), names("personRoles"));
    let action: Action = text("action").parse().unwrap();
    let (who, what) = (
        (text("participant"), text("region").parse().unwrap()),
        (text("product"), text("productClass")),
    );
    let contract = ContractId::from_digest(record.contract).to_string();
    let facts = Facts {
        roles: &roles,
        credentials: &credentials,
        purposes: &purposes,
        person: recorded.text("person").map(|id| Person { id, roles: &person_roles }),
        environment: recorded.text("environment").map(|id| Environment {
            id,
            attested: None,
            sandbox: text("environmentSandbox") == "true",
            security_level: recorded.number("environmentSecurityLevel").try_into().unwrap(),
            connector: text("environmentConnector"),
            application: text("environmentApplication"),
        }),
        recipient_region: recorded.text("recipientRegion").map(|region| region.parse().unwrap()),
        space: text("space"),
        contract: &contract,
        agreed_at: time("agreedAt"),
        uses: Uses {
            contract: recorded.number("uses"),
            consumer: recorded.number("usesByConsumer"),
            today: recorded.number("usesToday"),
            this_month: recorded.number("usesThisMonth"),
            ..Uses::default()
        },
        ..Facts::new(who, action, what, text("purpose"), time("now"))
    };
    let program = Program::new(&agreement.cedar).unwrap();
    program.decide(&facts, Layers::default()).is_permit()
}

fn terms() -> Terms {
    let names = |one: &str| -> BTreeSet<Name> { [name(one)].into() };
    let mornings =
        Hours { weekdays: Weekday::ALL.into(), from: 0, until: 720, zone: name("Europe/Berlin") };
    Terms::new()
        .permit(research().when(Constraint::DayCount(2)).when(Constraint::Hours(mornings)))
        .permit(
            research()
                .when(Constraint::ConsumerCount(5))
                .when(Constraint::Elapsed(20 * 3600))
                .when(Constraint::Credential(names("MembershipCredential")))
                .when(Constraint::PurposeWithin(names("research"))),
        )
        .permit(Rule::new([Action::Read]).when(Constraint::SecurityLevel(3)))
        .prohibit(Rule::new([Action::Read]).when(Constraint::PersonRole(names("guest"))))
}

#[test]
fn every_decision_is_made_again_from_its_record() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let person = |role| Some(StatedPerson { id: name("ada"), roles: [name(role)].into() });
    let environment = |security_level| {
        let (id, connector, application) = (name("lab"), name("edc"), name("notebook"));
        Some(StatedEnvironment { id, sandbox: true, security_level, connector, application })
    };
    for turn in 0..30_u32 {
        node.advance(3600);
        let statements = Statements {
            recipient_region: None,
            person: if turn % 7 == 6 {
                None
            } else {
                person(["engineer", "guest"][usize::from(turn % 5 == 4)])
            },
            environment: if turn % 3 == 0 { None } else { environment(2 + turn % 2) },
        };
        let clock = TestClock(node.files.clock.clone());
        let (by, purpose) = (consumer(), name("research"));
        let request = request_access_to(
            &by,
            &agreement,
            NewRequest { statements, ..NewRequest::new(Action::Read, purpose) },
            &clock,
        );
        drop(node.space.access(request.unwrap()).unwrap());
    }
    let decisions = node.decisions();
    let permits = decisions.iter().filter(|one| permitted(one).is_some()).count();
    assert!(decisions.len() == 30 && (8..=22).contains(&permits), "{permits} permits");
    for decision in &decisions {
        let again = decide_again(decision, agreement.value());
        assert_eq!(again, permitted(decision).is_some());
    }
}
