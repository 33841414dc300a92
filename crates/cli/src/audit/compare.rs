//! Two checkpoints of one log: whether both can be true.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, ForkProof,
    compare::{CompareError, Comparison},
    note::NOTE_LEN_MAX,
    published::CHECKPOINT_PATH,
};
use dataspace_tlog_http::Location;

use crate::audit::log_arg::LogArg;
use crate::audit::place::{Place, TimeoutArg, published};
use crate::audit::source::Source;
use crate::audit::words::count;
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::shell::{quoted, shown_path};
use crate::{files, json, paint};

const HELP: &str = "\
CHECKPOINT is a file with a checkpoint, a published log's directory or a node's, or the URL of a
published log. Two of one size with different roots contradict each other, and prove that the operator
signed two histories. Of two sizes, the larger must begin with the smaller: what shows it is the log
itself, which is read from the directory or URL that was given, or from --history.

Where they contradict each other, the proof is written to FORK (`dataspace verify-fork` checks it; give
it to the others who rely on this log), and the exit code is 1.

Example:
  dataspace audit compare kept.checkpoint https://log.example.org/steel/ --log did:key:z6Mk…/5ee2… \\
    -o steel.fork
  dataspace audit compare mine.checkpoint theirs.checkpoint --history /srv/public-log";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct CompareArgs {
    /// A checkpoint
    #[arg(value_name = "CHECKPOINT")]
    one: OsString,
    /// Another one of the same log
    #[arg(value_name = "CHECKPOINT")]
    other: OsString,
    /// A log that holds the larger one: a node's directory, or a published log
    #[arg(long, value_name = "DIR|URL")]
    history: Option<OsString>,
    /// The file to write if the operator signed two histories; it must not be there
    #[arg(long, short, value_name = "FORK", default_value = "fork.cbor")]
    output: PathBuf,
    #[command(flatten)]
    timeout: TimeoutArg,
    #[command(flatten)]
    log: LogArg,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A checkpoint, and where the log under it may be read.
struct Given {
    name: String,
    note: String,
    place: Option<Place>,
}

/// What two checkpoints are to each other.
enum Found {
    Same,
    Extends,
    Fork(Box<ForkProof>),
}

pub(crate) fn run(args: CompareArgs, out: &mut impl Write) -> Result<Health> {
    let CompareArgs { one, other, history, output, timeout, log, json } = args;
    let timeout = timeout.timeout();
    let (one, other) = (Given::read(&one, timeout)?, Given::read(&other, timeout)?);
    let origin = match log.read()? {
        Some(origin) => origin,
        None => one.claimed()?,
    };
    let (first, second) = (one.verify(&origin)?, other.verify(&origin)?);
    let is_in_order = first.size() <= second.size();
    let (earlier, later) = if is_in_order { (&first, &second) } else { (&second, &first) };
    let place = match history {
        Some(history) => Some(place_of(&history, timeout)?),
        None => {
            if is_in_order {
                other.place
            } else {
                one.place
            }
        }
    };
    let found = compare(earlier, later, place.as_ref())?;
    let (from, to) = (earlier.size().as_u64(), later.size().as_u64());
    if let Found::Fork(proof) = &found {
        files::write_new(&output, &proof.to_bytes()?)?;
    }
    if json {
        let (verdict, fork) = match &found {
            Found::Same => ("same", None),
            Found::Extends => ("extends", None),
            Found::Fork(_) => ("fork", Some(output.to_string_lossy())),
        };
        let value = object! {
            "log": origin.as_str(), "earlier": from, "later": to, "verdict": verdict, "fork": fork.as_deref(),
        };
        writeln!(out, "{}", json::pretty(&value))?;
        return Ok(Health::of(fork.is_none()));
    }
    match &found {
        Found::Same => {
            writeln!(out, "{}: both cover {}", paint::good("same"), count(from, "record"))?;
        }
        Found::Extends => {
            let larger = if is_in_order { &other.name } else { &one.name };
            writeln!(
                out,
                "{}: the {to} records of {larger} begin with the {from} of the other one",
                paint::good("extends")
            )?;
        }
        Found::Fork(_) => {
            writeln!(
                out,
                "{}: the operator of {origin} signed two histories, of {from} and of {to} records",
                paint::bad("fork")
            )?;
            writeln!(out, "   the proof is in {}", shown_path(&output))?;
            let command = format!("dataspace verify-fork {} --log {origin}", quoted(&output));
            writeln!(out, "   verify it with  {}", paint::command(command))?;
        }
    }
    Ok(Health::of(!matches!(found, Found::Fork(_))))
}

fn compare(earlier: &Checkpoint, later: &Checkpoint, place: Option<&Place>) -> Result<Found> {
    if earlier.size() == later.size() {
        return Ok(if earlier.root() == later.root() {
            Found::Same
        } else {
            Found::Fork(Box::new(ForkProof::of_one_size(earlier, later)?))
        });
    }
    let Some(place) = place else {
        bail!(
            "the checkpoints are of {} and {} records; only the log itself shows whether the one \
             begins with the other: name it with --history DIR|URL",
            earlier.size(),
            later.size()
        );
    };
    let source = Source::open(place, Some(later.origin()))?;
    let size = source.size()?;
    if size < later.size().as_u64() {
        bail!(
            "{place} has {size} records, the larger checkpoint {}; name a log that holds it with \
             --history",
            later.size()
        );
    }
    match dataspace_tlog::compare::compare(earlier, later, source.reader()) {
        Ok(Comparison::Same) => Ok(Found::Same),
        Ok(Comparison::Extends(_)) => Ok(Found::Extends),
        Ok(Comparison::Forked(proof)) => Ok(Found::Fork(proof)),
        Err(CompareError::OtherHistory { .. }) => bail!(
            "the log at {place} is not the one under the larger checkpoint, so that it shows \
             nothing; name one that is with --history"
        ),
        Err(CompareError::Log(error)) => source.told(Err(error)),
        Err(error) => Err(error.into()),
    }
}

impl Given {
    fn read(argument: &OsStr, timeout: Duration) -> Result<Self> {
        let location = Location::parse(argument.to_owned())?;
        let file = match &location {
            Location::Directory(path) if path.is_dir() => Some(path.join(CHECKPOINT_PATH)),
            Location::Directory(path) => {
                let note = files::read_text(path, NOTE_LEN_MAX)?;
                return Ok(Self { name: shown_path(path), note, place: None });
            }
            Location::Published(_) => None,
        };
        let place = Place::of(location, timeout)?;
        let note = match file {
            Some(file) => files::read_text(&file, NOTE_LEN_MAX)?,
            None => published(&place)?,
        };
        Ok(Self { name: place.to_string(), note, place: Some(place) })
    }

    fn claimed(&self) -> Result<Origin> {
        Checkpoint::claimed_origin(&self.note)
            .with_context(|| format!("{} is not a checkpoint", self.name))
    }

    fn verify(&self, origin: &Origin) -> Result<Checkpoint> {
        let claimed = self.claimed()?;
        if claimed != *origin {
            bail!("{} is a checkpoint of the log {claimed}, not of {origin}", self.name);
        }
        Checkpoint::verify(&self.note, origin).map_err(|error| {
            anyhow!(error).context(Damaged(format!("{} proves nothing about {origin}", self.name)))
        })
    }
}

fn place_of(argument: &OsStr, timeout: Duration) -> Result<Place> {
    let location = Location::parse(argument.to_owned()).context("--history")?;
    if let Location::Directory(dir) = &location
        && !Path::new(dir).is_dir()
    {
        bail!("--history: {} is not a directory", shown_path(dir));
    }
    Place::of(location, timeout)
}
