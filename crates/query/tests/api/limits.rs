//! Time, memory, rows and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_query::errors::QueryError;
use dataspace_query::limits::ROW_LEN_MAX;
use dataspace_query::{Limits, Query, QueryRows, Views};

use crate::common::{people, people_view, table, view, views};

fn numbers(count: i64) -> Views {
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from_iter_values(0..count)) as ArrayRef),
        ("one", Arc::new(Int64Array::from_iter_values((0..count).map(|_| 1))) as ArrayRef),
    ]);
    views(vec![("numbers", view(table(vec![batch.unwrap()]), Vec::new(), 1))])
}

fn run(views: &Views, sql: &str, limits: Limits) -> Result<QueryRows, QueryError> {
    Query::parse(sql).unwrap().run(views, limits, || false)
}

fn failure(views: &Views, sql: &str, limits: Limits) -> QueryError {
    match run(views, sql, limits) {
        Err(error) => error,
        Ok(mut rows) => rows.find_map(Result::err).unwrap_or_else(|| panic!("answered: {sql}")),
    }
}

#[test]
fn rows_of_a_result_are_bounded() {
    let views = numbers(10_000);
    let limits = Limits { rows_max: 9_999, ..Limits::default() };
    let error = failure(&views, "SELECT n FROM numbers", limits);
    assert!(matches!(error, QueryError::Rows { max: 9_999 }), "{error:?}");
    let limits = Limits { rows_max: 10_000, ..Limits::default() };
    let rows = run(&views, "SELECT n FROM numbers", limits).unwrap();
    assert_eq!(rows.map(|rows| rows.unwrap().num_rows()).sum::<usize>(), 10_000);
}

#[test]
fn bytes_of_a_result_are_bounded() {
    let limits = Limits { bytes_max: 80_000, ..Limits::default() };
    let views = numbers(10_000);
    let rows = run(&views, "SELECT n FROM numbers", limits).unwrap();
    assert!(rows.into_iter().all(|rows| rows.is_ok()));
    let error = failure(&views, "SELECT n, one FROM numbers", limits);
    assert!(matches!(error, QueryError::Bytes { max: 80_000 }), "{error:?}");
}

#[test]
fn memory_of_sorts_groups_joins_and_windows_is_bounded() {
    let views = numbers(200_000);
    let limits = Limits { memory_max: 500_000, ..Limits::default() };
    for sql in [
        "SELECT n FROM numbers ORDER BY n DESC",
        "SELECT n, count(*) FROM numbers GROUP BY n",
        "SELECT DISTINCT n FROM numbers",
        "SELECT count(DISTINCT n) FROM numbers",
        "SELECT median(n) FROM numbers",
        "SELECT a.n FROM numbers a JOIN numbers b ON a.n = b.n",
        "SELECT a.n FROM numbers a CROSS JOIN numbers b",
        "SELECT a.n FROM numbers a JOIN numbers b ON a.n < b.n",
        "SELECT sum(n) OVER () FROM numbers",
        "SELECT rank() OVER (ORDER BY n) FROM numbers",
        "SELECT n, row_number() OVER () FROM numbers",
        "SELECT n FROM numbers WHERE n IN (SELECT n + 1 FROM numbers)",
        "SELECT n FROM numbers UNION SELECT n FROM numbers",
        "SELECT n FROM numbers ORDER BY n LIMIT 100000",
    ] {
        let error = failure(&views, sql, limits);
        assert!(matches!(error, QueryError::Memory), "{sql}: {error:?}");
    }
}

/// Ends the query when it was asked so often.
fn ended_after(views: &Views, sql: &str, asked_max: u64) -> (QueryError, u64) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let is_over = move || count.fetch_add(1, Ordering::Relaxed) >= asked_max;
    let error = match Query::parse(sql).unwrap().run(views, Limits::default(), is_over) {
        Err(error) => error,
        Ok(mut rows) => rows.find_map(Result::err).unwrap_or_else(|| panic!("answered: {sql}")),
    };
    (error, asked.load(Ordering::Relaxed))
}

