//! The files of a sector: those that are here are proved, and those that say two things or none are refused.

use std::error::Error;

use dataspace_sectors::{
    Language, Sector,
    sector::{Files, InvalidSector},
};

use crate::support::{IDS, files};

/// The error and all its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn parse(profile: &str, forbids: &str, templates: &[String]) -> Result<Sector, InvalidSector> {
    parse_with("", (profile, forbids), templates)
}

fn parse_with(
    schema: &str,
    (profile, forbids): (&str, &str),
    templates: &[String],
) -> Result<Sector, InvalidSector> {
    let templates: Vec<_> = templates.iter().map(String::as_str).collect();
    Sector::parse(Files { profile, forbids, schema, templates: &templates })
}

#[test]
fn the_files_here_are_proved_and_the_library_has_them_all() {
    for (id, sector) in IDS.into_iter().zip(dataspace_sectors::all()) {
        let (profile, forbids, schema, templates) = files(id);
        let parsed = parse_with(&schema, (&profile, &forbids), &templates)
            .unwrap_or_else(|error| panic!("{id}: {}", told(&error)));
        assert_eq!(sector.id(), id);
        let ids = |sector: &Sector| {
            let mut ids: Vec<_> = sector.templates().iter().map(|one| one.id().clone()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(sector), ids(&parsed));
        assert!(sector.templates().len() >= 7, "{id}");
    }
}

/// Good files of a small sector, for each test to spoil one of them.
const PROFILE: &str = r#"{
  "id": "tea", "title": {"en": "Tea", "zh": "茶"},
  "purposes": {"tasting": {"text": {"en": "tasting", "zh": "品茶"}}},
  "classes": {"leaves": {"en": "leaves", "zh": "茶叶"}},
  "roles": {"grower": {"en": "grows tea", "zh": "茶农"}},
  "settings": [{"name": "home", "type": "regions", "default": ["CN"], "text": {"en": "Home.", "zh": "产地。"}}],
  "forbids": {"leaves-at-home": {"en": "Leaves stay at home.", "zh": "茶叶不出境。"}}
}"#;
const FORBIDS: &str = r#"@id("leaves-at-home") forbid (principal, action, resource)
when { resource.class == "leaves" } unless { ${home}.contains(principal.region) };"#;
const TEMPLATE: &str = r#"{
  "id": "sip", "title": {"en": "Sips", "zh": "小口"}, "text": {"en": "So many sips.", "zh": "限定口数。"},
  "parameters": [
    {"name": "sips", "type": {"whole": {"from": 1, "to": 9}}, "default": 3, "text": {"en": "Sips.", "zh": "口数。"}},
    {"name": "hidden", "type": {"columns": {"from": 0, "to": 9}}, "example": ["price"],
     "text": {"en": "Hidden.", "zh": "隐藏。"}}
  ],
  "terms": {
    "permissions": [{"actions": ["read"], "constraints": [{"purpose": ["tasting"]}, {"count": "${sips}"}]}],
    "prohibitions": [],
    "duties": [{"in": "${hidden}", "each": {"mask": {"column": "${it}", "method": "drop"}}}],
    "legal": [{"text": {"en": "at most ${sips} sips", "zh": "至多 ${sips} 口"}}]
  }
}"#;

fn parse_one(profile: &str, forbids: &str, template: &str) -> Result<Sector, String> {
    parse(profile, forbids, &[template.to_owned()]).map_err(|error| told(&error))
}

#[test]
fn a_sector_of_somebody_elses_is_read() {
    let sector = parse_one(PROFILE, FORBIDS, TEMPLATE).unwrap();
    let template = sector.template("sip").unwrap();
    let draft = template.fill(&template.example()).unwrap();
    let words = |language| {
        let clauses = draft.clauses(language).into_iter();
        clauses.map(|one| one.words).collect::<Vec<_>>()
    };
    assert_eq!(
        words(Language::Chinese),
        [
            "使用方可以读取，使用目的为 品茶（tasting），累计不超过 3 次",
            "不提供列 price，行的次序重新排列",
            "至多 3 口"
        ]
    );
    assert_eq!(words(Language::English)[2], "at most 3 sips");
}

