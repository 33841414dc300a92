//! Terms as policies of the Dataspace Protocol, in the names and forms that are read back as just
//! these terms.

use dataspace_policy::{Rule, Terms, terms::InvalidTerms};
use dataspace_primitives::UnixMillis;
use serde_json::{Map, Value, json};

use crate::names::ODRL_NAMESPACE;
use crate::names::context::{DSP_CONTEXT, DSP_ODRL_CONTEXT, EXTENSION_CONTEXT};

mod form;
mod obligation;
mod rule;

/// A policy that was written, and the contexts that give its names their meaning.
///
/// Only a policy that says what the Dataspace Protocol has no term for names our context and our
/// profile: a peer that does not know them refuses it, and takes every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPolicy {
    policy: Value,
    is_extended: bool,
}

/// What an agreement says beside its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreementParts<'a> {
    /// `@id`.
    pub id: &'a str,
    /// `target`: the product.
    pub target: &'a str,
    /// `assigner`: the provider.
    pub assigner: &'a str,
    /// `assignee`: the consumer.
    pub assignee: &'a str,
    /// `timestamp`: when it was agreed.
    pub timestamp: UnixMillis,
}

/// The offer of a catalogue or dataset, which says what product it is about.
///
/// # Errors
/// [`InvalidTerms`] with the clause, if the terms may not be signed.
pub fn to_offer(terms: &Terms, id: &str) -> Result<WrittenPolicy, InvalidTerms> {
    write(terms, "Offer", &[("@id", id)])
}

/// The offer of a message, which names its product.
///
/// # Errors
/// As [`to_offer`].
pub fn to_message_offer(
    terms: &Terms,
    id: &str,
    target: &str,
) -> Result<WrittenPolicy, InvalidTerms> {
    write(terms, "Offer", &[("@id", id), ("target", target)])
}

/// The agreement of a message.
///
/// # Errors
/// As [`to_offer`].
pub fn to_agreement(
    terms: &Terms,
    parts: &AgreementParts<'_>,
) -> Result<WrittenPolicy, InvalidTerms> {
    let timestamp = parts.timestamp.to_string();
    let members = [
        ("@id", parts.id),
        ("target", parts.target),
        ("assigner", parts.assigner),
        ("assignee", parts.assignee),
        ("timestamp", timestamp.as_str()),
    ];
    write(terms, "Agreement", &members)
}

impl WrittenPolicy {
    /// `@context` of the message, catalogue or dataset that the policy stands in.
    #[must_use]
    pub fn context(&self) -> &'static [&'static str] {
        if self.is_extended { &[DSP_CONTEXT, EXTENSION_CONTEXT] } else { &[DSP_CONTEXT] }
    }

    /// The policy as a member of what names [`context`](Self::context).
    #[must_use]
    pub fn into_member(self) -> Value {
        self.policy
    }

    /// The policy by itself, with its contexts.
    #[must_use]
    pub fn into_document(self) -> Value {
        let Self { mut policy, is_extended } = self;
        let context = [DSP_CONTEXT, DSP_ODRL_CONTEXT].into_iter();
        let context: Vec<_> = context.chain(is_extended.then_some(EXTENSION_CONTEXT)).collect();
        if let Some(members) = policy.as_object_mut() {
            members.insert("@context".to_owned(), json!(context));
        }
        policy
    }
}

fn write(
    terms: &Terms,
    kind: &str,
    members: &[(&str, &str)],
) -> Result<WrittenPolicy, InvalidTerms> {
    terms.check()?;
    let rules = |rules: &[Rule]| rules.iter().map(rule::of_rule).collect();
    let duties = terms.duties.iter().map(obligation::of_duty);
    let obligations = duties
        .chain(terms.legal.iter().map(obligation::of_legal))
        .chain(terms.exclusive.iter().map(obligation::of_exclusive));
    let lists: [(&str, Vec<Value>); 3] = [
        ("permission", rules(&terms.permissions)),
        ("prohibition", rules(&terms.prohibitions)),
        ("obligation", obligations.collect()),
    ];
    let is_extended = lists.iter().flat_map(|(_, list)| list).any(is_extended);
    let mut policy = Map::new();
    policy.insert("@type".to_owned(), json!(kind));
    policy.extend(members.iter().map(|(name, text)| ((*name).to_owned(), json!(text))));
    policy.extend(is_extended.then(|| ("profile".to_owned(), json!(ODRL_NAMESPACE))));
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    policy.extend(lists.map(|(name, list)| (name.to_owned(), Value::Array(list))));
    Ok(WrittenPolicy { policy: Value::Object(policy), is_extended })
}

/// Returns true if an action or left operand in it is one of ours.
fn is_extended(part: &Value) -> bool {
    match part {
        Value::Array(all) => all.iter().any(is_extended),
        Value::Object(all) => all.iter().any(|(name, value)| match (name.as_str(), value) {
            ("action" | "leftOperand", Value::String(term)) => term.starts_with("dataspace:"),
            (_, value) => is_extended(value),
        }),
        _ => false,
    }
}
