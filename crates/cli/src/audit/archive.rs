//! Old segments, moved to another directory.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::{Log, ReadOnlyStorage, medium::StoredFile};
use dataspace_identity::{Did, SecretKey};
use dataspace_runtime::{Clock as _, DataSpace, NodeKeys, Setup, SystemClock, setup::SetupError};
use dataspace_tlog::{Event, LeafIndex, Record};

use crate::audit::authority;
use crate::audit::kind::{Kind, origin};
use crate::audit::log_arg::LogArg;
use crate::audit::source::{open_error, read_error};
use crate::audit::words::count;
use crate::key_file;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{named, paint};

const HELP: &str = "\
Copies every segment that lies entirely before INDEX to DIR2, makes the copies durable and compares
them, and only then removes the segments from the directory: a record of the log, signed by the
operator, says so. Their hashes stay, and with them the proofs of all other records. What is archived
can no longer be replayed or shown from there: copy the segments back into a copy of the directory.

A node's log also needs --authority: the node is opened, and writes its index before anything is
removed, so that it opens without the archived segments from then on. Keep the index with the log:
without it, the node opens only when the segments are copied back.

The key is the operator's own, as the node is opened with it.

Example:
  dataspace audit archive /var/lib/node --before 1000000 --to /mnt/archive --key node.key \\
    --authority authority.did";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ArchiveArgs {
    /// A node's directory, or the directory of another log
    dir: PathBuf,
    /// Archive segments that lie entirely before this record
    #[arg(long, value_name = "INDEX")]
    before: u64,
    /// Directory for the segments; made if it is not there
    #[arg(long, value_name = "DIR2")]
    to: PathBuf,
    /// File with the operator's secret key (PEM), readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The authority of the node's space: its DID, or a file that holds it
    /// [required for a node's log]
    #[arg(long, value_name = "DID|FILE")]
    authority: Option<OsString>,
    #[command(flatten)]
    log: LogArg,
}

pub(crate) fn run(args: ArchiveArgs, out: &mut impl Write) -> Result<Health> {
    let ArchiveArgs { dir, before, to, key, authority, log } = args;
    let shown = shown_path(&dir);
    if Kind::of(&dir)? != Kind::Node {
        bail!("{shown} is a published log, which is never archived");
    }
    let origin = origin(&dir, log.read()?.as_ref())?;
    let authority = authority.as_deref().map(named::authority).transpose()?;
    let key = key_file::read_operator(&key, &origin)?;
    let before = LeafIndex::new(before);
    // Opening a node is a record of its log: no wrong question may leave one.
    let storage = ReadOnlyStorage::open(&dir).map_err(|error| open_error(&dir, error))?;
    let looked = Log::open_on(Box::new(storage), origin.clone());
    let (looked, _) = looked.map_err(|error| open_error(&dir, error))?;
    let (kept, old) = old_segments(&looked, before)?;
    drop(looked);
    if old.is_empty() {
        writeln!(
            out,
            "nothing to archive: record {before} is in the first segment that is here, which begins \
             with record {kept}"
        )?;
        return Ok(Health::Sound);
    }
    let opened = Opened::open(&dir, key, authority, || {
        let opened = Log::open(&dir, origin);
        Ok(opened.map_err(|error| open_error(&dir, error))?.0)
    })?;
    make_dir(&to)?;
    if fs::canonicalize(&dir)? == fs::canonicalize(&to)? {
        bail!("--to is the log's own directory; choose another one");
    }
    for first in &old {
        let name = StoredFile::Segment(*first).to_string();
        copy(&dir.join(&name), &to.join(&name))
            .with_context(|| format!("cannot copy {name}; nothing was archived"))?;
    }
    sync_dir(&to).with_context(|| format!("cannot make {} durable", shown_path(&to)))?;
    let stays = opened.archive(before).context("the segments are copied, and still here")?;
    let (files, to) = (old.len(), shown_path(&to));
    writeln!(
        out,
        "{} {} with the records before {stays}, into {to}",
        paint::good("archived"),
        count(u64::try_from(files)?, "segment")
    )?;
    writeln!(out, "   the log's last record says so, and the checkpoint covers it")?;
    if let Opened::Node(_) = opened {
        writeln!(out, "   the node's index stands for them: it opens without these segments")?;
    }
    Ok(Health::Sound)
}

