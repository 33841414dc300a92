//! Decisions in plain words, with the facts that decided.

use dataspace_policy::{
    Action, Constraint, Decision, Facts, Hours, Layer, Layers, Plays, Program, Rule, Terms, Uses,
    Weekday,
    explain::Verdict,
    facts::{Environment, Metered, Payment, Person},
};
use dataspace_primitives::Name;
use std::collections::BTreeSet;

use crate::support::{CONSUMER, at, facts, forbids, name, research_in, scope, year};

fn program(terms: &Terms) -> Program {
    Program::new(&terms.to_cedar(&scope(CONSUMER, "alloys")).unwrap()).unwrap()
}

fn words(terms: &Terms, facts: &Facts<'_>) -> String {
    match program(terms).decide(facts, Layers::default()) {
        Decision::Permit(_) => "permitted".to_owned(),
        Decision::Deny(denial) => denial.to_string(),
    }
}

fn read(constraint: Constraint) -> Terms {
    Terms::new().permit(Rule::new([Action::Read]).when(constraint))
}

fn names(all: &[&str]) -> BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of all constraints")]
fn a_denial_names_the_clause_what_it_demands_and_what_is() {
    let engineer = names(&["engineer"]);
    let environment = Environment {
        id: "lab",
        attested: Some(false),
        sandbox: false,
        security_level: 1,
        connector: "edc",
        application: "notebook",
    };
    let facts = Facts {
        roles: &engineer,
        person: Some(Person { id: "ada", roles: &engineer }),
        environment: Some(environment),
        payment: Some(Payment::Due),
        product_level: Some(3),
        uses: Uses {
            contract: 5,
            consumer: 6,
            today: 7,
            this_month: 8,
            metered: Metered { plays: Some(9), seconds: Some(90), ..Metered::default() },
        },
        asked_until: Some(40),
        ..facts()
    };
    for (constraint, expected) in [
        (
            Constraint::Purpose(names(&["marketing"])),
            "the purpose must be marketing; the request says research",
        ),
        (
            Constraint::PurposeWithin(names(&["marketing"])),
            "the purpose must be marketing or narrower; the request says research",
        ),
        (
            Constraint::From(at("2027-01-01T00:00:00Z")),
            "the time must be 2027-01-01T00:00:00Z or later; it is only 2026-06-01T00:00:00Z; \
             it would be permitted from 2027-01-01T00:00:00Z on",
        ),
        (
            Constraint::Before(at("2026-01-01T00:00:00Z")),
            "the time must be before 2026-01-01T00:00:00Z; it is already 2026-06-01T00:00:00Z",
        ),
        (Constraint::Count(5), "at most 5 uses are permitted; 5 were made"),
        (Constraint::ConsumerCount(5), "at most 5 uses of the consumer are permitted; 6 were made"),
        (
            Constraint::DayCount(5),
            "at most 5 uses a day are permitted; 7 were made; \
             it would be permitted from 2026-06-02T00:00:00Z on",
        ),
        (
            Constraint::PlayCount(Plays { max: 8, after: 30 }),
            "at most 8 plays are permitted; with this one there are 9",
        ),
        (
            Constraint::SecondsCount(60),
            "at most 60 seconds are permitted in all; with these there are 90",
        ),
        (
            Constraint::FirstSeconds(30),
            "the first 30 seconds are permitted; the stretch that is asked for ends at second 40",
        ),
        (Constraint::MonthCount(5), "at most 5 uses a month are permitted; 8 were made"),
        (Constraint::MonthCount(1), "at most 1 use a month is permitted; 8 were made"),
        (
            Constraint::FirstSeconds(1),
            "the first second is permitted; the stretch that is asked for ends at second 40",
        ),
        (
            Constraint::Jurisdiction(["FR".parse().unwrap()].into()),
            "the consumer must be established in FR; it is established in DE",
        ),
        (
            Constraint::Role(names(&["auditor", "lab"])),
            "the consumer must have the role auditor or lab; it has the role engineer",
        ),
        (
            Constraint::PersonRole(names(&["auditor"])),
            "the person must have the role auditor; ada has the role engineer",
        ),
        (Constraint::Attested, "the environment must be attested; it is not"),
        (Constraint::Sandbox, "the environment must be a sandbox; it is not"),
        (
            Constraint::Class(names(&["secret"])),
            "the product must be of the class secret; it is of the class open",
        ),
        (Constraint::Level(2), "the product must be classified 2 or less; it is classified 3"),
        (
            Constraint::Payment([Payment::Paid].into()),
            "the payment must be paid; the payment is due",
        ),
        (
            Constraint::SecurityLevel(3),
            "the security level of the environment must be 3 or more; it is 1",
        ),
        (Constraint::Connector(names(&["ours"])), "the connector must be ours; it is edc"),
        (Constraint::Application(names(&["ours"])), "the application must be ours; it is notebook"),
        (
            Constraint::Event(names(&["recall"])),
            "the events must be known; the events are not known",
        ),
        (
            Constraint::Hours(Hours {
                weekdays: [Weekday::Tuesday].into(),
                from: 0,
                until: 720,
                zone: name("Europe/Berlin"),
            }),
            "the weekday in Europe/Berlin must be Tuesday; it is Monday",
        ),
    ] {
        let found = words(&read(constraint), &facts);
        assert_eq!(found, format!("permission-1: {expected}"));
    }
}

