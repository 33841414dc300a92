//! Every decision, made again.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use dataspace_ledger::{Replayed, Replayer};
use dataspace_policy::{
    Layer, Policies,
    simulate::{Simulated, Simulation},
};
use dataspace_primitives::shown;

use crate::audit::log_arg::LogArg;
use crate::audit::place::PlaceArg;
use crate::audit::progress::Progress;
use crate::audit::source::Source;
use crate::audit::words::{count, findings_to_json, write_findings};
use crate::audit::{authority, consumer};
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{files, json, named, paint};

const HELP: &str = "\
Reads the log from its first record, verifies every signed document in it (profiles, credentials,
contracts, terminations, policies), and decides every access again by what was in force then. A
decision that does not follow is a discrepancy, and so is a fact that the records before it
contradict, a release with other duties than the contract's, or a request that was decided twice.
It believes the space authority, and what consumers stated in their requests.

Of a consumer's own log it verifies every document and compares the files of evidence with it, and
tells what the consumer complains of.

--with FILE also decides by that Cedar text in place of the space's policies, and tells what would
have been decided otherwise. That changes nothing, and is no discrepancy.

Example:
  dataspace audit replay dataspace-demo/mill/node --authority dataspace-demo/authority.did
  dataspace audit replay dataspace-demo/mill/node --authority dataspace-demo/authority.did --with embargo.cedar";

/// Longest policy text that is read, in bytes; shorter ones may still be refused.
const POLICIES_LEN_MAX: usize = 1 << 20;
/// Lines of each list in the text; JSON has all that are kept.
const SHOWN_MAX: usize = 20;

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    place: PlaceArg,
    /// The space authority: its DID, or a file that holds it
    #[arg(long, value_name = "DID|FILE")]
    authority: OsString,
    /// Cedar text to try in place of the space's policies: each policy has an @id and forbids
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    #[command(flatten)]
    log: LogArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ReplayArgs, out: &mut impl Write) -> Result<Health> {
    let ReplayArgs { place, authority, with, log, json } = args;
    let authority = named::authority(&authority)?;
    let with = with.map(|file| {
        let shown = shown_path(&file);
        let text = files::read_text(&file, POLICIES_LEN_MAX).context("--with")?;
        let parsed = Policies::parse(text.trim(), Layer::Space);
        parsed.with_context(|| format!("--with: {shown} cannot be the policies of a space"))
    });
    let with = with.transpose()?;
    let place = place.place()?;
    let source = Source::open(&place, log.read()?.as_ref())?;
    let first = source.first()?;
    if first > 0 {
        return Err(anyhow!(
            "the first {first} records were archived, and with them what was in force; copy the \
             archived segments back into a copy of {place}, and replay that"
        ));
    }
    authority::check(&source, &place, &authority)?;
    let mut replayer = Replayer::new(authority.clone(), source.origin().clone());
    if let Some(with) = &with {
        replayer = replayer.simulating(with);
    }
    let size = source.size()?;
    let progress = Progress::new("deciding", size);
    let not_honest =
        || Damaged(format!("the log does not follow the rules of the space of {authority}"));
    let taken = source.replay(0..size, |index, bytes| {
        progress.at(index.as_u64());
        replayer.take(index, bytes).with_context(not_honest)
    });
    drop(progress);
    match taken {
        Err(error) if consumer::is_consumers(&error) => {
            return consumer::replay((&source, &place), &authority, json, out);
        }
        taken => taken?,
    }
    let found = replayer.finish().with_context(not_honest)?;
    if json {
        writeln!(out, "{}", json::pretty(&to_json(&source, size, &found)))?;
    } else {
        write(out, &source, size, &found)?;
    }
    Ok(Health::of(found.is_sound()))
}

