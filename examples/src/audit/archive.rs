//! Old segments, moved to another directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::{FileStorage, LeafIndex, Log, Storage as _, StoredFile};
use dataspace_runtime::{Clock as _, SystemClock};

use crate::audit::row::clean;
use crate::audit::source::{Kind, open_error, origin, storage_error};
use crate::audit::{Health, LogArg, count};
use crate::paint;
use crate::witness::key_file;

const HELP: &str = "\
Copies the segments of which all records come before INDEX to DIR2, makes the copies durable and
compares them, and only then removes them from the node: a record of the log, signed by the operator,
says so. Their hashes stay, and with them the proofs of all other records. What is archived cannot
be replayed or shown from the node any more: copy the segments back into a copy of the directory.

A node archives its own log by `DataSpace::archive`, which writes its index first. After this command, a
node without an index of its present state opens only when the segments are copied back.

The key is the operator's own, as the node is opened with it.

Example:
  dataspace audit archive /var/lib/node --before 1000000 --to /mnt/archive --key node.key";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct ArchiveArgs {
    /// A node's directory
    dir: PathBuf,
    /// Archive segments of which all records come before this one
    #[arg(long, value_name = "INDEX")]
    before: u64,
    /// Directory for the segments; made if it is not there
    #[arg(long, value_name = "DIR2")]
    to: PathBuf,
    /// File with the operator's secret key: 64 hexadecimal digits, readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    log: LogArg,
}

pub(crate) fn run(args: ArchiveArgs, out: &mut impl Write) -> Result<Health> {
    let ArchiveArgs { dir, before, to, key, log } = args;
    let shown = dir.display();
    if Kind::of(&dir)? != Kind::Node {
        bail!("{shown} is a published log, which is never archived");
    }
    let origin = origin(&dir, log.log.as_ref())?;
    let key = key_file::read(&key)?;
    if key.did() != origin.operator() {
        bail!("--key: the key is of {}, the log's operator is {}", key.did(), origin.operator());
    }
    let storage = FileStorage::open(&dir).map_err(|error| storage_error(&dir, error))?;
    let segments = storage.segments().map_err(|error| storage_error(&dir, error))?;
    let opened = Log::open_on(Box::new(storage), origin);
    let (log, recovery) = opened.map_err(|error| open_error(&dir, error))?;
    let size = recovery.size();
    let before = LeafIndex::new(before);
    if !size.contains(before) {
        bail!(
            "--before: there is no record {before}; the log has {}",
            count(size.as_u64(), "record")
        );
    }
    // The segment that holds the record stays.
    let kept = segments.iter().rev().find(|first| **first <= before).copied().unwrap_or_default();
    let old: Vec<_> = segments.into_iter().filter(|first| *first < kept).collect();
    if old.is_empty() {
        writeln!(
            out,
            "nothing to archive: record {before} is in the first segment that is here, which begins \
             with record {kept}"
        )?;
        return Ok(Health::Sound);
    }
    make_dir(&to)?;
    if fs::canonicalize(&dir)? == fs::canonicalize(&to)? {
        bail!("--to is the log's own directory; choose another one");
    }
    for first in &old {
        let name = StoredFile::Segment(*first).to_string();
        copy(&dir.join(&name), &to.join(&name))
            .with_context(|| format!("cannot copy {name}; nothing was archived"))?;
    }
    sync_dir(&to).with_context(|| format!("cannot make {} durable", to.display()))?;
    let now = SystemClock.now();
    let stays =
        log.archive(before, now, &key).context("the segments are copied, and still here")?;
    let (files, to) = (old.len(), clean(&to.display().to_string()));
    writeln!(
        out,
        "{} {} with the records before {stays}, into {to}",
        paint::good("archived"),
        count(u64::try_from(files)?, "segment")
    )?;
    writeln!(out, "   the log's last record says so, and the checkpoint covers it")?;
    Ok(Health::Sound)
}

fn make_dir(dir: &Path) -> Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("--to: cannot make {}", dir.display())),
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
    Err(anyhow!("{} is there already, and is something else; choose another --to", to.display()))
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
