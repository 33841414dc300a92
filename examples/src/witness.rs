//! A witness for other people's logs (C2SP tlog-witness).

pub(crate) mod key_file;
mod server;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use dataspace_audit_log::{Origin, SeenDirectory, Witness, WitnessKey};

/// The lines under `--help`.
const HELP: &str = "\
Answers POST /add-checkpoint with a cosignature, and GET /<SHA-256 of the origin>/checkpoint with
the latest checkpoint it cosigned. It keeps, in DIR, the latest checkpoint of each log and the first
proof of a fork (<SHA-256 of the origin>.fork; see `dataspace verify-fork`).

The directory is the witness's memory: whoever restores an older copy of it makes the witness
cosign a rollback. After an error of the disk it says nothing more of that log until it is started
again. There is no TLS: put a proxy in front of it before you let it out of this machine.

Example:
  (umask 077; od -An -N32 -tx1 /dev/urandom | tr -d ' \\n' > witness.key)
  dataspace witness --key witness.key --state witness-state --log did:key:z6Mk…";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct WitnessArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// File with the witness's secret key: 64 hexadecimal digits, readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Name of the witness, for others to know it by [default: the DID of its key]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A log to witness: the first line of its checkpoints; may be repeated
    #[arg(long, value_name = "ORIGIN", required = true)]
    log: Vec<Origin>,
    /// Directory of what the witness has seen; made if it is not there
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
}

pub(crate) fn run(args: WitnessArgs) -> Result<()> {
    let WitnessArgs { listen, key, name, log, state } = args;
    let secret = key_file::read(&key)?;
    let name = name.as_deref().unwrap_or(secret.did().as_str());
    let key = WitnessKey::new(name, *secret.did().public_key()).context("--name")?;
    let mut logs: Vec<Origin> = Vec::new();
    for origin in log {
        if logs.contains(&origin) {
            bail!("--log {origin} is given twice");
        }
        logs.push(origin);
    }
    let shown = state.display();
    let store = SeenDirectory::open(&state).with_context(|| format!("cannot open {shown}"))?;
    let witness = Witness::open(key, Box::new(secret), &logs, Box::new(store))
        .with_context(|| format!("cannot witness with what is in {shown}"))?;
    server::serve(witness, listen)
}
