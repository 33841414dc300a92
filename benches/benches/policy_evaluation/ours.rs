//! This project's engine.

use std::collections::BTreeSet;
use std::hint::black_box;

use anyhow::{Context as _, Result};
use dataspace_benches::{Effort, Report};
use dataspace_policy::{
    Action, Constraint, Decision, Facts, Policies, Program, Rule, Scope, Terms,
};
use dataspace_primitives::{Name, Region, UnixMillis, Validity};

use crate::world::{self, CLASS, FROM, OURS, PURPOSE, Plain, UNTIL};

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    decide_one(effort, report)?;
    activate(effort, report)
}

/// `decide/1` has the facts in the engine's own types, `decide-plain/1` makes them for each call.
fn decide_one(effort: Effort, report: &mut Report) -> Result<()> {
    let (program, space) = (Program::new(&text(0)?, terms()?)?, Policies::none());
    let permits = |facts: &Facts<'_>| matches!(program.decide(facts, &space), Decision::Permit(_));
    let (good, wrong) = (world::good(1), world::wrong(1));
    let roles = ["consumer".parse()?].into();
    let all_good = good.iter().map(|one| facts(one, &roles)).collect::<Result<Vec<_>>>()?;
    let all_wrong = wrong.iter().map(|one| facts(one, &roles)).collect::<Result<Vec<_>>>()?;
    world::measure((effort, report), OURS, (&all_good, &all_wrong), permits)?;
    world::measure((effort, report), "decide-plain/1", (&good, &wrong), |plain| {
        facts(plain, &roles).is_ok_and(|facts| permits(&facts))
    })
}

fn activate(effort: Effort, report: &mut Report) -> Result<()> {
    let texts = (0..64).map(text).collect::<Result<Vec<_>>>()?;
    let (terms, mut ring) = (terms()?, texts.iter().cycle());
    let micros = effort.micros(|| {
        if let Some(text) = ring.next() {
            black_box(Program::new(black_box(text), terms.clone()).is_ok());
        }
    });
    report.row("activate/new-terms", micros * 1e3, "ns", None);
    Ok(())
}

fn millis(at: u64) -> Result<UnixMillis> {
    UnixMillis::new(at).context("after the year 9999")
}

fn terms() -> Result<Terms> {
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose([PURPOSE.parse()?].into()))
        .when(Constraint::Time(Validity::new(millis(FROM)?, millis(UNTIL)?)?));
    Ok(Terms::new().permit(rule))
}

/// The contract's Cedar text, with the condition on the class as the peers write it.
fn text(number: u32) -> Result<String> {
    let scope =
        Scope { consumer: world::consumer(number), product: world::product(number).parse()? };
    let class = format!("\nwhen {{ resource.class == {CLASS:?} }};");
    Ok(terms()?.to_cedar(&scope)?.replacen(';', &class, 1))
}

fn facts<'a>(plain: &'a Plain, roles: &'a BTreeSet<Name>) -> Result<Facts<'a>> {
    let consumer = (plain.consumer.as_str(), Region::parse("DE")?);
    let product = (plain.product.as_str(), plain.class.as_str());
    let now = millis(plain.now)?;
    Ok(Facts { roles, ..Facts::new(consumer, Action::Read, product, &plain.purpose, now) })
}
