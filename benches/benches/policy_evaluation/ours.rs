//! This project's engine: contracts by their identifier, facts made of plain strings and numbers
//! for each call.

use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use dataspace_benches::{Effort, Report, median, mix, resident};
use dataspace_policy::{
    Action, Constraint, Contracts, Facts, Layer, Layers, Policies, Rule, Scope, Terms,
};
use dataspace_primitives::{Digest, Name, Region, UnixMillis, Validity};

use crate::world::{self, CLASS, FROM, OURS, PURPOSE, Plain, UNTIL};

/// Consumers and products of many contracts, so that what is measured is the memory of the engine
/// and not that of the facts.
const PARTIES: u32 = 1_000;

/// Memory comes first, before anything that is freed could be used again.
pub(crate) fn memory(effort: Effort, report: &mut Report) -> Result<Contracts> {
    let many = if effort.is_full() { 1_000_000 } else { 1_000 };
    let before = resident();
    let contracts = active(many)?;
    if let (Some(before), Some(after)) = (before, resident()) {
        let bytes = f64::from(after.saturating_sub(before)) * 1024.0;
        report.row("memory/1000000", bytes / f64::from(many), "B/contract", None);
    }
    Ok(contracts)
}

pub(crate) fn rows(effort: Effort, report: &mut Report, many: &Contracts) -> Result<()> {
    decide_one(effort, report)?;
    for count in [10_000, 1_000_000] {
        let name = format!("decide/{count}");
        if count == many.len() || !effort.is_full() {
            decide_many(effort, report, &name, many)?;
        } else {
            decide_many(effort, report, &name, &active(u32::try_from(count)?)?)?;
        }
    }
    activate(effort, report)?;
    refuse(effort, report)
}

/// How long bad input keeps a node busy: the longest texts of their kind.
fn refuse(effort: Effort, report: &mut Report) -> Result<()> {
    let policy = |number: usize, condition: &str| {
        format!("@id(\"p{number}\")permit(principal,action,resource)when{{{condition}}};")
    };
    let good = "context.uses + 1 > 0 && principal.region == \"DE\" && resource.level < 3";
    let many = |count, last: &str| {
        let goods = (0..count).map(|number| policy(number, good)).collect::<String>();
        format!("{goods}{}", policy(count, last))
    };
    for (name, text) in [
        ("refuse/too-long", "a".repeat(1 << 20)),
        ("refuse/too-deep", policy(0, &"(".repeat(16_000))),
        ("refuse/no-cedar", many(127, "true true")),
        ("refuse/ill-typed", many(127, "context.uses == \"one\"")),
        ("refuse/unknown", many(127, "context.weather == \"fine\"")),
    ] {
        let refuses = || Policies::parse(black_box(&text), Layer::Contract).is_err();
        ensure!(refuses(), "{name} is taken in");
        let micros = effort.micros(|| {
            black_box(refuses());
        });
        report.row(name, micros, "µs", None);
    }
    Ok(())
}

fn decide_one(effort: Effort, report: &mut Report) -> Result<()> {
    let mut contracts = Contracts::default();
    contracts.activate(id(0), &text(&terms(PURPOSE)?, 0)?)?;
    let (id, germany, (good, wrong)) = (id(0), germany()?, (world::good(1), world::wrong(1)));
    let forbids = Policies::parse(&forbids()?, Layer::Space)?;
    let permits = |plain: &Plain, layers| match facts(plain, germany) {
        Some(facts) => contracts.decide(&id, &facts, layers).is_permit(),
        None => false,
    };
    world::measure((effort, report), OURS, (&good, &wrong), |plain| {
        permits(plain, Layers::default())
    })?;
    let name = "decide/space-forbids-100";
    world::measure((effort, report), name, (&good, &wrong), |plain| {
        permits(plain, Layers::of_space(&forbids))
    })?;
    threads(effort, report, &good, &|plain| permits(plain, Layers::default()))
}

/// Time per decision while two threads decide by the same contracts at once.
#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn threads(
    effort: Effort,
    report: &mut Report,
    good: &[Plain],
    permits: &(impl Fn(&Plain) -> bool + Sync),
) -> Result<()> {
    let calls = if effort.is_full() { 1_000_000_u32 } else { 100 };
    // A bare number is handed back, so that nothing is shared while they run.
    let run = || good.iter().cycle().zip(0..calls).filter(|(plain, _)| permits(plain)).count();
    let sample = || {
        let begin = std::time::Instant::now();
        let counts = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(run), scope.spawn(run));
            one.join().ok().zip(two.join().ok())
        });
        (begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls) / 2.0, counts)
    };
    let samples: Vec<_> = (0..effort.samples).map(|_| sample()).collect();
    let calls = usize::try_from(calls)?;
    ensure!(samples.iter().all(|(_, counts)| *counts == Some((calls, calls))), "a thread denies");
    let nanos = median(samples.into_iter().map(|(nanos, _)| nanos));
    report.row("decide/threads-2", nanos, "ns", Some(OURS));
    Ok(())
}

