//! What the compiler does not cover runs in Cedar's evaluator, with the same outcome.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr};
use cedar_policy::{
    Context, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression, SlotId,
};
use dataspace_policy::{Engine, Reason};

use crate::support::{Decision as Verdict, Told as _, contract, facts, forbid_when, permit_when};

/// Deeper than what is compiled.
fn deep(inner: &str) -> String {
    (0..70).fold(inner.to_owned(), |text, _| format!("if {text} then true else false"))
}

#[test]
fn compiled_and_other_policies_decide_together() {
    let permit = "permit (principal, action, resource);".to_owned();
    let forbid = |condition: &str| {
        format!("forbid (principal, action, resource) when {{ {} }};", deep(condition))
    };
    for (last, decision, determining, erred) in [
        (forbid("context.n == 2"), Decision::Allow, ["policy0"].as_slice(), [].as_slice()),
        (forbid("context.n == 1"), Decision::Deny, &["policy1"], &[]),
        (forbid("context.absent"), Decision::Allow, &["policy0"], &["policy1"]),
        (permit.clone(), Decision::Allow, &["policy0", "policy1"], &[]),
    ] {
        let policies: PolicySet = format!("{permit}\n{last}").parse().unwrap();
        let engine = Engine::from_cedar(&policies, &Entities::empty());
        assert_eq!(engine.fallbacks(), usize::from(last != permit), "{last}");
        let context = Context::from_json_str(r#"{"n": 1}"#, None).unwrap();
        let uid = |text: &str| text.parse().unwrap();
        let (user, read, file) = (uid("U::\"a\""), uid("Action::\"r\""), uid("F::\"f\""));
        let request = Request::new(user, read, file, context, None).unwrap();
        let answer = engine.is_authorized(&request);
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(answer.decision, decision, "{last}");
        assert_eq!(answer.determining, ids(determining), "{last}");
        assert_eq!(answer.erred, ids(erred), "{last}");
    }
}

#[test]
fn linked_policies_are_compiled_and_their_template_decides_nothing() {
    let template = "permit (principal == ?principal, action, resource)";
    let text = format!("{template};\n{template} when {{ {} }};", deep("context.n == 1"));
    let mut policies: PolicySet = text.parse().unwrap();
    for (template, link, name) in
        [("policy0", "one", "a"), ("policy0", "two", "b"), ("policy1", "deep", "a")]
    {
        let user = format!("U::{name:?}").parse().unwrap();
        let values = [(SlotId::principal(), user)].into();
        policies.link(PolicyId::new(template), PolicyId::new(link), values).unwrap();
    }
    let json = PolicySet::from_json_value(policies.clone().to_json().unwrap()).unwrap();
    for policies in [policies, json] {
        let engine = Engine::from_cedar(&policies, &Entities::empty());
        assert_eq!(engine.fallbacks(), 1);
        for (name, determining) in [("a", ["deep", "one"].as_slice()), ("b", &["two"]), ("c", &[])]
        {
            let context = Context::from_json_str(r#"{"n": 1}"#, None).unwrap();
            let uid = |text: &str| text.parse().unwrap();
            let (read, file) = (uid("Action::\"r\""), uid("F::\"f\""));
            let user = uid(&format!("U::{name:?}"));
            let answer =
                engine.is_authorized(&Request::new(user, read, file, context, None).unwrap());
            assert!(answer.determining.iter().eq(determining), "{name}: {answer:?}");
        }
    }
}

/// Cedar makes them from JSON alone, as attributes of entities, and of a context that has a schema;
/// then it evaluates everything itself.
#[test]
fn what_is_unknown_to_cedar_is_left_to_it() {
    let permit = "permit (principal, action, resource)";
    let text = format!(
        "{permit};\n{permit} when {{ principal.n == 1 }};\n{permit} when {{ context.n == 1 }};"
    );
    let policies: PolicySet = text.parse().unwrap();
    let value =
        |known: bool| if known { "1" } else { r#"{"__extn": {"fn": "unknown", "arg": "a"}}"# };
    let schema =
        r#"entity U, F; action "r" appliesTo { principal: U, resource: F, context: { n: Long } };"#;
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(schema).unwrap();
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let (user, read, file) = (uid("U::\"a\""), uid("Action::\"r\""), uid("F::\"f\""));
    for (of_entity, of_context, fallbacks) in
        [(true, true, 0), (false, true, 3), (true, false, 0), (false, false, 3)]
    {
        let entities = format!(
            r#"[{{"uid": {{"type": "U", "id": "a"}}, "attrs": {{"n": {}}}, "parents": []}}]"#,
            value(of_entity)
        );
        let entities = Entities::from_json_str(&entities, None).unwrap();
        let context = format!(r#"{{"n": {}}}"#, value(of_context));
        let context = Context::from_json_str(&context, Some((&schema, &read))).unwrap();
        let engine = Engine::from_cedar(&policies, &entities);
        assert_eq!(engine.fallbacks(), fallbacks);
        let request =
            Request::new(user.clone(), read.clone(), file.clone(), context, None).unwrap();
        let answer = engine.is_authorized(&request);
        let erred = [("policy1", of_entity), ("policy2", of_context)];
        let erred = erred.into_iter().filter(|(_, known)| !known).map(|(id, _)| id.to_owned());
        assert_eq!(answer.erred, erred.collect::<BTreeSet<_>>());
        assert_eq!(answer.decision, Decision::Allow);
    }
}

#[test]
fn no_unknown_comes_from_text() {
    let unknown = "unknown(\"a\")";
    let permit = "permit (principal, action, resource)";
    assert!(format!("{permit} when {{ {unknown} }};").parse::<PolicySet>().is_err());
    assert!(unknown.parse::<RestrictedExpression>().is_err());
    let policy = Policy::parse(None, format!("{permit};")).unwrap();
    let mut json = policy.to_json().unwrap();
    json["conditions"] = serde_json::json!([
        {"kind": "when", "body": {"unknown": [{"Value": "a"}]}}
    ]);
    assert!(Policy::from_json(None, json).is_err());
    let mut body = policy.to_pst().unwrap().body().clone();
    let clause = Clause::When(Expr::Unknown { name: "a".into() }.into());
    assert!(body.try_add_clause(clause).is_err());
}

#[test]
fn a_contract_that_reads_the_whole_context_is_decided_by_cedar() {
    for (condition, is_permitted) in
        [("context == context", true), ("{a: context}.a.uses == 0", true)]
    {
        let program = contract(&permit_when(condition));
        assert_eq!(program.fallbacks(), 1, "{condition}");
        let decision = program.told(&facts(), None);
        assert_eq!(matches!(decision, Verdict::Permit(_)), is_permitted, "{condition}");
    }
    let text = format!("{}\n{}", permit_when("true"), forbid_when("context == context"));
    let program = contract(&text);
    assert_eq!(program.fallbacks(), 1);
    let Verdict::Deny(denial) = program.told(&facts(), None) else { panic!() };
    assert_eq!(denial.reasons, [Reason::Prohibited { clause: "f".to_owned(), facts: Vec::new() }]);
}
