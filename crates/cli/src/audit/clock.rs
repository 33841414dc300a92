//! The way back from a wrong clock reading that was recorded.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use dataspace_runtime::{NodeKeys, Setup, setup::SetupError};

use crate::audit::archive::setup_error;
use crate::audit::kind::{Kind, origin};
use crate::key_file;
use crate::outcome::Health;
use crate::shell::shown_path;
use crate::{named, paint};

const HELP: &str = "\
A node never decides at a time before the latest one in its log, since setting it back would keep
expired contracts alive. If the clock was ahead for a moment and something was recorded then, the
node refuses everything until that time comes. This restarts from what the clock shows now. Set the
clock right first.

All contracts of the node end with it, and the memberships that would have been over by the wrong time:
conclude new contracts, and ask the authority of the space for new credentials. Nothing that the log has
called over comes back. The log says so for ever, signed by the operator, and `show` and `replay` tell
everybody.

Example:
  dataspace audit set-clock-back /var/lib/node --key node.key --authority authority.did";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct SetClockBackArgs {
    /// The node's directory; the node must not run
    dir: PathBuf,
    /// File with the operator's secret key (PEM), readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The authority of the node's space: its DID, or a file that holds it
    #[arg(long, value_name = "DID|FILE")]
    authority: OsString,
}

pub(crate) fn run(args: SetClockBackArgs, out: &mut impl Write) -> Result<Health> {
    let SetClockBackArgs { dir, key, authority } = args;
    if Kind::of(&dir)? != Kind::Node {
        bail!("{} is a published log; name the node's own directory", shown_path(&dir));
    }
    let authority = named::authority(&authority)?;
    let log = origin(&dir, None)?;
    let keys = NodeKeys::for_upkeep(key_file::read_operator(&key, &log)?, &log)?;
    let space = match Setup::new(&dir, keys, authority.clone()).set_clock_back() {
        Err(SetupError::ClockNotBehind { now, latest }) => {
            writeln!(
                out,
                "nothing to set back: the clock shows {now}, and the latest time in the log is {latest}"
            )?;
            return Ok(Health::Sound);
        }
        opened => opened.map_err(|error| setup_error(&dir, &authority, error))?,
    };
    writeln!(
        out,
        "{} to {}: all contracts that were concluded before have ended",
        paint::good("set the clock back"),
        space.now()?
    )?;
    writeln!(out, "   the log says so, and the checkpoint covers it; conclude new contracts")?;
    Ok(Health::Sound)
}
