//! The signing key of a log's operator.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use dataspace_tlog::note::note_key;

use crate::audit::log_arg::LogArg;
use crate::audit::place::PlaceArg;
use crate::audit::source::Source;
use crate::out::tell;
use crate::outcome::Health;
use crate::paint;

const HELP: &str = "\
Prints the key that tools for C2SP signed notes ask for (name+id+base64), after the stored or
published checkpoint was verified with it. The key is in the log's own name: if you have the name from
its operator (--log), you need to trust nobody.

Example:
  dataspace audit key dataspace-demo/mill/node --log did:key:z6Mk…/5ee2…
  dataspace audit key https://log.example.org/steel/ --log steel.origin > steel.vkey";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    place: PlaceArg,
    #[command(flatten)]
    log: LogArg,
}

pub(crate) fn run(args: KeyArgs, out: &mut impl Write) -> Result<Health> {
    let (place, log) = (args.place.place()?, args.log.read()?);
    let source = Source::open(&place, log.as_ref())?;
    writeln!(out, "{}", note_key(source.origin())?)?;
    if log.is_none() {
        let note = paint::title("note");
        tell!(
            "{note} this is the key of the checkpoint that is there; compare it with what its operator told you (--log)"
        );
    }
    Ok(Health::Sound)
}
