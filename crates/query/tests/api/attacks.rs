//! Attempts to learn what the duties hide: each attack runs over the data, and over the same data with
//! everything hidden replaced. A query that could tell the two apart would have seen something hidden.

use dataspace_query::errors::QueryError;
use dataspace_query::rules::Rules;
use dataspace_query::{Limits, Query};

use crate::common::{Person, ask_by, everything, people, people_view, person};

/// The same rows leave; hidden rows are others, more, and elsewhere; hidden cells are others.
fn replaced() -> Vec<Person> {
    let mut all = vec![
        person("p1", "Ulm", 34, 51_400.0, "777", "eu"),
        person("p2", "Bonn", 41, 62_500.7, "1/0", "eu"),
        person("p3", "Ulm", 29, 47_600.0, "y", "eu"),
        person("p4", "Ulm", 60, 70_049.0, "z", "eu"),
    ];
    for n in 0..9_000_i64 {
        let at = if n % 2 == 0 { 0 } else { all.len() };
        let hidden = ["1", "0", "9223372036854775807", "(((", "2024-01-01"];
        let city = hidden[usize::try_from(n).unwrap() % hidden.len()];
        all.insert(at, person(city, city, 0, f64::NAN, city, "us"));
    }
    all
}

/// What a consumer learns: rows in their order, or the error's text.
fn learnt(people: &[Person], sql: &str, rules: Rules) -> Result<Vec<String>, String> {
    ask_by(&people_view(people), sql, rules).map_err(|error| {
        let all = everything(&error);
        for hidden in ["SECRET", "1e300", "9223372036854775807", "62500", "(((", "777"] {
            assert!(!all.contains(hidden), "{sql}: {all}");
        }
        error.to_string()
    })
}

fn tells_nothing(sql: &str) -> Result<Vec<String>, String> {
    let (people, replaced) = (people(), replaced());
    let mut first = None;
    for rules in [Rules::All, Rules::Needed] {
        let learnt = [learnt(&people, sql, rules), learnt(&replaced, sql, rules)];
        assert_eq!(learnt[0], learnt[1], "{sql}");
        let [one, _] = learnt;
        first.get_or_insert(one);
    }
    first.unwrap()
}

#[test]
fn a_cast_in_the_predicate_shows_no_hidden_value_in_its_error() {
    // The cities that leave are no numbers, and so this fails: by a city that leaves, which is not named.
    let error = tells_nothing("SELECT age FROM people WHERE CAST(city AS INT) > 0").unwrap_err();
    assert!(!error.contains("Ulm") && !error.contains("Bonn"), "{error}");
    // Here every row that leaves has a number, and only the hidden ones would fail.
    let sql = "SELECT age FROM people WHERE CAST(CASE WHEN city IN ('Ulm', 'Bonn') THEN '1' ELSE city \
               END AS INT) = 1 ORDER BY age";
    assert_eq!(tells_nothing(sql).unwrap(), ["29", "34", "41", "60"]);
    for sql in [
        "SELECT count(*) FROM people WHERE CAST(region AS INT) = 1",
        "SELECT count(*) FROM people WHERE TRY_CAST(city AS INT) IS NOT NULL",
        "SELECT CAST(region AS INT) FROM people",
        "SELECT CAST(city AS DATE) FROM people LIMIT 1",
    ] {
        let _either = tells_nothing(sql);
    }
}

#[test]
fn a_division_by_zero_comes_from_released_rows_alone() {
    // Both hidden rows of one of the tables have age 0.
    let sql = "SELECT 100 / age FROM people ORDER BY age";
    assert_eq!(tells_nothing(sql).unwrap(), ["3", "2", "2", "1"]);
    let error = tells_nothing("SELECT 100 / (age - 41) FROM people").unwrap_err();
    assert!(error.contains("division by zero"), "{error}");
    let sql = "SELECT count(*) FROM people WHERE 1 / (CASE WHEN age = 0 THEN 0 ELSE 1 END) = 1";
    assert_eq!(tells_nothing(sql).unwrap(), ["4"]);
}

#[test]
fn an_overflow_comes_from_released_rows_alone() {
    for sql in [
        "SELECT sum(age * 100000000000000000) FROM people",
        "SELECT sum(age + 9223372036854775747) FROM people",
        "SELECT CAST(age * 1000000000 AS INT) FROM people",
        "SELECT CAST(age AS TINYINT) FROM people ORDER BY 1",
        "SELECT power(age, 12) FROM people",
        "SELECT CAST(salary AS INT) FROM people ORDER BY 1",
        "SELECT exp(age * 100) FROM people",
    ] {
        let _either = tells_nothing(sql);
    }
}

