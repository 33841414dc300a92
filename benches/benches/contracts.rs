//! A node with many contracts that keeps the documents of few in memory.

use anyhow::{Context as _, Result, ensure};
use dataspace_benches::{Effort, Report, median, time};
use dataspace_policy::Action;
use dataspace_runtime::{Access, Setup, SystemClock, request_access};

use crate::support::{accepted, keys, node, table, together};

#[expect(dead_code, reason = "each bench uses a part of it")]
mod support;

/// Contracts of the node that is opened, unless this variable says how many.
const CONTRACTS: &str = "DATASPACE_BENCH_CONTRACTS";

/// A node of thousands of contracts, opened by its index: how long it takes, what each contract takes
/// from the allocator, and the first access to one that is not in memory.
fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("contracts", effort);
    let count = match std::env::var(CONTRACTS) {
        Ok(count) if effort.is_full() => count.parse().context(CONTRACTS)?,
        _ if effort.is_full() => 10_000,
        _ => 64,
    };
    let node = node(0)?;
    let shares = (0..64).map(|share| vec![(); (count + share) / 64]).collect();
    let took = together(shares, |()| {
        let negotiated = accepted(&node.space, &node.consumer);
        negotiated.is_ok_and(|(offer, acceptance)| node.space.conclude(offer, acceptance).is_ok())
    })?;
    anstream::println!("{count} contracts were negotiated and concluded in {} s", took.as_secs());
    let (dir, authority, consumer) = node.close()?;
    let open = |room| {
        let setup = Setup::new(dir.path().join("node"), keys()?, authority.clone());
        Ok::<_, anyhow::Error>(setup.contracts_in_memory(room))
    };
    let (mut millis, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..effort.samples.min(5) {
        let setup = open(1)?;
        let mut opened = None;
        let taken = allocation_counter::measure(|| {
            let (took, space) = time(|| setup.open());
            opened = Some(space.map(|space| (space, took)));
        });
        let (space, took) = opened.context("a node")??;
        ensure!(space.contracts().len() == count, "contracts are lost");
        millis.push(took.as_secs_f64() * 1e3);
        let taken = u32::try_from(taken.bytes_current / i64::try_from(count)?)?;
        bytes.push(f64::from(taken));
    }
    report.row(&format!("open/contracts-{count}"), median(millis), "ms", None);
    report.row(&format!("memory/contract-{count}"), median(bytes), "B", None);

    let space = open(1)?.open()?;
    space.register("alloys".parse()?, "test-results".parse()?, table()?)?;
    let ids = space.contracts();
    let accesses = if effort.is_full() { 500 } else { 8 };
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for contract in ids.iter().step_by((count / accesses).max(1)) {
        let agreement = space.agreement(*contract)?;
        let request = || {
            let purpose = "research".parse()?;
            Ok::<_, anyhow::Error>(request_access(
                &consumer,
                &agreement,
                Action::Read,
                purpose,
                &SystemClock,
            )?)
        };
        let (first, again) = (request()?, request()?);
        // Another one takes the room.
        let other = ids.iter().find(|other| *other != contract).context("another contract")?;
        space.agreement(*other)?;
        for (request, took) in [(first, &mut cold), (again, &mut warm)] {
            let (time, access) = time(|| space.access(request));
            ensure!(matches!(access?, Access::Released(_)), "an access was denied");
            took.push(time.as_secs_f64() * 1e6);
        }
    }
    report.row("access/cold", median(cold), "µs", Some("access/warm"));
    report.row("access/warm", median(warm), "µs", None);
    report.finish()
}
