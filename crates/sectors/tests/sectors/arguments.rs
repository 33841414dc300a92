//! Arguments: what is right makes terms, what is wrong names its parameter and its range, and no value.

use dataspace_policy::{Constraint, Duty, lint::Finding, terms::CLAUSES_MAX};
use dataspace_primitives::UnixMillis;
use dataspace_sectors::{
    Arguments, Language, Template,
    arguments::{Argument, InvalidArguments},
    audio_visual, automotive, materials,
    parameter::ArgumentError,
};

fn template(id: &str) -> &'static Template {
    let all = dataspace_sectors::all();
    all.into_iter().find_map(|sector| sector.template(id)).unwrap()
}

fn refused(id: &str, arguments: &Arguments) -> ArgumentError {
    template(id).fill(arguments).unwrap_err()
}

#[test]
fn a_wrong_argument_names_its_parameter_and_its_range_and_not_its_value() {
    let secret = "Geheimnis";
    for sector in dataspace_sectors::all() {
        for template in sector.templates() {
            for one in template.parameters() {
                let wrongs: [Argument; 8] = [
                    (-1).into(),
                    i64::MAX.into(),
                    format!("{secret}\u{202e}").into(),
                    secret.repeat(60).into(),
                    "".into(),
                    vec![format!("{secret}\n")].into(),
                    Argument::List(vec![[secret].into()]),
                    Argument::List(vec![secret.into(); 257]),
                ];
                for wrong in wrongs {
                    let arguments = template.example().with(one.name().as_str(), wrong.clone());
                    let error = template.fill(&arguments).unwrap_err();
                    let ArgumentError::Kind { parameter, expected } = &error else {
                        panic!("{} {}: {error:?} {wrong:?}", template.id(), one.name());
                    };
                    assert_eq!((parameter, expected), (one.name(), &one.kind().to_string()));
                    assert!(!error.to_string().contains(secret), "{error}");
                }
            }
        }
    }
}

#[test]
fn what_is_needed_must_be_given_and_what_is_no_parameter_must_not() {
    let error = refused("pay-per-access", &Arguments::new());
    assert_eq!(error.to_string(), "price is missing: an amount of money such as 2.50 EUR");
    let arguments = template("embargo").example().with("Geheimnis", 1);
    assert_eq!(
        refused("embargo", &arguments).to_string(),
        "argument 1 is for no parameter; the parameters are purposes, opens"
    );
}

#[test]
fn whole_numbers_and_days_keep_their_ranges() {
    for (id, parameter, least, most) in [
        ("plays", "plays", 1, 1_000_000),
        ("telemetry", "cells", 1, 100),
        ("supplier-grade", "days", 1, 3_650),
        ("joint-evaluation", "from", 0, 1_439),
    ] {
        let fill = |value: i64| {
            template(id).fill(&template(id).example().with("until", 1440).with(parameter, value))
        };
        let fill = |value: i64| match id {
            "joint-evaluation" => fill(value),
            _ => template(id).fill(&template(id).example().with(parameter, value)),
        };
        assert!(fill(least).is_ok() && fill(most).is_ok(), "{id}");
        assert!(fill(least - 1).is_err() && fill(most + 1).is_err(), "{id}");
    }
}

