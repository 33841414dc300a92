//! Entities and contexts for policies made at random.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityUid, RestrictedExpression};

use crate::cedar_policies::{
    DATETIMES, DECIMALS, DURATIONS, ENTITIES, IPS, LONGS, STRINGS, TYPES, Type,
};
use crate::dice::Dice;

/// What requests are about.
pub(crate) struct World {
    pub(crate) entities: Entities,
    pub(crate) contexts: Vec<Context>,
}

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
const WITHIN: [(&str, &[&str]); 7] = [
    (r#"U::"a""#, &[r#"G::"x""#, r#"G::"y""#, r#"U::"b""#, r#"N::G::"x""#]),
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
            match dice.roll(3) {
                0 => format!("{from}.offset({})", call(dice, "duration", DURATIONS)),
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
    World { entities: Entities::from_entities(entities, None).unwrap(), contexts }
}
