//! Entities and contexts for policies made at random.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityUid, RestrictedExpression, Schema};

use crate::cedar_policies::{TYPES, Type};
use crate::dice::Dice;

/// What requests are about.
pub(crate) struct World {
    pub(crate) entities: Entities,
    pub(crate) contexts: Vec<Context>,
    /// Whether an attribute of an entity is unknown, so that Cedar evaluates everything.
    pub(crate) is_partial: bool,
}

pub(crate) const LONGS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "7",
    "9223372036854775807",
    "-9223372036854775808",
    "4611686018427387904",
];
pub(crate) const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""ab""#,
    r#""a*b""#,
    r#""abab""#,
    r#""é\u{1F600}b""#,
    r#""1.5""#,
    r#""n""#,
    r#""10.0.0.1""#,
    r#""2024-02-29""#,
    r#""1d2h""#,
    r#""it's \"\\\u{202e}\0""#,
    r#""\\*`""#,
];
pub(crate) const ENTITIES: &[&str] = &[
    r#"U::"a""#,
    r#"U::"b""#,
    r#"G::"x""#,
    r#"G::"y""#,
    r#"N::G::"x""#,
    r#"Action::"r""#,
    r#"U::"nobody""#,
    ODD_USER,
    r#"U::"it\\\'s""#,
    r#"G::"""#,
    r#"G::"\"\\\n\0\u{202e}""#,
];
/// A name that is another one when its escapes are written out, or read once too often. Cedar
/// takes an entity's name alone only in the escapes that it would write.
pub(crate) const ODD_USER: &str = r#"U::"it\'s""#;
pub(crate) const DECIMALS: &[&str] = &[
    "1.5",
    "1.50",
    "-0.0",
    "-0.5",
    "0.0001",
    "0.0000",
    "-1.0001",
    "1.00001",
    "1",
    ".5",
    "5.",
    "+1.0",
    "--1.0",
    "922337203685477.5807",
    "922337203685477.5808",
    "-922337203685477.5808",
    "٣.٣",
    "00.1",
];
pub(crate) const DATETIMES: &[&str] = &[
    "2024-02-29",
    "2023-02-29",
    "1970-01-01",
    "0000-01-01",
    "9999-12-31T23:59:59.999Z",
    "1900-02-29",
    "2000-02-29T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T23:59:60Z",
    "2024-01-01T10:00:00+0130",
    "2024-01-01T10:00:00.5Z",
    "2024-01-01T10:00:00.123-2359",
    "2024-01-01T10:00:00+2400",
    "2024-1-1",
    "2024-13-01",
    "2024-00-10",
    "2024-01-00",
    "2024-01-01T10:00:00",
    "2024-01-01T10:00:00+01:30",
    "1969-12-31T23:59:59.999Z",
    "1969-12-31",
    "2024-01-01T08:30:00Z",
    "2024-01-01T11:30:00Z",
    "2024-01-01 ",
    "2024-01-01T10:00Z",
    "é024-01-01",
    "2024-01-01é",
];
pub(crate) const DURATIONS: &[&str] = &[
    "1d2h3m4s5ms",
    "-1ms",
    "0ms",
    "1ms",
    "",
    "-",
    "1m1d",
    "5",
    "ms",
    "1d1d",
    "9223372036854775807ms",
    "9223372036854775808ms",
    "-9223372036854775808ms",
    "-9223372036854775809ms",
    "106751991167d",
    "106751991168d",
    "-106751991168d",
    "99999999999999999999d",
    "1h5ms",
    "5ms1s",
    "+1s",
    "1.5s",
    "106751991167d8h",
    "-106751991167d7h12m55s808ms",
    "-106751991167d7h12m55s809ms",
    "36h",
];
pub(crate) const IPS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.1/8",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "0.0.0.0",
    "::a00:0/104",
    "10.0.0.1/33",
    "10.0.0.1/08",
    "0.0.0.0/0",
    "::/0",
    "::1",
    "::1/128",
    "::1/129",
    "ff00::1/8",
    "ff00::1/7",
    "127.0.0.1/7",
    "127.9.9.9",
    "224.0.0.1/3",
    "::ffff:1.2.3.4",
    "::1.2",
    "01.2.3.4",
    "1.2.3",
    "10.0.0.1/",
    "/8",
    "fe80::1%1",
    "1.2.3.4/+8",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/1280",
];
/// Networks that hold each other, and others at the edges of those with a name.
pub(crate) const RANGES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.0.1/31",
    "0.0.0.0/0",
    "::/0",
    "::a00:0/104",
    "127.0.0.1/8",
    "127.0.0.1/7",
    "::1",
    "::1/127",
    "224.0.0.1/4",
    "224.0.0.1/3",
    "ff00::1/8",
    "ff00::1/7",
];
pub(crate) const LIKES: &[&str] = &[
    r#""*""#,
    r#""a*""#,
    r#""*b""#,
    r#""a*a""#,
    r#""ab*b""#,
    r#""*b*a*""#,
    r#""a\*b""#,
    r#""a\**""#,
    r#""\\\**\u{60}""#,
    r#""it's*\0""#,
    r#""**a**b""#,
    r#""""#,
    r#""*.*.*""#,
    r#""é*b""#,
    r#""ab""#,
];
/// Values of different types that a careless comparison takes for the same.
pub(crate) const ALIKE: &[&str] = &[
    "0",
    "1",
    "false",
    r#""0""#,
    r#""""#,
    "[]",
    "[0]",
    "{}",
    "{a: 0}",
    "{k: 0}",
    r#"decimal("0.0")"#,
    r#"decimal("0.0001")"#,
    r#"duration("0ms")"#,
    r#"duration("1ms")"#,
    r#"datetime("1970-01-01")"#,
    r#"datetime("1970-01-01T00:00:00.001Z")"#,
    r#"ip("0.0.0.0")"#,
    r#"ip("0.0.0.0/0")"#,
    r#"ip("::")"#,
    r#"G::"x""#,
    r#"N::G::"x""#,
    r#"U::"x""#,
];
/// Instants that no text names.
pub(crate) const FAR: &[&str] = &[
    r#"datetime("1970-01-01").offset(duration("9223372036854775807ms"))"#,
    r#"datetime("1970-01-01").offset(duration("-9223372036854775808ms"))"#,
];

