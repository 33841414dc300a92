//! Texts from the corpus and changes to them: an answer or a typed error, in bounded time, whatever stands
//! there.

use std::path::PathBuf;

use dataspace_query::errors::{QueryError, TextError};
use dataspace_query::{Limits, Query};
use proptest::prelude::*;

use crate::common::{everything, people, people_view};

/// Reads and runs a text. It ends after a number of steps, and its error names nothing that is hidden.
fn try_out(sql: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    let query = match Query::parse(sql) {
        Ok(query) => query,
        Err(error) => {
            if let TextError::Syntax { .. } = &error {
                assert!(error.to_string().len() < 100);
            }
            return;
        }
    };
    let steps = AtomicU64::new(0);
    let is_over = move || steps.fetch_add(1, Ordering::Relaxed) > 2_000;
    let views = people_view(&people());
    let failed = match query.run(&views, Limits::default(), is_over) {
        Err(error) => Some(error),
        Ok(mut rows) => rows.find_map(Result::err),
    };
    if let Some(error) = failed {
        let all = everything(&error);
        assert!(!all.contains("SECRET") || sql.contains("SECRET"), "{sql}: {all}");
        // A defect of the engine is no answer, but it is contained.
        if let QueryError::Engine { .. } = &error {
            println!("{sql}: {all}");
        }
    }
}

fn corpus() -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/query_text");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(texts.len() >= 10);
    texts
}

#[test]
fn every_text_of_the_corpus_has_an_end() {
    for sql in corpus() {
        try_out(&sql);
    }
}

/// Brackets, words and signs that parsers try in several readings, as deep as is taken and deeper.
#[test]
fn texts_that_can_be_read_in_many_ways_are_read_in_bounded_time() {
    for (open, inner, close) in [
        ("(", "SELECT 1 FROM people", ")"),
        ("SELECT * FROM (", "people", ")"),
        ("SELECT * FROM (", "SELECT 1 FROM people", ") x"),
        ("SELECT (", "1", ")"),
        ("SELECT CAST(", "1", " AS INT)"),
        ("SELECT CASE WHEN ", "1", " THEN 1 END"),
        ("SELECT abs(", "1", ")"),
        ("SELECT NOT ", "1", ""),
        ("SELECT - ", "1", ""),
        ("SELECT INTERVAL ", "'1'", " DAY"),
        ("SELECT EXISTS (", "SELECT 1 FROM people", ")"),
        ("WITH x AS (", "SELECT 1 FROM people", ") SELECT 1 FROM x"),
        ("SELECT x IN (", "1", ")"),
        ("SELECT STRUCT<", "INT", ">"),
        ("SELECT [", "1", "]"),
        ("SELECT {'a': ", "1", "}"),
        ("SELECT DATE ", "'x'", ""),
        ("SELECT a.", "b", ""),
        ("SELECT x -> ", "1", ""),
        ("SELECT (x, y", "", ") -> 1"),
    ] {
        for depth in [2, 15, 16, 17, 100, 600, 1_700] {
            let head = open.strip_prefix("SELECT ").unwrap_or(open);
            let sql = format!("{open}{}{inner}{}", head.repeat(depth - 1), close.repeat(depth));
            try_out(&sql);
            try_out(&format!("{sql} FROM people"));
            try_out(&format!("SELECT * FROM people WHERE {}{inner}", head.repeat(depth)));
            try_out(&format!(
                "SELECT * FROM people WHERE {}{inner}{}",
                head.repeat(depth),
                close.repeat(depth)
            ));
            try_out(&format!("SELECT * FROM {}{inner}", head.repeat(depth)));
        }
    }
}

/// Types within types, whose brackets are signs of comparison elsewhere.
#[test]
fn types_within_types_are_read_in_bounded_time() {
    for (open, close) in
        [("ARRAY<", ">"), ("STRUCT<a ", ">"), ("MAP(", ", INT)"), ("NULLABLE(", ")")]
    {
        for depth in [2, 16, 17, 100, 400, 1_000] {
            let data_type = format!("{}INT{}", open.repeat(depth), close.repeat(depth));
            try_out(&format!("SELECT CAST(1 AS {data_type}) FROM people"));
            try_out(&format!("SELECT age::{data_type} FROM people"));
            try_out(&format!("SELECT {data_type} '1' FROM people"));
            try_out(&format!("SELECT {} FROM people", open.repeat(depth)));
        }
    }
}

