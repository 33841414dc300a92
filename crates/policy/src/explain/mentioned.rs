//! Every fact that a condition mentions: what it is, or that it is not known.

use bumpalo::Bump;

use super::known::{known, shown};
use crate::engine::eval::Evaluation;
use crate::engine::node::{Binary, Node};
use crate::engine::paved::Access;
use crate::engine::print::Printed;
use crate::engine::source::Source as _;
use crate::engine::value::Value;
use crate::facts::Fact;
use crate::phrase::{list, quoted};

/// Adds the facts in the order of the condition's text, each once.
pub(super) fn mentioned(node: &Node, access: &Access<'_>, facts: &mut Vec<String>) {
    let found = match node {
        Node::Fact(fact) | Node::OneOf(fact, _) => known(access, *fact),
        Node::Now(..) => known(access, Fact::Now),
        Node::IsKnown(fact, names) => match names.first() {
            None => known(access, *fact),
            Some(name) => attribute(&Node::Fact(*fact), name, access),
        },
        Node::Principal | Node::ParticipantIs(_) => {
            format!("the consumer is {}", quoted(access.facts().participant))
        }
        Node::Resource | Node::ProductIs(_) => {
            format!("the product is {}", quoted(access.facts().product))
        }
        Node::Action => format!("the action is {}", access.facts().action),
        Node::Attribute(of, name) if !matches!(**of, Node::Record(_) | Node::If(_)) => {
            attribute(of, name, access)
        }
        Node::Has(of, names) => match names.first() {
            Some(name) => attribute(of, name, access),
            None => return,
        },
        Node::Binary(Binary::GetTag | Binary::HasTag, sides) => {
            let [of, name] = sides.as_ref();
            tag(of, name, access, facts);
            return;
        }
        Node::Binary(Binary::In, sides) => {
            let [one, within] = sides.as_ref();
            membership(one, access, facts);
            mentioned(within, access, facts);
            return;
        }
        node => {
            node.each(&mut |part| mentioned(part, access, facts));
            return;
        }
    };
    add(facts, found);
}

fn add(facts: &mut Vec<String>, found: String) {
    if !facts.contains(&found) {
        facts.push(found);
    }
}

/// `connector of the environment is edc`.
fn attribute(of: &Node, name: &str, access: &Access<'_>) -> String {
    let memory = Bump::new();
    let found = match (Evaluation { source: access, memory: &memory }).value(of) {
        Ok(Value::Entity(uid)) => access.attribute(uid, name),
        Ok(Value::Record(record)) => record.get(name),
        _ => None,
    };
    let found = found.map_or_else(|| "not known".to_owned(), shown);
    format!("{} of {} is {found}", quoted(name), called(of, access))
}

/// `the tag sector of the consumer is chemistry`.
fn tag(of: &Node, name: &Node, access: &Access<'_>, facts: &mut Vec<String>) {
    mentioned(name, access, facts);
    let memory = Bump::new();
    let evaluation = Evaluation { source: access, memory: &memory };
    let Ok(Value::String(name)) = evaluation.value(name) else { return };
    let found = match evaluation.value(of) {
        Ok(Value::Entity(uid)) => access.tag(uid, name),
        _ => None,
    };
    let found = found.map_or_else(|| "not known".to_owned(), shown);
    add(facts, format!("the tag {} of {} is {found}", quoted(name), called(of, access)));
}

/// The roles of who is asked about, by which it is in others.
fn membership(one: &Node, access: &Access<'_>, facts: &mut Vec<String>) {
    mentioned(one, access, facts);
    match one {
        Node::Principal => add(facts, known(access, Fact::Roles)),
        Node::Fact(Fact::Person) => {
            if let Some(person) = access.facts().person {
                let roles = list(person.roles.iter().map(quoted), "and");
                let roles = if roles.is_empty() { "none".to_owned() } else { roles };
                add(facts, format!("the person's roles are {roles}"));
            }
        }
        _ => {}
    }
}

/// What an entity is called in a sentence.
fn called(of: &Node, access: &Access<'_>) -> String {
    match of {
        Node::Principal => "the consumer".to_owned(),
        Node::Action => "the action".to_owned(),
        Node::Resource => "the product".to_owned(),
        Node::Fact(fact) => fact.in_english().to_owned(),
        node => Printed { node, constants: access.constants() }.to_string(),
    }
}
