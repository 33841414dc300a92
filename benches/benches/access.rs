//! What one decision costs in memory, and one access that is durable in the log before it releases
//! data: signed request verified, decided, reserved, recorded, masked, released.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::str::FromStr as _;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use arrow_array::{Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use cedar_policy::RestrictedExpression as Expr;
use cedar_policy::{Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request};
use dataspace_benches::{Effort, Report, median, target_dir, time};
use dataspace_identity::{MembershipCredential, SecretKey};
use dataspace_policy::{
    Action, ColumnMask, Constraint, Decision, Duty, Facts, Layers, MaskMethod, Program, Rule,
    Scope, Terms,
};
use dataspace_primitives::{Region, Signed, UnixMillis, Validity, Verified};
use dataspace_runtime::{
    Access, Clock, DataSpace, NewOffer, Received, Setup, SystemClock, Table, generate_key,
    request_access,
};
use dataspace_usage_contract::{Acceptance, AccessRequest, Agreement, Offer};

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("access", effort);
    decisions(effort, &mut report)?;
    bare_sync(effort, &mut report)?;
    accesses(effort, &mut report)?;
    report.finish()
}

fn validity() -> Result<Validity> {
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(86_400)).context("the year 9999")?;
    Ok(Validity::new(now, until)?)
}

fn terms() -> Result<Terms> {
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose(["research".parse()?].into()))
        .when(Constraint::Time(validity()?));
    let mask = ColumnMask { column: "furnace".parse()?, method: MaskMethod::Hash };
    Ok(Terms::new().permit(rule).duty(Duty::Mask(mask)))
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

struct Node {
    space: DataSpace,
    consumer: SecretKey,
    contracts: Vec<Verified<Agreement>>,
    _dir: tempfile::TempDir,
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
    Ok(())
}

/// Wall time of one access, in microseconds, while `callers` threads make `each` of them.
fn round(node: &Node, callers: usize, each: usize) -> Result<f64> {
    let work = (0..callers).map(|one| requests(node, one, each)).collect::<Result<Vec<_>>>()?;
    let barrier = Arc::new(Barrier::new(callers + 1));
    let took = thread::scope(|scope| {
        let threads: Vec<_> = work
            .into_iter()
            .map(|requests| {
                let barrier = Arc::clone(&barrier);
                scope.spawn(move || {
                    barrier.wait();
                    requests.into_iter().all(|request| released(&node.space, request))
                })
            })
            .collect();
        barrier.wait();
        let (took, all) = time(|| {
            threads.into_iter().fold(true, |all, thread| all & thread.join().unwrap_or(false))
        });
        all.then_some(took)
    });
    let took = took.context("an access was not released")?;
    let accesses = u32::try_from(callers * each)?;
    Ok(took.as_secs_f64() * 1e6 / f64::from(accesses))
}

fn released(space: &DataSpace, request: Signed<AccessRequest>) -> bool {
    match space.access(request) {
        Ok(Access::Released(mut release)) => release.all(|batch| batch.is_ok()),
        _ => false,
    }
}

fn requests(node: &Node, contract: usize, count: usize) -> Result<Vec<Signed<AccessRequest>>> {
    let agreement = node.contracts.get(contract).context("too few contracts")?;
    (0..count)
        .map(|_| {
            let purpose = "research".parse()?;
            Ok(request_access(&node.consumer, agreement, Action::Read, purpose, &SystemClock)?)
        })
        .collect()
}

fn node(contracts: usize) -> Result<Node> {
    let dir = tempfile::tempdir_in(target_dir()?)?;
    let (authority, provider, consumer) = (generate_key()?, generate_key()?, generate_key()?);
    let provider_did = provider.did().clone();
    let profile = dataspace_sectors::materials().profile("bench".parse()?, authority.did().clone());
    let space = Setup::new(dir.path().join("node"), provider, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, role) in [(&provider_did, "provider"), (consumer.did(), "consumer")] {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: role.parse()?,
            serial: 1,
            issued_at: SystemClock.now(),
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("DE")?,
            validity: validity()?,
        };
        space.admit(Signed::sign(&credential, &authority)?)?;
    }
    space.register("alloys".parse()?, "test-results".parse()?, table()?)?;
    let contracts = (0..contracts).map(|_| agree(&space, &consumer)).collect::<Result<_>>()?;
    Ok(Node { space, consumer, contracts, _dir: dir })
}

fn agree(space: &DataSpace, consumer: &SecretKey) -> Result<Verified<Agreement>> {
    let validity = validity()?;
    let expires_at: UnixMillis = validity.until();
    let product = "alloys".parse()?;
    let offer = NewOffer { product, consumer: None, terms: terms()?, validity, expires_at };
    let offer = space.offer(offer)?;
    let now = SystemClock.now();
    let verified = Offer::verify(offer.clone(), space.provider(), now)?;
    let acceptance = Acceptance::sign(&verified, consumer, now)?;
    Ok(space.conclude(offer, acceptance)?)
}

fn table() -> Result<Table> {
    let schema = Schema::new(vec![
        Field::new("furnace", DataType::Utf8, false),
        Field::new("strength_mpa", DataType::Float64, false),
    ]);
    let furnaces = StringArray::from_iter_values(["F1", "F2", "F3", "F4"]);
    let strengths = Float64Array::from(vec![235.0, 275.0, 355.0, 460.0]);
    let batch = RecordBatch::try_new(
        Arc::new(schema.clone()),
        vec![Arc::new(furnaces), Arc::new(strengths)],
    )?;
    Ok(Table::from_batches(&schema, vec![batch])?)
}
