//! Terms as an ODRL document, in the names and forms that are read back as just these terms.

use dataspace_primitives::Name;
use serde_json::{Value, json};

use crate::action::Action;
use crate::constraint::Constraint;
use crate::duty::{Duty, MaskMethod, Operator};
use crate::terms::{Legal, Rule, Terms};

use super::context::CONTEXT;
use super::names::{self, ODRL_NAMESPACE, percent_encoded};
use super::value;

/// What is read as just these terms.
pub(super) fn write(terms: &Terms) -> Value {
    let mut policy = json!({
        "@context": [CONTEXT, {
            "dataspace": ODRL_NAMESPACE,
            "odrl": names::ODRL,
            "xsd": names::XSD,
        }],
        "@type": "Set",
        "profile": ODRL_NAMESPACE,
    });
    let rules = |rules: &[Rule]| rules.iter().map(of_rule).collect::<Vec<_>>();
    let obligations = terms.duties.iter().map(of_duty);
    let obligations = obligations.chain(terms.legal.iter().map(of_legal)).collect();
    let lists = [
        ("permission", rules(&terms.permissions)),
        ("prohibition", rules(&terms.prohibitions)),
        ("obligation", obligations),
    ];
    if let Some(policy) = policy.as_object_mut() {
        for (name, list) in lists {
            if !list.is_empty() {
                policy.insert(name.to_owned(), Value::Array(list));
            }
        }
    }
    policy
}

fn of_rule(rule: &Rule) -> Value {
    let terms: Vec<_> = rule.actions.iter().map(|action| names::action_term(*action)).collect();
    let (action, narrowed) = match terms.as_slice() {
        [one] => (*one, None),
        terms if terms.len() == Action::ALL.len() => ("use", None),
        terms => ("use", Some(atomic("dataspace:action", "isAnyOf", &json!(terms)))),
    };
    let constraints = rule.constraints.iter().map(constraint);
    let constraints: Vec<_> = narrowed.into_iter().chain(constraints).collect();
    if constraints.is_empty() {
        json!({ "action": action })
    } else {
        json!({ "action": action, "constraint": constraints })
    }
}

/// What is read as just this constraint.
fn constraint(one: &Constraint) -> Value {
    let all = |parts: &[Constraint]| parts.iter().map(constraint).collect::<Vec<_>>();
    match one {
        Constraint::Time(time) => {
            let (from, until) = (Constraint::From(time.from()), Constraint::Before(time.until()));
            json!({ "and": [constraint(&from), constraint(&until)] })
        }
        Constraint::All(parts) => match parts.as_slice() {
            // Else it would be read as a time.
            [from @ Constraint::From(_), until @ Constraint::Before(_)] => {
                json!({ "and": [{ "and": [constraint(from)] }, constraint(until)] })
            }
            parts => json!({ "and": all(parts) }),
        },
        Constraint::Any(parts) => json!({ "or": all(parts) }),
        Constraint::One(parts) => json!({ "xone": all(parts) }),
        Constraint::Not(one) => match leaf(one) {
            Some((left, "eq", right)) => atomic(&left, "neq", &right),
            Some((left, "isAnyOf", right)) => atomic(&left, "isNoneOf", &right),
            _ => json!({ "dataspace:not": constraint(one) }),
        },
        constraint => {
            let (left, operator, right) = leaf(constraint).unwrap_or_default();
            atomic(&left, operator, &right)
        }
    }
}

fn atomic(left: &str, operator: &str, right: &Value) -> Value {
    json!({ "leftOperand": left, "operator": operator, "rightOperand": right })
}

