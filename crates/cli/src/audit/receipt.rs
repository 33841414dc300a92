//! COSE receipts (RFC 9942): that a record is in the log, for tools of SCITT.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::receipts::SignReceiptError;
use dataspace_tlog::{
    Finding, LeafIndex, Receipt,
    receipt::{RECEIPT_LEN_MAX, ReceiptError},
    record::RECORD_LEN_MAX,
};

use crate::audit::log_arg::LogArg;
use crate::audit::place::PlaceArg;
use crate::audit::row::Row;
use crate::audit::show::Table;
use crate::audit::source::Source;
use crate::audit::words::{count, findings_to_json, write_findings};
use crate::json::object;
use crate::key_file;
use crate::outcome::{Damaged, Health};
use crate::shell::{quoted, shown_path};
use crate::{files, json, paint};

const HELP: &str = "\
A receipt is signed by the log's operator, so this asks for its key; `dataspace audit prove` needs
none. The receipt does not hold the record: write it with --record, and give both to the verifier.
The node may run meanwhile.

Example:
  dataspace audit receipt dataspace-demo/mill/node 8 --key node.key -o record-8.receipt --record record-8.cbor
  dataspace audit verify-receipt record-8.receipt --record record-8.cbor --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ReceiptArgs {
    #[command(flatten)]
    place: PlaceArg,
    /// The record, as `show` numbers it
    index: u64,
    /// File with the operator's secret key (PEM), readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file to write; it must not be there
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// A file for the record itself; it must not be there
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    log: LogArg,
}

const VERIFY_HELP: &str = "\
Needs nothing but the receipt, the record, and the name of the log from a source that you trust.

Example:
  dataspace audit verify-receipt record-8.receipt --record record-8.cbor --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyReceiptArgs {
    /// A file of `dataspace audit receipt`
    receipt: PathBuf,
    /// The record that it is about
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    #[command(flatten)]
    log: LogArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ReceiptArgs, out: &mut impl Write) -> Result<Health> {
    let ReceiptArgs { place, index, key, output, record, log } = args;
    let place = place.place()?;
    let source = Source::open(&place, log.read()?.as_ref())?;
    let key = key_file::read_operator(&key, source.origin())?;
    let (checkpoint, at) = (source.signed()?, LeafIndex::new(index));
    if !checkpoint.size().contains(at) {
        let size = count(checkpoint.size().as_u64(), "record");
        bail!("record {index} is not under the stored checkpoint of {size}");
    }
    let bytes = source.record(at)?;
    let Source::Node(log) = &source else {
        bail!("{place} is a published log; the operator signs receipts from the node's directory");
    };
    let receipt = log.inclusion_receipt(at, &checkpoint, &key).map_err(|error| match error {
        error @ SignReceiptError::NotOperator => anyhow!(error).context("--key"),
        error => error.into(),
    })?;
    if let Some(record) = &record {
        files::write_new(record, &bytes)?;
    }
    files::write_new(&output, receipt.as_bytes())?;
    let good = paint::good("written");
    writeln!(out, "{good} a receipt for record {index}: {}", shown_path(&output))?;
    if let Some(record) = &record {
        let (file, record) = (quoted(&output), quoted(record));
        let command = format!(
            "dataspace audit verify-receipt {file} --record {record} --log {}",
            source.origin()
        );
        writeln!(out, "   verify it with  {}", paint::command(command))?;
    }
    Ok(Health::Sound)
}

pub(crate) fn verify(args: VerifyReceiptArgs, out: &mut impl Write) -> Result<Health> {
    let VerifyReceiptArgs { receipt: file, record, log, json } = args;
    let log = log.read()?;
    let shown = shown_path(&file);
    let bytes = files::read(&file, RECEIPT_LEN_MAX)?;
    let record = files::read(&record, RECORD_LEN_MAX).context("--record")?;
    let nothing = || Damaged(format!("{shown} proves nothing"));
    let receipt = Receipt::from_bytes(&bytes).with_context(nothing)?;
    let origin = log.clone().unwrap_or_else(|| receipt.claimed_origin().clone());
    let verified = receipt.verify(&record, &origin).map_err(|error| match error {
        error @ ReceiptError::Origin { .. } => {
            let claimed = receipt.claimed_origin();
            anyhow!(error).context(format!("{shown} is of the log {claimed}, not of {origin}"))
        }
        error => anyhow!(error)
            .context(Damaged(format!("{shown} proves nothing about this record in {origin}"))),
    })?;
    let (index, size) = (verified.index(), verified.state().size());
    let mut findings = vec![Finding::Proved(format!(
        "the operator of {origin} signed {size} records, and record {index} is one of them, byte \
         for byte"
    ))];
    let mut not = |text: &str| findings.push(Finding::NotProved(text.to_owned()));
    if log.is_none() {
        not(
            "that this is the log you mean: compare its name with what its operator told you (--log)",
        );
    }
    not("that the operator shows everybody the same log: a receipt bears no cosignatures");
    not("that what the record says is true, or that its time is right");
    let row = Row::of(index, &record);
    if json {
        let (proved, not_proved) = findings_to_json(&findings);
        let value = object! {
            "log": origin.as_str(),
            "valid": true,
            "size": size.as_u64(),
            "root": verified.state().root().to_string(),
            "record": row.to_json(),
            "proved": proved,
            "notProved": not_proved,
        };
        writeln!(out, "{}", json::pretty(&value))?;
        return Ok(Health::Sound);
    }
    let table = Table { index_width: "record".len() };
    table.head(out)?;
    table.row(out, &row)?;
    writeln!(out, "\n{}", paint::title("What this proves"))?;
    write_findings(out, &findings)?;
    Ok(Health::Sound)
}
