//! Cedar text, taken in safely: bounded, every policy named, validated in strict mode.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode,
    ValidationWarning, Validator,
};
use cedar_policy_core::ast::{self, ExprKind};
use dataspace_primitives::{Digest, Name, name::InvalidName};
use thiserror::Error;

use crate::action::Action;
use crate::bounds::{self, BoundError, COST_MAX};
use crate::engine::deep::{self, Deep};
use crate::engine::entity::{ACTION, TIME_ZONE};
use crate::engine::program::Code;
use crate::engine::shape::Places;
use crate::named::{self, Named, UnmatchedValue, Vocabulary};
use crate::policy_finding::{self, PolicyFinding};
use crate::unknown::{self, Key};
use crate::zone;

const SCHEMA_TEXT: &str = include_str!("schema.cedarschema");

/// The schema, and the same one with a single action.
static VALIDATORS: LazyLock<Result<[Validator; 2], String>> = LazyLock::new(|| {
    let [of_all, of_one] = schema_texts();
    let validator = |text: &str| {
        let (schema, _warnings) =
            Schema::from_cedarschema_str(text).map_err(|error| error.to_string())?;
        Ok::<_, String>(Validator::new(schema))
    };
    Ok([validator(&of_all)?, validator(&of_one)?])
});

/// The schema, and the same one with a single action, as texts.
pub(crate) fn schema_texts() -> [Cow<'static, str>; 2] {
    let actions = Action::ALL.map(|action| format!("\"{action}\"")).join(", ");
    [SCHEMA_TEXT.into(), SCHEMA_TEXT.replacen(&actions, "\"read\"", 1).into()]
}

/// The Cedar schema against which every policy is validated, as text.
#[must_use]
pub fn schema_text() -> &'static str {
    SCHEMA_TEXT
}

/// Most of Cedar's messages about one policy that are told.
const MESSAGES_MAX: usize = 4;

/// Stack that taking in any text within [`bounds`] has, whatever the caller left.
pub(crate) const STACK_LEN: usize = 8 << 20;

/// Who wrote the policies, and so what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A contract: permits and forbids.
    Contract,
    /// The space's profile: only forbids.
    Space,
    /// The provider's own policies: only forbids.
    Provider,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contract => "contract",
            Self::Space => "space",
            Self::Provider => "provider",
        })
    }
}

/// The forbids of a space or a provider, which passed every check. Immutable.
pub struct Policies {
    pub(crate) set: Deep<PolicySet>,
    pub(crate) code: Code,
    pub(crate) layer: Layer,
    digest: Digest,
    /// By the policies' ids.
    named: Vec<(String, Vec<Named>)>,
    findings: Vec<PolicyFinding>,
}

/// Why Cedar text is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvalidPolicies {
    /// Longer, deeper or more complex than any contract needs.
    #[error(transparent)]
    Bounds(#[from] BoundError),
    /// Not Cedar.
    #[error("the policies are not Cedar: {message}")]
    Syntax {
        /// Cedar's message.
        message: String,
    },
    /// Templates decide nothing until they are linked.
    #[error("templates are not possible here; write out the policy")]
    Template,
    /// A policy without `@id("…")` could not be named in a denial.
    #[error("policy {number} has no annotation @id(\"…\")")]
    NoId {
        /// Place in the text, from 1.
        number: usize,
    },
    /// An id that is not a [`Name`] could make a denial read as something else.
    #[error("the id of policy {number} is not a name")]
    Id {
        /// Place in the text, from 1.
        number: usize,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// Two policies with one id.
    #[error("the policy id `{id}` is used twice")]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// Only a contract permits: space and provider can only forbid.
    #[error("policy `{id}` permits; a {layer} can only forbid")]
    Permit {
        /// The policy at fault.
        id: String,
        /// Whose policies they are.
        layer: Layer,
    },
    /// A time zone that the IANA database does not have would err at every decision.
    #[error("there is no time zone `{zone}`; write it as in Europe/Berlin")]
    TimeZone {
        /// The zone.
        zone: String,
    },
    /// A decision by the text would take more than [`COST_MAX`] steps.
    #[error("with policy `{id}`, a decision takes more than {COST_MAX} steps")]
    Cost {
        /// The policy that is too much.
        id: String,
    },
    /// A forbid that does not hold where a fact is not known, so that leaving it out gives more; or
    /// a forbid that cannot be shown to hold there.
    #[error(
        "policy `{id}` may not forbid where {fact} is not known; ask for it in an `unless`, as in \
         `unless {{ context has person && … }}`"
    )]
    Unknown {
        /// The policy at fault.
        id: String,
        /// The fact, as the schema names it.
        fact: String,
    },
    /// A value that no access can have.
    #[error(transparent)]
    Value(#[from] UnmatchedValue),
    /// Ill-typed against the schema, or impossible.
    #[error("the policies do not fit the schema: {message}")]
    Schema {
        /// Cedar's messages, one for each line.
        message: String,
    },
}

