//! What one decision costs in memory, and one access that is durable in the log before it releases
//! data: signed request verified, decided, reserved, recorded, masked, released.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use cedar_policy::RestrictedExpression as Expr;
use cedar_policy::{Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request};
use dataspace_benches::{Effort, Report, median, target_dir, time};
use dataspace_policy::{Action, Decision, Facts, Layers, Program, Scope};
use dataspace_primitives::{Region, Signed};
use dataspace_runtime::{Access, Clock as _, DataSpace, SystemClock, access::Received};
use dataspace_usage_contract::AccessRequest;

use crate::support::{Node, node, requests, terms, together};

mod support;

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("access", effort);
    decisions(effort, &mut report)?;
    bare_sync(effort, &mut report)?;
    accesses(effort, &mut report)?;
    report.finish()
}

/// One decision, from plain facts, beside Cedar as an application calls it.
fn decisions(effort: Effort, report: &mut Report) -> Result<()> {
    let scope = Scope { consumer: "did:key:z6Mkexample".to_owned(), product: "alloys".parse()? };
    let cedar = terms()?.to_cedar(&scope)?;
    let program = Program::new(&cedar)?;
    let (consumer, now) = ((scope.consumer.as_str(), Region::parse("DE")?), SystemClock.now());
    let (product, roles) = ((scope.product.as_str(), "test-results"), ["consumer".parse()?].into());
    let facts =
        Facts { roles: &roles, ..Facts::new(consumer, Action::Read, product, "research", now) };

    let Decision::Permit(_) = program.decide(&facts, Layers::default()) else {
        bail!("a denial is no bench")
    };
    let ours = effort.micros(|| {
        let _decision = black_box(program.decide(black_box(&facts), Layers::default()));
    });
    let policies = PolicySet::from_str(&cedar)?;
    application(&policies, &facts)?;
    let peer = effort.micros(|| {
        black_box(application(&policies, black_box(&facts)).is_ok());
    });
    report.row("decide/1", ours, "µs", Some("cedar-application/1"));
    report.row("cedar-application/1", peer, "µs", None);
    Ok(())
}

/// Cedar with context, request and entities built for the call; no space policies, no reasons.
fn application(policies: &PolicySet, facts: &Facts<'_>) -> Result<()> {
    let uid = |text: String| EntityUid::from_str(&text).context("not an entity");
    let principal = uid(format!("Dataspace::Participant::{:?}", facts.participant))?;
    let action = uid(format!("Dataspace::Action::{:?}", facts.action.as_str()))?;
    let resource = uid(format!("Dataspace::Product::{:?}", facts.product))?;
    let text = |text: &str| Expr::new_string(text.to_owned());
    let roles = Expr::new_set(facts.roles.iter().map(|role| text(role.as_str())));
    let entities = Entities::from_entities(
        [
            Entity::new(
                principal.clone(),
                [("region".to_owned(), text(facts.region.as_str())), ("roles".to_owned(), roles)]
                    .into(),
                [].into(),
            )?,
            Entity::new(
                resource.clone(),
                [("class".to_owned(), text(facts.product_class))].into(),
                [].into(),
            )?,
        ],
        None,
    )?;
    let context = Context::from_pairs([
        ("now".to_owned(), Expr::new_datetime(facts.now.to_string())),
        ("purpose".to_owned(), text(facts.purpose)),
        ("uses".to_owned(), Expr::new_long(0)),
    ])?;
    let request = Request::new(principal, action, resource, context, None)?;
    let response = Authorizer::new().is_authorized(&request, policies, &entities);
    match response.decision() {
        cedar_policy::Decision::Allow => Ok(()),
        cedar_policy::Decision::Deny => bail!("a denial is no bench"),
    }
}

/// The floor: a write of 400 bytes and one `fdatasync`, on the same file system.
fn bare_sync(effort: Effort, report: &mut Report) -> Result<()> {
    let dir = tempfile::tempdir_in(target_dir()?)?;
    let mut file = File::create(dir.path().join("bare"))?;
    let median = effort.micros(|| {
        let written = file.write_all(&[7; 400]).and_then(|()| file.sync_data());
        assert!(written.is_ok(), "the disk is full");
    });
    report.row("sync/bare", median, "µs", None);
    Ok(())
}

fn accesses(effort: Effort, report: &mut Report) -> Result<()> {
    let node = node(64)?;
    let receive = {
        let mut requests = requests(&node, 0, effort.samples * 100 + 200)?.into_iter();
        let samples = (0..effort.samples).map(|_| {
            let batch: Vec<_> = requests.by_ref().take(100).collect();
            time(|| {
                for request in batch {
                    let Ok(request) = node.space.verify_request(request) else { continue };
                    let monitor = node.space.enter();
                    let received = monitor.receive(request);
                    black_box(received.and_then(Received::decide).is_ok());
                }
            })
            .0
            .as_secs_f64()
                * 1e4
        });
        median(samples)
    };
    report.row("receive-and-decide/1", receive, "µs", Some("decide/1"));
    for callers in [1, 8, 64] {
        let rounds = effort.samples.min(9);
        let each = if effort.is_full() { 3000 / callers.max(3) } else { 2 };
        let mut micros = Vec::new();
        for _ in 0..rounds {
            micros.push(round(&node, callers, each)?);
        }
        let name = format!("access/callers-{callers}");
        report.row(&name, median(micros.iter().copied()), "µs", Some("sync/bare"));
        let per_second = median(micros.into_iter().map(|micros| 1e6 / micros));
        report.row(&format!("{name}-rate"), per_second, "accesses/s", None);
    }
    node.close()?;
    Ok(())
}

/// Wall time of one access, in microseconds, while `callers` threads make `each` of them.
fn round(node: &Node, callers: usize, each: usize) -> Result<f64> {
    let work = (0..callers).map(|one| requests(node, one, each)).collect::<Result<Vec<_>>>()?;
    let took = together(work, |request| released(&node.space, request))?;
    let accesses = u32::try_from(callers * each)?;
    Ok(took.as_secs_f64() * 1e6 / f64::from(accesses))
}

/// Returns true if the access is permitted and all of its data comes.
fn released(space: &DataSpace, request: Signed<AccessRequest>) -> bool {
    match space.access(request) {
        Ok(Access::Released(mut release)) => release.all(|batch| batch.is_ok()),
        _ => false,
    }
}
