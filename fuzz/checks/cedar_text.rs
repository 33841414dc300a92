//! Any text as a contract's or a space's policies: what is accepted decides, and a space only
//! ever takes away.

use dataspace_policy::{Action, Decision, Facts, Layer, Policies, Program, Terms};

const PERMISSIVE: &str = "@id(\"all\") permit(principal, action, resource);\n\
    @id(\"train\") forbid(principal, action == Dataspace::Action::\"train\", resource);";

fn facts() -> Option<[Facts; 4]> {
    let usual = Facts {
        participant: "did:key:z6Mkone".to_owned(),
        roles: ["consumer".parse().ok()?].into(),
        region: "DE".parse().ok()?,
        product: "alloys".parse().ok()?,
        product_class: "open".parse().ok()?,
        action: Action::Read,
        purpose: "research".parse().ok()?,
        now: "2026-06-01T00:00:00Z".parse().ok()?,
        uses: 0,
    };
    let last = u64::try_from(i64::MAX).ok()?;
    Some([
        Facts { action: Action::Train, uses: 3, ..usual.clone() },
        Facts { uses: last, now: "9999-12-31T23:59:59.999Z".parse().ok()?, ..usual.clone() },
        Facts {
            uses: last + 1,
            roles: [].into(),
            purpose: "say \"*\\\" 材料".parse().ok()?,
            now: "1970-01-01T00:00:00Z".parse().ok()?,
            ..usual.clone()
        },
        usual,
    ])
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let facts = facts().expect("good facts");
    let program = Program::new(text, Terms::new());
    if let Ok(program) = &program {
        let policies = Policies::parse(text, Layer::Contract).expect("accepted before");
        assert_eq!(policies.digest(), program.digest());
        for one in &facts {
            match program.decide(one, &Policies::none()) {
                Decision::Permit(grounds) => {
                    assert!(!grounds.policies.is_empty(), "a permit without grounds");
                    let known = |id: &String| policies.ids().any(|one| one == id);
                    assert!(grounds.policies.iter().all(known), "grounds that nobody wrote");
                }
                Decision::Deny(denial) => assert!(!denial.reasons.is_empty()),
            }
        }
    }
    let Ok(space) = Policies::parse(text, Layer::Space) else { return };
    assert!(program.is_ok(), "good for a space, but not for a contract");
    let permissive = Program::new(PERMISSIVE, Terms::new()).expect("good policies");
    for program in [permissive, program.expect("as just shown")] {
        for one in &facts {
            let with = matches!(program.decide(one, &space), Decision::Permit(_));
            let without = matches!(program.decide(one, &Policies::none()), Decision::Permit(_));
            assert!(without || !with, "the space permits");
        }
    }
}
