//! Terms that may be signed compile, and decide as a naive reading of them says.

use std::collections::BTreeMap;

use dataspace_policy::{
    Action, Constraint, Decision, Facts, Layers, Program, Rule, Scope, Terms, Uses,
    facts::Environment, policies::InvalidPolicies,
};
use dataspace_primitives::{Name, cbor};

use crate::naive_terms;

const CONSUMER: &str = "did:key:z6Mk \"one\"\\";
const PRODUCT: &str = "alloys \"7075\"";

fn facts() -> Option<Facts<'static>> {
    let (consumer, now) = ((CONSUMER, "DE".parse().ok()?), "2026-06-01T00:00:00Z".parse().ok()?);
    let plain = Facts::new(consumer, Action::Read, (PRODUCT, "open"), "research", now);
    Some(Facts {
        uses: Uses { consumer: 3, today: 1, this_month: 2, ..Uses::of_contract(2) },
        ..plain
    })
}

/// Facts to which the rule applies, as far as its constraints stand alone.
fn bent<'a>(rule: &'a Rule, mut facts: Facts<'a>) -> Facts<'a> {
    facts.action = rule.actions.first().copied().unwrap_or(facts.action);
    rule.constraints.iter().for_each(|constraint| bend(constraint, &mut facts));
    facts
}

fn bend<'a>(constraint: &'a Constraint, facts: &mut Facts<'a>) {
    let below = |max: u32| u64::from(max) - 1;
    let environment = Environment {
        id: "lab",
        attested: Some(true),
        sandbox: true,
        security_level: u32::MAX,
        connector: "edc",
        application: "notebook",
    };
    match constraint {
        Constraint::Purpose(all) => facts.purpose = all.first().expect("checked").as_str(),
        Constraint::PurposeWithin(all) => facts.purposes = all,
        Constraint::Time(window) => facts.now = window.from(),
        Constraint::From(at) => facts.now = *at,
        Constraint::Elapsed(_) => facts.agreed_at = facts.now,
        Constraint::Count(max) => facts.uses.contract = below(*max),
        Constraint::ConsumerCount(max) => facts.uses.consumer = below(*max),
        Constraint::DayCount(max) => facts.uses.today = below(*max),
        Constraint::MonthCount(max) => facts.uses.this_month = below(*max),
        Constraint::PlayCount(plays) => facts.uses.metered.plays = Some(plays.max.into()),
        Constraint::SecondsCount(max) => facts.uses.metered.seconds = Some(u64::from(*max)),
        Constraint::FirstSeconds(until) => facts.asked_until = Some(*until),
        Constraint::Jurisdiction(all) => facts.region = *all.first().expect("checked"),
        Constraint::RecipientRegion(all) => facts.recipient_region = all.first().copied(),
        Constraint::Credential(all) => facts.credentials = all,
        Constraint::Role(all) => facts.roles = all,
        Constraint::Attested | Constraint::Sandbox | Constraint::SecurityLevel(_) => {
            facts.environment = Some(environment);
        }
        Constraint::Connector(all) => {
            let connector = all.first().expect("checked").as_str();
            facts.environment = Some(Environment { connector, ..environment });
        }
        Constraint::Application(all) => {
            let application = all.first().expect("checked").as_str();
            facts.environment = Some(Environment { application, ..environment });
        }
        Constraint::Class(all) => facts.product_class = all.first().expect("checked").as_str(),
        Constraint::Payment(all) => facts.payment = all.first().copied(),
        Constraint::Event(all) => facts.events = Some(all),
        Constraint::State(all) => facts.state = all.first().map(AsRef::as_ref),
        Constraint::All(all) => all.iter().for_each(|one| bend(one, facts)),
        Constraint::Any(all) | Constraint::One(all) => {
            all.iter().take(1).for_each(|one| bend(one, facts));
        }
        _ => {}
    }
}

/// What trusted parties state, so that the constraints hold.
fn said(all: &[Constraint], vouched: &mut BTreeMap<Name, Name>) {
    for one in all {
        match one {
            Constraint::Vouched { kind, values } => {
                vouched.insert(kind.clone(), values.first().expect("checked").clone());
            }
            Constraint::All(all) => said(all, vouched),
            Constraint::Any(all) | Constraint::One(all) => said(&all[..1], vouched),
            _ => {}
        }
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let Ok(terms) = cbor::from_canonical::<Terms>(bytes, 1 << 15) else { return };
    let usual = facts().expect("good facts");
    let product = PRODUCT.parse().expect("a name");
    let scope = Scope { consumer: CONSUMER.to_owned(), product };
    // People read the clauses of terms that cannot be signed, too.
    assert!(terms.clauses().iter().all(|clause| !clause.words.is_empty()));
    let Ok(text) = terms.to_cedar(&scope) else {
        assert!(terms.check().is_err(), "checked, but without a text");
        return;
    };
    assert!(terms.check().is_ok(), "a text of terms that cannot be signed");
    let program = match Program::new(&text) {
        Ok(program) => program,
        Err(InvalidPolicies::Bounds(_)) => return,
        Err(error) => panic!("{error}\n{text}"),
    };
    let mut all = vec![usual, Facts { action: Action::Share, uses: Uses::default(), ..usual }];
    let rules = terms.permissions.iter().chain(&terms.prohibitions).take(8);
    let rules: Vec<_> = rules
        .map(|rule| {
            let mut vouched = BTreeMap::new();
            said(&rule.constraints, &mut vouched);
            (rule, vouched)
        })
        .collect();
    for (rule, vouched) in &rules {
        let inside = Facts { vouched, ..bent(rule, usual) };
        let contract = inside.uses.contract + 1;
        all.push(Facts { uses: Uses { contract, ..inside.uses }, ..inside });
        all.push(Facts { participant: "did:key:z6Mkother", ..inside });
        all.push(inside);
    }
    for facts in all {
        if !naive_terms::is_readable(&terms, &facts) {
            continue;
        }
        let expected = facts.participant == CONSUMER && naive_terms::permits(&terms, &facts);
        let found = matches!(program.decide(&facts, Layers::default()), Decision::Permit(_));
        assert_eq!(found, expected, "{facts:?}\n{text}");
    }
}
