//! The real tables, where they are at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use dataspace_data_plane::{Plan, Table};
use dataspace_policy::MaskMethod::{Drop, Hash, Round};
use dataspace_policy::{Duty, Operator};

use crate::common::{Key, RECIPIENT, filter, mask, number, rows, shared, text, view, views};

fn duties_of_materials() -> Vec<Duty> {
    vec![
        filter("S_p", Operator::Gt, vec![number("0")]),
        mask("mp_id", Hash),
        mask("sigma_p", Drop),
        mask("S_n", Round { decimals: -1 }),
    ]
}

/// Beside a loop over what the plan gives.
#[test]
fn groups_of_transport_properties_are_those_of_the_plan() {
    let Some(path) = shared("materials/transport.parquet") else { return };
    let table = Arc::new(Table::open(path).unwrap());
    let plan = Plan::compile(&duties_of_materials(), &table.schema(), &Key(3), RECIPIENT).unwrap();
    let mut expected = BTreeMap::<String, u64>::new();
    for batch in plan.run(&table).unwrap() {
        let batch = batch.unwrap();
        let formulas = batch.column_by_name("pretty_formula").unwrap().as_string::<i32>();
        let values = batch.column_by_name("S_n").unwrap().as_primitive::<Float64Type>();
        for (formula, value) in formulas.iter().zip(values) {
            if value.is_some_and(|value| value > -200.0) {
                *expected.entry(formula.unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
    }
    assert!(expected.len() > 100);
    let expected: Vec<_> =
        expected.into_iter().map(|(name, count)| format!("{name},{count}")).collect();
    let views = views(vec![("transport", view(table, duties_of_materials(), 3))]);
    let mut found = rows(
        &views,
        "SELECT pretty_formula, count(*) FROM transport WHERE \"S_n\" > -200 GROUP BY pretty_formula",
    );
    found.sort();
    let mut expected = expected;
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn drives_and_materials_are_one_query_under_two_contracts() {
    let (Some(drives), Some(materials)) =
        (shared("automotive/drives.parquet"), shared("materials/transport.parquet"))
    else {
        return;
    };
    let duties_of_drives = vec![
        filter("drive", Operator::Lteq, vec![number("3")]),
        mask("gps_lat", Round { decimals: 1 }),
        mask("gps_long", Drop),
    ];
    let mut duties = duties_of_materials();
    duties.push(filter("pretty_formula", Operator::IsAnyOf, vec![text("Fe2O3"), text("Fe3O4")]));
    let views = views(vec![
        ("drives", view(Arc::new(Table::open(drives).unwrap()), duties_of_drives, 1)),
        ("transport", view(Arc::new(Table::open(materials).unwrap()), duties, 2)),
    ]);
    assert_eq!(rows(&views, "SELECT max(drive) FROM drives"), ["3.0"]);
    let found = rows(
        &views,
        "SELECT t.pretty_formula, count(*) FROM transport t JOIN (SELECT DISTINCT drive FROM drives) d \
         ON d.drive > 1 GROUP BY t.pretty_formula ORDER BY 1",
    );
    let alone = rows(
        &views,
        "SELECT pretty_formula, 2 * count(*) FROM transport GROUP BY pretty_formula ORDER BY 1",
    );
    assert_eq!(found, alone);
}