impl Policies {
    /// Takes Cedar text in.
    ///
    /// # Errors
    /// [`InvalidPolicies`]: text is refused as a whole, nothing is skipped.
    pub fn parse(text: &str, layer: Layer) -> Result<Self, InvalidPolicies> {
        check_bounds(text)?;
        // WHY: with little stack left, Cedar's type checker gives up without an error, and the same
        // text would be good on one thread and bad on another.
        stacker::maybe_grow(STACK_LEN, STACK_LEN, || {
            let set = intake(text, layer)?;
            let code = Code::new(&set, &Places::default(), || Some(set.clone()));
            code.check_cost().map_err(|id| InvalidPolicies::Cost { id })?;
            let (mut named, mut findings) = (Vec::new(), policy_finding::findings(&set));
            if layer != Layer::Contract {
                for policy in set.policies() {
                    let (values, unsupplied) = check_forbid(policy)?;
                    findings.extend(unsupplied);
                    let id: &str = policy.id().as_ref();
                    named.push((id.to_owned(), values));
                }
            }
            let depth = deep::of_policies(&set);
            let (set, digest) = (Deep::new(set, depth), Digest::of(text.as_bytes()));
            Ok(Self { set, code, layer, digest, named, findings })
        })
    }

    /// Checks that each value that a policy names is one of the space's, as far as the space has a
    /// list: a forbid with a mistyped purpose would forbid nobody.
    ///
    /// # Errors
    /// [`UnmatchedValue`], the first one.
    pub fn check_values(&self, vocabulary: &Vocabulary<'_>) -> Result<(), UnmatchedValue> {
        for (id, named) in &self.named {
            let by = format!("policy `{id}`");
            named.iter().try_for_each(|one| vocabulary.check_named(&by, one))?;
        }
        Ok(())
    }

    /// What the signers of the policies should see before: they can be signed all the same.
    #[must_use]
    pub fn lint(&self) -> &[PolicyFinding] {
        &self.findings
    }

    /// The SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The ids of the policies, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.code.ids().iter().map(AsRef::as_ref)
    }

    /// Number of policies that are not compiled and run in Cedar's evaluator.
    #[must_use]
    pub fn fallbacks(&self) -> usize {
        self.code.fallbacks()
    }
}

impl fmt::Debug for Policies {
    /// Whose they are and their ids; Cedar's trees are printed by recursion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("layer", &self.layer)
            .field("digest", &self.digest)
            .field("ids", &self.code.ids())
            .finish_non_exhaustive()
    }
}

/// Looks at the characters before Cedar does.
pub(crate) fn check_bounds(text: &str) -> Result<(), InvalidPolicies> {
    match bounds::check(text)? {
        Some(call) => Err(InvalidPolicies::Syntax { message: call.to_string() }),
        None => Ok(()),
    }
}

