//! Cedar policies and templates, made at random. Most of their expressions have a value.

use crate::cedar_data::{
    ALIKE, DATETIMES, DECIMALS, DURATIONS, ENTITIES, FAR, IPS, LIKES, LONGS, RANGES, STRINGS,
};
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

/// Items of sets that have some in common.
const FEW: &[&str] = &["0", "1", "2", r#""a""#, r#"U::"a""#];

/// An expression that mostly has this type.
pub(crate) fn expr(dice: &mut Dice<'_>, ty: Type, depth: usize) -> String {
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
            let few = dice.roll(2) == 0;
            let item = |dice: &mut Dice<'_>| {
                if few { dice.one(FEW).to_owned() } else { expr(dice, ty, d) }
            };
            let mut items: Vec<_> = (0..dice.roll(4)).map(|_| item(dice)).collect();
            if dice.roll(2) == 0 {
                // The same item twice.
                items.extend(items.first().cloned());
            }
            format!("[{}]", items.join(", "))
        }
        Type::Record => {
            let (a, b) = (e(Type::Long), e(Type::Set));
            format!("{{{}: {a}, \"b c\": {b}}}", dice.one(&["a", "a", "n", "\"\""]))
        }
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
    let (any, other) = (TYPES[dice.roll(10)], TYPES[dice.roll(10)]);
    let ordered = [Type::Long, Type::Datetime, Type::Duration][dice.roll(3)];
    let kind = dice.roll(23);
    let mut e = |ty| expr(dice, ty, d);
    match kind {
        0 | 1 => format!("({} && {})", e(Type::Bool), e(Type::Bool)),
        2 | 3 => format!("({} || {})", e(Type::Bool), e(Type::Bool)),
        4 => format!("!({})", e(Type::Bool)),
        5 | 6 => {
            let (a, b) = (e(any), e(any));
            // What is equal to itself, and what is not.
            let b = match dice.roll(8) {
                0 | 1 => a.clone(),
                2 => expr(dice, other, d),
                _ => b,
            };
            format!("({a} {} {b})", dice.one(&["==", "!="]))
        }
        7 | 8 => {
            // Mostly what has an order, and mostly the same on both sides.
            let (a, b) = match dice.roll(8) {
                0 => (any, any),
                1 => (ordered, any),
                _ => (ordered, ordered),
            };
            let (a, b) = (expr(dice, a, d), expr(dice, b, d));
            format!("({a} {} {b})", dice.one(&["<", "<=", ">", ">="]))
        }
        9 => format!("({} in {})", e(Type::Entity), e(Type::Entity)),
        10 => {
            let (one, two, three) = (e(Type::Entity), e(Type::Entity), e(any));
            let three = if dice.roll(4) == 0 { three } else { expr(dice, Type::Entity, d) };
            format!("({one} in [{two}, {three}])")
        }
        11 => {
            let (one, two) =
                (e(Type::Entity), e(if d.is_multiple_of(2) { any } else { Type::Entity }));
            let ty = dice.one(&["U", "G", "N::G", "U in", "G in"]);
            let two = if ty.ends_with("in") { two } else { String::new() };
            format!("({one} is {ty} {two})")
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
        19 => {
            let (a, b) = (dice.one(ALIKE), dice.one(ALIKE));
            match dice.roll(3) {
                0 => format!("[{a}].contains({b})"),
                1 => format!("({a} {} {b})", dice.one(&["<", "<="])),
                _ => format!("({a} == {b})"),
            }
        }
        20 => {
            let one = e(Type::Long);
            format!("({{k: {{a: {one}}}}} has k.{})", dice.one(&["a", "a.c", "n", "n.c"]))
        }
        _ => {
            let ip = |dice: &mut Dice<'_>| match dice.roll(3) {
                0 => expr(dice, Type::Ip, d),
                _ => format!("ip(\"{}\")", dice.one(RANGES)),
            };
            let (a, b) = (ip(dice), ip(dice));
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
        Type::Datetime if dice.roll(12) == 0 => dice.one(FAR).to_owned(),
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
        "== U::\"it's\"",
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
