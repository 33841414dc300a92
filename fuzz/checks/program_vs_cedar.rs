//! The compiled program beside Cedar's own evaluator: same decision, same determining policies,
//! same policies in error, for policies, entities and requests made at random. Some policies are
//! linked from templates, some come as JSON, and some are left to Cedar.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    Authorizer, Decision, EntityUid, Expression, PolicyId, PolicySet, Request, SlotId,
    eval_expression,
};
use dataspace_policy::engine::{Answer, Engine};

use crate::cedar_data::{ENTITIES, ODD_USER, World, world};
use crate::cedar_policies::{TYPES, Type, expr, policy};
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
    /// Requests about entities with unknown attributes.
    pub(crate) partial: u64,
    /// Requests some of whose policies are linked from templates.
    pub(crate) with_links: u64,
    /// Requests that ask for the values of expressions; not among the others.
    pub(crate) probes: u64,
}

pub(crate) fn check(bytes: &[u8]) {
    let (mut dice, mut counts) = (Dice::new(bytes), Counts::default());
    // The policies first, so that the input's bytes go there.
    let made = policies(&mut dice);
    let world = world(&mut dice);
    if let Some((policies, deep)) = made {
        ask(&mut dice, &world, &policies, &deep, &mut counts);
    }
    probe(&mut dice, &world, &mut counts);
}

/// Texts from one source of choices, about one new world.
#[cfg_attr(not(test), expect(dead_code, reason = "the fuzzer has bytes"))]
pub(crate) fn check_many(dice: &mut Dice<'_>, counts: &mut Counts) {
    let world = world(dice);
    for _ in 0..8 {
        counts.texts += 1;
        if let Some((policies, deep)) = policies(dice) {
            ask(dice, &world, &policies, &deep, counts);
        }
        probe(dice, &world, counts);
    }
}

/// Policies, unless the grammar refuses them (a method of a number, say); and which of the policies
/// and templates are deeper than what is compiled.
fn policies(dice: &mut Dice<'_>) -> Option<(PolicySet, BTreeSet<String>)> {
    let all: Vec<_> = (0..=dice.roll(4)).map(|_| policy(dice)).collect();
    let deep = (0..).zip(&all).filter(|(_, policy)| policy.is_deep);
    let mut deep: BTreeSet<_> = deep.map(|(number, _)| format!("policy{number}")).collect();
    let text: String = all.into_iter().map(|policy| policy.text).collect();
    let mut policies: PolicySet = text.parse().ok()?;
    if dice.roll(3) > 0 {
        let first = dice.roll(IDS.len());
        let name = |id: &PolicyId| {
            let number: usize = raw(id).trim_start_matches("policy").parse().unwrap();
            IDS[(first + number) % IDS.len()].to_owned()
        };
        deep = deep.iter().map(|id| name(&PolicyId::new(id))).collect();
        let mut renamed = PolicySet::new();
        for policy in policies.policies() {
            renamed.add(policy.new_id(PolicyId::new(name(policy.id())))).unwrap();
        }
        for template in policies.templates() {
            let template = template.new_id(PolicyId::new(name(template.id())));
            renamed.add_template(template).unwrap();
        }
        policies = renamed;
    }
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
            let link = PolicyId::new(format!("{}{number}'\\\"\0", raw(&id)));
            policies.link(id.clone(), link, values).unwrap();
        }
    }
    if dice.roll(8) == 0 {
        let json = policies.clone().to_json().unwrap();
        policies = PolicySet::from_json_value(json).unwrap();
    }
    Some((policies, deep))
}

/// Ids, many of which are another one when they are escaped or when escapes are read.
const IDS: [&str; 12] = [
    "'",
    "\\'",
    "\\\\'",
    "\"",
    "\\\"",
    "\n",
    "\\n",
    "\0\u{202e}",
    "\\u{202e}",
    "",
    LONG,
    "policy0",
];

const LONG: &str = "a very long id, with 'quotes', \"quotes\" and \\ again: \
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The id as it is: `Display` escapes it.
fn raw(id: &PolicyId) -> String {
    AsRef::<str>::as_ref(id).to_owned()
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
    ODD_USER,
];