/// Parses, names and validates a text that is within the bounds.
pub(crate) fn intake(text: &str, layer: Layer) -> Result<PolicySet, InvalidPolicies> {
    let parsed = PolicySet::from_str(text)
        .map_err(|error| InvalidPolicies::Syntax { message: error.to_string() })?;
    if parsed.templates().next().is_some() {
        return Err(InvalidPolicies::Template);
    }
    let mut named = PolicySet::new();
    for (i, policy) in parsed.policies().enumerate() {
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let id = id.ok_or(InvalidPolicies::NoId { number: i + 1 })?.to_owned();
        let name = id.parse::<Name>();
        name.map_err(|source| InvalidPolicies::Id { number: i + 1, source })?;
        if layer != Layer::Contract && policy.effect() == Effect::Permit {
            return Err(InvalidPolicies::Permit { id, layer });
        }
        named
            .add(policy.new_id(PolicyId::new(&id)))
            .map_err(|_| InvalidPolicies::RepeatedId { id })?;
    }
    let validators = VALIDATORS
        .as_ref()
        .map_err(|message| InvalidPolicies::Schema { message: message.clone() })?;
    validate(validators, &named, layer)?;
    if text.contains("TimeZone") {
        check_zones(&named)?;
    }
    Ok(named)
}

/// What holds for every forbid of a space or provider: the values that it names, and what it asks for
/// in vain.
fn check_forbid(policy: &Policy) -> Result<(Vec<Named>, Option<PolicyFinding>), InvalidPolicies> {
    let id: &str = policy.id().as_ref();
    let Some(tree) = named::tree(policy) else {
        let message = format!("policy `{id}` has no syntax tree");
        return Err(InvalidPolicies::Syntax { message });
    };
    let keys = unknown::asked(tree.body());
    if let Some(fact) = unknown::lifts(tree.body(), &keys) {
        return Err(InvalidPolicies::Unknown { id: id.to_owned(), fact: fact.to_string() });
    }
    let values = named::values(tree.body());
    values.iter().try_for_each(|named| named.check(&format!("policy `{id}`")))?;
    let facts: Vec<_> = keys.iter().filter_map(Key::unsupplied).collect();
    let policy = id.to_owned();
    Ok((values, (!facts.is_empty()).then_some(PolicyFinding::Unsupplied { policy, facts })))
}

/// Parses a text that was made from one that passed every check.
pub(crate) fn named(text: &str) -> Option<PolicySet> {
    let parsed = PolicySet::from_str(text).ok()?;
    let mut named = PolicySet::new();
    for policy in parsed.policies() {
        named.add(policy.new_id(PolicyId::new(policy.annotation("id")?))).ok()?;
    }
    Some(named)
}

fn check_zones(set: &PolicySet) -> Result<(), InvalidPolicies> {
    let literals = set.policies().flat_map(Policy::entity_literals);
    let mut zones = literals.filter(|uid| uid.type_name().to_string() == TIME_ZONE);
    match zones.find(|uid| !zone::is_known(uid.id().unescaped())) {
        Some(uid) => Err(InvalidPolicies::TimeZone { zone: uid.id().unescaped().to_owned() }),
        None => Ok(()),
    }
}

/// Checks the policies one by one, up to the first that does not fit.
pub(crate) fn validate(
    [of_all, of_one]: &[Validator; 2],
    set: &PolicySet,
    layer: Layer,
) -> Result<(), InvalidPolicies> {
    for policy in set.policies() {
        let (validator, policy) = match of_any_action(policy) {
            Some(policy) => (of_one, policy),
            None => (of_all, policy.clone()),
        };
        let mut alone = PolicySet::new();
        alone
            .add(policy)
            .map_err(|error| InvalidPolicies::Schema { message: error.to_string() })?;
        validate_by(validator, &alone, layer)?;
    }
    Ok(())
}

/// The policy for any action, if it fits the schema of one action just where the policy itself fits:
/// all actions are about the same things, so it does unless its conditions speak of actions.
// WHY: Cedar checks a policy once for each action.
fn of_any_action(policy: &Policy) -> Option<Policy> {
    let is_known = |action: &EntityUid| {
        let mut all = Action::ALL.iter();
        action.type_name().to_string() == ACTION
            && all.any(|known| known.as_str() == action.id().unescaped())
    };
    let are_known = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => is_known(&action),
        ActionConstraint::In(actions) => !actions.is_empty() && actions.iter().all(is_known),
    };
    let policy: &ast::Policy = policy.as_ref();
    let condition = policy.non_scope_constraints();
    let mut parts = condition.into_iter().flat_map(ast::Expr::subexpressions);
    let speaks_of_actions = parts.any(|part| match part.expr_kind() {
        ExprKind::Var(ast::Var::Action) => true,
        ExprKind::Lit(ast::Literal::EntityUID(uid)) => uid.is_action(),
        ExprKind::Is { entity_type, .. } => entity_type.is_action(),
        _ => false,
    });
    if !are_known || speaks_of_actions {
        return None;
    }
    let template = policy.template();
    let policy = ast::StaticPolicy::new(
        policy.id().clone(),
        policy.loc().cloned(),
        policy.annotations_arc().as_ref().clone(),
        policy.effect(),
        template.principal_constraint().clone(),
        ast::ActionConstraint::any(),
        template.resource_constraint().clone(),
        condition.cloned(),
    );
    policy.ok().map(Policy::from)
}

