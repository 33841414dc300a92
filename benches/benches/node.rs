//! What a whole node does under load, beside floors of the same run: signatures alone, on all cores.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dataspace_benches::{Effort, Report, median, time};
use dataspace_identity::{DidKeys, claimed_keys};
use dataspace_primitives::{CoSignature, Signed, Signer as _, Verified};
use dataspace_runtime::{Access, Clock as _, SystemClock, generate_key};
use dataspace_usage_contract::{Acceptance, AccessRequest, Agreement, Offer};

use crate::support::{Node, accepted, node, requests, together};

#[expect(dead_code, reason = "each bench uses a part of it")]
mod support;

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("node", effort);
    let node = node(64)?;
    accesses(&node, effort, &mut report)?;
    tails(&node, effort, &mut report)?;
    refused(&node, effort, &mut report)?;
    conclude(&node, effort, &mut report)?;
    report.finish()
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Calls of `work` in a second, of all that are in `each`, by one thread for each of them.
fn rate<T: Send>(each: Vec<Vec<T>>, work: impl Fn(T) -> bool + Sync) -> Result<f64> {
    let calls = u32::try_from(each.iter().map(Vec::len).sum::<usize>())?;
    let took = together(each, work)?;
    Ok(f64::from(calls) / took.as_secs_f64())
}

/// Requests under `callers` contracts, `each` of each.
fn load(node: &Node, callers: usize, each: usize) -> Result<Vec<Vec<Signed<AccessRequest>>>> {
    (0..callers).map(|one| requests(node, one, each)).collect()
}

/// Decided and durable; the data is not read.
fn is_released(node: &Node, request: Signed<AccessRequest>) -> bool {
    matches!(node.space.access(request), Ok(Access::Released(_)))
}

/// The floor: the strict check of the request's one signature, and nothing else, on all cores.
fn accesses(node: &Node, effort: Effort, report: &mut Report) -> Result<()> {
    let rounds = effort.samples.min(5);
    let each = if effort.is_full() { 500 } else { 2 };
    let request = requests(node, 0, 1)?.pop().context("a request")?;
    let message = request.as_bytes().to_vec();
    let (key, signature) = (node.consumer.public_key()?, node.consumer.sign(&message)?);
    let (mut floors, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let shares = (0..processors()).map(|_| vec![(); 64 * each / processors()]).collect();
        floors.push(rate(shares, |()| key.verifies(black_box(&message), &signature))?);
        rates.push(rate(load(node, 64, each)?, |request| is_released(node, request))?);
    }
    report.row("access/callers-64", median(rates), "accesses/s", Some("floor/verify"));
    report.row("floor/verify", median(floors), "signatures/s", None);
    Ok(())
}

/// The slowest access in a hundred, of 8 callers, alone and while 100 contracts a second are
/// concluded.
fn tails(node: &Node, effort: Effort, report: &mut Report) -> Result<()> {
    let each = if effort.is_full() { 1_500 } else { 4 };
    let alone = tail(node, each)?;
    let (ends, concluded) = (AtomicBool::new(false), AtomicU64::new(0));
    let changes = if effort.is_full() { 2_000 } else { 4 };
    let work =
        (0..changes).map(|_| accepted(&node.space, &node.consumer)).collect::<Result<Vec<_>>>()?;
    let changing = thread::scope(|scope| {
        scope.spawn(|| {
            for (offer, acceptance) in work {
                if ends.load(Ordering::Acquire) {
                    break;
                }
                let made = node.space.conclude(offer, acceptance).is_ok();
                concluded.fetch_add(u64::from(made), Ordering::AcqRel);
                thread::sleep(Duration::from_millis(9));
            }
        });
        let changing = tail(node, each);
        ends.store(true, Ordering::Release);
        changing
    })?;
    ensure!(concluded.load(Ordering::Acquire) > 0, "nothing was concluded");
    report.row("access/p99-changing", changing, "µs", Some("access/p99"));
    report.row("access/p99", alone, "µs", None);
    Ok(())
}

fn tail(node: &Node, each: usize) -> Result<f64> {
    let work = load(node, 8, each)?;
    let mut all: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = work
            .into_iter()
            .map(|requests| {
                scope.spawn(move || {
                    let one = |request| {
                        let (took, is_released) = time(|| is_released(node, request));
                        is_released.then_some(took.as_secs_f64() * 1e6)
                    };
                    requests.into_iter().map(one).collect::<Option<Vec<_>>>()
                })
            })
            .collect();
        let all = threads.into_iter().map(|one| one.join().ok().flatten());
        all.collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect())
    })
    .context("an access was not released")?;
    all.sort_by(f64::total_cmp);
    let place = all.len().saturating_sub(1) * 99 / 100;
    all.get(place).copied().context("no access")
}

/// One consumer, alone and while refused calls of a stranger take half of the processors: somebody
/// with a copy of an offer accepts it again and again, and is not a member.
fn refused(node: &Node, effort: Effort, report: &mut Report) -> Result<()> {
    let each = if effort.is_full() { 3_000 } else { 4 };
    let one = |requests| rate(vec![requests], |request| is_released(node, request));
    let alone = one(requests(node, 0, each)?)?;
    let stranger = generate_key()?;
    let (offer, acceptance) = accepted(&node.space, &stranger)?;
    let (ends, beside) = (AtomicBool::new(false), requests(node, 0, each)?);
    let beside = thread::scope(|scope| {
        for _ in 0..(processors() / 2).max(1) {
            let (offer, acceptance, ends) = (&offer, &acceptance, &ends);
            scope.spawn(move || {
                while !ends.load(Ordering::Acquire) {
                    let answer = node.space.conclude(offer.clone(), acceptance.clone());
                    black_box(answer.is_err());
                }
            });
        }
        let beside = one(beside);
        ends.store(true, Ordering::Release);
        beside
    })?;
    report.row("access/beside-refused", beside, "accesses/s", Some("access/alone"));
    report.row("access/alone", alone, "accesses/s", None);
    Ok(())
}

/// Offer, acceptance, and what each says.
type Negotiated = (Signed<Offer>, Signed<Acceptance>);

/// The floor: the four signatures that a node has to verify, and the one that it makes.
fn conclude(node: &Node, effort: Effort, report: &mut Report) -> Result<()> {
    let each = if effort.is_full() { 12 } else { 1 };
    let rounds = effort.samples.min(9);
    let work = || -> Result<Vec<Vec<Negotiated>>> {
        (0..64)
            .map(|_| (0..each).map(|_| accepted(&node.space, &node.consumer)).collect())
            .collect()
    };
    let signed: Verified<Agreement> = node.contracts.first().context("a contract")?.clone();
    let (mut floors, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let calls = 64 * each / processors();
        let shares = (0..processors()).map(|_| vec![(); calls]).collect();
        floors.push(rate(shares, |()| {
            let now = SystemClock.now();
            // An agreement bears two signatures.
            let verify = || {
                let keys = claimed_keys(signed.signed(), &DidKeys);
                keys.is_ok_and(|keys| signed.signed().clone().verify(&keys, now).is_ok())
            };
            let made = CoSignature::sign(signed.value(), &node.consumer);
            verify() && verify() && black_box(made).is_ok()
        })?);
        rates.push(rate(work()?, |(offer, acceptance)| {
            node.space.conclude(offer, acceptance).is_ok()
        })?);
    }
    report.row("conclude/callers-64", median(rates), "contracts/s", Some("floor/conclude"));
    report.row("floor/conclude", median(floors), "contracts/s", None);
    Ok(())
}
