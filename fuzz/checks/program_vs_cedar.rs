//! The compiled program beside Cedar's own evaluator: same decision, same determining policies,
//! same policies in error, for policies, entities and requests made at random.
//!
//! The input's bytes are the first choices; after them, choices follow from their hash.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request};
use dataspace_policy::Engine;

/// Choices: the bytes one by one, then `SplitMix64`, which is small, and the same everywhere.
pub(crate) struct Dice<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl Dice<'_> {
    pub(crate) fn new(bytes: &[u8]) -> Dice<'_> {
        let state = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Dice { bytes, state }
    }

    /// Choices from a number alone.
    #[cfg_attr(not(test), expect(dead_code, reason = "the fuzzer has bytes"))]
    pub(crate) fn seeded(state: u64) -> Self {
        Self { bytes: &[], state }
    }

    fn roll(&mut self, sides: usize) -> usize {
        if let Some((first, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return usize::from(*first) % sides;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Bool,
    Long,
    String,
    Entity,
    Set,
    Record,
    Decimal,
    Datetime,
    Duration,
    Ip,
}

const TYPES: [Type; 10] = [
    Type::Bool,
    Type::Long,
    Type::String,
    Type::Entity,
    Type::Set,
    Type::Record,
    Type::Decimal,
    Type::Datetime,
    Type::Duration,
    Type::Ip,
];

const LONGS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "7",
    "9223372036854775807",
    "-9223372036854775808",
    "4611686018427387904",
];
const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""ab""#,
    r#""a*b""#,
    r#""é\u{1F600}b""#,
    r#""1.5""#,
    r#""10.0.0.1""#,
    r#""2024-02-29""#,
    r#""1d2h""#,
];
const ENTITIES: &[&str] = &[
    r#"U::"a""#,
    r#"U::"b""#,
    r#"G::"x""#,
    r#"G::"y""#,
    r#"N::G::"x""#,
    r#"Action::"r""#,
    r#"U::"nobody""#,
];
const DECIMALS: &[&str] = &[
    "1.5",
    "1.50",
    "-0.0",
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
const DATETIMES: &[&str] = &[
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
const DURATIONS: &[&str] = &[
    "1d2h3m4s5ms",
    "-1ms",
    "0ms",
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
const IPS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.1/8",
    "10.0.0.0/8",
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

/// An expression that mostly has this type.
fn expr(dice: &mut Dice<'_>, ty: Type, depth: usize) -> String {
    let ty = if dice.roll(40) == 0 { TYPES[dice.roll(10)] } else { ty };
    if depth == 0 || dice.roll(4) == 0 {
        return leaf(dice, ty);
    }
    let d = depth - 1;
    if dice.roll(9) == 0 {
        let (i, t, e) = (expr(dice, Type::Bool, d), expr(dice, ty, d), expr(dice, ty, d));
        return format!("(if {i} then {t} else {e})");
    }
    if dice.roll(9) == 0 {
        let name = dice.one(&["k", "l m", "k"]);
        let (one, other) = (expr(dice, ty, d), expr(dice, Type::Long, d));
        return format!("{{\"k\": {one}, \"l m\": {other}}}[\"{name}\"]");
    }
    let mut e = |ty| expr(dice, ty, d);
    match ty {
        Type::Bool => boolean(dice, d),
        Type::Long => {
            let (a, b, time) = (e(Type::Long), e(Type::Long), e(Type::Duration));
            match dice.roll(5) {
                0 => format!("-({a})"),
                1 => format!("({a}{}{b})", dice.one(&["+", "-", "*"])),
                2 => format!("({a} + {b})"),
                3 => {
                    format!("{time}.{}()", dice.one(&["toMilliseconds", "toSeconds", "toMinutes"]))
                }
                _ => format!("{time}.{}()", dice.one(&["toHours", "toDays"])),
            }
        }
        Type::String => format!("{}.getTag({})", e(Type::Entity), e(Type::String)),
        Type::Entity => format!("{}.friend", e(Type::Entity)),
        Type::Set => {
            let ty = TYPES[dice.roll(10)];
            let mut items: Vec<_> = (0..dice.roll(4)).map(|_| expr(dice, ty, d)).collect();
            if dice.roll(2) == 0 {
                // The same item twice.
                items.extend(items.first().cloned());
            }
            format!("[{}]", items.join(", "))
        }
        Type::Record => format!("{{a: {}, \"b c\": {}}}", e(Type::Long), e(Type::Set)),
        Type::Decimal => format!("decimal({})", e(Type::String)),
        Type::Datetime => match dice.roll(3) {
            0 => format!("datetime({})", expr(dice, Type::String, d)),
            1 => format!("{}.toDate()", expr(dice, Type::Datetime, d)),
            _ => {
                let (from, by) = (expr(dice, Type::Datetime, d), expr(dice, Type::Duration, d));
                format!("{from}.offset({by})")
            }
        },
        Type::Duration => match dice.roll(3) {
            0 => format!("duration({})", expr(dice, Type::String, d)),
            1 => format!("{}.toTime()", expr(dice, Type::Datetime, d)),
            _ => {
                let (to, from) = (expr(dice, Type::Datetime, d), expr(dice, Type::Datetime, d));
                format!("{to}.durationSince({from})")
            }
        },
        Type::Ip => format!("ip({})", e(Type::String)),
    }
}

fn boolean(dice: &mut Dice<'_>, d: usize) -> String {
    let any = TYPES[dice.roll(10)];
    let ordered = [Type::Long, Type::Datetime, Type::Duration][dice.roll(3)];
    let kind = dice.roll(20);
    let mut e = |ty| expr(dice, ty, d);
    match kind {
        0 | 1 => format!("({} && {})", e(Type::Bool), e(Type::Bool)),
        2 | 3 => format!("({} || {})", e(Type::Bool), e(Type::Bool)),
        4 => format!("!({})", e(Type::Bool)),
        5 | 6 => {
            let (a, b) = (e(any), e(any));
            // What is equal to itself, and what is not.
            let b = if dice.roll(4) == 0 { &a } else { &b };
            format!("({a} {} {b})", dice.one(&["==", "!="]))
        }
        7 | 8 => {
            let (a, b) = (e(ordered), e(ordered));
            format!("({a} {} {b})", dice.one(&["<", "<=", ">", ">="]))
        }
        9 => format!("({} in {})", e(Type::Entity), e(Type::Entity)),
        10 => {
            let (one, two, three) = (e(Type::Entity), e(Type::Entity), e(Type::Entity));
            format!("({one} in [{two}, {three}])")
        }
        11 => {
            let one = e(Type::Entity);
            format!(
                "({one} is {})",
                dice.one(&["U", "G", "N::G", "U in G::\"x\"", "U in [G::\"y\"]"])
            )
        }
        12 => {
            let one = if ordered == Type::Long { e(Type::Entity) } else { e(Type::Record) };
            format!(
                "({one} has {})",
                dice.one(&["a", "n", "r.b", "friend.r.b", "\"b c\"", "r.b.c"])
            )
        }
        13 => {
            let one = e(Type::String);
            format!("({one} like {})", dice.one(LIKES))
        }
        14 => format!("[{}, {}].contains({})", e(any), e(any), e(any)),
        15 => {
            let (one, two) = (e(Type::Set), e(Type::Set));
            format!("{one}.{}({two})", dice.one(&["containsAll", "containsAny", "contains"]))
        }
        16 => format!("{}.isEmpty()", e(Type::Set)),
        17 => format!("{}.hasTag({})", e(Type::Entity), e(Type::String)),
        18 => {
            let (a, b) = (e(Type::Decimal), e(Type::Decimal));
            let of = ["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"];
            format!("{a}.{}({b})", dice.one(&of))
        }
        _ => {
            let (a, b) = (e(Type::Ip), e(Type::Ip));
            match dice.roll(2) {
                0 => format!("{a}.isInRange({b})"),
                _ => format!(
                    "{a}.{}()",
                    dice.one(&["isIpv4", "isIpv6", "isLoopback", "isMulticast"])
                ),
            }
        }
    }
}

const LIKES: &[&str] = &[
    r#""*""#,
    r#""a*""#,
    r#""*b""#,
    r#""a\**""#,
    r#""**a**b""#,
    r#""""#,
    r#""*.*.*""#,
    r#""é*b""#,
    r#""ab""#,
];

fn leaf(dice: &mut Dice<'_>, ty: Type) -> String {
    let of_entity = |dice: &mut Dice<'_>, name: &str| {
        format!(
            "{}.{name}",
            dice.one(&["principal", "resource", "context", "U::\"a\"", "context.e"])
        )
    };
    let call = |dice: &mut Dice<'_>, name: &str, of: &[&str]| {
        // The first one is well-formed.
        let text = if dice.roll(3) == 0 { of[0] } else { dice.one(of) };
        format!("{name}(\"{text}\")")
    };
    let from_data = dice.roll(3) == 0;
    match ty {
        Type::Bool => dice.one(&["true", "true", "false", "context.b", "principal.b"]).to_owned(),
        Type::Long if from_data => of_entity(dice, "n"),
        Type::Long => dice.one(LONGS).to_owned(),
        Type::String if from_data => of_entity(dice, "s"),
        Type::String => dice.one(STRINGS).to_owned(),
        Type::Entity if from_data => dice.one(ENTITIES).to_owned(),
        Type::Entity => dice.one(&["principal", "resource", "action", "context.e"]).to_owned(),
        Type::Set if from_data => dice.one(&["[]", "[1, 1]"]).to_owned(),
        Type::Set => of_entity(dice, "set"),
        Type::Record if from_data => "context".to_owned(),
        Type::Record => of_entity(dice, "r"),
        Type::Decimal if from_data => of_entity(dice, "dec"),
        Type::Decimal => call(dice, "decimal", DECIMALS),
        Type::Datetime if from_data => of_entity(dice, "at"),
        Type::Datetime => call(dice, "datetime", DATETIMES),
        Type::Duration if from_data => of_entity(dice, "dur"),
        Type::Duration => call(dice, "duration", DURATIONS),
        Type::Ip if from_data => of_entity(dice, "ip"),
        Type::Ip => call(dice, "ip", IPS),
    }
}

fn policy(dice: &mut Dice<'_>) -> String {
    let effect = dice.one(&["permit", "permit", "permit", "permit", "forbid"]);
    let principal = dice.one(&[
        "",
        "",
        "",
        "== U::\"a\"",
        "in G::\"x\"",
        "is U",
        "is U in G::\"y\"",
        "in U::\"nobody\"",
    ]);
    let action = dice.one(&[
        "",
        "",
        "== Action::\"r\"",
        "in [Action::\"r\", Action::\"w\"]",
        "in Action::\"all\"",
    ]);
    let resource =
        dice.one(&["", "", "", "== G::\"x\"", "in G::\"y\"", "is G", "is G in G::\"y\""]);
    let clauses: String = (0..dice.roll(3))
        .map(|_| {
            let effect = dice.one(&["when", "when", "unless"]);
            // In a shallow one, nothing else hides what a function gives.
            let depth = [1, 2, 3, 4][dice.roll(4)];
            let mut condition = expr(dice, Type::Bool, depth);
            if dice.roll(64) == 0 {
                // Deeper than what is compiled.
                condition = format!(
                    "{}{condition}{}",
                    "if (".repeat(65),
                    ") then true else false".repeat(65)
                );
            }
            format!(" {effect} {{ {condition} }}")
        })
        .collect();
    format!("{effect}(principal {principal}, action {action}, resource {resource}){clauses};\n")
}

const DATA: &str = r#""n": 2, "s": "a*b", "b": true, "set": [1, 2, "a", [1], {"__entity": {"type": "U", "id": "a"}}],
    "r": {"a": 1, "b": {"c": 1}, "b c": [1, 2]}, "e": {"__entity": {"type": "U", "id": "b"}},
    "dec": {"__extn": {"fn": "decimal", "arg": "1.50"}}, "at": {"__extn": {"fn": "datetime", "arg": "2024-02-29T10:00:00Z"}},
    "dur": {"__extn": {"fn": "duration", "arg": "-36h"}}, "ip": {"__extn": {"fn": "ip", "arg": "10.0.0.1/8"}}"#;

pub(crate) fn entities() -> Entities {
    let json = format!(
        r#"[
        {{"uid": {{"type": "U", "id": "a"}}, "attrs": {{{DATA}, "friend": {{"__entity": {{"type": "U", "id": "b"}}}}}},
          "parents": [{{"type": "G", "id": "x"}}], "tags": {{"a": "ab", "1.5": "1.5"}}}},
        {{"uid": {{"type": "U", "id": "b"}}, "attrs": {{"n": 9223372036854775807, "friend": {{"__entity": {{"type": "U", "id": "nobody"}}}}}},
          "parents": []}},
        {{"uid": {{"type": "G", "id": "x"}}, "attrs": {{{DATA}, "friend": {{"__entity": {{"type": "U", "id": "a"}}}}}},
          "parents": [{{"type": "G", "id": "y"}}], "tags": {{"a": "2024-02-29"}}}},
        {{"uid": {{"type": "G", "id": "y"}}, "attrs": {{}}, "parents": []}},
        {{"uid": {{"type": "Action", "id": "r"}}, "attrs": {{}}, "parents": [{{"type": "Action", "id": "all"}}]}}
    ]"#
    );
    Entities::from_json_str(&json, None).unwrap()
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) texts: u64,
    pub(crate) requests: u64,
    pub(crate) permitted: u64,
    pub(crate) with_errors: u64,
    /// Requests some of whose policies Cedar evaluates.
    pub(crate) with_fallbacks: u64,
}