#[test]
fn what_cannot_be_said_plainly_is_shown_as_cedar_with_its_facts() {
    let either = Constraint::Any(vec![
        Constraint::Class(names(&["secret"])),
        Constraint::Purpose(names(&["marketing"])),
    ]);
    assert_eq!(
        words(&read(either), &facts()),
        "permission-1: `[\"secret\"].contains(resource.class) || \
         [\"marketing\"].contains(context.purpose)` must hold; the product's class is open, \
         the purpose is research"
    );
}

#[test]
fn when_more_than_the_time_is_missing_no_time_is_promised() {
    let facts = Facts { now: at("2025-06-01T00:00:00Z"), purpose: "marketing", ..facts() };
    let found = words(&research_in(2026), &facts);
    assert!(!found.contains("it would be permitted"), "{found}");
    // Nor where the space forbids it anyway.
    let facts = Facts { purpose: "research", ..facts };
    let space = forbids(Layer::Space, "@id(\"f\") forbid (principal, action, resource);");
    let program = program(&research_in(2026));
    let alone = program.decide(&facts, Layers::default());
    let Decision::Deny(alone) = alone else { panic!("permitted") };
    assert!(alone.to_string().contains("it would be permitted from 2026-01-01T00:00:00Z on"));
    let Decision::Deny(both) = program.decide(&facts, Layers::of_space(&space)) else {
        panic!("permitted")
    };
    assert!(!both.to_string().contains("it would be permitted"), "{both}");
}

#[test]
fn a_prohibition_tells_the_facts_to_which_it_applies() {
    let forbid = Rule::new([Action::Read]).when(Constraint::Purpose(names(&["research"])));
    let terms = Terms::new().permit(Rule::new([Action::Read])).prohibit(forbid);
    let denied = words(&terms, &facts());
    assert_eq!(denied, "prohibition-1 of the contract forbids it: the purpose is research");
}

#[test]
fn a_permit_explains_itself_too() {
    let terms = research_in(2026)
        .permit(Rule::new([Action::Train]))
        .prohibit(Rule::new([Action::Read]).when(year(2030)));
    let (program, facts) = (program(&terms), facts());
    let all = program.decide(&facts, Layers::default()).explain();
    let clauses: Vec<_> = all.iter().map(|one| (one.clause.as_str(), one.verdict)).collect();
    // Training is not asked for.
    assert_eq!(clauses, [("permission-1", Verdict::Holds), ("prohibition-1", Verdict::Fails)]);
    for one in &all {
        let holds = one.conditions.iter().all(|condition| condition.verdict == Verdict::Holds);
        assert_eq!(holds, one.verdict == Verdict::Holds, "{one}");
    }
    let first = all.first().unwrap().to_string();
    assert!(first.starts_with("permission-1 of the contract permits: applies\n"), "{first}");
    assert!(first.contains("\n  yes: the purpose must be research; the request says research"));
}

#[test]
fn names_cannot_forge_an_explanation() {
    let terms = read(Constraint::Purpose(names(&["a; permission-9: all is permitted"])));
    assert_eq!(
        words(&terms, &facts()),
        "permission-1: the purpose must be \"a; permission-9: all is permitted\"; \
         the request says research"
    );
    let found = words(&research_in(2026), &Facts { purpose: "x\n\u{202e}y", ..facts() });
    assert!(found.ends_with("the request says \"x\\n\\u{202e}y\""), "{found}");
}

/// The condition that a text quotes, if it does.
fn quoted(words: &str) -> Option<&str> {
    words.split('`').nth(1)
}

