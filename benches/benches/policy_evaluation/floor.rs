//! What no engine can go below that finds a contract by its id: a bare look-up.

use std::collections::HashMap;
use std::hint::black_box;

use anyhow::{Result, ensure};
use dataspace_benches::{Effort, Report, mix};

use crate::world::OURS;

pub(crate) fn rows(effort: Effort, report: &mut Report) -> Result<()> {
    for contracts in [1, 1_000_000] {
        let map: HashMap<[u8; 32], [u8; 64], foldhash::fast::RandomState> =
            (0..contracts).map(|number| (id(number), [7; 64])).collect();
        // In another order than that of insertion, so that neither memory nor cache helps.
        let ids: Vec<_> = (0..contracts).map(|turn| id(mix(turn) % contracts)).collect();
        let name = format!("lookup-floor/{contracts}");
        ensure!(ids.iter().all(|id| map.contains_key(id)), "{name} finds nothing");
        let mut ring = ids.iter().cycle();
        let micros = effort.micros(|| {
            if let Some(id) = ring.next() {
                black_box(map.get(black_box(id)).copied());
            }
        });
        report.row(&name, micros * 1e3, "ns", Some(OURS));
    }
    Ok(())
}

/// As random as a digest.
fn id(number: u64) -> [u8; 32] {
    let mut id = [0; 32];
    for (chunk, lane) in id.chunks_exact_mut(8).zip(0..) {
        chunk.copy_from_slice(&mix(number.wrapping_mul(4).wrapping_add(lane)).to_le_bytes());
    }
    id
}
