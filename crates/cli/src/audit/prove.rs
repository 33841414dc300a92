//! Proofs to hand to others, and how they check them.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use dataspace_tlog::{Finding, LeafIndex, witness::QuorumError};

use crate::audit::check;
use crate::audit::log_arg::{LogArg, WitnessArgs};
use crate::audit::place::PlaceArg;
use crate::audit::proof_file::{PROOF_LEN_MAX, Proof, Proved};
use crate::audit::row::Row;
use crate::audit::show::Table;
use crate::audit::source::{Source, kept_checkpoint};
use crate::audit::words::{self, count, findings_to_json, write_findings};
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::shell::{quoted, shown_path};
use crate::{files, json, paint};

const PROVE_HELP: &str = "\
The proof is one text file (C2SP tlog-proof) with the record, its path to the root and the signed
checkpoint: its recipient needs no log. It shows the record to anyone who reads it. For a decision with its
contract, memberships and request there is evidence instead (`DataSpace::evidence`).

With --consistency it shows that the log extends a checkpoint that somebody kept.

Example:
  dataspace audit prove dataspace-demo/mill/node 8 -o record-8.tlog-proof
  dataspace audit prove dataspace-demo/mill/node --consistency kept.checkpoint -o extends.proof
  dataspace audit verify-proof record-8.tlog-proof --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = PROVE_HELP)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    place: PlaceArg,
    /// The record, as `show` numbers it
    #[arg(required_unless_present = "consistency", conflicts_with = "consistency")]
    index: Option<u64>,
    /// A checkpoint of this log that somebody kept
    #[arg(long, value_name = "FILE")]
    consistency: Option<PathBuf>,
    /// The file to write; it must not be there
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    log: LogArg,
}

const VERIFY_HELP: &str = "\
Needs nothing but the file, and the log's origin (the first line of its checkpoints, which begins with the
DID of its operator) from a source that you trust.

Example:
  dataspace audit verify-proof record-8.tlog-proof --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyProofArgs {
    /// A file of `dataspace audit prove`
    proof: PathBuf,
    #[command(flatten)]
    log: LogArg,
    #[command(flatten)]
    witness: WitnessArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ProveArgs, out: &mut impl Write) -> Result<Health> {
    let ProveArgs { place, index, consistency, output, log } = args;
    let source = Source::open(&place.place()?, log.read()?.as_ref())?;
    let checkpoint = source.signed()?;
    let note = checkpoint.as_note().to_owned();
    let size = checkpoint.size();
    let (proof, words) = match (index, consistency) {
        (_, Some(file)) => {
            let kept = kept_checkpoint(&file, source.origin())?;
            source.extends(&kept)?;
            if kept.size() > size {
                bail!(
                    "the kept checkpoint covers {} records, the stored one {size}: the log is \
                     longer than its checkpoint; let the node sign a new one",
                    kept.size()
                );
            }
            let path = source.consistency(kept.size(), size)?.path;
            let words = format!("that {size} records extend {}", kept.size());
            (Proof::Consistency { kept: kept.as_note().to_owned(), path, note }, words)
        }
        (Some(index), None) => {
            let at = LeafIndex::new(index);
            if !size.contains(at) && index < source.size()? {
                bail!(
                    "record {index} is not under the stored checkpoint of {size} records; the node \
                     signs a new one with every change, every 1,024 accesses and when it is closed"
                );
            }
            if !size.contains(at) {
                bail!("there is no record {index}: the log has {}", count(size.as_u64(), "record"));
            }
            let path = source.inclusion(at, size)?.path;
            let record = source.record(at)?;
            let words = format!("that record {index} is among {size}");
            (Proof::Inclusion { record, index: at, path, note }, words)
        }
        (None, None) => bail!("give the number of a record, or --consistency FILE"),
    };
    files::write_new(&output, proof.to_text()?.as_bytes())?;
    let shown = shown_path(&output);
    writeln!(out, "{} {words}: {shown}", paint::good("written"))?;
    let file = quoted(&output);
    let command = format!("dataspace audit verify-proof {file} --log {}", source.origin());
    writeln!(out, "   verify it with  {}", paint::command(command))?;
    Ok(Health::Sound)
}

