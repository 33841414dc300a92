//! The sectors as people and programs read them.

use std::fs;

use crate::support::{code, run, said};

#[test]
fn every_template_can_be_read_in_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let listed = run(dir.path(), &["sector", "list"]);
    assert_eq!(code(&listed), 0, "{}", said(&listed));
    let text = said(&listed);
    let ids: Vec<_> = text.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(ids.len() >= 3 * 8, "{text}");
    for id in ids {
        let english = run(dir.path(), &["sector", "show", id]);
        let chinese = run(dir.path(), &["sector", "show", id, "--lang", "zh"]);
        assert!(code(&english) == 0 && code(&chinese) == 0, "{id}: {}", said(&chinese));
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(
            !said(&english).contains(is_chinese) && said(&chinese).contains(is_chinese),
            "{id}"
        );
    }
}

#[test]
fn a_template_is_filled_with_the_arguments_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("arguments.json");
    let show = |arguments: &str, more: &[&str]| {
        fs::write(&file, arguments).unwrap();
        let show = ["sector", "show", "pay-per-access", "--arguments", "arguments.json"];
        run(dir.path(), &[&show[..], more].concat())
    };
    let filled = show(r#"{"price": "0.75 CNY", "cap": 7}"#, &[]);
    assert!(code(&filled) == 0 && said(&filled).contains("7 times a month"), "{}", said(&filled));
    let filled = show(r#"{"price": "0.75 CNY"}"#, &["--lang", "zh", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&filled.stdout).unwrap();
    assert_eq!(
        json["clauses"][2]["words"],
        "提供方日志所记的每次使用（获准的访问），使用方支付 0.75 CNY；被拒绝的请求不收费"
    );
    assert_eq!(json["parameters"][1]["isNeeded"], true);

    for (wrong, why) in [
        ("{}", "price is missing"),
        (r#"{"price": 1}"#, "price must be an amount of money"),
        (r#"{"price": "1 EUR", "cap": 0}"#, "cap must be a whole number from 1 to 1000000"),
        (r#"{"price": "1 EUR", "price": "2 EUR"}"#, "one JSON object"),
        ("{", "one JSON object"),
    ] {
        let refused = show(wrong, &[]);
        assert!(code(&refused) == 2 && said(&refused).contains(why), "{}", said(&refused));
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn what_is_not_there_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (wrong, why) in [
        (&["sector", "show", "alchemy"][..], "no sector or template has this id"),
        (&["sector", "show", "embargo", "--lang", "la"], "en and zh"),
        (&["sector", "show", "materials", "--arguments", "x"], "is a sector"),
        (&["sector", "show", "embargo", "--arguments", "absent"], "absent"),
    ] {
        let refused = run(dir.path(), wrong);
        assert!(code(&refused) == 2 && said(&refused).contains(why), "{}", said(&refused));
    }
}