#[test]
fn instants_are_those_of_their_zone_and_there_once() {
    let from = |text: &str| {
        let draft = template("embargo").fill(&Arguments::new().with("opens", text)).ok()?;
        let permission = draft.terms(Language::English).permissions.first()?.constraints.clone();
        permission.into_iter().find_map(|one| match one {
            Constraint::From(at) => Some(at),
            _ => None,
        })
    };
    let at = |text: &str| Some(text.parse::<UnixMillis>().unwrap());
    // By the rules of the zones: summer time, its end and its beginning.
    assert_eq!(from("2027-07-01T20:00[Europe/Paris]"), at("2027-07-01T18:00:00Z"));
    assert_eq!(from("2027-01-01T00:00[Asia/Shanghai]"), at("2026-12-31T16:00:00Z"));
    assert_eq!(from("2027-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    for wrong in [
        "2027-10-31T02:30[Europe/Paris]",
        "2027-03-28T02:30[Europe/Paris]",
        "2027-07-01T20:00+05:00[Europe/Paris]",
        "2027-07-01T20:00[Europe/Nowhere]",
        "2027-07-01T20:00",
        "2027-07-01",
        "1969-12-31T00:00[Europe/Paris]",
        "+012027-07-01T20:00[Europe/Paris]",
        "2027-07-01T20:00:00.0001[Europe/Paris]",
        "now",
    ] {
        assert_eq!(from(wrong), None, "{wrong}");
    }
}

#[test]
fn money_has_one_spelling() {
    let is_right =
        |text: &str| template("pay-per-access").fill(&Arguments::new().with("price", text)).is_ok();
    for right in ["0.05 EUR", "2.50 EUR", "12000 CNY", "999999999999.99 USD"] {
        assert!(is_right(right), "{right}");
    }
    for wrong in [
        "2.5 EUR",
        "2,50 EUR",
        "02.50 EUR",
        ".50 EUR",
        "2. EUR",
        "-1.00 EUR",
        "1e3 EUR",
        "2.50 eur",
        "2.50EUR",
        "2.50  EUR",
        "EUR 2.50",
        "1000000000000 EUR",
        "٢.٥٠ EUR",
        "2.50 EURO",
        "",
    ] {
        assert!(!is_right(wrong), "{wrong}");
    }
}

#[test]
fn groups_of_countries_become_countries() {
    let arguments = template("cross-border").example().with("countries", ["EEA", "CN"]);
    let draft = template("cross-border").fill(&arguments).unwrap();
    let constraints = &draft.terms(Language::English).permissions[0].constraints;
    let Constraint::Jurisdiction(countries) = &constraints[0] else { panic!("{constraints:?}") };
    assert_eq!(countries.len(), 31);
    for wrong in [vec!["UK"], vec!["de"], vec!["XX"], vec![]] {
        let arguments = template("cross-border").example().with("countries", wrong);
        assert!(template("cross-border").fill(&arguments).is_err());
    }
}

#[test]
fn what_goes_together_badly_makes_no_terms() {
    // A window that ends before it begins, hours too, one column masked twice, more duties than a contract has.
    let window =
        template("territory-window").example().with("until", "2027-03-01T20:00[Europe/Paris]");
    let hours = Arguments::new().with("from", 600).with("until", 600);
    let holdback = template("holdback").example().with("ends", "2027-01-01T00:00:00Z");
    let twice = template("telemetry").example().with("seconds", ["latitude"]);
    for (id, arguments) in [
        ("territory-window", window),
        ("joint-evaluation", hours),
        ("holdback", holdback),
        ("telemetry", twice),
    ] {
        let error = refused(id, &arguments);
        assert!(matches!(error, ArgumentError::Together { .. }), "{id}: {error:?}");
    }
}

#[test]
fn a_permission_that_a_prohibition_always_takes_back_makes_no_terms() {
    let training = Arguments::new().with("purposes", ["model-training"]);
    let error = refused("no-training", &training);
    let ArgumentError::NoEffect(Finding::Contradicted { clause, by, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (clause.to_string(), by.to_string()),
        ("permission-1".into(), "prohibition-2".into())
    );
    assert!(error.to_string().starts_with("with these arguments a clause has no effect: "));
    let both = Arguments::new().with("purposes", ["model-training", "restoration"]);
    assert!(template("no-training").fill(&both).is_ok());
}

#[test]
fn lists_become_one_duty_for_each_entry() {
    let columns: Vec<_> = (0..32).map(|number| format!("element {number}")).collect();
    let arguments = Arguments::new().with("sample", "sample").with("shares", columns.clone());
    let draft = template("masked-composition").fill(&arguments).unwrap();
    let duties = &draft.terms(Language::English).duties;
    assert_eq!(duties.len(), 34);
    assert!(duties.len() <= CLAUSES_MAX);
    let masked = duties.iter().filter(|duty| matches!(duty, Duty::Mask(_))).count();
    assert_eq!(masked, 33);
    assert!(draft.clauses(Language::Chinese).len() > 34);
}

#[test]
fn placeholders_in_arguments_are_not_filled() {
    let arguments = Arguments::new().with("price", "1 EUR").with("purposes", ["research"]);
    assert!(template("pay-per-access").fill(&arguments).is_ok());
    // A text that looks like a placeholder stays that text.
    let arguments = Arguments::new().with("source", "${monthly} ${it}");
    let draft = template("research-attribution").fill(&arguments).unwrap();
    let words = &draft.clauses(Language::English).last().unwrap().words.clone();
    assert_eq!(words, "publications name the source: ${monthly} ${it}");
    let arguments = template("supplier-grade").example().with("column", "${days}");
    let draft = template("supplier-grade").fill(&arguments).unwrap();
    let Duty::Filter(filter) = &draft.terms(Language::English).duties[0] else { panic!() };
    assert_eq!(filter.column.as_str(), "${days}");
}

#[test]
fn json_of_arguments_is_strict() {
    let read = |json: &str| Arguments::from_json(json.as_bytes());
    let all = read(r#"{"a": 1, "b": "x", "c": ["y", 2], "d": -5}"#).unwrap();
    assert_eq!(all.get("c"), Some(&Argument::List(vec!["y".into(), 2.into()])));
    assert_eq!(all.get("d"), Some(&Argument::Whole(-5)));
    for wrong in [
        "",
        "[]",
        "1",
        "null",
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": null}"#,
        r#"{"a": 1.0}"#,
        r#"{"a": 1e3}"#,
        r#"{"a": 18446744073709551615}"#,
        r#"{"a": true}"#,
        r#"{"a": {"b": 1}}"#,
        r#"{"a": [[1]]}"#,
        r#"{"a": [true]}"#,
        r#"{"a": 1} x"#,
        r#"{"a": 1,}"#,
        "{'a': 1}",
        r#"{"a": "\ud800"}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read(&deep), Err(InvalidArguments::Len { .. })));
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(read(&deep), Err(InvalidArguments::Json { .. })));
    let many: Vec<_> = (0..65).map(|number| format!("\"a{number}\": 1")).collect();
    let many = read(&format!("{{{}}}", many.join(",")));
    assert_eq!(many, Err(InvalidArguments::TooMany { found: 65 }));
    let long = read(&format!("{{\"a\": [{}1]}}", "1,".repeat(256)));
    assert_eq!(long, Err(InvalidArguments::TooLarge { number: 1 }));
    let long = read(&format!("{{\"a\": \"{}\"}}", "x".repeat(513)));
    assert_eq!(long, Err(InvalidArguments::TooLarge { number: 1 }));
}

#[test]
fn words_of_another_sector_are_not_known() {
    for (sector, id, purpose) in [
        (materials(), "embargo", "broadcast"),
        (automotive(), "telemetry", "research"),
        (audio_visual(), "plays", "Broadcast"),
    ] {
        let template = sector.template(id).unwrap();
        let error = template.fill(&template.example().with("purposes", [purpose])).unwrap_err();
        assert_eq!(error.to_string(), "purposes must be 1 to 64 purposes of the sector");
    }
}
