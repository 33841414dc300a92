//! Duties and legal clauses, as obligations.

use std::collections::BTreeSet;

use dataspace_policy::duty::Tolerance;
use dataspace_policy::{Aggregate, Duty, Exclusive, Legal, MaskMethod, Operator, Persons, Scalar};
use dataspace_primitives::Name;
use serde_json::{Value, json};

use crate::names::{BROADER, Comparison, Term, percent_encoded};
use crate::write::form::{among, atomic, eq, typed, values};

/// What is read as just this duty.
pub(crate) fn of_duty(duty: &Duty) -> Value {
    let column = |name: &Name| eq("dataspace:column", &json!(name.as_str()));
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
            let values = values(filter.values.iter().map(of_scalar).collect());
            let column = column(&filter.column);
            obligation("dataspace:filter", &[column, atomic("dataspace:value", operator, &values)])
        }
        Duty::Mask(mask) => {
            let (method, number) = mask.method.in_odrl();
            let number = number.map(|(operand, number)| eq(operand, &typed(&number, "integer")));
            let parts = [column(&mask.column), eq("dataspace:method", &json!(method))];
            let mut all: Vec<_> = parts.into_iter().chain(number).collect();
            all.extend(of_method(&mask.method));
            obligation("dataspace:mask", &all)
        }
        Duty::Aggregate(aggregate) => {
            let Aggregate { by, subject, least, mean, sum } = aggregate;
            let columns = |operand: &str, names: &BTreeSet<Name>| {
                let all = values(names.iter().map(|name| json!(name.as_str())).collect());
                (!names.is_empty()).then(|| atomic(operand, among(names.len()), &all))
            };
            let all: Vec<_> = columns("dataspace:by", by)
                .into_iter()
                .chain([
                    eq("dataspace:subject", &json!(subject.as_str())),
                    eq("dataspace:least", &typed(least, "integer")),
                ])
                .chain(columns("dataspace:mean", mean))
                .chain(columns("dataspace:sum", sum))
                .collect();
            obligation("dataspace:aggregate", &all)
        }
        Duty::Sample(sample) => {
            let subject = sample.subject.as_ref();
            let subject = subject.map(|name| eq("dataspace:subject", &json!(name.as_str())));
            let share = eq("dataspace:perMillion", &typed(&sample.per_million, "integer"));
            let all: Vec<_> = [share].into_iter().chain(subject).collect();
            obligation("dataspace:sample", &all)
        }
        Duty::Limit(limit) => {
            let rows = eq("dataspace:rows", &typed(&limit.rows, "integer"));
            obligation("dataspace:limit", &[rows])
        }
        Duty::Persons(persons) => {
            let Persons { column: of, at_most, zone, register } = persons;
            let text = |operand, name: &Name| eq(operand, &json!(name.as_str()));
            let at_most = eq("dataspace:atMost", &typed(at_most, "integer"));
            let zone = text("dataspace:zone", zone);
            let register = text("dataspace:register", register);
            obligation("dataspace:persons", &[column(of), at_most, zone, register])
        }
        Duty::Watermark(mark) => {
            let tolerance = match &mark.tolerance {
                Tolerance::Absolute(most) => eq("dataspace:tolerance", &typed(most, "decimal")),
                Tolerance::Relative(most) => eq("dataspace:perMillion", &typed(most, "integer")),
            };
            obligation("dataspace:watermark", &[column(&mark.column), tolerance])
        }
        Duty::Keep(keep) => {
            let columns = keep.columns.iter().map(|column| json!(column.as_str())).collect();
            let columns = values(columns);
            let among = among(keep.columns.len());
            obligation("dataspace:keep", &[atomic("dataspace:column", among, &columns)])
        }
        Duty::Mark(mark) => {
            let method = eq("dataspace:method", &json!(mark.method.in_odrl()));
            obligation("dataspace:mark", &[method])
        }
    }
}

/// What is read as just this.
pub(crate) fn of_exclusive(exclusive: &Exclusive) -> Value {
    let Exclusive { territories, until } = exclusive;
    let regions = values(territories.iter().map(|one| json!(one.as_str())).collect());
    let among = among(territories.len());
    let territories = (!territories.is_empty()).then(|| atomic("odrl:spatial", among, &regions));
    let until = atomic("odrl:dateTime", "lt", &typed(until, "dateTime"));
    let all: Vec<_> = territories.into_iter().chain([until]).collect();
    obligation("dataspace:exclude", &all)
}

/// What goes with a method beside a number.
fn of_method(method: &MaskMethod) -> Vec<Value> {
    let text = |operand, name: &Name| eq(operand, &json!(name.as_str()));
    match method {
        MaskMethod::Pseudonym { scope, domain } => {
            let scope = eq("dataspace:scope", &json!(scope.as_str()));
            let domain = domain.iter().map(|domain| text("dataspace:domain", domain));
            [scope].into_iter().chain(domain).collect()
        }
        MaskMethod::Constant(value) => vec![eq("dataspace:value", &of_scalar(value))],
        MaskMethod::Generalise(broader) => {
            let groups = broader.groups().into_iter().map(|(broader, narrow)| {
                let operand = format!("{BROADER}{}", percent_encoded(broader.as_str()));
                let all = values(narrow.iter().map(|name| json!(name.as_str())).collect());
                atomic(&operand, among(narrow.len()), &all)
            });
            groups.chain([text("dataspace:others", &broader.others)]).collect()
        }
        _ => Vec::new(),
    }
}

/// What is read as just this clause.
pub(crate) fn of_legal(legal: &Legal) -> Value {
    let one =
        |action, operand, value: &Name| obligation(action, &[eq(operand, &json!(value.as_str()))]);
    match legal {
        Legal::Text(text) => one("dataspace:heed", "dataspace:text", text),
        Legal::Operand { operand, operator, values } => {
            obligation("dataspace:comply", &kept(operand, operator, values))
        }
        Legal::Forbidden { operand, operator, values } => {
            obligation("dataspace:refrain", &kept(operand, operator, values))
        }
        Legal::DeleteAfter(secs) => {
            let delay = typed(&format!("PT{secs}S"), "duration");
            obligation("odrl:delete", &[eq("odrl:delayPeriod", &delay)])
        }
        Legal::ModifyAtRest(how) => one("dataspace:modifyAtRest", "dataspace:method", how),
        Legal::Log => json!({ "action": "dataspace:log" }),
        Legal::Notify(whom) => one("odrl:inform", "odrl:recipient", whom),
        Legal::ShareUnder(policy) => one("odrl:nextPolicy", "dataspace:policy", policy),
    }
}

/// A comparison that was kept as it stood; in parts, where its operator is none of the protocol or
/// its operand would be read as one of ours.
fn kept(operand: &Name, operator: &Name, all: &[Name]) -> Vec<Value> {
    let right = values(all.iter().map(|value| json!(value.as_str())).collect());
    let is_own = matches!(Term::of(operand.as_str()), Term::Own(_));
    if !is_own && Comparison::is_of_protocol(operator.as_str()) {
        return vec![atomic(operand.as_str(), operator.as_str(), &right)];
    }
    vec![
        eq("dataspace:operand", &json!(operand.as_str())),
        eq("dataspace:operator", &json!(operator.as_str())),
        atomic("dataspace:values", among(all.len()), &right),
    ]
}

fn obligation(action: &str, constraint: &[Value]) -> Value {
    json!({ "action": action, "constraint": constraint })
}

fn of_scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => json!(text.as_str()),
        Scalar::Number(number) => typed(number, "decimal"),
        Scalar::Boolean(boolean) => typed(boolean, "boolean"),
    }
}