#[test]
fn a_regular_expression_is_not_taken() {
    for sql in [
        "SELECT * FROM people WHERE city ~ 'S.*'",
        "SELECT * FROM people WHERE city ~* 'S.*'",
        "SELECT * FROM people WHERE city !~ 'S.*'",
        "SELECT * FROM people WHERE city SIMILAR TO 'S%'",
        "SELECT * FROM people WHERE city RLIKE 'S'",
        "SELECT * FROM people WHERE city REGEXP 'S'",
        "SELECT regexp_like(city, 'S') FROM people",
        "SELECT regexp_replace(city, 'S', '') FROM people",
        "SELECT * FROM people WHERE city LIKE city",
    ] {
        assert!(Query::parse(sql).is_err(), "{sql}");
    }
    // LIKE has no more than its signs.
    assert_eq!(
        tells_nothing("SELECT age FROM people WHERE city LIKE '%SECRET%'").unwrap(),
        [""; 0]
    );
    assert_eq!(tells_nothing("SELECT count(*) FROM people WHERE city LIKE '%((('").unwrap(), ["0"]);
}

#[test]
fn errors_come_in_an_order_and_at_a_time_that_follow_from_released_rows() {
    // Two things fail; which is told first is the same.
    let sql = "SELECT 1 / (age - 41), CAST(city AS INT) FROM people";
    assert!(tells_nothing(sql).is_err());
    // And it fails after as many batches: none here, as all that leaves is one batch.
    for people in [people(), replaced()] {
        let views = people_view(&people);
        let query = Query::parse("SELECT 1 / (age - 41) FROM people").unwrap();
        let mut rows = query.run(&views, Limits::default(), || false).unwrap();
        assert!(matches!(rows.next(), Some(Err(QueryError::Value { .. }))));
        assert!(rows.next().is_none());
    }
}

/// How often the caller is asked is the same too: what goes on within the plan does not depend on what is
/// hidden.
#[test]
fn as_many_steps_are_taken_whatever_is_hidden() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let asked = |people: &[Person], sql: &str| {
        let count = Arc::new(AtomicU64::new(0));
        let asked = Arc::clone(&count);
        let is_over = move || {
            asked.fetch_add(1, Ordering::Relaxed);
            false
        };
        let rows = Query::parse(sql).unwrap().run(&people_view(people), Limits::default(), is_over);
        let failed = rows.unwrap().filter(Result::is_err).count();
        (count.load(Ordering::Relaxed), failed)
    };
    for sql in [
        "SELECT count(*) FROM people",
        "SELECT a.age FROM people a JOIN people b ON a.age < b.age",
        "SELECT CAST(city AS INT) FROM people",
        "SELECT city, avg(age) FROM people GROUP BY city ORDER BY 2",
    ] {
        assert_eq!(asked(&people(), sql), asked(&replaced(), sql), "{sql}");
    }
}

#[test]
fn a_plan_that_is_rewritten_sees_no_more() {
    // What is computed can be moved below what guards it, but not below the view.
    for sql in [
        "SELECT age FROM (SELECT age, CAST(city AS INT) AS n FROM people WHERE city = '12') x WHERE n > 0",
        "SELECT age FROM people WHERE city = '12' AND CAST(city AS INT) = 12",
        "SELECT age FROM people WHERE CAST(city AS INT) = 12 AND city = '12'",
        "SELECT x.age FROM people x JOIN people y ON CAST(x.city AS INT) = CAST(y.city AS INT)",
        "SELECT count(*) FROM people x LEFT JOIN people y ON x.age = y.age + 1 WHERE y.city = 'SECRETTOWN'",
        "SELECT age FROM people WHERE city IN (SELECT city FROM people WHERE 1 / age > 0)",
        "SELECT max(age) FROM people WHERE age > 60 OR city = '12'",
        "WITH x AS (SELECT * FROM people LIMIT 5) SELECT count(*) FROM x WHERE age = 0",
        "SELECT * FROM people ORDER BY salary LIMIT 1",
        "SELECT * FROM people LIMIT 2 OFFSET 1",
        "SELECT * FROM people",
    ] {
        let _either = tells_nothing(sql);
    }
}

#[test]
fn a_limit_or_filter_is_not_applied_below() {
    // If it were, the first rows of the table, which are hidden, would use the limit up.
    assert_eq!(tells_nothing("SELECT city FROM people LIMIT 9").unwrap().len(), 4);
    assert_eq!(tells_nothing("SELECT age FROM people WHERE age = 60 LIMIT 1").unwrap(), ["60"]);
    // The salary that leaves is rounded, and a filter sees it so.
    assert_eq!(tells_nothing("SELECT age FROM people WHERE salary = 51000").unwrap(), ["34"]);
    assert_eq!(
        tells_nothing("SELECT count(*) FROM people WHERE salary BETWEEN 62400 AND 62600").unwrap(),
        ["0"]
    );
}

