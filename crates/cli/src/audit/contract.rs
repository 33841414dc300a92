//! Contracts in plain words: from a log, or from an evidence file.

mod end;
mod evidence;
mod found;
mod list;
mod log;
mod one;
mod parties;

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use dataspace_tlog_http::Location;

use crate::audit::contract::found::{Contract, Found};
use crate::audit::log_arg::LogArg;
use crate::audit::place::{Place, TimeoutArg};
use crate::audit::show;
use crate::audit::words::count;
use crate::out::say;
use crate::outcome::Health;
use crate::{json, named};

const HELP: &str = "\
Of a log, lists all contracts; with --contract, shows one: the parties by their credentials, what was
agreed, clause by clause, with a label that says what makes the clause hold, and what ended it. An
evidence file holds one contract, which is shown.

Everything that is shown was verified: that both parties signed the contract, that the authority signed
their credentials and the profile of the space, that the Cedar text is what the clauses compile to, and
that every record follows from those before it. What was checked, and what does not follow from it,
stands below.

Labels:
  enforced     the provider's node decides and acts on facts that it holds, or the authority signed
  attested     the node decides on what the consumer states and signs, such as the purpose
  legal        binds the parties by law; no program acts on it
  unsupported  nobody supplies the fact, or no node carries it out: such a permission never applies
  deterrent    not prevented, but traced afterwards, by a mark in each copy
  key          not in use yet

Example:
  dataspace contract dataspace-demo/mill/node --authority dataspace-demo/authority.did
  dataspace contract https://log.example.org/steel/ --authority authority.did --contract 2ac55f11
  dataspace contract dataspace-demo/evidence.cbor --authority dataspace-demo/authority.did --cedar";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ContractArgs {
    /// A node's directory, a published log (its directory or URL), or an evidence file
    #[arg(
        value_name = "DIR|URL|EVIDENCE",
        value_parser = OsStringValueParser::new().try_map(Location::parse)
    )]
    place: Location,
    /// The space authority: its DID, or a file that holds it
    #[arg(long, value_name = "DID|FILE")]
    authority: OsString,
    /// Show this contract: its identifier, or how that begins (4 digits or more)
    #[arg(long, value_name = "CONTRACT")]
    contract: Option<String>,
    /// Also give the Cedar text that decides
    #[arg(long)]
    cedar: bool,
    #[command(flatten)]
    log: LogArg,
    #[command(flatten)]
    timeout: TimeoutArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ContractArgs) -> Result<Health> {
    let ContractArgs { place, authority, contract, cedar, log, timeout, json } = args;
    let wanted = contract.as_deref();
    if wanted.is_some_and(|text| show::hex(text).len() < 4) {
        bail!("--contract: give at least 4 digits of the identifier");
    }
    let authority = named::authority(&authority)?;
    let log = log.read()?;
    let mut found = match place {
        Location::Directory(file) if !file.is_dir() => {
            evidence::read(&file, &authority, log.as_ref())?
        }
        place => log::read(&Place::of(place, timeout.timeout())?, &authority, log.as_ref())?,
    };
    let all = found.contracts.len();
    if let Some(wanted) = wanted {
        choose(&mut found, wanted)?;
    }
    if json {
        say!("{}", json::pretty(&found.to_json(cedar)));
        return Ok(found.health());
    }
    match found.contracts.as_slice() {
        [contract] if wanted.is_some() || found.is_evidence() => one::show(&found, contract, cedar),
        _ if cedar => bail!(
            "--cedar: name one contract of {} with --contract; `dataspace contract` without --cedar \
             lists them",
            count(u64::try_from(all)?, "contract")
        ),
        _ => list::show(&found),
    }
    Ok(found.health())
}

/// Leaves the one contract whose identifier begins so.
fn choose(found: &mut Found, wanted: &str) -> Result<()> {
    let all = found.contracts.len();
    let start = show::hex(wanted);
    let is_wanted = |one: &Contract| show::hex(&one.id.to_string()).starts_with(start);
    found.contracts.retain(is_wanted);
    match found.contracts.len() {
        1 => Ok(()),
        0 => bail!(
            "--contract: no contract in {} begins with {start}; it holds {}, which `dataspace \
             contract` lists without --contract",
            found.place,
            count(u64::try_from(all)?, "contract")
        ),
        several => bail!(
            "--contract: {several} contracts in {} begin with {start}; give more digits",
            found.place
        ),
    }
}
