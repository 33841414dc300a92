//! The compiled program beside Cedar's own evaluator: same decision, same determining policies,
//! same policies in error, for policies, entities and requests made at random. Some policies are
//! linked from templates, some come as JSON, and some are left to Cedar.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{Authorizer, EntityUid, PolicyId, PolicySet, Request, SlotId};
use dataspace_policy::Engine;

use crate::cedar_data::{World, world};
use crate::cedar_policies::{ENTITIES, policy};
use crate::dice::Dice;

/// What was asked, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) texts: u64,
    pub(crate) requests: u64,
    pub(crate) permitted: u64,
    pub(crate) with_errors: u64,
    /// Requests some of whose policies Cedar evaluates.
    pub(crate) with_fallbacks: u64,
    /// Of these, those that have compiled policies as well.
    pub(crate) mixed: u64,
    /// Requests some of whose policies are linked from templates.
    pub(crate) with_links: u64,
}

pub(crate) fn check(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    // The policies first, so that the input's bytes go there.
    let (policies, deep) = policies(&mut dice);
    let world = world(&mut dice);
    if let Some(policies) = policies {
        compare(&mut dice, &world, &policies, &deep, &mut Counts::default());
    }
}

/// Texts from one source of choices; every eighth gets a new world.
#[cfg_attr(not(test), expect(dead_code, reason = "the fuzzer has bytes"))]
pub(crate) fn check_many(dice: &mut Dice<'_>, counts: &mut Counts) {
    let world = world(dice);
    for _ in 0..8 {
        counts.texts += 1;
        let (policies, deep) = policies(dice);
        if let Some(policies) = policies {
            compare(dice, &world, &policies, &deep, counts);
        }
    }
}

/// Policies, unless the grammar refuses them (a method of a number, say); and which of the policies
/// and templates are deeper than what is compiled.
fn policies(dice: &mut Dice<'_>) -> (Option<PolicySet>, BTreeSet<String>) {
    let all: Vec<_> = (0..=dice.roll(4)).map(|_| policy(dice)).collect();
    let deep = (0..).zip(&all).filter(|(_, policy)| policy.is_deep);
    let deep = deep.map(|(number, _)| format!("policy{number}")).collect();
    let text: String = all.into_iter().map(|policy| policy.text).collect();
    let Ok(mut policies) = text.parse::<PolicySet>() else { return (None, deep) };
    let templates: Vec<_> = policies
        .templates()
        .map(|template| (template.id().clone(), template.slots().cloned().collect::<Vec<_>>()))
        .collect();
    for (id, slots) in templates {
        for number in 0..dice.roll(3) {
            let values: HashMap<SlotId, EntityUid> = slots
                .iter()
                .map(|slot| (slot.clone(), dice.one(LINKED).parse().unwrap()))
                .collect();
            let link = PolicyId::new(format!("{id} {number}"));
            policies.link(id.clone(), link, values).unwrap();
        }
    }
    if dice.roll(8) == 0 {
        let json = policies.clone().to_json().unwrap();
        policies = PolicySet::from_json_value(json).unwrap();
    }
    (Some(policies), deep)
}

/// What stands in a template's slots.
const LINKED: &[&str] = &[
    r#"U::"a""#,
    r#"U::"b""#,
    r#"G::"x""#,
    r#"G::"y""#,
    r#"G::"top""#,
    r#"N::G::"x""#,
    r#"U::"nobody""#,
];

fn compare(
    dice: &mut Dice<'_>,
    World { entities, contexts }: &World,
    policies: &PolicySet,
    deep: &BTreeSet<String>,
    counts: &mut Counts,
) {
    let engine = Engine::from_cedar(policies, entities);
    let is_deep = |policy: &&cedar_policy::Policy| {
        deep.contains(&policy.template_id().unwrap_or(policy.id()).to_string())
    };
    let fallbacks = policies.policies().filter(is_deep).count();
    assert_eq!(engine.fallbacks(), fallbacks, "{policies}");
    let links = policies.policies().filter(|policy| !policy.is_static()).count();
    for _ in 0..4 {
        let uid = |text: &str| text.parse::<EntityUid>().unwrap();
        let principal = uid(dice.one(&ENTITIES[..2]));
        let action = uid(dice.one(&[r#"Action::"r""#, r#"Action::"w""#]));
        let resource = uid(dice.one(ENTITIES));
        let context = contexts[dice.roll(contexts.len())].clone();
        let request = Request::new(principal, action, resource, context, None).unwrap();
        let response = Authorizer::new().is_authorized(&request, policies, entities);
        let erred: BTreeSet<_> = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                error.policy_id().to_string()
            })
            .collect();
        let determining: BTreeSet<_> =
            response.diagnostics().reason().map(ToString::to_string).collect();
        let answer = engine.is_authorized(&request);
        let about = || {
            let entities = entities_of(entities);
            format!("after {} requests: {request}\n{policies}\n{entities}", counts.requests)
        };
        assert_eq!(answer.erred, erred, "{}", about());
        assert_eq!(answer.determining, determining, "{}", about());
        assert_eq!(answer.decision, response.decision(), "{}", about());
        counts.requests += 1;
        counts.permitted += u64::from(answer.decision == cedar_policy::Decision::Allow);
        counts.with_errors += u64::from(!erred.is_empty());
        counts.with_fallbacks += u64::from(fallbacks > 0);
        counts.mixed += u64::from(fallbacks > 0 && fallbacks < policies.num_of_policies());
        counts.with_links += u64::from(links > 0);
    }
}

fn entities_of(entities: &cedar_policy::Entities) -> String {
    let mut json = Vec::new();
    entities.write_to_json(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}
