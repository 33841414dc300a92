//! Verbs for operators and auditors of a log: verify, show, prove, publish, replay, archive.
//!
//! Every verb but `fsck --rebuild`, `archive`, `set-clock-back` and `cosign` leaves the log's directory as it is.

mod archive;
mod authority;
mod backup;
mod check;
mod clock;
mod compare;
mod consumer;
pub(crate) mod contract;
mod cosign;
mod csv;
mod event_kind;
mod export;
mod fsck;
mod key;
mod kind;
mod log_arg;
mod place;
mod progress;
mod proof_file;
mod prove;
mod receipt;
mod replay;
mod report;
mod row;
mod show;
mod source;
mod words;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::out::Out;
use crate::outcome::Health;

/// The lines under `--help`.
const HELP: &str = "\
DIR is a node's directory (segments), or a published log (C2SP static files: checkpoint and tiles);
its contents tell which. Only `fsck --rebuild`, `archive`, `set-clock-back` and `cosign` change it.
Of a running node you see what its last checkpoint covers; `fsck`, `archive` and `set-clock-back` need
it stopped.
URL is where a web server delivers a published log: the URL that contains `checkpoint`. The server is
not trusted: every record and hash must lead to what the log's operator signed (--log).

Exit codes: 0 all is well; 1 the log is not what its operator signed, a replay differs, or it is not
witnessed enough: too few of the witnesses that were asked for have cosigned; 2 it could not be looked
at, or the question was wrong: a wrong argument, another log than --log names, another authority than
--authority names, no log, no access, a server that fails.

Example:
  dataspace audit verify dataspace-demo/mill/node
  dataspace audit verify https://log.example.org/steel/ --log did:key:z6Mk…/5ee2…
  dataspace audit show dataspace-demo/mill/node --verdict deny
  dataspace audit replay dataspace-demo/mill/node --authority dataspace-demo/authority.did";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check that a log is what its operator signed, and that it extends a checkpoint you kept
    Verify(check::CheckArgs),
    /// Show the records: who did what under which contract, and what was decided
    Show(show::ShowArgs),
    /// Write a proof of one record, or that the log extends a checkpoint you kept
    Prove(prove::ProveArgs),
    /// Verify a proof of `prove` offline
    VerifyProof(prove::VerifyProofArgs),
    /// Write a COSE receipt (RFC 9942) of one record, signed by the log's operator
    Receipt(receipt::ReceiptArgs),
    /// Verify a receipt offline
    VerifyReceipt(receipt::VerifyReceiptArgs),
    /// Print the log's verifier key (C2SP signed-note)
    Key(key::KeyArgs),
    /// Compare two checkpoints, and prove a fork where they contradict each other
    Compare(compare::CompareArgs),
    /// Ask witnesses for cosignatures, and put them under the published checkpoint
    Cosign(cosign::CosignArgs),
    /// Publish a log as static files (C2SP tlog-tiles), or write its records as CSV or JSON lines
    Export(export::ExportArgs),
    /// Make every decision again, by contracts, policies and memberships of its time
    Replay(replay::ReplayArgs),
    /// Check everything in a node's directory, and rebuild what derives from the records
    Fsck(fsck::FsckArgs),
    /// Copy a node so that the copy can be opened, while the node runs; also says how to restore it
    Backup(backup::BackupArgs),
    /// Move old segments of a node's log to another directory; proofs of all records stay possible
    Archive(archive::ArchiveArgs),
    /// Let a node go on whose log holds the time of a wrong clock reading; ends all of its contracts
    SetClockBack(clock::SetClockBackArgs),
}

pub(crate) fn run(args: AuditArgs) -> Result<Health> {
    let out = &mut Out::new();
    match args.verb {
        Verb::Verify(args) => check::run(args, out),
        Verb::Show(args) => show::run(args, out),
        Verb::Prove(args) => prove::run(args, out),
        Verb::VerifyProof(args) => prove::verify(args, out),
        Verb::Receipt(args) => receipt::run(args, out),
        Verb::VerifyReceipt(args) => receipt::verify(args, out),
        Verb::Key(args) => key::run(args, out),
        Verb::Compare(args) => compare::run(args, out),
        Verb::Cosign(args) => cosign::run(args, out),
        Verb::Export(args) => export::run(args, out),
        Verb::Replay(args) => replay::run(args, out),
        Verb::Fsck(args) => fsck::run(args, out),
        Verb::Backup(args) => backup::run(args, out),
        Verb::Archive(args) => archive::run(args, out),
        Verb::SetClockBack(args) => clock::run(args, out),
    }
}