#[test]
fn a_template_that_is_not_whole_is_refused() {
    for (good, bad, why) in [
        ("\"count\": \"${sips}\"", "\"count\": \"${sip}\"", "`${sip}` names no parameter"),
        ("at most ${sips} sips", "at most ${glass} sips", "`${glass}` names no parameter"),
        ("at most ${sips} sips", "at most ${sips sips", "a placeholder does not end"),
        ("at most ${sips} sips", "at most ${it} sips", "`${it}` names no parameter"),
        ("\"${it}\"", "\"price\"", ""),
        ("\"in\": \"${hidden}\"", "\"in\": \"${sips}\"", "`hidden` is not used"),
        ("\"in\": \"${hidden}\"", "\"in\": \"no ${hidden}\"", "`each` goes over one list"),
        ("\"count\": \"${sips}\"", "\"count\": \"${hidden}\"", "do not fit"),
        ("\"count\": \"${sips}\"", "\"count\": 3, \"count\": 4", "twice"),
        ("\"count\": \"${sips}\"", "\"count\": 3.5", "not the JSON of a template"),
        ("\"count\": \"${sips}\"", "\"counts\": \"${sips}\"", "do not fit"),
        (
            "\"count\": \"${sips}\"",
            "\"count\": \"${sips}\"}, {\"payment\": [\"paid\"]",
            "asks for statements of the kind `payment`",
        ),
        (
            "\"count\": \"${sips}\"",
            "\"count\": \"${sips}\"}, {\"vouched\": {\"kind\": \"sour\", \"values\": [\"true\"]}",
            "asks for statements of the kind `sour`",
        ),
        ("\"count\": \"${sips}\"", "\"credential\": [\"Taster\"]", "nobody supplies"),
        ("[\"read\"]", "[\"query\"]", "permits to query, which no node carries out"),
        ("[\"read\"]", "[]", "do not fit"),
        ("\"default\": 3", "\"default\": 10", "sips must be a whole number from 1 to 9"),
        ("\"default\": 3", "\"default\": \"3\"", "sips must be a whole number from 1 to 9"),
        ("\"default\": 3", "\"default\": 3, \"example\": 3", "needs a default or an example"),
        ("\"default\": 3,", "", "needs a default or an example"),
        ("\"name\": \"hidden\"", "\"name\": \"sips\"", "stands twice"),
        ("\"name\": \"hidden\"", "\"name\": \"it\"", "cannot have the name `it`"),
        ("\"id\": \"sip\"", "\"id\": \"sip\", \"more\": 1", "unknown field"),
        ("\"zh\": \"口数。\"", "\"zh\": \" \"", "must be told in English and in Chinese"),
        ("\"zh\": \"限定口数。\"", "\"de\": \"Schlucke\"", "unknown field"),
        ("\"zh\": \"至多 ${sips} 口\"", "\"de\": \"Schlucke\"", "do not fit"),
        ("\"prohibitions\": [],", "", "do not fit"),
        ("at most ${sips} sips", "at most ${sips} \\u202e", "do not fit"),
    ] {
        assert!(TEMPLATE.contains(good), "{good}");
        let found = parse_one(PROFILE, FORBIDS, &TEMPLATE.replace(good, bad));
        match found {
            // The entry at hand need not be used.
            Ok(_) => assert_eq!(why, "", "{bad}"),
            Err(error) => assert!(!why.is_empty() && error.contains(why), "{bad}: {error}"),
        }
    }
    let unused =
        TEMPLATE.replace("\"count\": \"${sips}\"", "\"count\": 3").replace("${sips}", "few");
    let error = parse_one(PROFILE, FORBIDS, &unused).unwrap_err();
    assert!(error.contains("the parameter `sips` is not used"), "{error}");
    let nested = TEMPLATE
        .replace(r#""column": "${it}""#, r#""column": [{"in": "${hidden}", "each": "${it}"}]"#);
    let error = parse_one(PROFILE, FORBIDS, &nested).unwrap_err();
    assert!(error.contains("not within another `each`"), "{error}");
}

#[test]
fn a_profile_that_is_not_whole_is_refused() {
    for (good, bad, why) in [
        ("\"zh\": \"品茶\"", "\"zh\": \"\"", "`tasting` must be told"),
        (
            "\"text\": {\"en\": \"tasting\"",
            "\"broader\": \"x\", \"text\": {\"en\": \"tasting\"",
            "part of one",
        ),
        (
            "\"text\": {\"en\": \"tasting\"",
            "\"broader\": \"tasting\", \"text\": {\"en\": \"tasting\"",
            "part of itself",
        ),
        ("{\"leaves\"", "{\"Leaves\": {\"en\": \"x\", \"zh\": \"x\"}, \"leaves\"", "look alike"),
        ("{\"grower\": {\"en\": \"grows tea\", \"zh\": \"茶农\"}}", "{}", "roles must be there"),
        ("\"regions\"", "\"names\"", "not a list of countries"),
        ("[\"CN\"]", "[\"China\"]", "home must be"),
        ("\"name\": \"home\"", "\"name\": \"away\"", "`away` is not used"),
        ("leaves-at-home", "leaves-abroad", "do not have the same forbids"),
        ("\"leaves\": {", "\"herbs\": {", "never matches"),
        ("\"en\": \"tasting\"", "\"en\": \" tasting\"", "is not a name"),
        ("\"id\": \"tea\",", "", "missing field"),
    ] {
        assert!(PROFILE.contains(good), "{good}");
        let found = parse_one(&PROFILE.replace(good, bad), FORBIDS, TEMPLATE);
        let error = found.map(drop).unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
}

#[test]
fn forbids_that_no_space_takes_are_refused() {
    for (bad, why) in [
        (FORBIDS.replace("forbid (", "permit ("), "can only forbid"),
        (FORBIDS.replace("${home}", "${abroad}"), "the parameter `home` is not used"),
        (FORBIDS.replace("(principal.region)", "(${abroad})"), "`${abroad}` names no parameter"),
        (FORBIDS.replace("};", "}; ${home"), "a placeholder does not end"),
        (
            FORBIDS.replace(
                "${home}.contains(principal.region)",
                "context.payment == \"paid\" || ${home}.isEmpty()",
            ),
            "",
        ),
        (FORBIDS.replace("resource.class", "resource.colour"), ""),
        (format!("{FORBIDS}{FORBIDS}"), "twice"),
        ("x".repeat(70_000), "70000 bytes"),
    ] {
        let error = parse_one(PROFILE, &bad, TEMPLATE).map(drop).unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
}

#[test]
fn files_that_are_too_large_or_too_deep_are_refused() {
    let error = parse_one(PROFILE, FORBIDS, &" ".repeat(70_000)).map(drop).unwrap_err();
    assert!(error.contains("70000 bytes"), "{error}");
    let many = vec![TEMPLATE.to_owned(); 65];
    assert!(matches!(parse(PROFILE, FORBIDS, &many), Err(InvalidSector::TooMany { found: 65 })));
    let twice = vec![TEMPLATE.to_owned(); 2];
    assert!(matches!(parse(PROFILE, FORBIDS, &twice), Err(InvalidSector::Repeated { number: 2 })));
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep = TEMPLATE.replace("\"count\": \"${sips}\"", &format!("\"count\": {deep}"));
    assert!(parse_one(PROFILE, FORBIDS, &deep).is_err());
}

#[test]
fn a_template_that_makes_much_of_little_is_refused() {
    // A list that is put, for each of its entries, many times.
    let cells: Vec<_> = (0..256).map(|number| format!("\"{number}{}\"", "x".repeat(60))).collect();
    let cells = cells.join(",");
    let parameter = format!(
        r#"{{"name": "hidden", "type": "cells", "example": [{cells}], "text": {{"en": "x", "zh": "x"}}}}"#
    );
    let (before, rest) = TEMPLATE.split_once("{\"name\": \"hidden\"").unwrap();
    let (_, after) = rest.split_once("}\n  ],").unwrap();
    let cells_of = format!("{before}{parameter}\n  ],{after}");
    let lists = vec!["\"${hidden}\""; 2_000].join(",");
    let each = cells_of.replace(
        r#"{"mask": {"column": "${it}", "method": "drop"}}"#,
        &format!("[\"${{it}}\", {lists}]"),
    );
    let text = cells_of.replace("at most ${sips}", &"${hidden}".repeat(2_000));
    for large in [each, text] {
        assert!(large.len() < 65_536);
        let error = parse_one(PROFILE, FORBIDS, &large).map(drop).unwrap_err();
        assert!(error.contains("too large"), "{error}");
    }
}

#[test]
fn what_the_schema_does_not_name_cannot_be_asked_for() {
    let kinds = r#""statements": {"sour": {"by": "provider", "about": "product",
        "text": {"en": "sour", "zh": "酸"}}}, "forbids""#;
    let (stating, plain) = (PROFILE.replace("\"forbids\"", kinds), PROFILE);
    let of = |constraint: &str| {
        let with = format!("\"count\": \"${{sips}}\"}}, {{{constraint}");
        TEMPLATE.replace("\"count\": \"${sips}\"", &with)
    };
    let sour = of(r#""vouched": {"kind": "sour", "values": ["true"]}"#);
    let grade = of(r#""attribute": {"name": "grade", "values": ["first"]}"#);
    let schema = r#"namespace Dataspace {
        type ParticipantTags = { "grade"?: String };
        type ContractTags = { "sour"?: String };
    }"#;
    let found = |profile: &str, schema: &str, template: &str| {
        let found = parse_with(schema, (profile, FORBIDS), &[template.to_owned()]);
        found.map(drop).map_err(|error| told(&error))
    };
    for template in [TEMPLATE, &sour, &grade] {
        found(&stating, schema, template).unwrap();
    }
    for (profile, schema, template, why) in [
        // The kinds of statements stand in both files.
        (&*stating, "", TEMPLATE, "do not have the same kinds of statements"),
        (plain, schema, TEMPLATE, "do not have the same kinds of statements"),
        (&stating, &schema.replace("sour", "sower"), TEMPLATE, "do not have the same kinds"),
        // A template asks for an attribute that credentials of this sector do not have.
        (&stating, &schema.replace("grade", "rank"), &grade, "grade"),
        (plain, "", &grade, "the Cedar text of template 1 is refused"),
        (&stating, "entity Leaf;", TEMPLATE, "schema.cedarschema is refused"),
        (plain, "namespace Tea {", TEMPLATE, "schema.cedarschema is refused"),
    ] {
        let error = found(profile, schema, template).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    // So a forbid that asks for one.
    let asking = FORBIDS.replace(
        "${home}.contains(principal.region)",
        "${home}.contains(principal.region) || principal.hasTag(\"grad\")",
    );
    let error = parse_with(schema, (&stating, &asking), &[]).map(drop).unwrap_err();
    assert!(matches!(&error, InvalidSector::Policies(_)), "{error:?}");
    assert!(told(&error).contains("grad"), "{}", told(&error));
}
