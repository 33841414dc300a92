//! Texts that are not taken, each for its reason.

use std::fmt::Write as _;
use std::sync::Arc;

use dataspace_data_plane::Product as _;
use dataspace_policy::{Duty, Persons};
use dataspace_query::errors::{QueryError, TextError, ViewError};
use dataspace_query::limits::{BRACKETS_MAX, SELECTS_MAX, TEXT_LEN_MAX, TOKENS_MAX};
use dataspace_query::{GovernedView, Limits, Query};

use crate::common::{Key, RECIPIENT, ask, batch, everything, people, people_view, table, views};

fn error(sql: &str) -> TextError {
    match Query::parse(sql) {
        Ok(_) => panic!("taken: {sql}"),
        Err(error) => error,
    }
}

#[test]
fn a_view_of_persons_is_made_of_a_release_alone() {
    let [column, zone, register] = ["id", "UTC", "export"].map(|text| text.parse().unwrap());
    let duty = Duty::Persons(Persons { column, at_most: 100, zone, register });
    let table = table(vec![batch(&people())]);
    let refused =
        GovernedView::of_table(Arc::clone(&table), vec![duty.clone()], Arc::new(Key(1)), RECIPIENT);
    assert!(matches!(refused, Err(ViewError::Persons)), "{refused:?}");
    // Nor does one that somebody makes by hand give a row that was not counted.
    let schema = table.schema();
    let view = GovernedView::new(schema, move |_| {
        table.open(std::slice::from_ref(&duty), None, &Key(1), RECIPIENT)
    });
    let views = views(vec![("people", view.unwrap())]);
    for sql in ["SELECT * FROM people", "SELECT count(*) FROM people"] {
        let query = Query::parse(sql).unwrap();
        let rows = query.run(&views, Limits::default(), || false);
        assert!(rows.is_err() || rows.unwrap().all(|batch| batch.is_err()), "{sql}");
    }
}

#[test]
fn only_one_query_is_taken() {
    for sql in [
        "",
        ";",
        "CREATE TABLE x AS SELECT * FROM people",
        "CREATE VIEW x AS SELECT * FROM people",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE people",
        "ALTER TABLE people ADD x INT",
        "TRUNCATE people",
        "INSERT INTO people SELECT * FROM people",
        "UPDATE people SET age = 1",
        "DELETE FROM people",
        "MERGE INTO people USING people ON true WHEN MATCHED THEN DELETE",
        "COPY people TO '/tmp/x.csv'",
        "COPY (SELECT * FROM people) TO '/tmp/x.csv'",
        "PREPARE p AS SELECT * FROM people",
        "EXECUTE p",
        "DECLARE c CURSOR FOR SELECT * FROM people",
        "BEGIN",
        "VALUES (1)",
        "TABLE people",
        "FROM people",
        "PRAGMA x",
        "ATTACH 'x' AS y",
        "INSTALL httpfs",
        "LOAD 'x'",
        "CALL x()",
        "SELECT 1 FROM people; SELECT 2 FROM people",
        "SELECT 1 FROM people; DROP TABLE people",
        "WITH x AS (SELECT 1) INSERT INTO people SELECT * FROM x",
        "WITH x AS (DELETE FROM people RETURNING *) SELECT * FROM x",
    ] {
        let error = error(sql);
        let is_one = matches!(
            error,
            TextError::NotAQuery | TextError::Syntax { .. } | TextError::Refused { .. }
        );
        assert!(is_one, "{sql}: {error:?}");
    }
}

#[test]
fn files_functions_and_other_places_are_no_tables() {
    for sql in [
        "SELECT * FROM 'file.csv'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM `people`",
        "SELECT * FROM read_csv('file.csv')",
        "SELECT * FROM people('x')",
        "SELECT * FROM TABLE(generate_series(1, 1000000000))",
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELECT * FROM range(1, 10)",
        "SELECT * FROM UNNEST([1, 2])",
        "SELECT * FROM people, UNNEST(ARRAY[1, 2])",
        "SELECT * FROM people, LATERAL (SELECT 1) x",
        "SELECT * FROM people LEFT JOIN LATERAL (SELECT 1) x ON true",
        "SELECT * FROM a.people",
        "SELECT * FROM a.b.people",
        "SELECT * INTO x FROM people",
        "SELECT * FROM people FOR UPDATE",
        "SELECT * FROM people TABLESAMPLE (10)",
        "SELECT * FROM people PIVOT (sum(age) FOR city IN ('a'))",
        "SELECT * FROM (VALUES (1)) x, people",
    ] {
        error(sql);
    }
    // A name in quotes is a name, whatever stands in it: there is no such view, and no file is looked for.
    let query = Query::parse("SELECT * FROM \"/etc/passwd\"").unwrap();
    let error = query.run(&people_view(&people()), Limits::default(), || false).unwrap_err();
    assert!(matches!(error, QueryError::NoView { .. }));
}

