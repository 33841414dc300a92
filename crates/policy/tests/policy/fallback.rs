//! What the compiler does not cover runs in Cedar's evaluator, with the same outcome.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr};
use cedar_policy::{
    Context, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression, SlotId,
};
use dataspace_policy::{Reason, engine::Engine};

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

/// Each is another one's escaped form, or reads as another one once its escapes are read.
const ODD_IDS: [&str; 6] =
    ["it's", "it\\'s", "it\\\\'s", "say \"no\"", "say \\\"no\\\"", "a\\u{27}"];

/// `../shared/cases/cedar-id-quote-and-fallback.cedar` and its kind.
#[test]
fn a_policy_with_an_odd_id_decides_beside_one_that_is_not_compiled() {
    let left = "context != context";
    for id in ODD_IDS {
        let permit =
            |condition: &str| permit_when(condition).replacen("\"p\"", &format!("{id:?}"), 1);
        let forbid =
            |condition: &str| forbid_when(condition).replacen("\"f\"", &format!("{id:?}"), 1);
        let program = contract(&format!("{}\n{}", permit("true"), forbid_when(left)));
        assert_eq!(program.fallbacks(), 1);
        let Verdict::Permit(grounds) = program.told(&facts(), None) else { panic!("{id}") };
        assert_eq!(grounds.policies, [id]);
        // The forbid is the odd one: compiled, and left to Cedar.
        for condition in ["true", "context == context"] {
            let text = format!("{}\n{}", permit_when("true"), forbid(condition));
            let text = format!("{text}\n{}", forbid_when(left).replacen("\"f\"", "\"g\"", 1));
            let Verdict::Deny(denial) = contract(&text).told(&facts(), None) else {
                panic!("{id}: a forbid is lost")
            };
            let clause = id.to_owned();
            assert_eq!(denial.reasons, [Reason::Prohibited { clause, facts: Vec::new() }]);
        }
        let space = crate::support::space(&forbid("context == context"));
        let program = contract(&permit_when("true"));
        assert!(matches!(program.told(&facts(), Some(&space)), Verdict::Deny(_)), "{id}");
    }
}

#[test]
fn an_engine_tells_odd_ids_as_they_are_and_loses_no_forbid() {
    let ids = ODD_IDS.into_iter().chain(["", "\n", "\\n", "\0\u{202e}", "'", "\\'"]);
    let ids: Vec<_> = ids.map(ToOwned::to_owned).chain(["very long ".repeat(1_000)]).collect();
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let request = |user: EntityUid| {
        Request::new(user, uid("Action::\"r\""), uid("F::\"f\""), Context::empty(), None).unwrap()
    };
    for (place, id) in ids.iter().enumerate() {
        // All of them permit but one; every other one is left to Cedar.
        let mut policies = PolicySet::new();
        for (other, name) in ids.iter().enumerate() {
            let effect = if other == place { "forbid" } else { "permit" };
            let condition = if other % 2 == place % 2 { deep("true") } else { "true".to_owned() };
            let text = format!("{effect} (principal, action, resource) when {{ {condition} }};");
            policies.add(Policy::parse(Some(PolicyId::new(name)), text).unwrap()).unwrap();
        }
        let engine = Engine::from_cedar(&policies, &Entities::empty());
        assert!(engine.fallbacks() > 0 && engine.fallbacks() < ids.len());
        let answer = engine.is_authorized(&request(uid("U::\"a\"")));
        assert_eq!(answer.decision, Decision::Deny, "{id:?}: a forbid is lost");
        assert_eq!(answer.determining, [id.clone()].into());
        assert!(answer.erred.is_empty());
    }
    // And ids of links, and of those who ask.
    let template = "permit (principal == ?principal, action, resource) when { context != 1 };";
    let text =
        format!("{template}\nforbid (principal, action, resource) when {{ {} }};", deep("1 == 2"));
    let mut policies: PolicySet = text.parse().unwrap();
    let user = |id: &str| {
        EntityUid::from_type_name_and_id("U".parse().unwrap(), cedar_policy::EntityId::new(id))
    };
    for id in &ids {
        let values = [(SlotId::principal(), user(id))].into();
        policies.link(PolicyId::new("policy0"), PolicyId::new(id), values).unwrap();
    }
    let engine = Engine::from_cedar(&policies, &Entities::empty());
    assert_eq!(engine.fallbacks(), 1);
    for id in &ids {
        let answer = engine.is_authorized(&request(user(id)));
        assert_eq!(answer.decision, Decision::Allow, "{id:?}");
        assert_eq!(answer.determining, [id.clone()].into());
    }
}

#[test]
fn a_denial_quotes_a_condition_that_is_not_compiled() {
    let program = contract(&permit_when("context.purpose == \"a`b\" && context == context"));
    assert_eq!(program.fallbacks(), 1);
    let Verdict::Deny(denial) = program.told(&facts(), None) else { panic!() };
    let [Reason::Unmet { demand, .. }] = denial.reasons.as_slice() else { panic!("{denial}") };
    let quoted = demand.strip_prefix('`').unwrap().strip_suffix("` must hold").unwrap();
    assert!(!quoted.contains('`'), "{quoted}");
    let mut asked = facts();
    assert!(matches!(contract(&permit_when(quoted)).told(&asked, None), Verdict::Deny(_)));
    asked.purpose = "a`b";
    assert!(matches!(contract(&permit_when(quoted)).told(&asked, None), Verdict::Permit(_)));
}