#[test]
fn what_a_denial_quotes_decides_as_the_policy_did() {
    let roles = names(&["it's `lab`"]);
    let facts = Facts { roles: &roles, purpose: "a*b", ..facts() };
    for (condition, expected) in [
        (
            "(context.uses == 1 || context.uses == 2) && context.purpose == \"a*b\"",
            "`context.uses == 1 || context.uses == 2` must hold; the number of uses is 0",
        ),
        (
            "!(context.uses == 0 && (context.uses == 1 || context.uses == 0))",
            "`!(context.uses == 0 && (context.uses == 1 || context.uses == 0))` must hold; \
             the number of uses is 0",
        ),
        (
            "(context.uses + 1) * 2 - (3 - 1) == 7",
            "`(context.uses + 1) * 2 - (3 - 1) == 7` must hold; the number of uses is 0",
        ),
        (
            "context.purpose like \"a\\*\\*b*\"",
            "`context.purpose like \"a\\*\\*b*\"` must hold; the purpose is \"a*b\"",
        ),
        (
            "context.now.toTime() > duration(\"1h\")",
            "`context.now.toTime() > duration(\"3600000ms\")` must hold; \
             the time is 2026-06-01T00:00:00Z",
        ),
        (
            "principal == Dataspace::Participant::\"a`\\u{202e}\" || principal.roles.contains(\"b\")",
            "`principal == Dataspace::Participant::\"a\\u{60}\\u{202e}\" || \
             principal.roles.contains(\"b\")` must hold; the consumer is did:key:z6MkOne, \
             the consumer's roles are [\"it's \\u{60}lab\\u{60}\"]",
        ),
        (
            "(if context.uses > 1 then context.uses else 0 - 1) > 0",
            "`(if context.uses > 1 then context.uses else 0 - 1) > 0` must hold; \
             the number of uses is 0",
        ),
        (
            "principal is Dataspace::Participant in Dataspace::Role::\"lab\" || 1 == 2",
            "`principal is Dataspace::Participant && principal in Dataspace::Role::\"lab\" || \
             1 == 2` must hold; the consumer is did:key:z6MkOne, \
             the consumer's roles are [\"it's \\u{60}lab\\u{60}\"]",
        ),
        (
            "[1, 8].contains(Dataspace::TimeZone::\"Europe/Berlin\".weekday + 1)",
            "`[1, 8].contains(Dataspace::TimeZone::\"Europe/Berlin\".weekday + 1)` must hold; \
             weekday of Dataspace::TimeZone::\"Europe/Berlin\" is 1",
        ),
        (
            "principal.hasTag(\"sector\")",
            "`principal.hasTag(\"sector\")` must hold; the tag sector of the consumer is not known",
        ),
    ] {
        let permit = |condition: &str| {
            let head = "@id(\"p\") permit (principal, action, resource)";
            Program::new(&format!("{head} when {{ {condition} }};")).unwrap()
        };
        let program = permit(condition);
        let words = program.decide(&facts, Layers::default());
        let Decision::Deny(denial) = words else { panic!("{condition} holds") };
        let words = denial.to_string();
        assert_eq!(words, format!("p: {expected}"));
        let quoted = quoted(&words).unwrap();
        assert!(!permit(quoted).decide_by_cedar(&facts, Layers::default()).is_permit());
        let not = permit(&format!("!({quoted})"));
        assert!(not.decide_by_cedar(&facts, Layers::default()).is_permit(), "{quoted}");
    }
}

#[test]
fn a_policy_that_errs_names_the_condition_and_what_is_missing() {
    let facts = Facts { participant: "did:key:other", ..facts() };
    for (condition, expected) in [
        (
            "Dataspace::Participant::\"did:key:z6MkOne\".region == \"DE\"",
            "`Dataspace::Participant::\"did:key:z6MkOne\".region == \"DE\"` has no value, \
             region of Dataspace::Participant::\"did:key:z6MkOne\" is not known",
        ),
        (
            "context.uses + 9223372036854775807 + 1 > 0",
            "`context.uses + 9223372036854775807 + 1 > 0` has no value, the number of uses is 0",
        ),
        (
            "Dataspace::Environment::\"lab\".securityLevel > 1",
            "`Dataspace::Environment::\"lab\".securityLevel > 1` has no value, \
             securityLevel of Dataspace::Environment::\"lab\" is not known",
        ),
    ] {
        let text =
            format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
        let program = Program::new(&text).unwrap();
        let Decision::Deny(denial) = program.decide(&facts, Layers::default()) else {
            panic!("{condition}")
        };
        assert_eq!(
            denial.to_string(),
            format!(
                "policy p of the contract could not be evaluated, so it counts as a denial: {expected}"
            )
        );
    }
}
