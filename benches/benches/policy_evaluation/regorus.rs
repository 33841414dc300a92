//! Regorus, its virtual machine with a compiled policy; the contracts are data, keyed by their ids.

use std::collections::BTreeMap;

use anyhow::Result;
use dataspace_benches::{Effort, Report};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{Engine, Value};
use serde_json::json;

use crate::world::{self, CLASS, FROM, MANY, PURPOSE, Plain, UNTIL};

const ENTRY: &str = "data.usage.allow";
const POLICY: &str = "package usage
import rego.v1
default allow := false
allow if {
    contract := data.contracts[input.contract]
    input.consumer == contract.consumer
    input.product == contract.product
    input.class == contract.class
    contract.purposes[input.purpose]
    input.now >= contract.from
    input.now < contract.until
}
";

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    for contracts in [1, MANY] {
        let data = Value::from_json_str(&data(contracts).to_string())?;
        let mut engine = Engine::new();
        engine.add_policy("usage.rego".to_owned(), POLICY.to_owned())?;
        engine.add_data(data.clone())?;
        let compiled = engine.compile_with_entrypoint(&ENTRY.into())?;
        let program = Compiler::compile_from_policy(&compiled, &[ENTRY])?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(data)?;

        let keys = ["contract", "consumer", "product", "class", "purpose", "now"].map(Value::from);
        let name = format!("regorus-rvm/{contracts}");
        let all = (ready(world::good(contracts)), ready(world::wrong(contracts)));
        world::measure((effort, report), &name, (&all.0, &all.1), |(contract, plain)| {
            let values = [
                contract.as_str().into(),
                plain.consumer.as_str().into(),
                plain.product.as_str().into(),
                plain.class.as_str().into(),
                plain.purpose.as_str().into(),
                plain.now.into(),
            ];
            let input: BTreeMap<Value, Value> = keys.iter().cloned().zip(values).collect();
            machine.set_input(input.into());
            machine.execute().is_ok_and(|value| value == Value::Bool(true))
        })?;
    }
    Ok(())
}

/// The facts beside the id of the contract that they are about.
fn ready(all: Vec<Plain>) -> Vec<(String, Plain)> {
    all.into_iter().map(|plain| (world::contract(plain.contract), plain)).collect()
}

fn data(contracts: u32) -> serde_json::Value {
    let contract = |number| {
        let terms = json!({
            "consumer": world::consumer(number),
            "product": world::product(number),
            "class": CLASS,
            "purposes": { PURPOSE: true },
            "from": FROM,
            "until": UNTIL,
        });
        (world::contract(number), terms)
    };
    json!({ "contracts": (0..contracts).map(contract).collect::<serde_json::Map<_, _>>() })
}