#[test]
fn plans_schemas_and_settings_cannot_be_asked_for() {
    for sql in [
        "EXPLAIN SELECT * FROM people",
        "EXPLAIN ANALYZE SELECT * FROM people",
        "EXPLAIN VERBOSE SELECT * FROM people",
        "DESCRIBE people",
        "SHOW TABLES",
        "SHOW ALL",
        "SHOW COLUMNS FROM people",
        "SET datafusion.execution.batch_size = 1",
        "RESET ALL",
        "ANALYZE TABLE people",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM datafusion.public.people",
        "SELECT * FROM public.people",
        "SELECT @@version FROM people",
        "SELECT arrow_typeof(city) FROM people",
        "SELECT version() FROM people",
    ] {
        assert!(Query::parse(sql).is_err(), "{sql}");
    }
    // As a name without a schema it is a view like any other, and there is none.
    let query = Query::parse("SELECT * FROM information_schema").unwrap();
    let error = query.run(&people_view(&people()), Limits::default(), || false).unwrap_err();
    assert!(matches!(error, QueryError::NoView { .. }));
}

#[test]
fn statistics_know_nothing_of_a_view() {
    // With statistics of the table, these would be answered without a scan, from hidden rows too.
    assert_eq!(tells_nothing("SELECT count(*) FROM people").unwrap(), ["4"]);
    assert_eq!(
        tells_nothing("SELECT count(region), max(age), min(age) FROM people").unwrap(),
        ["0,60,29"]
    );
    assert_eq!(tells_nothing("SELECT max(city), min(city) FROM people").unwrap(), ["Ulm,Bonn"]);
}

#[test]
fn casts_of_pseudonyms_give_pseudonyms() {
    for sql in [
        "SELECT id FROM people ORDER BY id",
        "SELECT CAST(id AS VARCHAR) FROM people ORDER BY 1",
        "SELECT substr(id, 1, 4), length(id) FROM people ORDER BY id",
        "SELECT count(*) FROM people WHERE id < 'p'",
    ] {
        let rows = tells_nothing(sql).unwrap();
        assert!(!rows.iter().any(|row| row.contains("p1")), "{sql}");
    }
    assert_eq!(tells_nothing("SELECT count(*) FROM people WHERE id = 'p1'").unwrap(), ["0"]);
    assert_eq!(tells_nothing("SELECT TRY_CAST(id AS DATE) FROM people LIMIT 1").unwrap(), ["\"\""]);
    let error = tells_nothing("SELECT CAST(id AS BIGINT) FROM people").unwrap_err();
    assert!(error.contains("cannot be computed"), "{error}");
}

#[test]
fn window_functions_see_no_hidden_neighbour() {
    for sql in [
        "SELECT city, lag(city) OVER (), lead(city) OVER () FROM people",
        "SELECT row_number() OVER (), age FROM people",
        "SELECT age, count(*) OVER (PARTITION BY region) FROM people ORDER BY age",
        "SELECT age, first_value(city) OVER (ORDER BY age), ntile(2) OVER (ORDER BY age) FROM people",
        "SELECT age, rank() OVER (ORDER BY salary), percent_rank() OVER (ORDER BY age) FROM people",
        "SELECT age, sum(age) OVER (ORDER BY age RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) FROM \
         people ORDER BY age",
        "SELECT nth_value(age, 2) OVER (ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED \
         FOLLOWING) FROM people",
    ] {
        assert_eq!(tells_nothing(sql).unwrap().len(), 4, "{sql}");
    }
}

/// Sums of floats depend on where batches end, and that follows from what leaves.
#[test]
fn the_last_digit_of_a_sum_does_not_tell_how_many_rows_are_hidden() {
    let visible = |n: i64| {
        let salary = 1000.0 * f64::from(i32::try_from(n).unwrap()) / 7.0;
        person(&format!("p{n}"), "x", n, salary, "", "eu")
    };
    let plain: Vec<_> = (0..10_000).map(visible).collect();
    let mut with_hidden = Vec::new();
    for n in 0..10_000 {
        for _ in 0..n % 3 {
            with_hidden.push(person("h", "y", n, 0.1, "", "us"));
        }
        with_hidden.push(visible(n));
    }
    let sql = "SELECT sum(salary / 3.0), avg(salary / 7.0), stddev(salary) FROM people";
    let learnt = [&plain, &with_hidden].map(|people| learnt(people, sql, Rules::All).unwrap());
    assert_eq!(learnt[0], learnt[1]);
}