#[test]
fn functions_that_are_not_listed_are_not_taken() {
    for call in [
        "now()",
        "current_date",
        "current_date()",
        "current_timestamp",
        "current_time",
        "localtime",
        "random()",
        "uuid()",
        "repeat('x', 1000000000)",
        "lpad('x', 1000000000)",
        "rpad('x', 1000000000)",
        "concat(city, city)",
        "concat_ws(',', city)",
        "replace(city, '', city)",
        "translate(city, 'a', 'b')",
        "overlay(city placing 'x' from 1)",
        "levenshtein(city, city)",
        "md5(city)",
        "sha256(city)",
        "encode(city, 'hex')",
        "array_agg(city)",
        "string_agg(city, ',')",
        "make_array(1)",
        "struct(1)",
        "arrow_cast(1, 'Utf8')",
        "approx_distinct(city)",
        "factorial(20)",
        "chr(1)",
        "to_char(age, 'x')",
        "to_date(city, '%Y')",
        "to_timestamp(city)",
        "regexp_count(city, 'x')",
        "input_file_name()",
        "pg_sleep(10)",
        "pg_read_file('/etc/passwd')",
        "getenv('HOME')",
        "nextval('x')",
        "median(age) OVER ()",
        "stddev(age) OVER ()",
        "count(DISTINCT age) OVER ()",
        "row_number()",
        "rank()",
        "a.count(*)",
        "public.abs(1)",
        "abs(city) FILTER (WHERE true)",
        "count(*) WITHIN GROUP (ORDER BY age)",
        "sum(age ORDER BY age)",
        "abs(x => 1)",
    ] {
        error(&format!("SELECT {call} FROM people"));
    }
    let TextError::Function { name } = error("SELECT \"read\u{7}me\"(1) FROM people") else {
        panic!("another reason")
    };
    assert!(!name.contains('\u{7}'), "{name}");
}

#[test]
fn expressions_that_are_not_listed_are_not_taken() {
    for part in [
        "city || city",
        "age & 1",
        "age | 1",
        "age ^ 1",
        "age # 1",
        "age << 60",
        "age ** 2",
        "~age",
        "@age",
        "[1, 2]",
        "ARRAY[1]",
        "{'a': 1}",
        "MAP {'a': 1}",
        "(1, 2)",
        "ROW(1, 2)",
        "city::int[]",
        "city -> 'x'",
        "city ->> 'x'",
        "city[1]",
        "$1",
        "?",
        ":x",
        "X'00'",
        "city COLLATE \"C\"",
        "age = ANY (SELECT age FROM people)",
        "age > ALL (SELECT age FROM people)",
        "city AT TIME ZONE 'UTC'",
        "CAST(city AS BYTEA)",
        "CAST(city AS INT[])",
        "CAST(city AS STRUCT<a INT>)",
        "CAST(city AS JSON)",
        "CAST(city AS TIMESTAMP WITH TIME ZONE)",
        "CAST(city AS VARCHAR(3))",
        "city LIKE 'a!' ESCAPE '!'",
        "city LIKE ANY ('a')",
        "GROUPING(city)",
        "INTERVAL age DAY",
        "people.*.x",
        "a.b.c.d",
        "x -> x + 1",
        "MATCH (city) AGAINST ('x')",
        "city IS NORMALIZED",
        "1 DIV 2",
        "age <=> 1",
        "SAFE_CAST(city AS INT)",
        "CONVERT(city, INT)",
        "{fn abs(1)}",
    ] {
        error(&format!("SELECT {part} FROM people"));
    }
    for clause in [
        "GROUP BY ALL",
        "GROUP BY CUBE (city, age)",
        "GROUP BY ROLLUP (city)",
        "GROUP BY GROUPING SETS ((city), ())",
        "LIMIT (SELECT 1)",
        "LIMIT 1 BY city",
        "LIMIT 1, 2",
        "LIMIT age",
        "OFFSET age",
        "FETCH FIRST 1 ROW ONLY",
        "QUALIFY row_number() OVER () = 1",
        "WINDOW w AS (ORDER BY age)",
        "SORT BY age",
        "CLUSTER BY age",
        "CONNECT BY age = 1",
    ] {
        error(&format!("SELECT city FROM people {clause}"));
    }
    for sql in [
        "SELECT DISTINCT ON (city) city FROM people",
        "SELECT TOP 1 city FROM people",
        "SELECT * EXCEPT (city) FROM people",
        "SELECT * EXCLUDE (city) FROM people",
        "SELECT * REPLACE (1 AS city) FROM people",
        "WITH RECURSIVE x AS (SELECT 1 AS a FROM people UNION ALL SELECT a + 1 FROM x) SELECT * FROM x",
        "SELECT * FROM people CROSS APPLY people",
        "SELECT * FROM people UNION BY NAME SELECT * FROM people",
        "SELECT * FROM people |> WHERE age > 1",
        "SELECT 1",
    ] {
        error(sql);
    }
}

