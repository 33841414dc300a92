//! Any text as a contract's or a space's policies: what is accepted decides, and a space only
//! ever takes away.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Decision, Facts, Layer, Layers, Policies, Program, Uses,
    facts::{Environment, Metered, Payment, Person},
};
use dataspace_primitives::Name;

const PERMISSIVE: &str = "@id(\"all\") permit(principal, action, resource);\n\
    @id(\"train\") forbid(principal, action == Dataspace::Action::\"train\", resource);";

fn facts(roles: &BTreeSet<Name>) -> Option<[Facts<'_>; 4]> {
    let (now, later) =
        ("2026-06-01T00:00:00Z".parse().ok()?, "9999-12-31T23:59:59.999Z".parse().ok()?);
    let consumer = ("did:key:z6Mkone", "DE".parse().ok()?);
    let plain = Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now);
    let usual = Facts { roles, ..plain };
    let environment = Environment {
        id: "lab",
        attested: Some(true),
        sandbox: false,
        security_level: 3,
        connector: "edc",
        application: "notebook",
    };
    let last = u64::try_from(i64::MAX).ok()?;
    Some([
        Facts {
            action: Action::Train,
            uses: Uses {
                contract: 3,
                consumer: 4,
                today: 1,
                this_month: 2,
                metered: Metered { plays: Some(3), played_until: Some(40), seconds: Some(60) },
            },
            asked_until: Some(30),
            person: Some(Person { id: "ada", roles }),
            environment: Some(environment),
            recipient_region: "FR".parse().ok(),
            payment: Some(Payment::Paid),
            events: Some(roles),
            state: Some("running"),
            ..usual
        },
        Facts { uses: Uses::of_contract(last), now: later, agreed_at: later, ..usual },
        Facts {
            uses: Uses::of_contract(last + 1),
            purpose: "say \"*\\\" 材料",
            now: "1970-01-01T00:00:00Z".parse().ok()?,
            ..plain
        },
        usual,
    ])
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let roles = ["consumer".parse().expect("a name")].into();
    let facts = facts(&roles).expect("good facts");
    let program = Program::new(text);
    if let Ok(program) = &program {
        let policies = Policies::parse(text, Layer::Contract).expect("accepted before");
        assert_eq!(policies.digest(), program.digest());
        for one in &facts {
            match program.decide(one, Layers::default()) {
                Decision::Permit(grounds) => {
                    assert!(grounds.policies().next().is_some(), "a permit without grounds");
                    let known = |id: &str| policies.ids().any(|one| one == id);
                    assert!(grounds.policies().all(known), "grounds that nobody wrote");
                }
                Decision::Deny(denial) => assert!(!denial.reasons().is_empty()),
            }
        }
    }
    let Ok(space) = Policies::parse(text, Layer::Space) else { return };
    assert!(program.is_ok(), "good for a space, but not for a contract");
    let permissive = Program::new(PERMISSIVE).expect("good policies");
    for program in [permissive, program.expect("as just shown")] {
        for one in &facts {
            let with = matches!(program.decide(one, Layers::of_space(&space)), Decision::Permit(_));
            let without = matches!(program.decide(one, Layers::default()), Decision::Permit(_));
            assert!(without || !with, "the space permits");
        }
    }
}