/// Uniformly random contracts.
fn decide_many(
    effort: Effort,
    report: &mut Report,
    name: &str,
    contracts: &Contracts,
) -> Result<()> {
    let (count, germany) = (u32::try_from(contracts.len())?, germany()?);
    let parties: Vec<_> = (0..PARTIES).map(|n| (world::consumer(n), world::product(n))).collect();
    let asked: Vec<_> = (0..count.max(1 << 16))
        .map(|turn| mix(u64::from(turn)) % u64::from(count))
        .map(|number| Ok((u32::try_from(number)?, id(u32::try_from(number)?))))
        .collect::<Result<_>>()?;
    let permits = |(number, id): &(u32, Digest)| {
        let Some((consumer, product)) = parties.get((number % PARTIES) as usize) else {
            return false;
        };
        let Some(now) = UnixMillis::new(FROM + u64::from(*number)) else { return false };
        let facts = Facts::new((consumer, germany), Action::Read, (product, CLASS), PURPOSE, now);
        contracts.decide(id, &facts, Layers::default()).is_permit()
    };
    ensure!(asked.iter().all(permits), "{name} denies what the contract permits");
    let mut ring = asked.iter().cycle();
    let micros = effort.micros(|| {
        if let Some(asked) = ring.next() {
            black_box(permits(black_box(asked)));
        }
    });
    report.row(name, micros * 1e3, "ns", Some(OURS));
    Ok(())
}

fn activate(effort: Effort, report: &mut Report) -> Result<()> {
    let (terms, mut contracts) = (terms(PURPOSE)?, Contracts::default());
    let texts = (0..10_000).map(|number| text(&terms, number)).collect::<Result<Vec<_>>>()?;
    contracts.activate(id(0), texts.first().context("a text")?)?;
    let mut ring = texts.iter().zip(0..).cycle();
    let micros = effort.micros(|| {
        if let Some((text, number)) = ring.next() {
            black_box(contracts.activate(id(number), black_box(text)).is_ok());
        }
    });
    report.row("activate/known-terms", micros * 1e3, "ns", None);

    let (mut contracts, mut turn) = (Contracts::default(), 0);
    let texts = (0..4_096)
        .map(|number| text(&self::terms(&format!("purpose-{number}"))?, number))
        .collect::<Result<Vec<_>>>()?;
    let micros = effort.micros(|| {
        // Terms that are forgotten are new again.
        if let Some(text) = texts.get(turn % texts.len()) {
            black_box(contracts.activate(id(0), black_box(text)).is_ok());
        }
        turn += 1;
    });
    report.row("activate/new-terms", micros * 1e3, "ns", None);
    Ok(())
}

/// So many contracts from the same terms.
fn active(count: u32) -> Result<Contracts> {
    let (terms, mut contracts) = (terms(PURPOSE)?, Contracts::default());
    for number in 0..count {
        contracts.activate(id(number), &text(&terms, number)?)?;
    }
    ensure!(contracts.len() == usize::try_from(count)?, "contracts with the same id");
    Ok(contracts)
}

fn id(number: u32) -> Digest {
    Digest::of(&number.to_le_bytes())
}

fn germany() -> Result<Region> {
    Ok(Region::parse("DE")?)
}

fn millis(at: u64) -> Result<UnixMillis> {
    UnixMillis::new(at).context("after the year 9999")
}

fn terms(purpose: &str) -> Result<Terms> {
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose([purpose.parse()?].into()))
        .when(Constraint::Time(Validity::new(millis(FROM)?, millis(UNTIL)?)?))
        .when(Constraint::Class([CLASS.parse()?].into()));
    Ok(Terms::new().permit(rule))
}

/// The Cedar text that the parties of a contract signed.
fn text(terms: &Terms, number: u32) -> Result<String> {
    let party = number % PARTIES;
    let product = world::product(party).parse::<Name>()?;
    Ok(terms.to_cedar(&Scope { consumer: world::consumer(party), product })?)
}

/// As operators write them: banned participants, withdrawn products, purposes that a class is not
/// for, embargoes, and an end of service.
fn forbids() -> Result<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    let elsewhere = Region::all().filter(|region| region.as_str() != "DE");
    for (number, region) in (0..25).zip(elsewhere) {
        write!(
            text,
            "@id(\"banned-{number}\") forbid (principal == Dataspace::Participant::{:?}, action, resource);
             @id(\"withdrawn-{number}\") forbid (principal, action, resource == Dataspace::Product::{:?});
             @id(\"not-for-{number}\") forbid (principal, action, resource)
               when {{ resource.class == \"class-{number}\" && context.purpose == \"purpose-{number}\" }};
             @id(\"embargo-{number}\") forbid (principal, action in [Dataspace::Action::\"transfer\", Dataspace::Action::\"read\"], resource)
               when {{ principal.region == \"{region}\" && context.now >= datetime(\"2026-01-01T00:00:00Z\") }};",
            world::consumer(5_000 + number),
            world::product(5_000 + number),
        )?;
    }
    Ok(text)
}

fn facts(plain: &Plain, region: Region) -> Option<Facts<'_>> {
    Some(Facts::new(
        (&plain.consumer, region),
        Action::Read,
        (&plain.product, &plain.class),
        &plain.purpose,
        UnixMillis::new(plain.now)?,
    ))
}
