//! `dataspace`: shows a data space at work, and verifies evidence offline.

mod demo;
mod paint;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

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
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => demo::run(cli.demo.dir, cli.demo.data),
        Some(Command::Demo(args)) => demo::run(args.dir, args.data),
        Some(Command::Verify(args)) => verify::run(&args.evidence, &args.authority, args.json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", paint::bad("error:"));
            ExitCode::FAILURE
        }
    }
}