fn request(dice: &mut Dice<'_>, world: &World) -> Request {
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let principal = uid(dice.one(&[ENTITIES[0], ENTITIES[1], ENTITIES[0], ODD_USER]));
    let action = uid(dice.one(&[r#"Action::"r""#, r#"Action::"w""#]));
    let resource = uid(dice.one(ENTITIES));
    let context = world.contexts[dice.roll(world.contexts.len())].clone();
    Request::new(principal, action, resource, context, None).unwrap()
}

/// Asks four times. `deep` are the policies and templates that are left to Cedar.
fn ask(
    dice: &mut Dice<'_>,
    world: &World,
    policies: &PolicySet,
    deep: &BTreeSet<String>,
    counts: &mut Counts,
) {
    let engine = Engine::from_cedar(policies, &world.entities);
    let is_deep = |policy: &&cedar_policy::Policy| {
        deep.contains(&raw(policy.template_id().unwrap_or(policy.id())))
    };
    let is_left = |policy: &&cedar_policy::Policy| world.is_partial || is_deep(policy);
    let fallbacks = policies.policies().filter(is_left).count();
    assert_eq!(engine.fallbacks(), fallbacks, "{policies}");
    let links = policies.policies().filter(|policy| !policy.is_static()).count();
    for _ in 0..4 {
        let request = request(dice, world);
        let answer = compare(&engine, &request, policies, world, counts);
        counts.requests += 1;
        counts.permitted += u64::from(answer.decision == Decision::Allow);
        counts.with_errors += u64::from(!answer.erred.is_empty());
        counts.with_fallbacks += u64::from(fallbacks > 0);
        counts.mixed += u64::from(fallbacks > 0 && fallbacks < policies.num_of_policies());
        counts.partial += u64::from(world.is_partial);
        counts.with_links += u64::from(links > 0);
    }
}

/// Asks whether expressions are what Cedar says that they are: a wrong value is seen whatever it
/// is, while few conditions of other policies depend on it.
fn probe(dice: &mut Dice<'_>, world: &World, counts: &mut Counts) {
    let request = request(dice, world);
    let text: String = (0..8)
        .filter_map(|_| {
            let ty = if dice.roll(3) == 0 { Type::Bool } else { TYPES[dice.roll(TYPES.len())] };
            let depth = 1 + dice.roll(2);
            let text = expr(dice, ty, depth);
            let expression: Expression = text.parse().ok()?;
            let value = match eval_expression(&request, &world.entities, &expression) {
                Ok(value) => value.to_string(),
                // What errs, errs here too.
                Err(_) => "0".to_owned(),
            };
            Some(format!("permit(principal, action, resource) when {{ {text} == {value} }};\n"))
        })
        .collect();
    // The grammar takes no unary minus of a call, say.
    let Ok(policies) = text.parse::<PolicySet>() else { return };
    let engine = Engine::from_cedar(&policies, &world.entities);
    let fallbacks = if world.is_partial { policies.num_of_policies() } else { 0 };
    assert_eq!(engine.fallbacks(), fallbacks, "{policies}");
    let _answer = compare(&engine, &request, &policies, world, counts);
    counts.probes += 1;
}

fn compare(
    engine: &Engine,
    request: &Request,
    policies: &PolicySet,
    world: &World,
    counts: &Counts,
) -> Answer {
    let response = Authorizer::new().is_authorized(request, policies, &world.entities);
    let erred: BTreeSet<_> = response
        .diagnostics()
        .errors()
        .map(
            |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| raw(error.policy_id()),
        )
        .collect();
    let determining: BTreeSet<_> = response.diagnostics().reason().map(raw).collect();
    let cedars = Answer { decision: response.decision(), determining, erred };
    let answer = engine.is_authorized(request);
    if answer != cedars {
        let mut entities = Vec::new();
        world.entities.write_to_json(&mut entities).unwrap();
        let entities = String::from_utf8(entities).unwrap();
        let after = counts.requests + counts.probes;
        panic!(
            "{answer:?}, but Cedar says {cedars:?}, after {after} requests: \
             {request}\n{policies}\n{entities}"
        );
    }
    answer
}