/// The first record of the segment that holds `before`, which stays, and the segments before that.
fn old_segments(log: &Log, before: LeafIndex) -> Result<(LeafIndex, Vec<LeafIndex>)> {
    let (size, segments) = (log.size()?, log.segments()?);
    if !size.contains(before) {
        bail!(
            "--before: there is no record {before}; the log has {}",
            count(size.as_u64(), "record")
        );
    }
    let kept = segments.iter().rev().find(|first| **first <= before).copied().unwrap_or_default();
    Ok((kept, segments.into_iter().filter(|first| *first < kept).collect()))
}

/// The log, opened as a node or alone.
enum Opened {
    Node(DataSpace),
    Plain(Box<(Log, SecretKey)>),
}

impl Opened {
    fn open(
        dir: &Path,
        key: SecretKey,
        authority: Option<Did>,
        open: impl FnOnce() -> Result<Log>,
    ) -> Result<Self> {
        let shown = shown_path(dir);
        if !has_index(dir) {
            let log = open()?;
            // A beginning that was archived says nothing; the operator may.
            if !begins_a_node(&log)?.unwrap_or(authority.is_some()) {
                if authority.is_some() {
                    bail!(
                        "--authority: nothing in {shown} is of a node, neither an index nor a first \
                         record with the profile of a space; leave it out for another log"
                    );
                }
                return Ok(Self::Plain(Box::new((log, key))));
            }
        }
        let Some(authority) = authority else {
            bail!(
                "{shown} holds a node's log, and the node must write its index before anything is \
                 removed; name the authority of its space with --authority DID|FILE"
            );
        };
        let keys = NodeKeys::for_upkeep(key, &origin(dir, None)?)?;
        let opened = Setup::new(dir, keys, authority.clone()).open();
        Ok(Self::Node(opened.map_err(|error| setup_error(dir, &authority, error))?))
    }

    fn archive(&self, before: LeafIndex) -> Result<LeafIndex> {
        Ok(match self {
            Self::Node(space) => space.archive(before)?,
            Self::Plain(plain) => {
                let (log, key) = &**plain;
                log.archive(before, SystemClock.now(), key)?
            }
        })
    }
}

/// Returns true if a node has left its index here, which it does when it closes.
fn has_index(dir: &Path) -> bool {
    dir.join("index").symlink_metadata().is_ok()
}

/// Returns true if the first record is one that founds a node; `None` if it was archived.
fn begins_a_node(log: &Log) -> Result<Option<bool>> {
    let first = LeafIndex::default();
    if log.first()? > first {
        return Ok(None);
    }
    if !log.size()?.contains(first) {
        return Ok(Some(false));
    }
    let record =
        Record::from_bytes(&log.read(first).map_err(|error| read_error(Kind::Node, error))?);
    Ok(Some(record.is_ok_and(|record| matches!(record.event, Event::Profile { .. }))))
}

pub(super) fn setup_error(dir: &Path, authority: &Did, error: SetupError) -> anyhow::Error {
    match error {
        SetupError::Open(error) => open_error(dir, error),
        SetupError::Read(error) => read_error(Kind::Node, error),
        error @ (SetupError::Record { .. } | SetupError::Profile(_)) => {
            if let Err(other) = authority::check_dir(dir, authority) {
                return other.context("nothing was changed");
            }
            anyhow!(error).context(Damaged(format!(
                "the log does not follow the rules of the space of {authority}; nothing was changed"
            )))
        }
        error => {
            let text =
                format!("the node in {} cannot be opened; nothing was changed", shown_path(dir));
            anyhow!(error).context(text)
        }
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("--to: cannot make {}", shown_path(dir))),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Copies a file, durably, and compares. One that is there already must be the same.
fn copy(from: &Path, to: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(to) {
        Ok(mut copy) => {
            io::copy(&mut File::open(from)?, &mut copy)?;
            copy.sync_all()?;
        }
        // Of an archive that was cut short, for example.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(to)?.sync_all()?,
        Err(error) => return Err(error.into()),
    }
    if is_same(from, to)? {
        return Ok(());
    }
    Err(anyhow!("{} is there already, and is something else; choose another --to", shown_path(to)))
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    let (mut a, mut b) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let read = one.read(&mut a)?;
        let (Some(a), Some(b)) = (a.get(..read), b.get_mut(..read)) else { return Ok(false) };
        if read == 0 {
            return Ok(true);
        }
        other.read_exact(b)?;
        if a != b {
            return Ok(false);
        }
    }
}
