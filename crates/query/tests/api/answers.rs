//! Answers, beside what a few lines of plain code or a glance at the rows give.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use dataspace_data_plane::{Piece, Product};
use dataspace_primitives::Part;
use dataspace_query::Query;

use crate::common::{Key, RECIPIENT, batch, duties, people, people_view, rows, sorted, table};

#[test]
fn aggregates_are_over_what_is_released() {
    let views = people_view(&people());
    assert_eq!(rows(&views, "SELECT COUNT(*) FROM people"), ["4"]);
    assert_eq!(rows(&views, "SELECT min(age), max(age), sum(age) FROM people"), ["29,60,164"]);
    assert_eq!(rows(&views, "SELECT max(salary) FROM people"), ["70000.0"]);
    assert_eq!(rows(&views, "SELECT median(age) FROM people"), ["37.5"]);
    assert_eq!(
        rows(&views, "SELECT city, count(*) AS n FROM people GROUP BY city ORDER BY city"),
        ["Bonn,1", "Ulm,3"]
    );
    assert_eq!(rows(&views, "SELECT city FROM people GROUP BY city HAVING count(*) > 1"), ["Ulm"]);
    assert_eq!(rows(&views, "SELECT count(DISTINCT city), count(region) FROM people"), ["2,0"]);
    assert_eq!(rows(&views, "SELECT count(*) FILTER (WHERE city = 'Ulm') FROM people"), ["3"]);
}

#[test]
fn standard_sql_works() {
    let views = people_view(&people());
    let cases: &[(&str, &[&str])] = &[
        ("SELECT age FROM people ORDER BY age", &["29", "34", "41", "60"]),
        ("SELECT age FROM people ORDER BY age DESC LIMIT 2", &["60", "41"]),
        ("SELECT age FROM people ORDER BY age LIMIT 1 OFFSET 2;", &["41"]),
        ("SELECT DISTINCT city FROM people ORDER BY 1", &["Bonn", "Ulm"]),
        ("SELECT age FROM people WHERE age > (SELECT avg(age) FROM people) ORDER BY age", &["60"]),
        (
            "WITH old AS (SELECT * FROM people WHERE age > 40) SELECT city FROM old ORDER BY city",
            &["Bonn", "Ulm"],
        ),
        (
            "SELECT a.age, b.age FROM people a JOIN people b ON a.city = b.city AND a.age < b.age \
             ORDER BY 1, 2",
            &["29,34", "29,60", "34,60"],
        ),
        (
            "SELECT a.age, b.age FROM people a, people b WHERE a.city = b.city AND a.age < b.age \
             ORDER BY 1, 2",
            &["29,34", "29,60", "34,60"],
        ),
        (
            "SELECT age FROM people WHERE city IN (SELECT city FROM people GROUP BY city HAVING \
             count(*) = 1) ORDER BY age",
            &["41"],
        ),
        (
            "SELECT age FROM people p WHERE EXISTS (SELECT 1 FROM people q WHERE q.age > p.age + 20) \
             ORDER BY age",
            &["29", "34"],
        ),
        (
            "SELECT age FROM people p WHERE NOT EXISTS (SELECT 1 FROM people q WHERE q.city = p.city \
             AND q.age > p.age) ORDER BY age",
            &["41", "60"],
        ),
        (
            "SELECT age, rank() OVER (PARTITION BY city ORDER BY age) FROM people ORDER BY age",
            &["29,1", "34,2", "41,1", "60,3"],
        ),
        (
            "SELECT age, sum(age) OVER (ORDER BY age ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM \
             people ORDER BY age",
            &["29,29", "34,63", "41,75", "60,101"],
        ),
        (
            "SELECT lag(age) OVER (ORDER BY age) FROM people ORDER BY age",
            &["\"\"", "29", "34", "41"],
        ),
        ("SELECT age FROM people WHERE city LIKE 'U%' AND age BETWEEN 30 AND 40", &["34"]),
        (
            "SELECT CASE WHEN age < 40 THEN 'young' ELSE 'old' END AS c, count(*) FROM people GROUP BY \
             CASE WHEN age < 40 THEN 'young' ELSE 'old' END ORDER BY c",
            &["old,2", "young,2"],
        ),
        (
            "SELECT age FROM people WHERE age < 30 UNION ALL SELECT age FROM people WHERE age > 50 \
             ORDER BY age",
            &["29", "60"],
        ),
        ("SELECT city FROM people UNION SELECT city FROM people ORDER BY city", &["Bonn", "Ulm"]),
        ("SELECT city FROM people EXCEPT SELECT city FROM people WHERE age = 41", &["Ulm"]),
        ("SELECT city FROM people INTERSECT SELECT city FROM people WHERE age = 41", &["Bonn"]),
        ("SELECT upper(substr(city, 1, 2)) FROM people WHERE age = 41", &["BO"]),
        ("SELECT round(age / 7.0, 2), age % 7, -age FROM people WHERE age = 41", &["5.86,6,-41"]),
        ("SELECT TRY_CAST(city AS INT) IS NULL FROM people WHERE age = 41", &["true"]),
        (
            "SELECT extract(year FROM DATE '2024-02-29' + INTERVAL '1 year') FROM people WHERE age = 41",
            &["2025"],
        ),
        (
            "SELECT trim(' a '), position('n' IN city), ceil(1.2) FROM people WHERE age = 41",
            &["a,3,2.0"],
        ),
        ("SELECT coalesce(region, 'none') FROM people WHERE age = 41", &["none"]),
        (
            "SELECT a.age FROM people a LEFT JOIN people b ON a.age = b.age - 7 WHERE b.age IS NULL ORDER BY 1",
            &["29", "41", "60"],
        ),
        ("SELECT count(*) FROM people a CROSS JOIN people b", &["16"]),
        ("SELECT count(*) FROM people a JOIN people b USING (city)", &["10"]),
        ("SELECT 'x' FROM people WHERE 1 = 0", &[]),
    ];
    for (sql, expected) in cases {
        assert_eq!(rows(&views, sql), *expected, "{sql}");
    }
}

