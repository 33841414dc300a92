//! What is printed, compared with what was compiled.

use std::collections::BTreeSet;

use bumpalo::Bump;
use cedar_policy::{Authorizer, Decision, Entities, EntityUid, PolicySet, Request};
use dataspace_primitives::Name;

use super::Printed;
use crate::cedar_data::{ENTITIES, World, world};
use crate::cedar_policies::{TYPES, Type, expr, policy};
use crate::dice::Dice;
use crate::engine::compile;
use crate::engine::eval::Evaluation;
use crate::engine::node::FactSet;
use crate::engine::paved::Access;
use crate::engine::shape::{self, Constants};
use crate::engine::source::Erred;
use crate::engine::store::{Question, Store};
use crate::facts::{Environment, Facts, Payment, Person, Uses};
use crate::{Action, oracle, policies};

/// Nothing where it errs.
type Truth = Option<bool>;

fn by_cedar(condition: &str, request: &Request, entities: &Entities) -> Truth {
    let text = format!("permit (principal, action, resource) when {{ {condition} }};");
    let set: PolicySet = text.parse().unwrap_or_else(|error| panic!("{error}: {condition}"));
    let response = Authorizer::new().is_authorized(request, &set, entities);
    let erred = response.diagnostics().errors().next().is_some();
    (!erred).then_some(response.decision() == Decision::Allow)
}

