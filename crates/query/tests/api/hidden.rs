//! Random queries from a grammar, over data and over the same data with everything hidden replaced.

use dataspace_query::rules::Rules;
use proptest::prelude::*;

use crate::common::{Person, ask_by, people_view, person};

/// Cities that leave; some are numbers, so that casts fail for some tables only.
const CITIES: &[&str] = &["Ulm", "Bonn", "12", "0", "2024-02-29", ""];

fn visible() -> impl Strategy<Value = Vec<Person>> {
    let one = (0..6_u8, prop::sample::select(CITIES), prop::option::of(-3..4_i64), 0..9_u32);
    prop::collection::vec(one, 0..30).prop_map(|all| {
        let people = all.into_iter().map(|(id, city, age, salary)| {
            let salary = f64::from(salary) * 1000.0;
            let mut person = person(&format!("p{id}"), city, 0, salary, "", "eu");
            person.2 = age;
            person
        });
        people.collect()
    })
}

/// What is hidden, drawn for one table: for each row that leaves, its hidden cells and how many hidden rows
/// stand before it.
type Hidden = Vec<(u8, i8, String, bool)>;

fn hidden() -> impl Strategy<Value = Hidden> {
    let text = prop::sample::select(vec!["1", "0", "SECRET", "9223372036854775807", "%", "'"]);
    prop::collection::vec((0..4_u8, -4..5_i8, text.prop_map(str::to_owned), any::<bool>()), 31)
}

fn table(visible: &[Person], hidden: &Hidden) -> Vec<Person> {
    let mut all = Vec::new();
    for (index, (count, shift, text, odd)) in hidden.iter().enumerate() {
        for _ in 0..*count {
            let salary = if *odd { f64::NAN } else { 0.0 };
            let mut one =
                person(text, text, i64::from(*shift) * (i64::MAX / 5), salary, text, "us");
            one.2 = one.2.filter(|_| *odd);
            all.push(one);
        }
        if let Some(one) = visible.get(index) {
            let mut one = one.clone();
            // Below the digit to which salaries are rounded, and in columns that do not leave.
            one.3 += f64::from(*shift) * 99.0;
            one.4.clone_from(text);
            all.push(one);
        }
    }
    all
}

fn number() -> BoxedStrategy<String> {
    let leaf =
        prop::sample::select(vec!["age", "1", "0", "41", "-2", "9223372036854775807", "NULL"])
            .prop_map(str::to_owned);
    let leaf = prop_oneof![
        20 => leaf,
        1 => Just("CAST(city AS INT)".to_owned()),
        4 => Just("TRY_CAST(city AS BIGINT)".to_owned()),
        2 => Just("CAST(salary AS BIGINT)".to_owned()),
        4 => Just("length(id)".to_owned()),
        1 => Just("CAST(region AS INT)".to_owned()),
        1 => Just("extract(year FROM CAST(city AS DATE))".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "+", "-", "*", "/", "%"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("nullif({a}, {b})")),
            (inner.clone(), inner)
                .prop_map(|(a, b)| format!("CASE WHEN {a} > 0 THEN {b} ELSE 7 END")),
        ]
    })
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let comparison = prop::sample::select(vec!["=", "<", ">=", "<>", "IS DISTINCT FROM"]);
    let leaf = prop_oneof![
        (number(), comparison, number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        prop::sample::select(vec![
            "city LIKE '%SECRET%'",
            "city LIKE 'U%'",
            "salary > 3000",
            "id LIKE '%a%'",
            "region IS NULL",
            "id < 'a'",
            "age IN (SELECT age FROM people)",
            "EXISTS (SELECT 1 FROM people q WHERE q.age > p.age)",
            "age > (SELECT avg(age) FROM people)",
            "(SELECT count(*) FROM people WHERE city = 'SECRET') = 0",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
    .boxed()
}

fn query() -> impl Strategy<Value = String> {
    let order =
        prop::sample::select(vec!["", " ORDER BY 1", " ORDER BY 1 DESC LIMIT 3", " LIMIT 2"]);
    let over = prop::sample::select(vec![
        "lag(city) OVER ()",
        "rank() OVER (ORDER BY age)",
        "sum(age) OVER (PARTITION BY city)",
        "count(*) OVER (ORDER BY age ROWS 1 PRECEDING)",
    ]);
    prop_oneof![
        (number(), condition(), order.clone())
            .prop_map(|(n, c, o)| format!("SELECT {n}, id, salary FROM people p WHERE {c}{o}")),
        (number(), condition(), order.clone()).prop_map(|(n, c, o)| format!(
            "SELECT city, sum({n}), avg(salary) FROM people p WHERE {c} GROUP BY city HAVING \
             count(*) > 0 AND max(age) < 9{o}"
        )),
        (number(), condition(), order.clone()).prop_map(|(n, c, o)| format!(
            "SELECT city, count(*), max({n}) FROM people p WHERE {c} GROUP BY city{o}"
        )),
        (over, condition(), order.clone())
            .prop_map(|(w, c, o)| format!("SELECT {w}, age FROM people p WHERE {c}{o}")),
        (number(), condition(), order.clone()).prop_map(|(n, c, o)| format!(
            "SELECT x.n, q.age FROM (SELECT {n} AS n, city FROM people p WHERE {c}) x LEFT JOIN people q \
             ON x.city = q.city AND x.n < q.age{o}"
        )),
        (number(), condition()).prop_map(|(n, c)| format!(
            "SELECT count(*), stddev(salary / 3) FROM (SELECT * FROM people p WHERE {c} UNION ALL SELECT * \
             FROM people) x WHERE {n} > 0"
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn results_errors_and_order_are_the_same_whatever_is_hidden(
        visible in visible(),
        hidden in prop::array::uniform2(hidden()),
        sql in query(),
    ) {
        for rules in [Rules::All, Rules::Needed] {
            let learnt = hidden.each_ref().map(|hidden| {
                let people = table(&visible, hidden);
                if people.is_empty() {
                    return None;
                }
                let views = people_view(&people);
                Some(ask_by(&views, &sql, rules).map_err(|error| error.to_string()))
            });
            if let [Some(one), Some(other)] = &learnt {
                prop_assert_eq!(one, other, "{}", sql);
            }
        }
    }

    /// What leaves is what the plan gives, beside a plain filter over it.
    #[test]
    fn a_filter_gives_the_rows_that_a_loop_gives(
        visible in visible(),
        hidden in hidden(),
        bound in -4..5_i64,
    ) {
        let people = table(&visible, &hidden);
        prop_assume!(!people.is_empty());
        let mut expected: Vec<_> = visible
            .iter()
            .filter(|one| one.2.is_some_and(|age| age > bound))
            .map(|one| format!("{},{}", one.2.unwrap(), one.1))
            .collect();
        expected.sort();
        let sql = format!("SELECT age, city FROM people WHERE age > {bound}");
        let mut found = ask_by(&people_view(&people), &sql, Rules::All).unwrap();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
