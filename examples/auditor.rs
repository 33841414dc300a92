//! An auditor checks a provider's log with nothing but the published files and the DID of the space's
//! authority: that the log is what its operator signed, that the members, contracts and profiles in it
//! are what their signers signed, and that every decision follows from them.
//!
//! `cargo run --bin auditor -- DIR DID`, with what `embed` tells at its end. It needs no node, no key and
//! no network: the crates `dataspace-tlog` and `dataspace-ledger`.
#![expect(clippy::print_stdout, reason = "it tells what it found")]

use std::env;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

use dataspace_identity::Did;
use dataspace_ledger::Replayer;
use dataspace_tlog::{
    Checkpoint, Event, Finding, Record, StaticFiles as _, StaticLog, Verdict,
    note::NOTE_LEN_MAX,
    published::{CHECKPOINT_PATH, Depth, StaticDir, verify_static},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(dir), Some(authority)) = (arguments.next(), arguments.next()) else {
        return Err("usage: auditor DIR DID".into());
    };
    let (dir, authority) = (PathBuf::from(dir), authority.parse::<Did>()?);

    // Which log it is, says its checkpoint. Compare that with what the operator told you.
    let (files, mut note) = (StaticDir::new(&dir), Vec::new());
    if !files.read_into(CHECKPOINT_PATH, NOTE_LEN_MAX, &mut note)? {
        return Err("there is no published log".into());
    }
    let origin = Checkpoint::claimed_origin(str::from_utf8(&note)?)?;
    println!("log {origin}");

    // Every record is hashed, up to the root that the operator signed.
    let go_on = &mut |_| ControlFlow::Continue(());
    let report = verify_static(&files, &origin, Depth::Records, go_on)?;
    if let Some(damage) = report.first() {
        return Err(format!("the log is not what its operator signed: {damage}").into());
    }
    let checkpoint = report.checkpoint();
    println!("sound: {} records lead to the signed root {}", report.entries(), checkpoint.root());

    // Every document is verified, and every decision made again.
    let log = StaticLog::open_at(files, checkpoint.clone())?;
    let mut replay = Replayer::new(authority, origin);
    log.replay(0..log.size().as_u64(), |index, bytes| {
        replay.take(index, bytes)?;
        if let Event::Access(access) = Record::from_bytes(bytes)?.event {
            let contract = access.contract.to_short();
            match access.verdict {
                Verdict::Permit { uses, .. } => {
                    println!("record {index}: permit, use {uses} of contract {contract}");
                }
                Verdict::Deny { reasons } => {
                    println!("record {index}: deny, contract {contract}: {}", reasons.join("; "));
                }
            }
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let found = replay.finish()?;
    for finding in found.findings() {
        let (Finding::Proved(words) | Finding::NotProved(words)) = finding;
        println!("mind {words}");
    }
    for one in &found.first {
        println!("record {} does not follow: {}", one.index, one.deviation);
    }
    if !found.is_sound() {
        return Err(format!("{} discrepancies", found.discrepancies).into());
    }
    println!("no discrepancy: {} decisions made again", found.decisions);
    Ok(())
}
