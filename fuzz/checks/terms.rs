//! Terms that may be signed compile, and decide as a naive reading of them says.

use dataspace_policy::bounds::TEXT_LEN_MAX;
use dataspace_policy::{
    Action, Constraint, Decision, Facts, Policies, Program, Rule, Scope, Terms,
};
use dataspace_primitives::cbor;

const CONSUMER: &str = "did:key:z6Mk \"one\"\\";

fn facts() -> Option<Facts> {
    Some(Facts {
        participant: CONSUMER.to_owned(),
        roles: [].into(),
        region: "DE".parse().ok()?,
        product: "alloys \"7075\"".parse().ok()?,
        product_class: "open".parse().ok()?,
        action: Action::Read,
        purpose: "research".parse().ok()?,
        now: "2026-06-01T00:00:00Z".parse().ok()?,
        uses: 2,
    })
}

fn holds(constraint: &Constraint, facts: &Facts) -> bool {
    match constraint {
        Constraint::Purpose(purposes) => purposes.iter().any(|one| *one == facts.purpose),
        Constraint::Time(window) => {
            let now = facts.now.as_millis();
            window.from().as_millis() <= now && now < window.until().as_millis()
        }
        Constraint::Jurisdiction(regions) => regions.iter().any(|one| *one == facts.region),
        Constraint::Count(max) => facts.uses < u64::from(*max),
    }
}

fn any_applies(rules: &[Rule], facts: &Facts) -> bool {
    rules.iter().any(|rule| {
        rule.actions.iter().any(|action| *action == facts.action)
            && rule.constraints.iter().all(|constraint| holds(constraint, facts))
    })
}

/// Facts to which the rule applies.
fn bent(rule: &Rule, mut facts: Facts) -> Facts {
    facts.action = rule.actions.first().copied().unwrap_or(facts.action);
    for constraint in &rule.constraints {
        match constraint {
            Constraint::Purpose(all) => facts.purpose = all.first().expect("checked").clone(),
            Constraint::Time(window) => facts.now = window.from(),
            Constraint::Jurisdiction(all) => facts.region = *all.first().expect("checked"),
            Constraint::Count(max) => facts.uses = u64::from(*max) - 1,
        }
    }
    facts
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok(terms) = cbor::from_canonical::<Terms>(bytes, 1 << 15) else { return };
    let usual = facts().expect("good facts");
    let scope = Scope { consumer: CONSUMER.to_owned(), product: usual.product.clone() };
    // People read the clauses of terms that cannot be signed, too.
    assert!(terms.clauses().iter().all(|clause| !clause.words.is_empty()));
    let Ok(text) = terms.to_cedar(&scope) else {
        assert!(terms.check().is_err(), "checked, but without a text");
        return;
    };
    assert!(terms.check().is_ok(), "a text of terms that cannot be signed");
    let program = match Program::new(&text, terms.clone()) {
        Ok(program) => program,
        Err(error) => {
            assert!(text.len() > TEXT_LEN_MAX, "{error}\n{text}");
            return;
        }
    };
    let mut all = vec![usual.clone(), Facts { action: Action::Share, uses: 0, ..usual.clone() }];
    for rule in terms.permissions.iter().chain(&terms.prohibitions).take(8) {
        let inside = bent(rule, usual.clone());
        all.push(Facts { uses: inside.uses + 1, ..inside.clone() });
        all.push(Facts { participant: "did:key:z6Mkother".to_owned(), ..inside.clone() });
        all.push(inside);
    }
    for facts in all {
        let expected = facts.participant == CONSUMER
            && any_applies(&terms.permissions, &facts)
            && !any_applies(&terms.prohibitions, &facts);
        let found = matches!(program.decide(&facts, &Policies::none()), Decision::Permit(_));
        assert_eq!(found, expected, "{facts:?}\n{text}");
    }
}
