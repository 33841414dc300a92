//! Witnesses, asked for their cosignatures of a published checkpoint.

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use dataspace_audit_log::{PublishDir, published::StaticStore as _};
use dataspace_primitives::shown;
use dataspace_tlog::{Checkpoint, StaticLog, TreeSize, note::WitnessKey, tree::ConsistencyProof};
use dataspace_tlog_http::{Location, LogUrl, WitnessAnswer, WitnessClient};

use crate::audit::kind::{Kind, origin};
use crate::audit::log_arg::LogArg;
use crate::audit::place::TimeoutArg;
use crate::audit::source::open_static_error;
use crate::audit::words::count;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{named, paint};

const HELP: &str = "\
Asks each witness (C2SP tlog-witness) to cosign the checkpoint that is published in DIR, proves to it
that the log extends what it saw last, verifies its answer, and puts the cosignature under the
checkpoint. Run it after each `export`. Readers of the log check it with `audit verify --witness`.

The exit code is 1 if fewer witnesses than --quorum have cosigned, or a witness says that the log does
not extend what it has seen: then two histories are signed. Get the checkpoint that it holds (GET
/<SHA-256 of the origin>/checkpoint), and make the proof with `audit compare`.

Example:
  dataspace audit cosign /srv/public-log \\
    --witness 'w.example/one+1a2b3c4d+BGx…=https://witness.example.org/'";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct CosignArgs {
    /// The directory of a published log
    dir: PathBuf,
    /// A witness: its verifier key (name+id+base64), `=`, and the URL before `/add-checkpoint`; may
    /// be repeated
    #[arg(long, value_name = "VKEY=URL", required = true)]
    witness: Vec<WitnessAt>,
    /// How many of them must have cosigned [default: more than half]
    #[arg(long, value_name = "NUMBER")]
    quorum: Option<usize>,
    #[command(flatten)]
    timeout: TimeoutArg,
    #[command(flatten)]
    log: LogArg,
}

/// A witness, and where to ask it.
#[derive(Clone, Debug)]
struct WitnessAt {
    key: WitnessKey,
    url: LogUrl,
}

impl FromStr for WitnessAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.find("=http").ok_or("give VKEY=URL, with http:// or https://")?;
        let (key, url) = text.split_at_checked(at).unwrap_or_default();
        let key = key.parse::<WitnessKey>().map_err(|error| error.to_string())?;
        match Location::parse(url.trim_start_matches('=').into()) {
            Ok(Location::Published(url)) => Ok(Self { key, url }),
            Ok(Location::Directory(_)) => Err("the URL of a witness has http or https".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

pub(crate) fn run(args: CosignArgs, out: &mut impl Write) -> Result<Health> {
    let CosignArgs { dir, witness: witnesses, quorum, timeout, log } = args;
    // One key counts once.
    let keys = witnesses.iter().map(|one| one.key.clone()).collect();
    let quorum = named::witnesses(keys, quorum)?.quorum();
    let shown_dir = shown_path(&dir);
    if Kind::of(&dir)? != Kind::Published {
        bail!("{shown_dir} is a node's directory; publish the log with `export`, and cosign that");
    }
    let origin = origin(&dir, log.read()?.as_ref())?;
    let mut store =
        PublishDir::open(&dir).with_context(|| format!("cannot write into {shown_dir}"))?;
    let opened = StaticLog::open(&store, &origin);
    let log = opened.map_err(|error| open_static_error(&shown_dir, error))?;
    let mut checkpoint = log.checkpoint().clone();
    let (mut cosigned, mut is_forked) = (0, false);
    for WitnessAt { key, url } in &witnesses {
        let name = shown(key.name());
        if key.find(&checkpoint).is_ok_and(|found| found.is_some()) {
            writeln!(out, "{} {name}, before", paint::good("cosigned"))?;
            cosigned += 1;
            continue;
        }
        let client = WitnessClient::new(url, timeout.timeout())?;
        let prove = |from| Ok(log.consistency_proof(from, checkpoint.size())?);
        match ask(&client, &checkpoint, prove).and_then(|line| {
            let keys = std::slice::from_ref(key);
            let under = checkpoint.with_cosignatures(&line, keys)?;
            if key.find(&under)?.is_none() {
                bail!("its answer holds no cosignature of its key")
            }
            Ok(under)
        }) {
            Ok(under) => {
                checkpoint = under;
                cosigned += 1;
                writeln!(out, "{} {name}", paint::good("cosigned"))?;
            }
            Err(error) => {
                is_forked |= error.is::<Damaged>();
                writeln!(
                    out,
                    "{}  {name}: {}",
                    paint::bad("missing"),
                    shown(&format!("{error:#}"))
                )?;
            }
        }
    }
    if checkpoint.as_note() != log.checkpoint().as_note() {
        drop(log);
        store
            .replace_checkpoint(checkpoint.as_note().as_bytes())
            .with_context(|| format!("cannot replace the checkpoint in {shown_dir}"))?;
    }
    let size = count(checkpoint.size().as_u64(), "record");
    let all = witnesses.len();
    writeln!(out, "{cosigned} of {all} witnesses have cosigned the checkpoint of {size}")?;
    if is_forked {
        return Ok(Health::Damaged);
    }
    if cosigned < quorum {
        writeln!(out, "fewer than the {quorum} that are asked for (--quorum); ask again later")?;
        return Ok(Health::Unwitnessed);
    }
    Ok(Health::Sound)
}

/// The witness's answer: signature lines that nobody has verified.
fn ask(
    client: &WitnessClient,
    checkpoint: &Checkpoint,
    prove: impl FnOnce(TreeSize) -> Result<ConsistencyProof>,
) -> Result<String> {
    let nothing = ConsistencyProof { from: TreeSize::EMPTY, to: checkpoint.size(), path: vec![] };
    let held = match client.add_checkpoint(&nothing, checkpoint)? {
        WitnessAnswer::Cosigned(line) => return Ok(line),
        WitnessAnswer::Held(held) => held,
        WitnessAnswer::Contradicts(text) => return Err(contradicts(&text)),
    };
    if held > checkpoint.size() {
        bail!(
            "it has seen {held} records of this log, {} are published; publish the newest \
             checkpoint first",
            checkpoint.size()
        );
    }
    match client.add_checkpoint(&prove(held)?, checkpoint)? {
        WitnessAnswer::Cosigned(line) => Ok(line),
        WitnessAnswer::Held(_) => bail!("somebody else asked it meanwhile; ask again"),
        WitnessAnswer::Contradicts(text) => Err(contradicts(&text)),
    }
}

fn contradicts(text: &str) -> anyhow::Error {
    anyhow!("it says: {text}").context(Damaged(
        "it has seen another history of this log; ask its operator for the proof of the fork"
            .to_owned(),
    ))
}
