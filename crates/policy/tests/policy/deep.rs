//! Policies and data of thousands of levels, on a stack for a few: an error or a decision, and the
//! process lives.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
    SlotId,
};
use dataspace_policy::{Layer, Layers, Policies, Program, engine::Engine};

use crate::support::{facts, permit_when};

/// Stack that Cedar itself needs for such trees, to make and to drop them.
const LARGE: usize = 1 << 30;
/// Stack of a thread that asks.
const SMALL: usize = 256 << 10;

fn on_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(run).unwrap().join().unwrap()
}

fn uid(text: &str) -> EntityUid {
    text.parse().unwrap()
}

fn request(context: Context) -> Request {
    let (user, read, file) = (uid("U::\"a\""), uid("Action::\"r\""), uid("F::\"f\""));
    Request::new(user, read, file, context, None).unwrap()
}

/// What a text of many links may be: one condition, or the clauses of a policy.
fn long(links: usize) -> Vec<(&'static str, String)> {
    let when = |condition: String| format!(" when {{ {condition} }}");
    let chain =
        |first: &str, link: &str, last: &str| when(format!("{first}{}{last}", link.repeat(links)));
    let nested = |open: &str, inner: &str, close: &str| {
        when(format!("{}{inner}{}", open.repeat(links), close.repeat(links)))
    };
    vec![
        ("||", chain("false", " || false", "")),
        ("&&", chain("true", " && true", "")),
        ("|| of data", chain("context.n == 2", " || context.n == 2", "")),
        ("+", chain("1", " + 1", " > 0")),
        ("-", chain("1", " - 1", " < 0")),
        ("*", chain("1", " * 1", " == 1")),
        (".a", chain("context", ".a", " == 1")),
        ("[\"b c\"]", chain("context", "[\"b c\"]", " == 1")),
        ("has", chain("context has a", ".a", "")),
        (".contains", chain("[1]", ".contains(1)", "")),
        ("when", " when { context.n == 1 }".repeat(links)),
        ("unless", " unless { context.n == 2 }".repeat(links)),
        ("(", nested("(", "true", ")")),
        ("!(", nested("!!(", "true", ")")),
        ("[", nested("[", "1", "]").replace(" }", " == 1 }")),
        ("{", nested("{a: ", "1", "}").replace("1}", "1 }").replace("} }", "} == 1 }")),
        ("if", nested("if (", "true", ") then true else false")),
        (
            "else",
            chain("", "if false then true else (", "true")
                .replace(" }", &format!("{} }}", ")".repeat(links))),
        ),
        (".contains(", nested("[true].contains(", "true", ")")),
    ]
}

/// Everything that can be done with an engine, by a thread of little stack that has the last hold
/// of it.
fn use_up(engine: Engine, request: Request) {
    on_stack(SMALL, move || {
        let answer = engine.is_authorized(&request);
        let policies = answer.determining.len() + answer.erred.len();
        assert!(policies <= 1 && engine.fallbacks() <= 1);
        assert!(format!("{engine:?}").len() < 1_000);
        drop(engine);
        // What it still refers to, its maker drops.
        request
    });
}

fn make_on_little_stack(policies: PolicySet, entities: Entities) -> Engine {
    let (engine, policies) = on_stack(SMALL, move || {
        let engine = Engine::from_cedar(&policies, &entities);
        (engine, policies)
    });
    drop(policies);
    engine
}

