//! The parts that rules and obligations are written of.

use serde_json::{Value, json};

/// A comparison.
pub(crate) fn atomic(left: &str, operator: &str, right: &Value) -> Value {
    json!({ "leftOperand": left, "operator": operator, "rightOperand": right })
}

pub(crate) fn eq(operand: &str, right: &Value) -> Value {
    atomic(operand, "eq", right)
}

/// A typed value of the XML schema: the protocol has no numbers and truth values of JSON.
pub(crate) fn typed(value: &impl ToString, datatype: &str) -> Value {
    json!({ "@value": value.to_string(), "@type": format!("xsd:{datatype}") })
}

/// One value as itself, several as an array.
pub(crate) fn values(mut all: Vec<Value>) -> Value {
    match (all.len(), all.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            all.extend(last);
            Value::Array(all)
        }
    }
}

/// The operator of [`values`].
pub(crate) fn among(count: usize) -> &'static str {
    if count == 1 { "eq" } else { "isAnyOf" }
}
