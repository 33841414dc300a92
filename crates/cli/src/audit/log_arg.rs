//! Which log, and who must have seen it.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;
use dataspace_identity::Origin;
use dataspace_tlog::note::WitnessKey;

use crate::named;

/// Which log, and who must have seen it.
#[derive(Args)]
pub(super) struct LogArg {
    /// Whose log it must be: the first line of its checkpoints, or a file that holds it
    /// [default: whatever the stored checkpoint says, which anybody may have put there]
    #[arg(long, value_name = "ORIGIN|FILE")]
    pub(super) log: Option<OsString>,
}

impl LogArg {
    pub(super) fn read(&self) -> Result<Option<Origin>> {
        self.log.as_deref().map(named::log).transpose()
    }
}

#[derive(Args)]
pub(super) struct WitnessArgs {
    /// A witness whose cosignature counts, as a verifier key (name+id+base64); may be repeated
    #[arg(long, value_name = "VKEY")]
    pub(super) witness: Vec<WitnessKey>,
    /// How many of the witnesses must have cosigned [default: more than half]
    #[arg(long, value_name = "NUMBER", requires = "witness")]
    pub(super) quorum: Option<usize>,
}
