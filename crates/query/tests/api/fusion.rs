//! Two providers' tables, under two contracts, in one query.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::errors::RunError;
use dataspace_data_plane::product::ProductError;
use dataspace_data_plane::{Delivery, Piece, SchemaRef};
use dataspace_policy::{MaskMethod, Operator};
use dataspace_primitives::Name;
use dataspace_query::errors::{QueryError, ViewError};
use dataspace_query::{GovernedView, Limits, Query, Views};

use crate::common::{batch, duties, filter, mask, people, rows, table, text, view, views};

fn cities() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("city", Arc::new(StringArray::from(vec!["Ulm", "Bonn", "SECRETTOWN"])) as ArrayRef),
        ("people", Arc::new(Int64Array::from(vec![126_000, 331_000, 1])) as ArrayRef),
        ("id", Arc::new(StringArray::from(vec!["p1", "p2", "h1"])) as ArrayRef),
    ])
    .unwrap()
}

fn both() -> Views {
    let duties_of_cities = vec![
        filter("city", Operator::IsAnyOf, vec![text("Ulm"), text("Bonn")]),
        mask("people", MaskMethod::Round { decimals: -5 }),
        mask("id", MaskMethod::Hash),
    ];
    views(vec![
        ("people", view(table(vec![batch(&people())]), duties(), 1)),
        ("cities", view(table(vec![cities()]), duties_of_cities, 2)),
    ])
}

#[test]
fn one_query_joins_the_tables_of_two_contracts() {
    let views = both();
    assert_eq!(
        rows(
            &views,
            "SELECT p.age, c.people FROM people p JOIN cities c ON p.city = c.city ORDER BY age"
        ),
        ["29,100000", "34,100000", "41,300000", "60,100000"]
    );
    assert_eq!(
        rows(&views, "SELECT city FROM people UNION SELECT city FROM cities ORDER BY city"),
        ["Bonn", "Ulm"]
    );
}

#[test]
fn pseudonyms_of_two_contracts_do_not_join() {
    let views = both();
    assert_eq!(rows(&views, "SELECT count(*) FROM people p JOIN cities c ON p.id = c.id"), ["0"]);
    assert_eq!(rows(&views, "SELECT count(*) FROM people p JOIN people q ON p.id = q.id"), ["4"]);
}

/// Counts what is opened and read.
#[derive(Clone, Default)]
struct Counts {
    opened: Arc<AtomicUsize>,
    read: Arc<AtomicUsize>,
    columns: Arc<Mutex<Vec<BTreeSet<Name>>>>,
}

struct Counted {
    read: Arc<AtomicUsize>,
    rows: Option<RecordBatch>,
}

impl Delivery for Counted {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Ok(self.rows.take().map(Piece::Rows))
    }
}

fn counted(counts: &Counts) -> GovernedView {
    let (counts, rows) = (counts.clone(), cities());
    let schema: SchemaRef = rows.schema();
    GovernedView::new(schema, move |columns| {
        counts.opened.fetch_add(1, Ordering::Relaxed);
        counts.columns.lock().unwrap().push(columns.clone());
        let fields = rows.schema_ref().fields().iter().enumerate();
        let wanted = fields
            .filter(|(_, field)| columns.iter().any(|column| column.as_str() == field.name()));
        let wanted: Vec<_> = wanted.map(|(index, _)| index).collect();
        let rows = rows.project(&wanted).unwrap();
        Ok(Box::new(Counted { read: Arc::clone(&counts.read), rows: Some(rows) }))
    })
    .unwrap()
}

fn closed() -> GovernedView {
    GovernedView::new(cities().schema(), |_| Err(ProductError::Run(RunError::RowTooLong))).unwrap()
}

#[test]
fn nothing_is_read_if_one_view_cannot_be_opened() {
    for name in ["a", "z"] {
        let counts = Counts::default();
        let other = if name == "a" { "z" } else { "a" };
        let views = views(vec![(name, counted(&counts)), (other, closed())]);
        let query = Query::parse("SELECT count(*) FROM a JOIN z ON a.city = z.city").unwrap();
        let error = query.run(&views, Limits::default(), || false).unwrap_err();
        assert!(matches!(&error, QueryError::Open { view, .. } if *view == other), "{error:?}");
        assert_eq!(counts.read.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_view_that_is_missing_opens_no_other() {
    let counts = Counts::default();
    let views = views(vec![("a", counted(&counts))]);
    let query = Query::parse("SELECT count(*) FROM a, b").unwrap();
    let error = query.run(&views, Limits::default(), || false).unwrap_err();
    assert!(matches!(&error, QueryError::NoView { view } if view == "b"), "{error:?}");
    assert_eq!(counts.opened.load(Ordering::Relaxed), 0);
}

#[test]
fn all_is_opened_before_the_first_row() {
    let (a, b) = (Counts::default(), Counts::default());
    let views = views(vec![("a", counted(&a)), ("b", counted(&b))]);
    let query = Query::parse("SELECT city FROM a UNION ALL SELECT city FROM b").unwrap();
    let rows = query.run(&views, Limits::default(), || false).unwrap();
    let opened = [a.opened.load(Ordering::Relaxed), b.opened.load(Ordering::Relaxed)];
    let read = a.read.load(Ordering::Relaxed) + b.read.load(Ordering::Relaxed);
    assert_eq!((opened, read), ([1, 1], 0));
    assert_eq!(rows.map(|rows| rows.unwrap().num_rows()).sum::<usize>(), 6);
}

#[test]
fn a_projection_is_pushed_down_and_nothing_else() {
    let counts = Counts::default();
    let views = views(vec![("a", counted(&counts))]);
    let run = |sql: &str| {
        let rows = Query::parse(sql).unwrap().run(&views, Limits::default(), || false).unwrap();
        rows.map(|rows| rows.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!(run("SELECT people FROM a WHERE city = 'Ulm' LIMIT 1"), 1);
    assert_eq!(run("SELECT count(*) FROM a"), 1);
    let columns = counts.columns.lock().unwrap();
    let names = |index: usize| columns[index].iter().map(Name::as_str).collect::<Vec<_>>();
    assert_eq!(names(0), ["city", "people"]);
    assert_eq!(names(1).len(), 1);
    // The closure is told columns alone: there is no other way down.
}

#[test]
fn a_view_that_gives_other_columns_is_an_error() {
    let rows = cities();
    let lying = GovernedView::new(rows.schema(), move |_| {
        let read = Arc::new(AtomicUsize::new(0));
        Ok(Box::new(Counted { read, rows: Some(rows.project(&[2]).unwrap()) }))
    });
    let views = views(vec![("a", lying.unwrap())]);
    let query = Query::parse("SELECT city FROM a").unwrap();
    let mut rows = query.run(&views, Limits::default(), || false).unwrap();
    let error = rows.next().unwrap().unwrap_err();
    assert!(matches!(&error, QueryError::Read { view, .. } if view == "a"), "{error:?}");
    assert!(rows.next().is_none());
}

#[test]
fn two_views_cannot_have_one_name() {
    let name = "a".parse().unwrap();
    let one = Views::new().with(&name, closed()).unwrap();
    assert!(matches!(one.with(&name, closed()), Err(ViewError::Twice { .. })));
}
