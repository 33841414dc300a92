//! Cedar policies and templates, made at random. Most of their expressions have a value.

use crate::dice::Dice;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Type {
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

pub(crate) const TYPES: [Type; 10] = [
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
    r#""é\u{1F600}b""#,
    r#""1.5""#,
    r#""10.0.0.1""#,
    r#""2024-02-29""#,
    r#""1d2h""#,
];
pub(crate) const ENTITIES: &[&str] = &[
    r#"U::"a""#,
    r#"U::"b""#,
    r#"G::"x""#,
    r#"G::"y""#,
    r#"N::G::"x""#,
    r#"Action::"r""#,
    r#"U::"nobody""#,
];
pub(crate) const DECIMALS: &[&str] = &[
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

/// As long as what stands in it, but for the depth.
const WRAPS: [(&str, &str); 5] = [
    ("if (", ") then true else false"),
    ("[", "].contains(true)"),
    ("{a: ", "}.a"),
    ("!!(", ")"),
    // A chain, which is compiled however long it is.
    ("true && (", ")"),
];

/// A policy, or a template with the slots named; whether it is deeper than what is compiled.
pub(crate) struct Policy {
    pub(crate) text: String,
    pub(crate) is_deep: bool,
}

pub(crate) fn policy(dice: &mut Dice<'_>) -> Policy {
    let effect = dice.one(&["permit", "permit", "permit", "permit", "forbid"]);
    let principal = dice.one(&[
        "",
        "",
        "",
        "",
        "",
        "== U::\"a\"",
        "in G::\"x\"",
        "is U",
        "is U in G::\"y\"",
        "in U::\"nobody\"",
        "== ?principal",
        "in ?principal",
        "is U in ?principal",
    ]);
    let action = dice.one(&[
        "",
        "",
        "",
        "== Action::\"r\"",
        "in [Action::\"r\", Action::\"w\"]",
        "in Action::\"all\"",
    ]);
    let resource = dice.one(&[
        "",
        "",
        "",
        "",
        "",
        "",
        "== G::\"x\"",
        "in G::\"y\"",
        "is G",
        "is G in G::\"y\"",
        "== ?resource",
        "in ?resource",
        "is G in ?resource",
    ]);
    let mut is_deep = false;
    let clauses: String = (0..dice.roll(3))
        .map(|_| {
            let effect = dice.one(&["when", "when", "unless"]);
            // In a shallow one, nothing else hides what a function gives.
            let depth = [1, 2, 3, 4][dice.roll(4)];
            let mut condition = expr(dice, Type::Bool, depth);
            if dice.roll(32) == 0 {
                let wrap = dice.roll(WRAPS.len());
                let (before, after) = WRAPS[wrap];
                condition = format!("{}{condition}{}", before.repeat(65), after.repeat(65));
                is_deep |= wrap < 4;
            }
            format!(" {effect} {{ {condition} }}")
        })
        .collect();
    let text = format!(
        "{effect}(principal {principal}, action {action}, resource {resource}){clauses};\n"
    );
    Policy { text, is_deep }
}