/// Left operand, operator and right operand.
type Leaf = (String, &'static str, Value);

/// `None` for what is not one comparison.
fn leaf(constraint: &Constraint) -> Option<Leaf> {
    let number = |left: &str, operator, value: u32| {
        Some((left.to_owned(), operator, value::typed(&value, "integer")))
    };
    let time =
        |operator, at| Some(("odrl:dateTime".to_owned(), operator, value::typed(at, "dateTime")));
    let flag = |left: &str| Some((left.to_owned(), "eq", value::typed(&true, "boolean")));
    match constraint {
        Constraint::Purpose(all) => Some(among_texts("odrl:purpose", all)),
        Constraint::PurposeWithin(all) => {
            let (left, _, right) = among_texts("odrl:purpose", all);
            Some((left, "isPartOf", right))
        }
        Constraint::From(at) => time("gteq", at),
        Constraint::Before(at) => time("lt", at),
        Constraint::Hours(hours) => {
            Some(("dataspace:hours".to_owned(), "eq", value::of_hours(hours)))
        }
        Constraint::Elapsed(secs) => {
            let right = value::typed(&format!("PT{secs}S"), "duration");
            Some(("odrl:elapsedTime".to_owned(), "lt", right))
        }
        Constraint::Count(max) => number("odrl:count", "lteq", *max),
        Constraint::ConsumerCount(max) => number("dataspace:consumerCount", "lteq", *max),
        Constraint::DayCount(max) => number("dataspace:dayCount", "lteq", *max),
        Constraint::MonthCount(max) => number("dataspace:monthCount", "lteq", *max),
        Constraint::Jurisdiction(all) => Some(among_texts("dataspace:jurisdiction", all)),
        Constraint::RecipientRegion(all) => Some(among_texts("odrl:spatial", all)),
        Constraint::Participant(all) => Some(among_texts("dataspace:participant", all)),
        Constraint::Credential(all) => Some(among_texts("dataspace:credential", all)),
        Constraint::Attribute { name, values } => {
            let name = percent_encoded(name.as_str());
            Some(among_texts(&format!("dataspace:attribute/{name}"), values))
        }
        Constraint::Role(all) => Some(among_texts("dataspace:role", all)),
        Constraint::PersonRole(all) => Some(among_texts("dataspace:personRole", all)),
        Constraint::Attested => flag("dataspace:attested"),
        Constraint::Sandbox => flag("dataspace:sandbox"),
        Constraint::SecurityLevel(least) => number("dataspace:securityLevel", "gteq", *least),
        Constraint::Connector(all) => Some(among_texts("dataspace:connector", all)),
        Constraint::Application(all) => Some(among_texts("dataspace:application", all)),
        Constraint::Class(all) => Some(among_texts("dataspace:productClass", all)),
        Constraint::Level(most) => number("dataspace:productLevel", "lteq", *most),
        Constraint::Payment(all) => {
            Some(among_texts("dataspace:payment", all.iter().map(|one| one.as_str())))
        }
        Constraint::Event(all) => Some(among_texts("odrl:event", all)),
        Constraint::State(all) => Some(among_texts("dataspace:state", all)),
        Constraint::Time(_)
        | Constraint::Not(_)
        | Constraint::All(_)
        | Constraint::Any(_)
        | Constraint::One(_) => None,
    }
}

fn among_texts<T: ToString>(left: &str, all: impl IntoIterator<Item = T>) -> Leaf {
    let all: Vec<_> = all.into_iter().map(|one| Value::String(one.to_string())).collect();
    let operator = if all.len() == 1 { "eq" } else { "isAnyOf" };
    (left.to_owned(), operator, value::of_values(all))
}

/// What is read as just this duty.
fn of_duty(duty: &Duty) -> Value {
    let column = eq("dataspace:column", &json!(duty.column().as_str()));
    match duty {
        Duty::Filter(filter) => {
            let operator = match filter.operator {
                Operator::Eq => "eq",
                Operator::Neq => "neq",
                Operator::Lt => "lt",
                Operator::Lteq => "lteq",
                Operator::Gt => "gt",
                Operator::Gteq => "gteq",
                Operator::IsAnyOf => "isAnyOf",
            };
            let values = value::of_values(filter.values.iter().map(value::of_scalar).collect());
            obligation("dataspace:filter", &[column, atomic("dataspace:value", operator, &values)])
        }
        Duty::Mask(mask) => {
            let number = |operand, number: i64| eq(operand, &value::typed(&number, "integer"));
            let (method, number) = match mask.method {
                MaskMethod::Drop => ("dataspace:drop", None),
                MaskMethod::Null => ("dataspace:null", None),
                MaskMethod::Hash => ("dataspace:hash", None),
                MaskMethod::Round { decimals } => {
                    ("dataspace:round", Some(number("dataspace:decimals", decimals.into())))
                }
                MaskMethod::Truncate { chars } => {
                    ("dataspace:truncate", Some(number("dataspace:characters", chars.into())))
                }
            };
            let method = eq("dataspace:method", &json!(method));
            let all: Vec<_> = [column, method].into_iter().chain(number).collect();
            obligation("dataspace:mask", &all)
        }
    }
}

/// What is read as just this clause.
fn of_legal(legal: &Legal) -> Value {
    let one =
        |action, operand, value: &Name| obligation(action, &[eq(operand, &json!(value.as_str()))]);
    match legal {
        Legal::Text(text) => one("dataspace:heed", "dataspace:text", text),
        Legal::Operand { operand, operator, values } => {
            obligation("dataspace:comply", &[kept(operand, operator, values)])
        }
        Legal::Forbidden { operand, operator, values } => {
            obligation("dataspace:refrain", &[kept(operand, operator, values)])
        }
        Legal::DeleteAfter(secs) => {
            let delay = value::typed(&format!("PT{secs}S"), "duration");
            obligation("odrl:delete", &[eq("odrl:delayPeriod", &delay)])
        }
        Legal::ModifyAtRest(how) => one("dataspace:modifyAtRest", "dataspace:method", how),
        Legal::Log => json!({ "action": "dataspace:log" }),
        Legal::Notify(whom) => one("odrl:inform", "odrl:recipient", whom),
        Legal::ShareUnder(policy) => one("odrl:nextPolicy", "dataspace:policy", policy),
    }
}

/// A comparison that was kept as it stood.
fn kept(operand: &Name, operator: &Name, values: &[Name]) -> Value {
    let values = values.iter().map(|value| json!(value.as_str())).collect();
    atomic(operand.as_str(), operator.as_str(), &value::of_values(values))
}

fn eq(operand: &str, right: &Value) -> Value {
    atomic(operand, "eq", right)
}

fn obligation(action: &str, constraint: &[Value]) -> Value {
    json!({ "action": action, "constraint": constraint })
}