fn validate_by(
    validator: &Validator,
    set: &PolicySet,
    layer: Layer,
) -> Result<(), InvalidPolicies> {
    let result = validator.validate(set, ValidationMode::Strict);
    // WHY: to Cedar a policy that can never apply is worth a warning; here it is a forbid on which
    // somebody relies in vain. Letters of several scripts are for `Policies::lint` to tell.
    let impossible = result.validation_warnings().filter(|warning| {
        matches!(
            warning,
            ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_)
        ) || layer != Layer::Contract
            && matches!(
                warning,
                ValidationWarning::BidiCharsInString(_)
                    | ValidationWarning::BidiCharsInIdentifier(_)
            )
    });
    let errors = result.validation_errors().map(ToString::to_string);
    let all = errors.chain(impossible.map(ToString::to_string));
    let messages: Vec<_> = all.take(MESSAGES_MAX).collect();
    if messages.is_empty() && result.validation_passed() {
        return Ok(());
    }
    Err(InvalidPolicies::Schema { message: messages.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check for one action says what the check for all of them says.
    #[test]
    fn a_policy_fits_one_action_where_it_fits_all() {
        let scopes = [
            "action",
            "action == Dataspace::Action::\"train\"",
            "action in [Dataspace::Action::\"read\", Dataspace::Action::\"share\"]",
            "action in []",
            "action == Dataspace::Action::\"steal\"",
            "action == Other::Action::\"read\"",
        ];
        let conditions = [
            "true",
            "false",
            "1 == 1",
            "context.uses == 1",
            "context.uses == \"one\"",
            "context.weather == 1",
            "context.person == context.person",
            "context has person && context.person in Dataspace::Role::\"a\"",
            "context has weather",
            "principal.region == \"DE\"",
            "principal has \"nothing\" && principal.nothing",
            "resource.class like \"a*\"",
            "resource is Dataspace::Person",
            "principal is Foo",
            "principal in Foo::\"a\"",
            "principal == Dataspace::Participant::\"a\"",
            "principal == resource",
            "[1, \"a\"].contains(1)",
            "[].contains(1)",
            "{a: 1}.a == 1",
            "{a: 1}.b == 1",
            "datetime(\"2026-99-01\") < context.now",
            "principal.getTag(\"a\") == \"a\"",
            "principal.hasTag(\"a\") && principal.getTag(\"a\") == \"a\"",
            "action == Dataspace::Action::\"read\"",
            "action in [Dataspace::Action::\"nothing\"]",
            "action is Dataspace::Action",
            "context.uses",
        ];
        let [of_all, of_one] = VALIDATORS.as_ref().unwrap();
        let mut short = 0;
        for scope in scopes {
            for condition in conditions {
                let text = format!("permit (principal, {scope}, resource) when {{ {condition} }};");
                let Ok(set) = text.parse::<PolicySet>() else { continue };
                let policy = set.policies().next().unwrap();
                let Some(any) = of_any_action(policy) else { continue };
                let mut alone = PolicySet::new();
                alone.add(any).unwrap();
                let by = |validator, set| validate_by(validator, set, Layer::Contract);
                let (all, one) = (by(of_all, &set), by(of_one, &alone));
                assert_eq!(all.is_ok(), one.is_ok(), "{text}: {all:?} {one:?}");
                short += 1;
            }
        }
        assert!(short > 60, "{short}");
    }
}