fn request(dice: &mut Dice<'_>, world: &World) -> Request {
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let (principal, resource) = (uid(dice.one(ENTITIES)), uid(dice.one(ENTITIES)));
    let context = world.contexts[dice.roll(world.contexts.len())].clone();
    Request::new(principal, uid(r#"Action::"r""#), resource, context, None).unwrap()
}

/// A policy at random that is compiled, or one whose condition compares values of any type.
fn text(dice: &mut Dice<'_>) -> String {
    let policy = policy(dice);
    if !policy.is_deep && dice.roll(2) == 0 {
        return policy.text;
    }
    let ty = TYPES[dice.roll(TYPES.len())];
    let (one, other) = (expr(dice, ty, 3), expr(dice, Type::Set, 2));
    let condition = match dice.roll(3) {
        0 => format!("{other}.contains({one})"),
        1 => format!("{one} == {one}"),
        _ => format!("{{\"odd 'name'`\": {one}}}[\"odd 'name'`\"] == ({one})"),
    };
    format!("permit (principal, action, resource) when {{ {condition} }};")
}

#[test]
fn what_is_printed_is_true_where_the_condition_is_and_errs_where_it_errs() {
    let mut dice = Dice::new(b"printed");
    let (mut conditions, mut permits, mut errors) = (0, 0, 0);
    while conditions < 3_000 {
        let world = world(&mut dice);
        let Ok(store) = Store::new(&world.entities) else {
            assert!(world.is_partial);
            continue;
        };
        for _ in 0..32 {
            let text = text(&mut dice);
            let Ok(set) = text.parse::<PolicySet>() else { continue };
            let request = request(&mut dice, &world);
            let Ok(question) = Question::new(&request) else { continue };
            for policy in set.policies() {
                let compiled = compile::policy(policy, None).unwrap_or_else(|_| panic!("{text}"));
                for node in &compiled.conditions {
                    let memory = Bump::new();
                    let asked = question.ask(&store, &memory);
                    let found = Evaluation { source: &asked, memory: &memory }.bool(node);
                    let printed = Printed { node, constants: Constants::default() }.to_string();
                    let cedars = by_cedar(&printed, &request, &world.entities);
                    assert_eq!(found.ok(), cedars, "{printed}\n{text}");
                    assert!(!printed.contains('`'));
                    conditions += 1;
                    permits += u32::from(cedars == Some(true));
                    errors += u32::from(cedars.is_none());
                }
            }
        }
    }
    assert!(permits > 500 && errors > 100, "{permits} hold, {errors} err");
}

/// Conditions of the schema of a data space, of every kind that is compiled.
const ATOMS: [&str; 48] = [
    r#"context.purpose == "it's `odd` \"\u{3164}\\""#,
    r#"["a", "it's `odd` \"\u{3164}\\"].contains(context.purpose)"#,
    r#"context.purpose like "it*\\""#,
    r#"context.purpose like "\**""#,
    r#"context.purpose != "a*b""#,
    r#"context.now < datetime("2026-06-01T00:00:00Z")"#,
    r#"context.now >= datetime("2026-06-01T00:00:00Z")"#,
    r#"context.now > datetime("1969-12-31")"#,
    r#"datetime("2026-06-01T00:00:00Z") <= context.now"#,
    r#"context.now.toTime() < duration("12h")"#,
    r#"context.now.toDate() == datetime("2026-06-01T00:00:00Z")"#,
    r#"context.contract.agreedAt.offset(duration("-1d")) < context.now"#,
    "context.now.durationSince(context.contract.agreedAt).toDays() > 1",
    "context.uses < 3",
    "context.uses + 1 < 3 * 2 - (2 - 1)",
    "-(context.uses) < 3 - -2",
    "(context.uses + 1) * 2 == 8",
    "context.uses + 9223372036854775807 > 0",
    "(if context.uses > 1 then context.uses else 0) - 3 == 0",
    "[context.uses, 1].containsAll([1])",
    "[context.uses].contains(3)",
    "{a: {\"b c\": context.uses}}.a[\"b c\"] == 3",
    "{a: context.purpose, \"if\": 1} has \"if\"",
    "{\"`\": 1} == {\"`\": 1}",
    "context has person",
    "context has \"purpose\"",
    "context has weather",
    "context has environment.connector",
    "context has person.name",
    "context.environment has \"security level\"",
    r#"context.person in [Dataspace::Role::"lab", Dataspace::Role::"it's"]"#,
    r#"context.person == Dataspace::Person::"ada""#,
    r#"context.environment.connector like "e\*c*""#,
    "context.environment.attested",
    "context.environment has attested",
    "resource has level",
    "resource.level <= 2",
    "context.environment.securityLevel >= 3",
    r#"context.recipientRegion == "FR""#,
    "context.events.containsAny([\"recall\"])",
    "context.events.isEmpty()",
    r#"principal in Dataspace::Role::"lab""#,
    r#"principal is Dataspace::Participant in Dataspace::Role::"it's""#,
    r#"principal == Dataspace::Participant::"did:key:one""#,
    r#"principal.hasTag("sec'tor") && principal.getTag("sec'tor") == "a*b""#,
    r#"principal.getTag("absent") == """#,
    r#"resource == Dataspace::Product::"alloys" && resource.class == "open""#,
    r#"Dataspace::TimeZone::"Europe/Berlin".minute >= 540"#,
];

fn condition(dice: &mut Dice<'_>, depth: usize) -> String {
    if depth == 0 {
        return dice.one(&ATOMS).to_owned();
    }
    let mut part = || condition(dice, depth - 1);
    let (one, two, three) = (part(), part(), part());
    match dice.roll(7) {
        0 => format!("({one}) && ({two})"),
        1 => format!("(({one}) || ({two})) && ({three})"),
        2 => format!("({one}) || (({two}) && ({three}))"),
        3 => format!("!({one})"),
        4 => format!("if {one} then {two} else {three}"),
        5 => format!("(if {one} then ({two}) else false) == ({three})"),
        _ => format!("[({one}) || ({two})].contains({three})"),
    }
}

fn facts<'a>(dice: &mut Dice<'_>, roles: &'a [BTreeSet<Name>; 2]) -> Facts<'a> {
    let purposes = ["it's `odd` \"\u{3164}\\", "a*b", "*", "research"];
    let now = ["2026-06-01T00:00:00Z", "2026-05-31T23:59:59.999Z", "2026-06-01T12:00:00Z"];
    let consumer = (["did:key:one", "did:key:`two`"][dice.roll(2)], "DE".parse().unwrap());
    let purpose = purposes[dice.roll(4)];
    let now = now[dice.roll(3)].parse().unwrap();
    let mut facts = Facts::new(consumer, Action::Read, ("alloys", "open"), purpose, now);
    let mut known = || dice.roll(4) > 0;
    facts.product_level = known().then_some(2);
    let (connector, application) = ("e*c", "notebook");
    facts.environment = known().then_some(Environment {
        id: "lab",
        attested: known().then_some(true),
        sandbox: false,
        security_level: 3,
        connector,
        application,
    });
    facts.person = known().then_some(Person { id: "ada", roles: &roles[1] });
    facts.payment = known().then_some(Payment::Paid);
    facts.events = known().then_some(&roles[0]);
    facts.recipient_region = known().then(|| "FR".parse().unwrap());
    facts.roles = &roles[usize::from(known())];
    facts.uses = Uses::of_contract(if known() { 3 } else { 0 });
    facts
}

#[test]
fn a_quoted_condition_of_a_contract_decides_as_the_contract_does() {
    let mut dice = Dice::seeded(12);
    let roles = [[].into(), ["lab", "it's"].map(|role| role.parse().unwrap()).into()];
    let attributes = [("sec'tor".parse().unwrap(), "a*b".parse().unwrap())].into();
    let (mut holds, mut errors) = (0, 0);
    for _ in 0..1_500 {
        let depth = dice.roll(3);
        let condition = condition(&mut dice, depth);
        let text =
            format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
        let parted = shape::part(&text);
        let set = policies::named(&parted.shape).unwrap_or_else(|| panic!("{text}"));
        let policy = set.policies().next().unwrap();
        let compiled = compile::policy(policy, Some(&parted.places)).unwrap();
        let facts = Facts { attributes: &attributes, ..facts(&mut dice, &roles) };
        let access = Access::new(&facts, Constants(&parted.block)).unwrap();
        for node in &compiled.conditions {
            let printed = Printed { node, constants: access.constants() }.to_string();
            let text =
                format!("@id(\"p\") permit (principal, action, resource) when {{ {printed} }};");
            let set = policies::named(&text).unwrap_or_else(|| panic!("{printed}"));
            let spoken = oracle::evaluate(&set, &facts, (None, FactSet::ALL)).unwrap();
            let cedars = spoken.erred.is_empty().then_some(!spoken.permits.is_empty());
            let memory = Bump::new();
            let found = Evaluation { source: &access, memory: &memory }.bool(node);
            assert_eq!(found.map_err(|Erred| ()).ok(), cedars, "{printed}\n{condition}");
            assert!(!printed.contains('`'));
            holds += u32::from(cedars == Some(true));
            errors += u32::from(cedars.is_none());
        }
    }
    assert!(holds > 300 && errors > 100, "{holds} hold, {errors} err");
}
