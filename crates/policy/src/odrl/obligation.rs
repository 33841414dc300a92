//! Duties and legal clauses, as obligations. The Dataspace Protocol gives an action no members of
//! its own, so what a duty needs stands in the obligation's constraints.

use dataspace_primitives::Name;
use serde_json::{Value, json};

use crate::duty::{ColumnMask, Duty, MaskMethod, Operator, RowFilter};
use crate::terms::Legal;

use super::catena_x;
use super::constraint::{Atomic, Shape, atomic};
use super::error::{OdrlError, OdrlErrorKind};
use super::json::At;
use super::names::{Comparison, Term};
use super::value;

/// Reads one obligation into the list where it belongs.
pub(super) fn read(
    at: &At<'_>,
    duties: &mut Vec<Duty>,
    legal: &mut Vec<Legal>,
) -> Result<(), OdrlError> {
    let (mut action, mut parameters) = (None, None);
    for (name, member) in at.members()? {
        let is_repeated = match (name, Term::of(name).odrl()) {
            ("@type", _) => {
                let kind = Term::of(member.text()?).odrl();
                if !matches!(kind, Some("Duty" | "Obligation")) {
                    return Err(member.error(OdrlErrorKind::UnknownType));
                }
                false
            }
            (_, Some("action")) => action.replace(member.clone()).is_some(),
            (_, Some("constraint")) => {
                let mut all = Vec::new();
                for item in member.items() {
                    flatten(&item, &mut all)?;
                }
                parameters.replace(all).is_some()
            }
            _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
        };
        if is_repeated {
            return Err(member.error(OdrlErrorKind::DuplicateMember));
        }
    }
    let missing = OdrlErrorKind::Missing { member: "action" };
    let action = action.ok_or_else(|| at.error(missing))?;
    let term = Term::of(value::single(&action)?.id()?);
    let mut with = Parameters { at: at.clone(), all: parameters.unwrap_or_default() };
    match (term.odrl(), term.own()) {
        (_, Some("mask")) => duties.push(checked(at, mask(&mut with)?)?),
        (_, Some("filter")) => duties.push(checked(at, filter(&mut with)?)?),
        (_, Some("heed")) => legal.push(Legal::Text(with.name("dataspace:text")?)),
        (_, Some("comply")) => return with.each(|one| operand(one).map(|one| legal.push(one))),
        (Some("use"), _) => {
            return with.each(|one| catena_x::provision(one).map(|one| legal.push(one)));
        }
        (Some("delete"), _) => {
            let secs = value::seconds(&with.required("odrl:delayPeriod")?.right)?;
            legal.push(Legal::DeleteAfter(secs));
        }
        (_, Some("modifyAtRest")) => {
            legal.push(Legal::ModifyAtRest(with.name("dataspace:method")?));
        }
        (_, Some("log")) => legal.push(Legal::Log),
        (Some("inform"), _) => legal.push(Legal::Notify(with.name("odrl:recipient")?)),
        (Some("nextPolicy"), _) => legal.push(Legal::ShareUnder(with.name("dataspace:policy")?)),
        _ => return Err(action.error(OdrlErrorKind::UnknownAction)),
    }
    with.end()
}

/// The comparisons of plain `and`s, in their order.
fn flatten<'a>(at: &At<'a>, all: &mut Vec<Atomic<'a>>) -> Result<(), OdrlError> {
    match Shape::of(at)? {
        Shape::Atomic(atomic) => {
            all.push(atomic);
            Ok(())
        }
        Shape::And(items) => items.iter().try_for_each(|item| flatten(item, all)),
        _ => Err(at.expected("comparisons that all hold")),
    }
}

fn checked(at: &At<'_>, duty: Duty) -> Result<Duty, OdrlError> {
    duty.check().map_err(|error| at.error(OdrlErrorKind::Duty(error)))?;
    Ok(duty)
}

/// What is still to be read of an obligation.
struct Parameters<'a> {
    at: At<'a>,
    all: Vec<Atomic<'a>>,
}

