//! `dataspace`: shows a data space at work, verifies evidence offline, audits and witnesses logs.

mod audit;
mod demo;
mod files;
mod json;
mod key;
mod key_file;
mod labels;
mod named;
mod out;
mod outcome;
mod paint;
mod sector;
mod shell;
mod verify;
mod witness;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use dataspace_tlog::note::WitnessKey;

use crate::audit::contract::{self, ContractArgs};

/// The lines under `--help`.
const HELP: &str = "\
Exit codes of all commands: 0 all is well; 1 something is not what its operator signed (damage, a
fork, evidence or a proof that proves nothing, a decision that does not follow), or it is not
witnessed enough (a quorum of witnesses that was asked for is not met); 2 it could not be looked at,
or the question was wrong (a wrong argument, another log than --log names, another authority than
--authority names, no file, no access, a server that fails).

With --json, a command that fails prints an object with `error` and `exitCode` on the standard
output, and the same words on the standard error.";

/// A trusted data space: signed usage contracts, policies that decide, a log that proves.
#[derive(Parser)]
#[command(name = "dataspace", version, max_term_width = 100, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: DemoArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Found a materials data space, share a table under a contract, and prove what was done
    /// (this is what runs without a subcommand)
    Demo(DemoArgs),
    /// Verify an evidence file offline, with nothing but the space authority's DID
    Verify(VerifyArgs),
    /// Read contracts in plain words: of a log, or in an evidence file
    Contract(ContractArgs),
    /// Verify offline that a log's operator signed two histories that contradict each other
    VerifyFork(VerifyForkArgs),
    /// Audit a log, here or on a web server: verify, show, prove, publish, replay, repair and archive it
    Audit(audit::AuditArgs),
    /// Make a key file, and print the DID of one
    Key(key::KeyArgs),
    /// Read what a sector brings along: words, forbids, and templates of terms, in English or Chinese
    Sector(sector::SectorArgs),
    /// Witness other people's logs: cosign what extends everything seen before, over HTTP
    /// (C2SP tlog-witness)
    Witness(witness::WitnessArgs),
}

#[derive(Args)]
struct DemoArgs {
    /// Directory to create [default: dataspace-demo, or the next free dataspace-demo-N]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// CSV or Parquet file to share; the demo chooses duties by its columns, and says why
    /// [default: a table of real iron compounds]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

#[derive(Args)]
struct VerifyArgs {
    /// The evidence file
    evidence: PathBuf,
    /// The space authority: its DID, or a file that holds it
    #[arg(long, value_name = "DID|FILE")]
    authority: OsString,
    /// A witness whose cosignature counts, as a verifier key (name+id+base64); may be repeated
    #[arg(long, value_name = "VKEY")]
    witness: Vec<WitnessKey>,
    /// How many of the witnesses must have cosigned [default: more than half]
    #[arg(long, value_name = "NUMBER", requires = "witness")]
    quorum: Option<usize>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct VerifyForkArgs {
    /// The fork proof, as a witness keeps it
    proof: PathBuf,
    /// The log that is accused: the first line of its checkpoints, or a file that holds it
    #[arg(long, value_name = "ORIGIN|FILE")]
    log: OsString,
}

/// Returns true if the answer is for a program, even to wrong arguments. No options follow `--`.
fn is_json() -> bool {
    env::args_os().take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

fn main() -> ExitCode {
    let is_json = is_json();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => outcome::wrong_arguments(&error, is_json),
    };
    let done = match cli.command {
        None => demo::run(cli.demo.dir, cli.demo.data),
        Some(Command::Demo(args)) => demo::run(args.dir, args.data),
        Some(Command::Verify(args)) => {
            let VerifyArgs { evidence, authority, witness, quorum, json } = args;
            verify::run(&evidence, &authority, (witness, quorum), json)
        }
        Some(Command::Contract(args)) => contract::run(args),
        Some(Command::VerifyFork(args)) => verify::fork(&args.proof, &args.log),
        Some(Command::Audit(args)) => audit::run(args),
        Some(Command::Key(args)) => key::run(args),
        Some(Command::Sector(args)) => sector::run(args),
        Some(Command::Witness(args)) => witness::run(args),
    };
    outcome::end(done, is_json)
}
