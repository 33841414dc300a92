use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::{Table, product::Recipient, write_csv};
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use dataspace_query::errors::QueryError;
use dataspace_query::rules::Rules;
use dataspace_query::{GovernedView, Limits, Query, Views};

pub(crate) const RECIPIENT: Recipient<'static> =
    Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

/// A root secret of one byte.
pub(crate) struct Key(pub(crate) u8);

impl Secrets for Key {
    fn derive(&self, _: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        let mut secret = [self.0; 32];
        secret[0] ^= u8::try_from(context.len()).unwrap();
        Ok(Zeroizing::new(secret))
    }
}

pub(crate) fn text(text: &str) -> Scalar {
    Scalar::Text(text.parse().unwrap())
}

pub(crate) fn number(text: &str) -> Scalar {
    Scalar::Number(text.parse().unwrap())
}

pub(crate) fn filter(column: &str, operator: Operator, values: Vec<Scalar>) -> Duty {
    Duty::Filter(RowFilter { column: column.parse().unwrap(), operator, values })
}

pub(crate) fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: column.parse().unwrap(), method })
}

pub(crate) fn table(batches: Vec<RecordBatch>) -> Arc<Table> {
    let schema = batches[0].schema();
    Arc::new(Table::from_batches(&schema, batches).unwrap())
}

pub(crate) fn view(table: Arc<Table>, duties: Vec<Duty>, key: u8) -> GovernedView {
    GovernedView::of_table(table, duties, Arc::new(Key(key)), RECIPIENT).unwrap()
}

pub(crate) fn views(all: Vec<(&str, GovernedView)>) -> Views {
    let mut views = Views::new();
    for (name, view) in all {
        views = views.with(&name.parse().unwrap(), view).unwrap();
    }
    views
}

/// One person: id, city, age, salary, note, region.
pub(crate) type Person = (String, String, Option<i64>, f64, String, String);

pub(crate) fn person(
    id: &str,
    city: &str,
    age: i64,
    salary: f64,
    note: &str,
    region: &str,
) -> Person {
    (id.into(), city.into(), Some(age), salary, note.into(), region.into())
}

/// Four that leave, two of region `us` that do not.
pub(crate) fn people() -> Vec<Person> {
    vec![
        person("p1", "Ulm", 34, 51_000.0, "7", "eu"),
        person("p2", "Bonn", 41, 62_500.5, "x", "eu"),
        person("h1", "SECRETTOWN", 0, 1e300, "SECRETNOTE", "us"),
        person("p3", "Ulm", 29, 48_000.0, "", "eu"),
        person("h2", "12", i64::MAX, -1.0, "0", "us"),
        person("p4", "Ulm", 60, 70_000.0, "12", "eu"),
    ]
}

pub(crate) fn batch(people: &[Person]) -> RecordBatch {
    let texts = |of: fn(&Person) -> &String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(people.iter().map(of)))
    };
    RecordBatch::try_from_iter([
        ("id", texts(|one| &one.0)),
        ("city", texts(|one| &one.1)),
        ("age", Arc::new(people.iter().map(|one| one.2).collect::<Int64Array>()) as ArrayRef),
        ("salary", Arc::new(Float64Array::from_iter_values(people.iter().map(|one| one.3)))),
        ("note", texts(|one| &one.4)),
        ("region", texts(|one| &one.5)),
    ])
    .unwrap()
}

/// Rows of region `eu` alone; the id as a pseudonym, the salary to thousands, no note and no region.
pub(crate) fn duties() -> Vec<Duty> {
    vec![
        filter("region", Operator::IsAnyOf, vec![text("eu")]),
        mask("id", MaskMethod::Hash),
        mask("salary", MaskMethod::Round { decimals: -3 }),
        mask("note", MaskMethod::Drop),
        mask("region", MaskMethod::Null),
    ]
}

pub(crate) fn people_view(people: &[Person]) -> Views {
    views(vec![("people", view(table(vec![batch(people)]), duties(), 1))])
}

/// The rows as CSV without the header, or the error.
pub(crate) fn ask_by(views: &Views, sql: &str, rules: Rules) -> Result<Vec<String>, QueryError> {
    let query = Query::parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}: {error:?}"));
    let rows = query.run_by(views, Limits::default(), || false, rules)?;
    let schema = rows.schema();
    let batches = rows.collect::<Result<Vec<_>, _>>()?;
    let mut csv = Vec::new();
    write_csv(&mut csv, &schema, &batches).unwrap();
    Ok(String::from_utf8(csv).unwrap().lines().skip(1).map(str::to_owned).collect())
}

/// The answer, which must be the same with plans rewritten and not.
pub(crate) fn ask(views: &Views, sql: &str) -> Result<Vec<String>, QueryError> {
    let all = ask_by(views, sql, Rules::All);
    let needed = ask_by(views, sql, Rules::Needed);
    match (&all, &needed) {
        (Ok(all), Ok(needed)) => {
            let (mut all, mut needed) = (all.clone(), needed.clone());
            if !sql.contains("ORDER BY") {
                all.sort();
                needed.sort();
            }
            assert_eq!(all, needed, "{sql}");
        }
        (Err(all), Err(needed)) => assert_eq!(all.to_string(), needed.to_string(), "{sql}"),
        _ => panic!("{sql}: {all:?} with all rules, {needed:?} with the needed ones"),
    }
    all
}

pub(crate) fn rows(views: &Views, sql: &str) -> Vec<String> {
    ask(views, sql).unwrap_or_else(|error| panic!("{sql}: {error}: {error:?}"))
}

pub(crate) fn sorted(views: &Views, sql: &str) -> Vec<String> {
    let mut rows = rows(views, sql);
    rows.sort();
    rows
}

/// All that an error and its sources say.
pub(crate) fn everything(error: &QueryError) -> String {
    let mut all = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(one) = source {
        write!(all, " {one} {one:?}").unwrap();
        source = one.source();
    }
    all
}

/// A file of the real data, if it is at hand.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DATASPACE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not at hand");
    None
}