fn write(out: &mut impl Write, source: &Source, size: u64, replayed: &Replayed) -> Result<()> {
    let Replayed { decisions, permits, denials, unrepeatable, discrepancies, .. } = replayed;
    let Replayed { reports, unreported, .. } = replayed;
    writeln!(out, "{}", paint::title(format!("Replay of {}", count(size, "record"))))?;
    writeln!(out, "   log            {}", source.origin())?;
    writeln!(
        out,
        "   decisions      {}: {}, {}",
        paint::thousands(decisions),
        count(*permits, "permit"),
        if *denials == 1 {
            "1 denial".to_owned()
        } else {
            format!("{} denials", paint::thousands(denials))
        }
    )?;
    if *reports > 0 {
        let without = match *unreported {
            0 => String::new(),
            some => format!(", {} without a report", count(some, "permit")),
        };
        let reports = paint::thousands(reports);
        writeln!(out, "   releases       {reports} reported{without}")?;
    }
    if *unrepeatable > 0 {
        writeln!(
            out,
            "   not repeatable {unrepeatable}: a duty that did not fit the data, which the log does not hold"
        )?;
    }
    let again = replayed.decisions - unrepeatable;
    if replayed.is_sound() {
        writeln!(
            out,
            "\n{}: {} made again from signed contracts, policies and memberships; each came out \
             the same",
            paint::good("no discrepancy"),
            count(again, "decision")
        )?;
    } else {
        let all = if *discrepancies == 1 {
            "1 discrepancy".to_owned()
        } else {
            format!("{discrepancies} discrepancies")
        };
        writeln!(out, "\n{}", paint::bad(all))?;
        for one in replayed.first.iter().take(SHOWN_MAX) {
            let contract = one.contract.as_digest().to_short();
            let what = shown(&one.deviation.to_string()).to_string();
            writeln!(
                out,
                "   record {:<6} {:24}  {contract}  {what}",
                one.index.as_u64(),
                one.time.to_string()
            )?;
        }
        more(out, *discrepancies)?;
    }
    write_findings(out, &replayed.findings())?;
    match &replayed.simulation {
        Some(simulation) => write_simulation(out, simulation),
        None => Ok(()),
    }
}

fn more(out: &mut impl Write, all: u64) -> Result<()> {
    let shown = u64::try_from(SHOWN_MAX)?;
    if all > shown {
        writeln!(out, "   … and {} more (--json)", all - shown)?;
    }
    Ok(())
}

fn write_simulation(out: &mut impl Write, simulation: &Simulation) -> Result<()> {
    let Simulation { accesses, newly_denied, newly_permitted, differences } = simulation;
    writeln!(out, "\n{}", paint::title("With the changed policies"))?;
    writeln!(
        out,
        "   of {accesses} accesses, {newly_denied} would be denied that were permitted, \
         {newly_permitted} permitted that were denied"
    )?;
    for one in differences.iter().take(SHOWN_MAX) {
        let (label, text) = match &one.outcome.after {
            Simulated::Permit(clauses) => {
                (paint::good("permit"), format!("by {}", clauses.join(", ")))
            }
            Simulated::Deny(reasons) => {
                let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
                (paint::bad("deny  "), reasons.join("; "))
            }
        };
        let contract = one.contract.to_short();
        writeln!(out, "   record {:<6} {contract}  {label}  {}", one.place, shown(&text))?;
    }
    more(out, newly_denied + newly_permitted)?;
    writeln!(
        out,
        "   {}",
        paint::dim("uses are counted as they were made, also those that would not have been")
    )?;
    Ok(())
}

fn to_json(source: &Source, size: u64, replayed: &Replayed) -> serde_json::Value {
    let discrepancies = replayed.first.iter().map(|one| {
        object! {
            "record": one.index.as_u64(),
            "time": one.time.to_string(),
            "contract": one.contract.to_string(),
            "what": one.deviation.to_string(),
        }
    });
    let told = |outcome: &Simulated| match outcome {
        Simulated::Permit(clauses) => object! { "decision": "permit", "clauses": clauses.clone() },
        Simulated::Deny(reasons) => {
            let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
            object! { "decision": "deny", "reasons": reasons }
        }
    };
    let simulation = replayed.simulation.as_ref().map(|simulation| {
        let differences = simulation.differences.iter().map(|one| {
            object! {
                "record": one.place,
                "contract": one.contract.to_string(),
                "before": told(&one.outcome.before),
                "after": told(&one.outcome.after),
            }
        });
        object! {
            "accesses": simulation.accesses,
            "newlyDenied": simulation.newly_denied,
            "newlyPermitted": simulation.newly_permitted,
            "differences": differences.collect::<Vec<_>>(),
        }
    });
    let findings = replayed.findings();
    let (_, not_proved) = findings_to_json(&findings);
    object! {
        "log": source.origin().as_str(),
        "records": size,
        "sound": replayed.is_sound(),
        "decisions": replayed.decisions,
        "permits": replayed.permits,
        "denials": replayed.denials,
        "reports": replayed.reports,
        "unreported": replayed.unreported,
        "unrepeatable": replayed.unrepeatable,
        "reworded": replayed.reworded,
        "otherCompilers": replayed.other_compilers,
        "notProved": not_proved,
        "discrepancies": replayed.discrepancies,
        "first": discrepancies.collect::<Vec<_>>(),
        "simulation": simulation,
    }
}
