//! A copy of a node that can be opened, while the node runs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use dataspace_runtime::backup_node;

use crate::audit::kind::Kind;
use crate::audit::words::count;
use crate::outcome::Health;
use crate::paint;
use crate::shell::{quoted, shown_path};

const HELP: &str = "\
The node may run meanwhile; of one that runs, the copy holds what its last checkpoint covers. The copy
appears as a whole or not at all, and was opened once. A plain copy of a running node (cp, tar) may lack
what was written last.

To restore: stop the node, move its directory away, move the copy to its place, start the node. What was
recorded after the copy was made is not in it. Never let both run: they would be two histories under one
name, which everybody sees who compares checkpoints. Keep the directory that was moved away: it is
evidence.

Example:
  dataspace audit backup /var/lib/node --to /mnt/backup/node-2026-11-29";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct BackupArgs {
    /// A node's directory
    dir: PathBuf,
    /// The directory to make; it must not be there
    #[arg(long, value_name = "DIR2")]
    to: PathBuf,
}

pub(crate) fn run(args: BackupArgs, out: &mut impl Write) -> Result<Health> {
    let BackupArgs { dir, to } = args;
    if Kind::of(&dir)? != Kind::Node {
        bail!("{} is a published log; any copy of it is good", shown_path(&dir));
    }
    let made = backup_node(&dir, &to)?;
    writeln!(
        out,
        "{} {} into {}",
        paint::good("copied"),
        count(made.size.as_u64(), "record"),
        shown_path(&to)
    )?;
    if !made.has_index {
        writeln!(
            out,
            "   without the index: the node makes it again from the records when it opens"
        )?;
    }
    let command = format!("dataspace audit verify {}", quoted(&to));
    writeln!(out, "   verify it with  {}", paint::command(command))?;
    Ok(Health::Sound)
}
