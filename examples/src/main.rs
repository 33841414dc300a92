//! `dataspace`: shows a data space at work, verifies evidence offline, audits and witnesses logs.

mod audit;
mod demo;
mod paint;
mod verify;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use dataspace_audit_log::{Origin, WitnessKey};

/// A trusted data space: signed usage contracts, policies that decide, a log that proves.
#[derive(Parser)]
#[command(name = "dataspace", version, max_term_width = 100)]
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
    /// Verify offline that a log's operator signed two histories that contradict each other
    VerifyFork(VerifyForkArgs),
    /// Audit a log, here or on a web server: verify, show, prove, publish, replay, repair and archive it
    Audit(audit::AuditArgs),
    /// Witness other people's logs: cosign what extends everything seen before, over HTTP
    /// (C2SP tlog-witness)
    Witness(witness::WitnessArgs),
}

#[derive(Args)]
struct DemoArgs {
    /// Directory to create [default: dataspace-demo, or the next free dataspace-demo-N]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// CSV or Parquet file to share [default: a table of real iron compounds]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

#[derive(Args)]
struct VerifyArgs {
    /// The evidence file
    evidence: PathBuf,
    /// The space authority: its DID, or a file that holds it
    #[arg(long, value_name = "DID|FILE")]
    authority: String,
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
    /// The log that is accused: the first line of its checkpoints
    #[arg(long, value_name = "ORIGIN")]
    log: Origin,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => demo::run(cli.demo.dir, cli.demo.data),
        Some(Command::Demo(args)) => demo::run(args.dir, args.data),
        Some(Command::Verify(args)) => {
            let VerifyArgs { evidence, authority, witness, quorum, json } = args;
            verify::run(&evidence, &authority, (witness, quorum), json)
        }
        Some(Command::VerifyFork(args)) => verify::fork(&args.proof, &args.log),
        Some(Command::Audit(args)) => return audit::run(args),
        Some(Command::Witness(args)) => witness::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", paint::bad("error:"));
            ExitCode::FAILURE
        }
    }
}
