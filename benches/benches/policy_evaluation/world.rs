//! The contracts, the plain facts, and how any of the engines is checked and measured.

use std::hint::black_box;

use anyhow::{Result, ensure};
use dataspace_benches::{Effort, Report};

/// The row that the peers are compared with.
pub(crate) const OURS: &str = "decide/1";
/// Many contracts, where an engine holds them all in one set.
pub(crate) const MANY: u32 = 10_000;
/// What every contract permits.
pub(crate) const PURPOSE: &str = "research";
/// What every contract is about.
pub(crate) const CLASS: &str = "test-results";
/// Every contract's time window, in milliseconds since 1970.
pub(crate) const FROM: u64 = 1_800_000_000_000;
/// The end of the window, itself outside.
pub(crate) const UNTIL: u64 = 1_831_536_000_000;

/// One access as an application sees it.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    /// Number of the contract; [`contract`] names it.
    #[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "a peer looks contracts up"))]
    pub(crate) contract: u32,
    pub(crate) consumer: String,
    pub(crate) product: String,
    pub(crate) class: String,
    pub(crate) purpose: String,
    pub(crate) now: u64,
}

#[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "a peer looks contracts up"))]
pub(crate) fn contract(number: u32) -> String {
    format!("contract-{number:08}")
}

pub(crate) fn consumer(number: u32) -> String {
    format!("did:key:z6Mkexample{number:08}")
}

pub(crate) fn product(number: u32) -> String {
    format!("alloys-{number}")
}

/// 64 accesses to `contracts` contracts that are permitted, each at another time.
pub(crate) fn good(contracts: u32) -> Vec<Plain> {
    (0..64_u32)
        .map(|turn| {
            let number = turn.wrapping_mul(2_654_435_761) % contracts;
            Plain {
                contract: number,
                consumer: consumer(number),
                product: product(number),
                class: CLASS.to_owned(),
                purpose: PURPOSE.to_owned(),
                now: FROM + u64::from(turn) * 86_400_000,
            }
        })
        .collect()
}

/// The same, each wrong in one respect, the purpose first.
pub(crate) fn wrong(contracts: u32) -> Vec<Plain> {
    let mut all = good(contracts);
    for (plain, turn) in all.iter_mut().zip(0_u32..) {
        match turn % 5 {
            0 => "marketing".clone_into(&mut plain.purpose),
            1 => plain.consumer = consumer(contracts),
            2 => plain.product = product(contracts),
            3 => plain.now = if turn % 2 == 0 { FROM - 1 } else { UNTIL },
            _ => "invoices".clone_into(&mut plain.class),
        }
    }
    all
}

/// Checks that `decide` permits what is good and denies what is wrong, and measures it on what is
/// good.
pub(crate) fn measure<T>(
    (effort, report): (Effort, &mut Report),
    name: &str,
    (good, wrong): (&[T], &[T]),
    mut decide: impl FnMut(&T) -> bool,
) -> Result<()> {
    ensure!(good.iter().all(&mut decide), "{name} denies what the contract permits");
    ensure!(!wrong.iter().any(&mut decide), "{name} permits what the contract does not");
    let mut ring = good.iter().cycle();
    let micros = effort.micros(|| {
        if let Some(facts) = ring.next() {
            black_box(decide(black_box(facts)));
        }
    });
    report.row(name, micros * 1e3, "ns", (name != OURS).then_some(OURS));
    Ok(())
}