/// Each of these would take hours.
#[test]
fn a_query_without_end_is_ended_from_within() {
    let views = numbers(100_000);
    for sql in [
        "SELECT count(*) FROM numbers a, numbers b, numbers c",
        "SELECT count(*) FROM numbers a JOIN numbers b ON a.n < b.n JOIN numbers c ON b.n < c.n",
        "SELECT count(*) FROM numbers a JOIN numbers b ON a.one = b.one JOIN numbers c ON b.one = c.one",
        "SELECT count(*) FROM numbers a JOIN numbers b ON a.one = b.one AND a.n + b.n < 0 \
         JOIN numbers c ON b.one = c.one",
        "SELECT a.n FROM numbers a JOIN numbers b ON a.n + b.n < 0",
        "SELECT a.n FROM numbers a WHERE EXISTS (SELECT 1 FROM numbers b WHERE a.n + b.n < 0)",
        "SELECT sum(a.n) OVER (ORDER BY b.n) FROM numbers a CROSS JOIN numbers b",
        "SELECT a.n, b.n FROM numbers a CROSS JOIN numbers b ORDER BY a.n + b.n LIMIT 3",
        "SELECT a.n FROM numbers a CROSS JOIN numbers b WHERE a.n + b.n < 0",
        "SELECT count(*) FROM numbers a LEFT JOIN numbers b ON a.n + b.n < 0",
        "SELECT count(*) FROM numbers a FULL JOIN numbers b ON a.one = b.one AND a.n + b.n < 0",
    ] {
        let (error, asked) = ended_after(&views, sql, 300);
        assert!(matches!(error, QueryError::Over | QueryError::Memory), "{sql}: {error:?}");
        assert!(asked <= 320, "{sql}: asked {asked} times");
    }
}

#[test]
fn a_query_that_is_over_before_it_begins_reads_nothing() {
    let (error, _) = ended_after(&numbers(10), "SELECT n FROM numbers", 0);
    assert!(matches!(error, QueryError::Over), "{error:?}");
}

#[test]
fn a_row_that_is_too_long_is_an_error() {
    let texts: ArrayRef =
        Arc::new(StringArray::from(vec!["short".into(), "x".repeat(ROW_LEN_MAX)]));
    let other: ArrayRef =
        Arc::new(StringArray::from(vec!["y".repeat(ROW_LEN_MAX - 100), String::new()]));
    let batch = RecordBatch::try_from_iter([("t", texts), ("u", other)]).unwrap();
    let views = views(vec![("texts", view(table(vec![batch]), Vec::new(), 1))]);
    let error = failure(&views, "SELECT t FROM texts", Limits::default());
    assert!(matches!(&error, QueryError::RowLen { view } if view == "texts"), "{error:?}");
    assert!(!error.to_string().contains("xx"));
    let rows = run(&views, "SELECT u FROM texts", Limits::default()).unwrap();
    assert!(rows.into_iter().all(|rows| rows.is_ok()));
}

/// Long rows go through in batches of fewer; a column that a query repeats makes rows longer.
#[test]
fn rows_within_a_query_are_bounded() {
    let long: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..5_000).map(|n| format!("{n:05}{}", "x".repeat(5_000))),
    ));
    let batch = RecordBatch::try_from_iter([("t", long)]).unwrap();
    let views = views(vec![("texts", view(table(vec![batch]), Vec::new(), 1))]);
    let limits = Limits::default();
    let mut rows =
        run(&views, "SELECT substr(t, 1, 5) AS t FROM texts WHERE t > '04000'", limits).unwrap();
    assert_eq!(
        rows.try_fold(0, |sum, rows| rows.map(|rows| sum + rows.num_rows())).unwrap(),
        1_000
    );
    let mut rows =
        run(&views, "SELECT length(a.t) FROM texts a JOIN texts b USING (t)", limits).unwrap();
    assert_eq!(
        rows.try_fold(0, |sum, rows| rows.map(|rows| sum + rows.num_rows())).unwrap(),
        5_000
    );
    let list: Vec<_> = (0..20).map(|n| format!("t AS t{n}")).collect();
    let sql = format!("SELECT {} FROM texts", list.join(","));
    let error = failure(&views, &sql, limits);
    assert!(matches!(error, QueryError::StepLen), "{error:?}");
    let sql = format!("SELECT '{}' AS a, t FROM texts ORDER BY t", "y".repeat(8_000));
    let limits = Limits { bytes_max: 1_000_000, ..limits };
    let error = failure(&views, &sql, limits);
    assert!(matches!(error, QueryError::Bytes { .. }), "{error:?}");
}

#[test]
fn steps_of_too_many_columns_are_an_error() {
    let list: Vec<_> = (0..300).map(|n| format!("age AS a{n}")).collect();
    let sql = format!(
        "WITH w AS (SELECT {} FROM people) SELECT * FROM w a CROSS JOIN w b CROSS JOIN w c CROSS JOIN w d",
        list.join(",")
    );
    let error = failure(&people_view(&people()), &sql, Limits::default());
    assert!(matches!(error, QueryError::Columns | QueryError::Plan { .. }), "{error:?}");
}

/// A query runs on the caller's thread, however little stack that has, and starts no other.
#[test]
fn a_small_stack_is_enough() {
    let sum = vec!["age"; 200].join("+");
    let sql = format!("SELECT max({sum}) FROM people WHERE {}", vec!["age>1"; 200].join(" AND "));
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let answer = thread.spawn(move || {
        let rows = run(&people_view(&people()), &sql, Limits::default()).unwrap();
        rows.map(|rows| rows.unwrap().num_rows()).sum::<usize>()
    });
    assert_eq!(answer.unwrap().join().unwrap(), 1);
}
