//! A node's directory: check all of it, and rebuild what can be rebuilt.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::{
    FileStorage, Log, ReadOnlyStorage, Recovery, medium::StoredFile, open::OpenError,
};
use dataspace_tlog::Fault;

use crate::audit::kind::{Kind, origin};
use crate::audit::log_arg::LogArg;
use crate::audit::progress::Progress;
use crate::audit::source::open_error;
use crate::audit::words::count;
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{json, paint};

const HELP: &str = "\
Reads every record, checks all of them against the stored checkpoint, and checks the files that derive
from them (hashes, offsets, the mark). --rebuild rebuilds those, and cuts off what a crash left of a
last write. It cannot bring back a record: for that, restore the segment from a copy.

Example:
  dataspace audit fsck dataspace-demo/mill/node
  dataspace audit fsck dataspace-demo/mill/node --rebuild";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct FsckArgs {
    /// A node's directory
    dir: PathBuf,
    /// Rebuild hashes and offsets from the records
    #[arg(long)]
    rebuild: bool,
    #[command(flatten)]
    log: LogArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: FsckArgs, out: &mut impl Write) -> Result<Health> {
    let FsckArgs { dir, rebuild, log, json } = args;
    if Kind::of(&dir)? != Kind::Node {
        bail!(
            "{} is a published log; `dataspace audit verify` checks it, and `export` writes it again",
            shown_path(&dir)
        );
    }
    let origin = origin(&dir, log.read()?.as_ref())?;
    let check = || {
        let storage = ReadOnlyStorage::open(&dir).map_err(|error| open_error(&dir, error))?;
        let progress = Progress::new("checking", 0);
        let checked = Log::check_on(&storage, &origin, &|size| progress.at(size.as_u64()));
        anyhow::Ok(checked)
    };
    let mut found = check()?;
    let mut is_rebuilt = false;
    if rebuild && matches!(&found, Ok(_) | Err(OpenError::Derived { .. })) {
        let storage = FileStorage::open(&dir).map_err(|error| open_error(&dir, error))?;
        let progress = Progress::new("rebuilding", 0);
        let rebuilt = Log::rebuild_on(Box::new(storage), origin.clone(), &|size| {
            progress.at(size.as_u64());
        });
        drop(progress);
        drop(rebuilt.map_err(|error| open_error(&dir, error))?);
        is_rebuilt = true;
        found = check()?;
    }
    match found {
        Ok(recovery) if recovery.checkpoint().is_none() && recovery.size().as_u64() > 0 => {
            let text = "there is no stored checkpoint; restore it from a copy: without it, nothing \
                        shows that the records are those that were written";
            Err(anyhow!(Damaged(text.to_owned())))
        }
        Ok(recovery) if json => {
            writeln!(out, "{}", json::pretty(&to_json(&dir, &recovery, is_rebuilt)))?;
            Ok(Health::Sound)
        }
        Ok(recovery) => write(out, &dir, &recovery, is_rebuilt),
        Err(error) if json && error.fault() == Fault::Evidence => {
            let damage = format!("{:#}", open_error(&dir, error));
            let value = object! {
                "path": dir.display().to_string(), "sound": false, "damage": damage.as_str(),
                "error": damage.as_str(), "exitCode": 1,
            };
            writeln!(out, "{}", json::pretty(&value))?;
            Ok(Health::Damaged)
        }
        Err(error) => Err(open_error(&dir, error)),
    }
}

fn write(
    out: &mut impl Write,
    dir: &Path,
    recovery: &Recovery,
    is_rebuilt: bool,
) -> Result<Health> {
    writeln!(out, "{}", paint::title(shown_path(dir)))?;
    writeln!(out, "   {recovery}")?;
    if recovery.bytes_cut() > 0 {
        writeln!(
            out,
            "   {} a torn write of {} at the end; the node cuts it off when it opens, or --rebuild",
            paint::bad("attention:"),
            count(recovery.bytes_cut(), "byte")
        )?;
    }
    if is_rebuilt {
        writeln!(out, "{}: hashes and offsets were made from the records", paint::good("rebuilt"))?;
    }
    // Without a mark the node reads all records when it opens, and rebuilds the rest.
    let made = if dir.join(StoredFile::Mark.to_string()).exists() {
        "what was made from them is right"
    } else {
        "nothing that was made from them is relied on yet"
    };
    let sound = paint::good("sound");
    writeln!(out, "{sound}: the records lead to the signed root, and {made}")?;
    Ok(Health::Sound)
}

fn to_json(dir: &Path, recovery: &Recovery, is_rebuilt: bool) -> serde_json::Value {
    object! {
        "path": dir.display().to_string(),
        "sound": true,
        "records": recovery.size().as_u64(),
        "signed": recovery.checkpoint().map_or(0, |one| one.size().as_u64()),
        "tornBytes": recovery.bytes_cut(),
        "rebuilt": is_rebuilt,
    }
}