pub(crate) fn check(bytes: &[u8]) {
    check_one(&mut Dice::new(bytes), &entities(), &mut Counts::default());
}

pub(crate) fn check_one(dice: &mut Dice<'_>, entities: &Entities, counts: &mut Counts) {
    let text: String = (0..=dice.roll(4)).map(|_| policy(dice)).collect();
    counts.texts += 1;
    // Where the grammar itself refuses (a method of a number, say), there is nothing to compare.
    let Ok(policies) = text.parse::<PolicySet>() else { return };
    let engine = Engine::from_cedar(&policies, entities);
    assert_eq!(engine.fallbacks() > 0, text.contains(&"if (".repeat(65)), "{text}");
    for _ in 0..4 {
        let uid = |text: &str| text.parse::<EntityUid>().unwrap();
        let principal = uid(dice.one(&ENTITIES[..2]));
        let action = uid(dice.one(&[r#"Action::"r""#, r#"Action::"w""#]));
        let resource = uid(dice.one(ENTITIES));
        let context = if dice.roll(8) == 0 { "{}".to_owned() } else { format!("{{{DATA}}}") };
        let context = Context::from_json_str(&context, None).unwrap();
        let request = Request::new(principal, action, resource, context, None).unwrap();
        let response = Authorizer::new().is_authorized(&request, &policies, entities);
        let erred: BTreeSet<_> = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                error.policy_id().to_string()
            })
            .collect();
        let determining: BTreeSet<_> =
            response.diagnostics().reason().map(ToString::to_string).collect();
        let answer = engine.is_authorized(&request);
        assert_eq!(answer.erred, erred, "{request}\n{text}");
        assert_eq!(answer.determining, determining, "{request}\n{text}");
        assert_eq!(answer.decision, response.decision(), "{request}\n{text}");
        counts.requests += 1;
        counts.permitted += u64::from(answer.decision == cedar_policy::Decision::Allow);
        counts.with_errors += u64::from(!erred.is_empty());
        counts.with_fallbacks += u64::from(engine.fallbacks() > 0);
    }
}