#[test]
fn texts_are_bounded() {
    let filler = " ".repeat(TEXT_LEN_MAX);
    assert!(matches!(error(&format!("SELECT 1 FROM people{filler}")), TextError::Len { .. }));
    let many = format!("SELECT 1{} FROM people", "+1".repeat(TOKENS_MAX / 2));
    assert!(matches!(error(&many), TextError::Tokens));
    let chain = format!("SELECT 1{} FROM people", "+1".repeat(300));
    assert!(matches!(error(&chain), TextError::Depth));
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
        let deep = BRACKETS_MAX + 1;
        let sql = format!("SELECT {}1{} FROM people", open.repeat(deep), close.repeat(deep));
        assert!(matches!(error(&sql), TextError::Depth), "{sql}");
    }
    let sql = format!("SELECT {} 1 FROM people", "NOT ".repeat(1_000));
    let error = error(&sql);
    assert!(!matches!(error, TextError::Refused { .. }), "{error:?}");
}

/// Each `WITH` names the last one twice: a text of a kilobyte would be 2⁴⁰ scans.
#[test]
fn what_a_text_comes_to_is_bounded() {
    let mut sql = "WITH a0 AS (SELECT age FROM people)".to_owned();
    for n in 1..40 {
        let last = n - 1;
        write!(sql, ", a{n} AS (SELECT x.age FROM a{last} x JOIN a{last} y ON x.age = y.age)")
            .unwrap();
    }
    sql += " SELECT * FROM a39";
    assert!(matches!(error(&sql), TextError::Selects));
    let mut sql = "SELECT age FROM people".to_owned();
    for _ in 0..SELECTS_MAX {
        sql += " UNION ALL SELECT age FROM people";
    }
    assert!(matches!(error(&sql), TextError::Selects));
}

/// Each level mentions the last one's value four times: to write them out would be 4³⁰ expressions.
#[test]
fn expressions_are_not_written_out() {
    let mut sql = "SELECT age FROM people".to_owned();
    for n in 0..14 {
        sql = format!("SELECT age % 7 + age % 5 + age % 3 + age AS age FROM ({sql}) x{n}");
        sql += " WHERE age > 1 AND age < 1000000000000";
    }
    assert_eq!(ask(&people_view(&people()), &sql).unwrap().len(), 4);
}

#[test]
fn errors_of_a_text_say_where_but_not_what_the_engine_says() {
    let TextError::Syntax { line, column, .. } = error("SELECT age\nFROM people WHERE age >")
    else {
        panic!("another reason")
    };
    assert!(line <= 2 && column <= 24, "{line} {column}");
    let said = error("SELECT age FROM people WHERE (age 'SECRET'").to_string();
    assert!(said.starts_with("the text is not SQL") && !said.contains("SECRET"), "{said}");
}

#[test]
fn a_query_that_does_not_fit_its_views_says_so_without_the_engines_text() {
    let views = people_view(&people());
    for sql in [
        "SELECT nosuch FROM people",
        "SELECT note FROM people",
        "SELECT people.salary.x FROM people",
        "SELECT city, count(*) FROM people",
        "SELECT age FROM people a JOIN people b ON a.age = b.age",
        "SELECT city + age FROM people",
        "SELECT age FROM people UNION ALL SELECT age, city FROM people",
        "SELECT abs() FROM people",
        "SELECT abs(1, 2, 3) FROM people",
        "SELECT count(*) FROM people WHERE city",
        "SELECT x.y FROM people",
        "SELECT sum(count(*)) FROM people",
        "SELECT age FROM people WHERE count(*) > 1",
        "SELECT age FROM people ORDER BY 9",
        "SELECT (SELECT age FROM people) FROM people",
        "SELECT (SELECT age, city FROM people) FROM people",
        "SELECT age FROM people WHERE age IN (SELECT age, city FROM people)",
    ] {
        let Err(error) = (match Query::parse(sql) {
            Ok(_) => ask(&views, sql),
            Err(_) => continue,
        }) else {
            panic!("answered: {sql}")
        };
        let said = error.to_string();
        for word in
            ["DataFusion", "Schema", "Utf8", "Int64", "valid fields", "gps", "arrow", "Execution"]
        {
            assert!(!said.contains(word), "{sql}: {said}");
        }
        assert!(!matches!(error, QueryError::Engine { .. }), "{sql}: {}", everything(&error));
    }
    let error = ask(&views, "SELECT note FROM people").unwrap_err();
    assert_eq!(error.to_string(), "there is no column `note`");
}

#[test]
fn types_that_do_not_leave_are_named_by_position() {
    let views = people_view(&people());
    for sql in [
        "SELECT age, NULL FROM people",
        "SELECT age, INTERVAL '1 day' FROM people",
        "SELECT age, DATE '2024-01-02' - DATE '2024-01-01' FROM people",
    ] {
        let error = ask(&views, sql);
        assert!(
            matches!(error, Err(QueryError::ResultType { index: 2 }) | Ok(_)),
            "{sql}: {error:?}"
        );
    }
}
