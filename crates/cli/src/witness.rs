//! A witness for other people's logs (C2SP tlog-witness).

mod clients;
mod impatient;
mod journal;
mod server;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use dataspace_identity::Origin;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{Witness, note::WitnessKey, witness::SeenDirectory};

use crate::outcome::Health;
use crate::shell::shown_path;
use crate::witness::clients::Limits;
use crate::witness::server::Kept;
use crate::{key_file, named};

/// The lines under `--help`.
const HELP: &str = "\
Answers POST /add-checkpoint with a cosignature, and GET /<SHA-256 of the origin>/checkpoint with
the latest checkpoint it cosigned. It keeps, in DIR, the latest checkpoint of each log and the first
proof of a fork (<SHA-256 of the origin>.fork; see `dataspace verify-fork`).

Each submitted checkpoint is a line on the standard error: the time, the log, the old and new size, and
whether it was accepted, refused, or shows a fork. Sometimes a request shows too little for a proof of
two histories: a fork behind a tree of 2, 4, 8, 16 … records, or an older checkpoint. It is refused all
the same; `dataspace audit compare` makes the proof from the kept checkpoint and the published log.

The directory is the witness's memory: restoring an older copy of it makes the witness cosign a
rollback. After an error of the disk it says nothing more of that log until it is started
again. There is no TLS: put a proxy in front of it before you let it out of this machine, let the
proxy limit its clients, and set --connections-per-client and --requests-per-minute to 0.

At most 128 connections are open; the client with most of them makes room for the next. A connection
ends whose client does not read an answer for 10 s or does not send a request's head for 20 s, its
body for 10 s, and after 5 minutes in any case.

Example:
  dataspace key new witness.key
  dataspace witness --key witness.key --state witness-state --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct WitnessArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// File with the witness's secret key (PEM), readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Name of the witness, for others to know it by [default: the DID of its key]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A log to witness: the first line of its checkpoints, or a file that holds it; may be repeated
    #[arg(long, value_name = "ORIGIN|FILE", required = true)]
    log: Vec<OsString>,
    /// Directory of what the witness has seen; made if it is not there
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Connections that one client (address, or IPv6 network of 64 bits) may have; with one more,
    /// its oldest ends; 0 for a proxy, which has those of all
    #[arg(long, value_name = "NUMBER", default_value_t = 32)]
    connections_per_client: usize,
    /// Requests that one client may make in a minute; 0 for a proxy, or for any number
    #[arg(long, value_name = "NUMBER", default_value_t = 1_200)]
    requests_per_minute: u32,
    /// The clock is right up to this time, however long the witness was silent: without this, a witness
    /// that was silent for long takes a clock far ahead for a wrong one, and says nothing
    #[arg(long, value_name = "TIME")]
    trust_times_until: Option<UnixMillis>,
    /// The clock was wrong when it showed this time or a later one: cosignatures that bear such a time
    /// no longer keep the witness from cosigning at earlier ones
    #[arg(long, value_name = "TIME")]
    disregard_times_from: Option<UnixMillis>,
}

pub(crate) fn run(args: WitnessArgs) -> Result<Health> {
    let WitnessArgs { listen, key, name, log, state, .. } = args;
    let limits =
        Limits { connections: args.connections_per_client, requests: args.requests_per_minute };
    let secret = key_file::read_option(&key)?;
    let name = name.as_deref().unwrap_or(secret.did().as_str());
    let key = WitnessKey::new(name, secret.did().public_key()?).context("--name")?;
    let mut logs: Vec<Origin> = Vec::new();
    for origin in named::logs(&log)? {
        if logs.contains(&origin) {
            bail!("--log {origin} is given twice");
        }
        logs.push(origin);
    }
    let shown = shown_path(&state);
    let store = SeenDirectory::open(&state).with_context(|| format!("cannot open {shown}"))?;
    let mut witness = Witness::open(key, Box::new(secret), &logs, Box::new(store))
        .with_context(|| format!("cannot witness with what is in {shown}"))?;
    if let Some(until) = args.trust_times_until {
        witness = witness.trust_times_until(until);
    }
    if let Some(from) = args.disregard_times_from {
        witness = witness.disregard_times_from(from);
    }
    server::serve(Kept { witness, state }, listen, limits)?;
    Ok(Health::Sound)
}
