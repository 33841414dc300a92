//! What the compiler does not cover runs in Cedar's evaluator, with the same outcome.

use std::collections::BTreeSet;

use cedar_policy::{Context, Decision, Entities, PolicySet, Request};
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
