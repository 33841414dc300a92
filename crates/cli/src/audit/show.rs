//! The records as a table.

use std::collections::VecDeque;
use std::io::Write;

use anyhow::{Result, anyhow, bail};
use clap::{Args, ValueEnum};
use dataspace_primitives::{Digest, UnixMillis, shown};
use thiserror::Error;

use crate::audit::event_kind::EventKind;
use crate::audit::log_arg::LogArg;
use crate::audit::place::PlaceArg;
use crate::audit::row::{Row, short_did};
use crate::audit::source::Source;
use crate::audit::words::count;
use crate::out::Out;
use crate::outcome::Health;
use crate::{json, paint};

const HELP: &str = "\
Only records that lead to the log's root are shown. What a document says is shown as its own signers
signed it; whether they may say so is for `dataspace audit replay`.

Example:
  dataspace audit show dataspace-demo/mill/node --verdict deny --from 2026-11-01T00:00:00Z
  dataspace audit show dataspace-demo/mill/node --contract 2ac55f11 --json";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    place: PlaceArg,
    #[command(flatten)]
    log: LogArg,
    #[command(flatten)]
    filter: Filter,
    /// Show the last so many of them
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Which records.
#[derive(Args)]
pub(crate) struct Filter {
    /// Of this contract: its identifier, or how that begins (4 digits or more)
    #[arg(long, value_name = "CONTRACT")]
    contract: Option<String>,
    /// About this participant: its DID, or how that ends (4 characters or more)
    #[arg(long, value_name = "DID")]
    participant: Option<String>,
    /// Accesses that were decided so
    #[arg(long, value_name = "VERDICT")]
    verdict: Option<Decided>,
    /// From this time on (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    from: Option<UnixMillis>,
    /// Before this time (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    until: Option<UnixMillis>,
    /// Records of this kind
    #[arg(long, value_name = "KIND")]
    event: Option<EventKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decided {
    Permit,
    Deny,
}

impl Filter {
    pub(crate) fn check(&self) -> Result<()> {
        if self.contract.as_ref().is_some_and(|text| hex(text).len() < 4) {
            bail!("--contract: give at least 4 digits of the identifier");
        }
        if self.participant.as_ref().is_some_and(|text| text.len() < 4) {
            bail!("--participant: give at least the last 4 characters of the DID");
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from >= until
        {
            bail!("--from {from} is not before --until {until}");
        }
        Ok(())
    }

    pub(crate) fn takes(&self, row: &Row) -> bool {
        let Self { contract, participant, verdict, from, until, event } = self;
        let has_contract = |text: &String| {
            row.contract.is_some_and(|id| hex(&id.to_string()).starts_with(hex(text)))
        };
        // As it is shown: did:key:…SLVJe5sb
        let end = |text: &String| text.rsplit('…').next().unwrap_or_default().to_owned();
        let is_about = |text: &String| row.participants.iter().any(|did| did.ends_with(&end(text)));
        contract.as_ref().is_none_or(has_contract)
            && participant.as_ref().is_none_or(is_about)
            && verdict.is_none_or(|verdict| row.is_permit == Some(verdict == Decided::Permit))
            && from.is_none_or(|from| row.time.is_some_and(|time| time >= from))
            && until.is_none_or(|until| row.time.is_some_and(|time| time < until))
            && event.is_none_or(|event| row.kind == event)
    }
}

/// The digits of a contract's identifier, or of how it begins.
pub(super) fn hex(contract: &str) -> &str {
    contract.strip_prefix("sha256:").unwrap_or(contract)
}

pub(crate) fn run<W: Write>(args: ShowArgs, out: &mut W) -> Result<Health> {
    let ShowArgs { place, log, filter, limit, json } = args;
    filter.check()?;
    let source = Source::open(&place.place()?, log.read()?.as_ref())?;
    let (first, size) = (source.first()?, source.size()?);
    let table = Table { index_width: size.to_string().len().max("record".len()) };
    let print = |out: &mut W, row: &Row| {
        if json {
            Ok(writeln!(out, "{}", json::line(&row.to_json()))?)
        } else {
            table.row(out, row)
        }
    };
    if !json {
        table.head(out)?;
    }
    let (mut shown, mut last) = (0, VecDeque::new());
    let walked = source.replay(first..size, |index, bytes| {
        if Out::is_gone() {
            return Err(anyhow!(Unread));
        }
        let row = Row::of(index, bytes);
        if !filter.takes(&row) {
            return Ok(());
        }
        shown += 1;
        let Some(limit) = limit else { return print(out, &row) };
        last.push_back(row);
        if last.len() > limit {
            last.pop_front();
        }
        Ok(())
    });
    match walked {
        Err(error) if error.is::<Unread>() => return Ok(Health::Sound),
        walked => walked?,
    }
    for row in &last {
        print(out, row)?;
    }
    if !json {
        let all = count(size, "record");
        let shown = match limit {
            Some(limit) if shown > u64::try_from(limit)? => {
                format!("the last {limit} of {shown} that fit, of {all}")
            }
            _ => format!("{shown} of {all}"),
        };
        let archived = match first {
            0 => String::new(),
            first => format!("; the first {first} were archived"),
        };
        writeln!(out, "{}", paint::dim(format!("{shown}{archived}")))?;
    }
    Ok(Health::Sound)
}

/// The records are no longer read.
#[derive(Debug, Error)]
#[error("nobody reads the output")]
struct Unread;

pub(crate) struct Table {
    pub(crate) index_width: usize,
}

/// `2026-11-23T23:15:57.930Z`.
const TIME_WIDTH: usize = 24;
const EVENT_WIDTH: usize = 11;
const DID_WIDTH: usize = 17;
const CONTRACT_WIDTH: usize = 12;

impl Table {
    pub(crate) fn head(&self, out: &mut impl Write) -> Result<()> {
        let width = self.index_width;
        let text = format!(
            "{:>width$}  {:TIME_WIDTH$}  {:EVENT_WIDTH$}  {:DID_WIDTH$}  {:CONTRACT_WIDTH$}  what",
            "record", "time (UTC)", "event", "participant", "contract"
        );
        Ok(writeln!(out, "{}", paint::title(text))?)
    }

    pub(crate) fn row(&self, out: &mut impl Write, row: &Row) -> Result<()> {
        let width = self.index_width;
        let time = row.time.map(|time| time.to_string()).unwrap_or_default();
        let label = format!("{:EVENT_WIDTH$}", row.label());
        let label = match row.is_permit {
            Some(true) => paint::good(label),
            Some(false) => paint::bad(label),
            None => label,
        };
        let about = row.about.as_deref().map(short_did).unwrap_or_default();
        let about = shown(&about);
        let contract = row.contract.map(Digest::to_short).unwrap_or_default();
        let what = shown(&row.what);
        let index = row.index;
        writeln!(
            out,
            "{index:>width$}  {time:TIME_WIDTH$}  {label}  {about:DID_WIDTH$}  \
             {contract:CONTRACT_WIDTH$}  {what}"
        )?;
        Ok(())
    }
}