#[test]
fn whole_numbers_wrap_around() {
    let views = people_view(&people());
    let sql = "SELECT 9223372036854775807 + age - 41 FROM people WHERE age = 41";
    assert_eq!(rows(&views, sql), [i64::MAX.to_string()]);
    let sql = "SELECT sum(9223372036854775807) FROM people";
    assert_eq!(rows(&views, sql), [i64::MAX.wrapping_mul(4).to_string()]);
}

/// What a view gives of the columns that are read, and a loop over it.
#[test]
fn rows_keep_the_order_of_the_contract_through_filters_and_projections() {
    let people: Vec<_> = (0..9_000_i64)
        .map(|n| crate::common::person("p", &format!("c{}", n % 90), n, 0.0, "", "eu"))
        .collect();
    let columns = ["age", "city"].map(|name| name.parse().unwrap()).into();
    let part = Part::Rows { columns: Some(columns), rows_max: None };
    let table = table(vec![batch(&people)]);
    let mut delivery = Product::open(&*table, &duties(), Some(&part), &Key(1), RECIPIENT).unwrap();
    let mut expected = Vec::new();
    while let Some(Piece::Rows(rows)) = delivery.next().unwrap() {
        let (cities, ages) =
            (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Int64Type>());
        for (city, age) in cities.iter().zip(ages.values()) {
            if age % 7 == 3 {
                expected.push(format!("{},{}", age + 1, city.unwrap()));
            }
        }
    }
    assert_eq!(expected.len(), 1286);
    let views = people_view(&people);
    assert_eq!(rows(&views, "SELECT age + 1, city FROM people WHERE age % 7 = 3"), expected);
}

#[test]
fn names_are_those_of_the_views() {
    let query = Query::parse(
        "WITH a AS (SELECT * FROM Drives), b AS (SELECT * FROM a) \
         SELECT * FROM b JOIN \"Trips\" t ON b.x = t.x WHERE t.y IN (SELECT y FROM more)",
    )
    .unwrap();
    let names: Vec<_> = query.views().iter().map(String::as_str).collect();
    assert_eq!(names, ["Trips", "drives", "more"]);
    // In a WITH, a name that follows is still a view's.
    let query = Query::parse("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM b");
    assert_eq!(query.unwrap().views().iter().collect::<Vec<_>>(), ["b"]);
    // And the name of a WITH ends with its query.
    let query = Query::parse("SELECT * FROM (WITH a AS (SELECT * FROM b) SELECT * FROM a) x, a");
    assert_eq!(query.unwrap().views().iter().collect::<Vec<_>>(), ["a", "b"]);
}

/// Groups of a larger table, beside a map.
#[test]
fn groups_of_many_rows_are_those_of_a_map() {
    let people: Vec<_> = (0_i64..20_000)
        .map(|n| {
            let city = format!("city-{}", n * 7 % 97);
            let region = if n % 3 == 0 { "us" } else { "eu" };
            crate::common::person(&format!("p{n}"), &city, n % 80, 1.0, "", region)
        })
        .collect();
    let mut expected = BTreeMap::<String, (i64, i64)>::new();
    for (_, city, age, _, _, region) in &people {
        if region == "eu" {
            let group = expected.entry(city.clone()).or_default();
            *group = (group.0 + 1, group.1 + age.unwrap());
        }
    }
    let mut expected: Vec<_> =
        expected.into_iter().map(|(city, (n, sum))| format!("{city},{n},{sum}")).collect();
    expected.sort();
    let views = people_view(&people);
    let found = sorted(&views, "SELECT city, count(*), sum(age) FROM people GROUP BY city");
    assert_eq!(found, expected);
    assert_eq!(rows(&views, "SELECT count(*) FROM people"), ["13333"]);
}
