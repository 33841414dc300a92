//! What one decision under one typical contract costs, for ours and for the peers, from the same
//! plain facts: consumer, product and its class, purpose, and time.

#[cfg(feature = "peers")]
mod biscuit;
#[cfg(feature = "peers")]
mod casbin;
mod cedar;
mod floor;
mod ours;
#[cfg(feature = "peers")]
mod regorus;
mod world;

use anyhow::Result;
use dataspace_benches::{Effort, Report};

fn main() -> Result<()> {
    let effort = Effort::from_args();
    let mut report = Report::new("policy_evaluation", effort);
    let many = ours::memory(effort, &mut report)?;
    ours::rows(effort, &mut report, &many)?;
    drop(many);
    cedar::rows(effort, &mut report)?;
    others(effort, &mut report)?;
    floor::rows(effort, &mut report)?;
    report.finish()
}

#[cfg(feature = "peers")]
fn others(effort: Effort, report: &mut Report) -> Result<()> {
    regorus::rows(effort, report)?;
    casbin::rows(effort, report)?;
    biscuit::rows(effort, report)
}

#[cfg(not(feature = "peers"))]
#[expect(clippy::unnecessary_wraps, reason = "as with the peers")]
fn others(_effort: Effort, _report: &mut Report) -> Result<()> {
    anstream::println!("without `--features peers`: no rows for regorus, casbin, biscuit");
    Ok(())
}
