//! How the cost of a decision grows with the number of active contracts, and with the forbids of
//! the space: curves, kept by criterion in `target/criterion`. The peers are in
//! `policy_evaluation`.

use anyhow::{Result, ensure};
use criterion::{BenchmarkId, Criterion, Throughput};
use dataspace_benches::{Effort, mix};
use dataspace_policy::{
    Action, Constraint, Contracts, Facts, Layer, Layers, Policies, Rule, Scope, Terms,
};
use dataspace_primitives::{Digest, Region};

const PURPOSE: &str = "research";
const CLASS: &str = "test-results";
const NOW: &str = "2026-06-01T00:00:00Z";
/// Consumers and products of many contracts.
const PARTIES: u64 = 1_000;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    by_contracts(&mut criterion, Effort::from_args())?;
    by_forbids(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn by_contracts(criterion: &mut Criterion, effort: Effort) -> Result<()> {
    let counts: &[u64] = if effort.is_full() {
        &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
    } else {
        &[1, 10, 100]
    };
    let (terms, mut contracts) = (terms()?, Contracts::default());
    let mut group = criterion.benchmark_group("decide/contracts");
    group.throughput(Throughput::Elements(1));
    let mut active = 0;
    for count in counts {
        for number in active..*count {
            contracts.activate(id(number), &text(&terms, number)?)?;
        }
        active = *count;
        // Uniformly random contracts.
        let asked: Vec<_> = (0..active.max(1 << 12)).map(|turn| mix(turn) % active).collect();
        measure(&mut group, *count, &asked, &contracts, Layers::default())?;
    }
    group.finish();
    Ok(())
}

fn by_forbids(criterion: &mut Criterion) -> Result<()> {
    let mut contracts = Contracts::default();
    contracts.activate(id(0), &text(&terms()?, 0)?)?;
    let mut group = criterion.benchmark_group("decide/space-forbids");
    group.throughput(Throughput::Elements(1));
    for count in [0, 1, 10, 50, 100] {
        let forbids: Vec<_> = (0..count).map(forbid).collect();
        let forbids = Policies::parse(&forbids.concat(), Layer::Space)?;
        measure(&mut group, count, &[0], &contracts, Layers::of_space(&forbids))?;
    }
    group.finish();
    Ok(())
}

fn measure(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    parameter: u64,
    asked: &[u64],
    contracts: &Contracts,
    layers: Layers<'_>,
) -> Result<()> {
    let (germany, now) = (Region::parse("DE")?, NOW.parse()?);
    let parties: Vec<_> = (0..PARTIES).map(|party| (consumer(party), product(party))).collect();
    let asked: Vec<_> = asked
        .iter()
        .filter_map(|number| {
            Some((id(*number), parties.get(usize::try_from(number % PARTIES).ok()?)?))
        })
        .collect();
    let permits = |(id, (consumer, product)): &(Digest, &(String, String))| {
        let facts = Facts::new((consumer, germany), Action::Read, (product, CLASS), PURPOSE, now);
        contracts.decide(id, &facts, layers).is_permit()
    };
    ensure!(!asked.is_empty() && asked.iter().all(permits), "a contract denies");
    group.bench_function(BenchmarkId::from_parameter(parameter), |bench| {
        let mut ring = asked.iter().cycle();
        bench.iter(|| ring.next().is_some_and(permits));
    });
    Ok(())
}

/// One of the kinds that operators write.
fn forbid(number: u64) -> String {
    let (consumer, product) = (consumer(5_000 + number), product(5_000 + number));
    let head = format!("@id(\"forbid-{number}\") forbid (principal");
    match number % 3 {
        0 => format!("{head} == Dataspace::Participant::{consumer:?}, action, resource);\n"),
        1 => format!("{head}, action, resource == Dataspace::Product::{product:?});\n"),
        _ => format!(
            "{head}, action, resource) when {{ resource.class == \"class-{number}\" && \
             context.now >= datetime(\"2026-01-01T00:00:00Z\") }};\n"
        ),
    }
}

fn terms() -> Result<Terms> {
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose([PURPOSE.parse()?].into()))
        .when(Constraint::Class([CLASS.parse()?].into()));
    Ok(Terms::new().permit(rule))
}

fn text(terms: &Terms, number: u64) -> Result<String> {
    let party = number % PARTIES;
    let (consumer, product) = (consumer(party), product(party).parse()?);
    Ok(terms.to_cedar(&Scope { consumer, product })?)
}

fn consumer(party: u64) -> String {
    format!("did:key:z6Mkexample{party:08}")
}

fn product(party: u64) -> String {
    format!("alloys-{party}")
}

fn id(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}