/// Numbers and dates at the ends of their types: the engine's own panics end here.
#[test]
fn values_at_the_ends_of_their_types_give_answers_or_errors() {
    for part in [
        "DATE '9999-12-31' + INTERVAL '999999999 years'",
        "DATE '0001-01-01' - INTERVAL '999999999 months'",
        "DATE '2024-01-31' + INTERVAL '2147483647 days'",
        "CAST('2024-01-01' AS TIMESTAMP) + INTERVAL '300000 years'",
        "CAST('2262-04-12' AS TIMESTAMP)",
        "CAST('292278994-08-17' AS TIMESTAMP)",
        "date_trunc('year', CAST('1677-09-22' AS TIMESTAMP))",
        "date_trunc('millennium', CAST('2024-01-01' AS TIMESTAMP))",
        "date_part('nosuch', DATE '2024-01-01')",
        "make_date(2147483647, 13, 99)",
        "CAST(9223372036854775807 AS INT)",
        "-9223372036854775808",
        "abs(-9223372036854775807 - 1)",
        "(-9223372036854775807 - 1) / -1",
        "(-9223372036854775807 - 1) % -1",
        "9223372036854775807 + age",
        "9223372036854775807 * age",
        "1e400",
        "CAST(1e300 AS DECIMAL(38, 10))",
        "CAST(age AS DECIMAL(99, 98))",
        "CAST(age AS DECIMAL(5, -3))",
        "CAST(age AS DECIMAL(76, 76)) * CAST(age AS DECIMAL(76, 76))",
        "round(1.5, 2147483647)",
        "round(1.5, -2147483648)",
        "trunc(1.5, 99999)",
        "power(10, 400)",
        "power(-1, 0.5)",
        "sqrt(-1)",
        "ln(0)",
        "substr(city, -9223372036854775807, 9223372036854775807)",
        "substr(city, 9223372036854775807)",
        "left(city, -9223372036854775807)",
        "right(city, 9223372036854775807)",
        "split_part(city, '', 0)",
        "split_part(city, 'l', -9223372036854775808)",
        "lag(age, 9223372036854775807) OVER ()",
        "lead(age, -9223372036854775808) OVER ()",
        "ntile(0) OVER ()",
        "ntile(-1) OVER (ORDER BY age)",
        "nth_value(age, 9223372036854775807) OVER ()",
        "sum(age) OVER (ORDER BY age ROWS BETWEEN 18446744073709551615 PRECEDING AND CURRENT ROW)",
        "sum(age) OVER (ORDER BY age RANGE BETWEEN 9223372036854775807 PRECEDING AND CURRENT ROW)",
        "sum(age) OVER (ORDER BY age RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW)",
        "extract(epoch FROM DATE '9999-12-31')",
        "INTERVAL '9223372036854775807 months'",
        "ascii('')",
        "reverse('\u{1F468}\u{200D}\u{1F469}')",
        "greatest(age, city)",
        "coalesce()",
        "nullif(1)",
        "count()",
        "median(city)",
        "corr(age, city)",
        "CASE age WHEN city THEN 1 END",
    ] {
        try_out(&format!("SELECT {part} FROM people"));
        try_out(&format!("SELECT max({part}) FROM people GROUP BY {part}"));
        try_out(&format!("SELECT age FROM people WHERE {part} > 1 ORDER BY {part}"));
    }
    try_out("SELECT age FROM people LIMIT 18446744073709551615 OFFSET 18446744073709551615");
    try_out("SELECT age FROM people LIMIT 99999999999999999999");
    try_out("SELECT age FROM people ORDER BY age LIMIT 9223372036854775807");
    try_out("SELECT age FROM people OFFSET 9223372036854775807");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn texts_of_the_corpus_changed_at_random_have_an_end(
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
        at in prop::array::uniform3(any::<prop::sample::Index>()),
        piece in "[a-z0-9(),.*'\" =<>;-]{0,6}",
    ) {
        let texts = corpus();
        let (a, b) = (a.get(&texts), b.get(&texts));
        let cut = |text: &str, at: prop::sample::Index| {
            let mut end = at.index(text.len() + 1);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let (head, tail) = text.split_at(end);
            (head.to_owned(), tail.to_owned())
        };
        let (head, tail) = (cut(a, at[0]).0, cut(b, at[1]).1);
        try_out(&format!("{head}{piece}{tail}"));
        let (head, tail) = cut(a, at[2]);
        try_out(&format!("{head}{piece}{tail}"));
    }

    #[test]
    fn texts_of_words_at_random_have_an_end(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "SELECT", "FROM", "people", "WHERE", "age", "city", "(", ")", ",", "*", "=", "<", "1", "'x'",
                "AND", "NOT", "JOIN", "ON", "GROUP BY", "ORDER BY", "WITH", "AS", "UNION", "ALL", "IN",
                "CASE", "WHEN", "THEN", "END", "CAST", "INT", "count", "OVER", "LIMIT", ".", "-", "\"", "--",
                "/*", "*/", "IS", "NULL", "EXISTS", "LEFT", "LIKE", "BETWEEN", "INTERVAL", "DISTINCT",
            ]),
            0..40,
        ),
    ) {
        try_out(&words.join(" "));
        try_out(&format!("SELECT {} FROM people", words.join(" ")));
    }
}
