//! What the compiler does not cover runs in Cedar's evaluator, with the same outcome.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr};
use cedar_policy::{
    Context, Decision, Entities, Policy, PolicyId, PolicySet, Request, RestrictedExpression, SlotId,
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

/// So there is nothing to compare: what would be left to Cedar cannot be made.
#[test]
fn no_unknown_comes_in_without_the_experimental_feature() {
    let permit = "permit (principal, action, resource)";
    let unknown = "unknown(\"a\")";
    assert!(format!("{permit} when {{ {unknown} }};").parse::<PolicySet>().is_err());
    let expression: Result<RestrictedExpression, _> = unknown.parse();
    let context = expression.map(|value| Context::from_pairs([("a".to_owned(), value)]));
    assert!(!matches!(context, Ok(Ok(_))));
    let json = r#"{"a": {"__extn": {"fn": "unknown", "arg": "a"}}}"#;
    assert!(Context::from_json_str(json, None).is_err());
    let json =
        format!(r#"[{{"uid": {{"type": "U", "id": "a"}}, "attrs": {json}, "parents": []}}]"#);
    assert!(Entities::from_json_str(&json, None).is_err());
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