impl<'a> Parameters<'a> {
    /// Takes out the first comparison of this operand.
    fn take(&mut self, operand: &'static str) -> Result<Option<Atomic<'a>>, OdrlError> {
        for (i, one) in self.all.iter().enumerate() {
            let (found, wanted) = (Term::of(one.left.id()?), Term::of(operand));
            if found == wanted || (found.odrl().is_some() && found.odrl() == wanted.odrl()) {
                return Ok(Some(self.all.remove(i)));
            }
        }
        Ok(None)
    }

    /// Takes out the one that says what this operand equals.
    fn required(&mut self, operand: &'static str) -> Result<Atomic<'a>, OdrlError> {
        let missing = OdrlErrorKind::Missing { member: operand };
        let mut one = self.take(operand)?.ok_or_else(|| self.at.error(missing))?;
        if one.comparison()? != Comparison::Eq {
            return one.refused();
        }
        one.right = value::single(&one.right)?;
        Ok(one)
    }

    fn name(&mut self, operand: &'static str) -> Result<Name, OdrlError> {
        value::name(&self.required(operand)?.right)
    }

    /// Nothing may be left over.
    fn end(self) -> Result<(), OdrlError> {
        match self.all.first() {
            Some(one) => Err(one.left.error(OdrlErrorKind::UnknownOperand)),
            None => Ok(()),
        }
    }

    /// Reads them one by one; at least one.
    fn each(self, read: impl FnMut(&Atomic<'a>) -> Result<(), OdrlError>) -> Result<(), OdrlError> {
        if self.all.is_empty() {
            return Err(self.at.error(OdrlErrorKind::Missing { member: "constraint" }));
        }
        self.all.iter().try_for_each(read)
    }
}

fn mask(with: &mut Parameters<'_>) -> Result<Duty, OdrlError> {
    let column = with.name("dataspace:column")?;
    let method = with.required("dataspace:method")?.right;
    let method = match Term::of(value::name(&method)?.as_str()) {
        Term::Own("drop") => MaskMethod::Drop,
        Term::Own("null") => MaskMethod::Null,
        Term::Own("hash") => MaskMethod::Hash,
        Term::Own("round") => {
            let decimals = value::integer(&with.required("dataspace:decimals")?.right)?;
            MaskMethod::Round { decimals }
        }
        Term::Own("truncate") => {
            let chars = value::integer(&with.required("dataspace:characters")?.right)?;
            MaskMethod::Truncate { chars }
        }
        _ => return Err(method.expected("one of our methods, such as dataspace:drop")),
    };
    Ok(Duty::Mask(ColumnMask { column, method }))
}

fn filter(with: &mut Parameters<'_>) -> Result<Duty, OdrlError> {
    let column = with.name("dataspace:column")?;
    let missing = OdrlErrorKind::Missing { member: "dataspace:value" };
    let one = with.take("dataspace:value")?.ok_or_else(|| with.at.error(missing))?;
    let operator = match one.comparison()? {
        Comparison::Eq => Operator::Eq,
        Comparison::Neq => Operator::Neq,
        Comparison::Lt => Operator::Lt,
        Comparison::Lteq => Operator::Lteq,
        Comparison::Gt => Operator::Gt,
        Comparison::Gteq => Operator::Gteq,
        Comparison::IsAnyOf => Operator::IsAnyOf,
        _ => return one.refused(),
    };
    let values = one.right.items().iter().map(value::scalar).collect::<Result<_, _>>()?;
    Ok(Duty::Filter(RowFilter { column, operator, values }))
}

/// A comparison that the parties, not a machine, understand: kept as it stands.
fn operand(one: &Atomic<'_>) -> Result<Legal, OdrlError> {
    let name = |at: &At<'_>| at.id()?.parse().map_err(|_| at.expected("a text of 1 to 128 bytes"));
    let values = one.right.items().iter().map(value::any_text).collect::<Result<_, _>>()?;
    Ok(Legal::Operand { operand: name(&one.left)?, operator: name(&one.operator)?, values })
}

/// What [`read`] reads as just this duty.
pub(super) fn of_duty(duty: &Duty) -> Value {
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

/// What [`read`] reads as just this clause.
pub(super) fn of_legal(legal: &Legal) -> Value {
    let one =
        |action, operand, value: &Name| obligation(action, &[eq(operand, &json!(value.as_str()))]);
    match legal {
        Legal::Text(text) => one("dataspace:heed", "dataspace:text", text),
        Legal::Operand { operand, operator, values } => {
            let values = values.iter().map(|value| json!(value.as_str())).collect();
            let right = value::of_values(values);
            let one = atomic(operand.as_str(), operator.as_str(), &right);
            obligation("dataspace:comply", &[one])
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

fn eq(operand: &str, right: &Value) -> Value {
    atomic(operand, "eq", right)
}

fn obligation(action: &str, constraint: &[Value]) -> Value {
    json!({ "action": action, "constraint": constraint })
}