#[test]
fn long_and_deep_policies_are_compiled_asked_and_dropped_on_little_stack() {
    for links in [700, 5_000] {
        on_stack(LARGE, move || {
            for (_, clauses) in long(links) {
                let text = format!("permit (principal, action, resource){clauses};");
                // Some of them Cedar's own parser refuses.
                let Ok(policies) = text.parse::<PolicySet>() else { continue };
                let engine = make_on_little_stack(policies, Entities::empty());
                use_up(engine, request(Context::from_json_str(r#"{"n": 1}"#, None).unwrap()));
            }
        });
    }
}

#[test]
fn long_templates_are_linked_and_asked_on_little_stack() {
    on_stack(LARGE, || {
        for (_, clauses) in long(5_000) {
            let text = format!("permit (principal == ?principal, action, resource){clauses};");
            let Ok(mut policies) = text.parse::<PolicySet>() else { continue };
            let values = HashMap::from([(SlotId::principal(), uid("U::\"a\""))]);
            policies.link(PolicyId::new("policy0"), PolicyId::new("it's"), values).unwrap();
            let engine = make_on_little_stack(policies, Entities::empty());
            use_up(engine, request(Context::empty()));
        }
    });
}

#[test]
fn many_policies_and_links_are_no_depth() {
    let policies: String = (0..5_000).map(|_| "permit (principal, action, resource);\n").collect();
    let mut policies: PolicySet = policies.parse().unwrap();
    let template = "permit (principal == ?principal, action, resource);";
    let template = cedar_policy::Template::parse(Some(PolicyId::new("t")), template).unwrap();
    policies.add_template(template).unwrap();
    for link in 0..5_000 {
        let values = HashMap::from([(SlotId::principal(), uid("U::\"a\""))]);
        policies.link(PolicyId::new("t"), PolicyId::new(format!("l{link}")), values).unwrap();
    }
    on_stack(SMALL, move || {
        let engine = Engine::from_cedar(&policies, &Entities::empty());
        assert_eq!(engine.is_authorized(&request(Context::empty())).determining.len(), 10_000);
    });
}

/// Sets and records, in each other in turn.
fn deep_value(levels: usize) -> RestrictedExpression {
    (0..levels).fold(RestrictedExpression::new_long(1), |inner, level| {
        if level % 2 == 0 {
            RestrictedExpression::new_set([inner])
        } else {
            RestrictedExpression::new_record([("a".to_owned(), inner)]).unwrap()
        }
    })
}

#[test]
fn deep_data_is_taken_in_asked_for_and_dropped_on_little_stack() {
    for levels in [100, 2_000] {
        on_stack(LARGE, move || {
            let user = |attrs| Entity::new(uid("U::\"a\""), attrs, HashSet::new()).unwrap();
            let attribute = HashMap::from([("d".to_owned(), deep_value(levels))]);
            let entities = Entities::from_entities([user(attribute)], None).unwrap();
            for condition in [
                "true",
                "context.n == 1",
                "context.d == context.d",
                "context == context",
                "principal.d == principal.d",
                "principal.d == context.d",
                "[context.d].contains(principal.d)",
                "context has d.a",
                "{a: context.d} != {a: principal.d}",
            ] {
                let policy =
                    format!("permit (principal, action, resource) when {{ {condition} }};");
                let engine = make_on_little_stack(policy.parse().unwrap(), entities.clone());
                let context = || {
                    let pairs = [
                        ("d".to_owned(), deep_value(levels)),
                        ("n".to_owned(), RestrictedExpression::new_long(1)),
                    ];
                    Context::from_pairs(pairs).unwrap()
                };
                let context = context();
                let (engine, context) = on_stack(SMALL, move || {
                    let answer = engine.is_authorized(&request(context.clone()));
                    assert!(answer.erred.is_empty(), "{condition}");
                    (engine, context)
                });
                drop((engine, context));
            }
            // An engine that is the last to have them.
            let engine = make_on_little_stack(PolicySet::new(), entities.clone());
            drop(entities);
            on_stack(SMALL, || drop(engine));
        });
    }
}

#[test]
fn the_deepest_texts_within_the_bounds_are_used_on_little_stack() {
    let conditions = [
        vec!["true"; 180].join(" && "),
        vec!["context.uses == 1"; 90].join(" || "),
        format!("{} < 0", vec!["1"; 370].join(" + ")),
        format!("{}false{}", "!(".repeat(22), ")".repeat(22)),
        format!("{}1{} == context", "{a: [".repeat(10), "]}".repeat(10)),
        format!("{}context == context{}", "if (".repeat(15), ") then true else false".repeat(15)),
        format!("{}context.uses == 7{}", "(true && (false || ".repeat(10), "))".repeat(10)),
    ];
    for condition in conditions {
        let text = permit_when(&condition);
        on_stack(SMALL, move || {
            let Ok(program) = Program::new(&text) else { return };
            let shown = format!("{program:?}");
            assert!(shown.len() < 100_000);
            let facts = facts();
            for decision in [
                program.decide(&facts, Layers::default()),
                program.decide_by_cedar(&facts, Layers::default()),
            ] {
                if let dataspace_policy::Decision::Deny(denial) = &decision {
                    assert!(!denial.reasons().is_empty() && !denial.to_string().is_empty());
                }
                assert!(!decision.explain().is_empty());
            }
            let policies = Policies::parse(&text, Layer::Contract).unwrap();
            assert!(format!("{policies:?}").len() < 100_000);
        });
    }
}