pub(crate) fn verify(args: VerifyProofArgs, out: &mut impl Write) -> Result<Health> {
    let VerifyProofArgs { proof: file, log, witness, json } = args;
    let policy = check::policy(witness)?;
    let shown = shown_path(&file);
    let log = log.read()?;
    let bytes = files::read(&file, PROOF_LEN_MAX)?;
    let nothing = || Damaged(format!("{shown} proves nothing"));
    let text = String::from_utf8(bytes).context("it is not text").with_context(nothing)?;
    let proof = Proof::parse(&text).with_context(nothing)?;
    let origin = match &log {
        Some(origin) => origin.clone(),
        None => proof.claimed_origin().with_context(nothing)?,
    };
    let claimed = proof.claimed_origin().with_context(nothing)?;
    if claimed != origin {
        bail!("{shown} proves nothing about the log {origin}: it is about the log {claimed}");
    }
    let nothing = || Damaged(format!("{shown} proves nothing about the log {origin}"));
    let proved = proof.verify(&origin).with_context(nothing)?;

    let (checkpoint, row, mut findings) = match proved {
        Proved::Inclusion { record, index, checkpoint } => {
            let size = checkpoint.size();
            let found = format!(
                "the operator of {origin} signed {size} records, and record {index} is one of them, \
                 byte for byte"
            );
            let row = Row::of(index, &record);
            (checkpoint, Some(row), vec![Finding::Proved(found)])
        }
        Proved::Consistency { kept, checkpoint } => {
            let (from, to) = (kept.size(), checkpoint.size());
            let found = format!(
                "the operator of {origin} signed {from} records, and {to}, and the first {from} of \
                 these are the same"
            );
            (checkpoint, None, vec![Finding::Proved(found)])
        }
    };
    let (mut health, mut unwitnessed) = (Health::Sound, None);
    let is_witnessed = policy.is_some();
    if let Some(policy) = policy {
        match policy.require(checkpoint.clone()) {
            Ok(witnessed) => {
                findings.extend(witnessed.cosigners().present().iter().map(
                    |(key, cosignature)| {
                        Finding::Proved(format!(
                            "the witness {} saw the checkpoint, at {} by its own clock",
                            key.name(),
                            cosignature.time()
                        ))
                    },
                ));
            }
            Err(error) => {
                // A cosignature that does not verify is no missing one.
                let is_unmet = matches!(error, QuorumError::Unmet { .. });
                health = if is_unmet { Health::Unwitnessed } else { Health::Damaged };
                findings.push(Finding::NotProved(format!("that witnesses saw it: {error}")));
                unwitnessed = is_unmet.then(|| error.to_string());
            }
        }
    }
    let mut not = |text: &str| findings.push(Finding::NotProved(text.to_owned()));
    if log.is_none() {
        not(
            "that this is the log you mean: compare the DID with what its operator told you (--log)",
        );
    }
    if !is_witnessed {
        not("that the operator shows everybody the same log: this needs witnesses (--witness)");
    }
    not("that what the record says is true, or that its time is right");

    if json {
        let (proved, not_proved) = findings_to_json(&findings);
        let value = object! {
            "log": origin.as_str(),
            "valid": health != Health::Damaged,
            "witnessed": is_witnessed.then_some(health == Health::Sound),
            "unwitnessed": unwitnessed,
            "size": checkpoint.size().as_u64(),
            "root": checkpoint.root().to_string(),
            "record": row.map(|row| row.to_json()),
            "proved": proved,
            "notProved": not_proved,
        };
        writeln!(out, "{}", json::pretty(&value))?;
        return Ok(health);
    }
    if let Some(row) = row {
        let table = Table { index_width: "record".len() };
        table.head(out)?;
        table.row(out, &row)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", paint::title("What this proves"))?;
    write_findings(out, &findings)?;
    if let Some(unwitnessed) = &unwitnessed {
        words::write_unwitnessed(out, unwitnessed)?;
    }
    Ok(health)
}
