//! A log for others: as static files, as a table, as JSON lines.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::{
    PublishDir, Publisher,
    published::{PublishError, Published},
    reader::ReadError,
};
use dataspace_tlog::{
    Checkpoint, Fault, LeafIndex, StaticLog,
    published::StaticLogError,
    tree::{TILE_WIDTH, TreeError},
};

use crate::audit::csv;
use crate::audit::log_arg::LogArg;
use crate::audit::place::{Place, PlaceArg, PublishedFiles};
use crate::audit::progress::Progress;
use crate::audit::row::Row;
use crate::audit::source::{Source, open_static_error};
use crate::audit::words::count;
use crate::files::NewFile;
use crate::outcome::{Damaged, Health};
use crate::shell::{quoted, shown_path};
use crate::{json, paint};

const HELP: &str = "\
--to publishes all that the stored checkpoint covers, as C2SP static files: any web server can serve
OUT. Run it again after a while: what is published stays, and what is new is added. Entries are
hashed up to the signed root before the first file is written; nothing is ever overwritten but the
checkpoint. Published records can be read by everybody who can read OUT. A published log is copied,
and checked on the way.

The web server gives `checkpoint` as text/plain; charset=utf-8 and lets nobody keep it (Cache-Control:
no-cache); everything under tile/ is application/octet-stream and never changes (public,
max-age=31536000, immutable). docs/publishing.md has this for nginx, Apache and S3.

Example:
  dataspace audit export dataspace-demo/mill/node --to /srv/public-log
  dataspace audit export dataspace-demo/mill/node --csv records.csv --jsonl records.jsonl";

#[derive(Args)]
#[command(after_help = HELP)]
#[group(id = "outputs", required = true, multiple = true, args = ["to", "csv", "jsonl"])]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    place: PlaceArg,
    /// Directory to publish into; made if it is not there
    #[arg(long, value_name = "OUT")]
    to: Option<PathBuf>,
    /// Write the records as comma-separated values; the file must not be there
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the records as JSON, one object a line; the file must not be there
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    #[command(flatten)]
    log: LogArg,
}

pub(crate) fn run(args: ExportArgs, out: &mut impl Write) -> Result<Health> {
    let ExportArgs { place, to, csv, jsonl, log } = args;
    let place = place.place()?;
    let source = Source::open(&place, log.read()?.as_ref())?;
    if let Some(to) = to {
        publish(&source, &place, &to, out)?;
    }
    if let Some(file) = csv {
        let rows = write_rows(&source, &file, csv::head, csv::row)?;
        said(out, &rows, &file)?;
    }
    if let Some(file) = jsonl {
        let rows = write_rows(
            &source,
            &file,
            |_| Ok(()),
            |out, row| Ok(writeln!(out, "{}", json::line(&row.to_json()))?),
        )?;
        said(out, &rows, &file)?;
    }
    Ok(Health::Sound)
}

fn said(out: &mut impl Write, what: &str, file: &Path) -> Result<()> {
    let shown = shown_path(file);
    Ok(writeln!(out, "{} {what}: {shown}", paint::good("written  "))?)
}

fn publish(source: &Source, place: &Place, to: &Path, out: &mut impl Write) -> Result<()> {
    let checkpoint = source.signed()?;
    let shown = shown_path(to);
    if let (Some(from), Ok(to)) = (place.directory(), fs::canonicalize(to))
        && fs::canonicalize(from).is_ok_and(|from| from == to)
    {
        bail!("{shown} is the log itself; publish into another directory");
    }
    let store = PublishDir::open(to).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow!("{shown} cannot be made: its parent is not there"),
        _ => anyhow!(error).context(format!("cannot publish into {shown}")),
    })?;
    if fs::read_dir(to)?
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("segment-"))
    {
        bail!("{shown} holds a node's log; publish into another directory");
    }
    let mut publisher = Publisher::open(store, source.origin().clone())
        .map_err(|error| open_static_error(shown_path(to), error))?;
    let before = publisher.size().as_u64();
    let progress = Progress::new("publishing", 0);
    let mut ahead = Ahead::default();
    let done = match source {
        Source::Node(log) => {
            publisher.publish_log(log, &checkpoint).map_err(|error| node_error(place, to, error))?
        }
        Source::Published(log) => publisher
            .publish(&checkpoint, |index| ahead.entry(log, index))
            .map_err(|error| copy_error(to, error))?,
    };
    drop(progress);
    publisher.remove_partial().with_context(|| format!("cannot tidy up {shown}"))?;
    written(out, to, (before, &checkpoint), done)
}