/// The attributes of which the policies speak, and what they mostly are.
const ATTRIBUTES: [(&str, Type, &str); 11] = [
    ("n", Type::Long, "2"),
    ("s", Type::String, r#""a*b""#),
    ("b", Type::Bool, "true"),
    ("set", Type::Set, r#"[1, 2, "a", [1], U::"a"]"#),
    ("r", Type::Record, r#"{a: 1, b: {c: 1}, "b c": [1, 2]}"#),
    ("e", Type::Entity, r#"U::"b""#),
    ("friend", Type::Entity, r#"U::"b""#),
    ("dec", Type::Decimal, r#"decimal("1.50")"#),
    ("at", Type::Datetime, r#"datetime("2024-02-29T10:00:00Z")"#),
    ("dur", Type::Duration, r#"duration("-36h")"#),
    ("ip", Type::Ip, r#"ip("10.0.0.1/8")"#),
];

/// The entities from the bottom up: each may be within any that follow.
const WITHIN: [(&str, &[&str]); 9] = [
    (r#"U::"a""#, &[r#"G::"x""#, r#"G::"y""#, r#"U::"b""#, r#"N::G::"x""#]),
    (ODD_USER, &[r#"G::"x""#, r#"G::"\"\\\n\0\u{202e}""#, r#"U::"b""#]),
    (r#"G::"\"\\\n\0\u{202e}""#, &[r#"G::"y""#, r#"G::"""#]),
    (r#"U::"b""#, &[r#"G::"y""#, r#"N::G::"x""#]),
    (r#"N::G::"x""#, &[r#"G::"x""#, r#"G::"y""#]),
    (r#"G::"x""#, &[r#"G::"y""#]),
    (r#"G::"y""#, &[r#"G::"top""#, r#"U::"nobody""#]),
    (r#"Action::"r""#, &[r#"Action::"all""#, r#"Action::"w""#]),
    (r#"Action::"w""#, &[r#"Action::"all""#]),
];

/// A value in Cedar's syntax; not always one that Cedar takes.
fn value(dice: &mut Dice<'_>, ty: Type, depth: usize) -> String {
    let call = |dice: &mut Dice<'_>, name: &str, of: &[&str]| {
        let text = if dice.roll(3) == 0 { of[0] } else { dice.one(of) };
        format!("{name}(\"{text}\")")
    };
    let any = |dice: &mut Dice<'_>| match depth {
        0 => dice.one(LONGS).to_owned(),
        depth => {
            let ty = TYPES[dice.roll(TYPES.len())];
            value(dice, ty, depth - 1)
        }
    };
    match ty {
        Type::Bool => dice.one(&["true", "false"]).to_owned(),
        Type::Long => dice.one(LONGS).to_owned(),
        Type::String => dice.one(STRINGS).to_owned(),
        Type::Entity => dice.one(ENTITIES).to_owned(),
        Type::Set => {
            let items: Vec<_> = (0..dice.roll(4)).map(|_| any(dice)).collect();
            format!("[{}]", items.join(", "))
        }
        Type::Record => format!("{{a: {}, \"b c\": {}, b: {{c: 1}}}}", any(dice), any(dice)),
        Type::Decimal => call(dice, "decimal", DECIMALS),
        Type::Datetime => {
            let from = call(dice, "datetime", DATETIMES);
            match dice.roll(8) {
                0 => dice.one(FAR).to_owned(),
                1 | 2 => format!("{from}.offset({})", call(dice, "duration", DURATIONS)),
                _ => from,
            }
        }
        Type::Duration => call(dice, "duration", DURATIONS),
        Type::Ip => call(dice, "ip", IPS),
    }
}

/// An attribute's or a tag's value, if there is one that Cedar takes.
fn known(text: &str) -> Option<RestrictedExpression> {
    let expression: RestrictedExpression = text.parse().ok()?;
    let context = Context::from_pairs([("a".to_owned(), expression.clone())]);
    context.is_ok().then_some(expression)
}

fn attributes(dice: &mut Dice<'_>) -> HashMap<String, RestrictedExpression> {
    let attribute = |(name, ty, mostly): &(&str, Type, &str)| {
        let text = match dice.roll(8) {
            0 => return None,
            1..=3 => value(dice, *ty, 2),
            4 => {
                let ty = TYPES[dice.roll(TYPES.len())];
                value(dice, ty, 1)
            }
            _ => (*mostly).to_owned(),
        };
        Some(((*name).to_owned(), known(&text)?))
    };
    ATTRIBUTES.iter().filter_map(attribute).collect()
}

fn uid(text: &str) -> EntityUid {
    text.parse().unwrap()
}

/// The entity, with an attribute that Cedar does not know. Only JSON brings one in.
fn with_unknown(entity: &Entity, name: &str) -> Entity {
    let unknown = r#"{"uid": {"type": "U", "id": ""}, "parents": [],
        "attrs": {"a": {"__extn": {"fn": "unknown", "arg": "a"}}}}"#;
    let unknown = Entity::from_json_str(unknown, None).unwrap().to_json_value().unwrap();
    let mut json = entity.to_json_value().unwrap();
    json["attrs"][name] = unknown["attrs"]["a"].clone();
    Entity::from_json_value(json, None).unwrap()
}

/// Only with a schema does JSON bring an unknown into a context.
fn unknown_context() -> Context {
    let schema = r#"entity U; action "r" appliesTo
        { principal: U, resource: U, context: { n: Long, b: Bool } };"#;
    let (schema, _warnings) = Schema::from_cedarschema_str(schema).unwrap();
    let json = r#"{"n": {"__extn": {"fn": "unknown", "arg": "a"}}, "b": true}"#;
    Context::from_json_str(json, Some((&schema, &uid(r#"Action::"r""#)))).unwrap()
}

pub(crate) fn world(dice: &mut Dice<'_>) -> World {
    let mut entities = Vec::new();
    for (name, above) in WITHIN {
        // Some do not exist, and some have nothing.
        let is_action = name.starts_with("Action");
        let attrs = match dice.roll(8) {
            0 => continue,
            1 => HashMap::new(),
            _ if is_action => HashMap::new(),
            _ => attributes(dice),
        };
        let parents: HashSet<_> =
            above.iter().filter(|_| dice.roll(2) == 0).map(|parent| uid(parent)).collect();
        let mut tags = HashMap::new();
        for _ in 0..if is_action { 0 } else { dice.roll(4) } {
            let ty = if dice.roll(2) == 0 { Type::String } else { TYPES[dice.roll(10)] };
            let key = dice.one(&["a", "ab", "a*b", "1.5", ""]).to_owned();
            tags.extend(known(&value(dice, ty, 1)).map(|value| (key, value)));
        }
        entities.push(Entity::new_with_tags(uid(name), attrs, parents, tags).unwrap());
    }
    let mut contexts = vec![Context::empty()];
    contexts.extend((0..4).map(|_| Context::from_pairs(attributes(dice)).unwrap()));
    let mut is_partial = false;
    if dice.roll(8) == 0 && !entities.is_empty() {
        let place = dice.roll(entities.len());
        entities[place] = with_unknown(&entities[place], dice.one(&["n", "b", "friend"]));
        is_partial = true;
    }
    if dice.roll(4) == 0 {
        contexts.push(unknown_context());
    }
    World { entities: Entities::from_entities(entities, None).unwrap(), contexts, is_partial }
}