/// Entries of a published log, one after the other; a bundle is read as a whole.
#[derive(Default)]
struct Ahead {
    next: u64,
    entries: VecDeque<Vec<u8>>,
}

impl Ahead {
    fn entry(
        &mut self,
        log: &StaticLog<PublishedFiles>,
        index: LeafIndex,
    ) -> Result<Vec<u8>, StaticLogError> {
        let at = index.as_u64();
        if at != self.next || self.entries.is_empty() {
            self.entries.clear();
            let width = u64::from(TILE_WIDTH);
            let end = (at / width + 1).saturating_mul(width).min(log.size().as_u64());
            log.replay(at..end, |_, entry| {
                self.entries.push_back(entry.to_vec());
                Ok::<_, StaticLogError>(())
            })?;
        }
        self.next = at.saturating_add(1);
        let missing = TreeError::Index { index, size: log.size() };
        self.entries.pop_front().ok_or_else(|| missing.into())
    }
}

fn written(
    out: &mut impl Write,
    to: &Path,
    (before, checkpoint): (u64, &Checkpoint),
    done: Published,
) -> Result<()> {
    let shown = shown_path(to);
    let size = checkpoint.size().as_u64();
    let new = size.saturating_sub(before);
    if new == 0 && done == Published::default() {
        writeln!(
            out,
            "{} {shown} has all {} already",
            paint::good("published"),
            count(size, "record")
        )?;
        return Ok(());
    }
    writeln!(
        out,
        "{} {} of {size} into {shown}: {}, {}",
        paint::good("published"),
        count(new, "new record"),
        count(done.bundles, "bundle"),
        count(done.tiles, "tile")
    )?;
    let command = format!("dataspace audit verify {} --log {}", quoted(to), checkpoint.origin());
    writeln!(out, "   verify it with  {}", paint::command(command))?;
    Ok(())
}

fn node_error(place: &Place, to: &Path, error: PublishError<ReadError>) -> anyhow::Error {
    if let PublishError::Source { source: ReadError::Archived { index }, .. } = &error {
        return anyhow!(
            "record {index} was archived before it was published; copy the archived segments back \
             into a copy of {place}, and publish from that"
        );
    }
    publish_error(to, error)
}

fn copy_error(to: &Path, error: PublishError<StaticLogError>) -> anyhow::Error {
    match error {
        PublishError::Source { source, .. } if source.fault() == Fault::Environment => {
            anyhow!(source).context("nothing was published")
        }
        error => publish_error(to, error),
    }
}

fn publish_error<E: std::error::Error + Send + Sync + 'static>(
    to: &Path,
    error: PublishError<E>,
) -> anyhow::Error {
    let shown = shown_path(to);
    let text = match &error {
        PublishError::Changed { .. }
        | PublishError::Root
        | PublishError::Log(_)
        | PublishError::Source { .. } => "the log is damaged; nothing was published".to_owned(),
        PublishError::Conflict { .. } => {
            format!("{shown} holds other bytes than this log; nothing there is overwritten")
        }
        PublishError::Older { .. } => format!(
            "{shown} holds more than the log: the log was rolled back; what others have seen is \
             not taken back"
        ),
        _ => return anyhow!(error).context(format!("cannot publish into {shown}")),
    };
    anyhow!(error).context(Damaged(text))
}

/// Writes all records that are here into a new file; tells how many.
fn write_rows(
    source: &Source,
    file: &Path,
    head: impl FnOnce(&mut NewFile) -> Result<()>,
    row: impl Fn(&mut NewFile, &Row) -> Result<()>,
) -> Result<String> {
    let mut to = NewFile::create(file)?;
    head(&mut to)?;
    let (first, size) = (source.first()?, source.size()?);
    let progress = Progress::new("writing", size);
    source.replay(first..size, |index, bytes| {
        progress.at(index.as_u64());
        row(&mut to, &Row::of(index, bytes))
    })?;
    drop(progress);
    to.finish()?;
    Ok(count(size - first, "record"))
}
