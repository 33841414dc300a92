//! Checks that a log is what its operator signed.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use dataspace_audit_log::Log;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{
    Checkpoint, StaticLog,
    note::WitnessKey,
    published::{Depth, StaticDir, verify_static_entries},
    witness::WitnessPolicy,
};

use crate::audit::event_kind::EventKind;
use crate::audit::kind::Kind;
use crate::audit::log_arg::{LogArg, WitnessArgs};
use crate::audit::place::{Place, PlaceArg};
use crate::audit::progress::Progress;
use crate::audit::report::Report;
use crate::audit::row::Row;
use crate::audit::source::{
    LEFT_OUT, Reading, Source, kept_checkpoint, open_error, open_static_error,
};
use crate::audit::words::count;
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::{json, named};

const HELP: &str = "\
Every record is read and hashed up to the root that the operator signed. With a checkpoint that you
kept (--checkpoint), a log that was rolled back or rewritten since is found, too: keep the latest
`checkpoint` file of a log somewhere else. Witnesses cosign the kept checkpoint where one is given,
else the stored one; without the asked quorum the exit code is 1.

Example:
  dataspace audit verify dataspace-demo/mill/node --log did:key:z6Mk…/5ee2…
  dataspace audit verify /srv/public-log --checkpoint kept.checkpoint --json
  dataspace audit verify https://log.example.org/steel/ --log did:key:z6Mk…/5ee2…";

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    place: PlaceArg,
    #[command(flatten)]
    log: LogArg,
    /// A checkpoint of this log that you kept, or got from somebody else
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    witness: WitnessArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: CheckArgs, out: &mut impl Write) -> Result<Health> {
    let CheckArgs { place, log, checkpoint, witness, json } = args;
    let policy = policy(witness)?;
    let place = place.place()?;
    let kind = place.kind()?;
    let log = log.read()?;
    let found = match place.origin(log.as_ref()) {
        Ok(origin) => {
            let kept = checkpoint.map(|file| kept_checkpoint(&file, &origin)).transpose()?;
            let mut report = Report::new(kind, &place, origin);
            let checked = report.check(log.is_some(), kept.as_ref(), policy.as_ref());
            checked.map(|()| report)
        }
        Err(error) => Err(error),
    };
    let report = match found {
        Ok(report) => report,
        // A program that asked for JSON gets it for a damaged log, too.
        Err(error) if json && error.is::<Damaged>() => {
            let damage = format!("{error:#}");
            let text = object! {
                "kind": kind.as_str(), "path": place.to_string(), "sound": false, "damages": 1,
                "damage": damage.as_str(), "error": damage.as_str(), "exitCode": 1,
            };
            writeln!(out, "{}", json::pretty(&text))?;
            return Ok(Health::Damaged);
        }
        Err(error) => return Err(error),
    };
    if json {
        writeln!(out, "{}", json::pretty(&report.to_json()))?;
    } else {
        report.write(out)?;
    }
    Ok(report.health())
}

pub(crate) fn policy(args: WitnessArgs) -> Result<Option<WitnessPolicy>> {
    let WitnessArgs { witness, quorum } = args;
    if witness.is_empty() {
        return Ok(None);
    }
    named::witnesses(witness, quorum).map(Some)
}

/// Files of others that are named.
const FOREIGN_MAX: usize = 4;

/// Content of the records.
#[derive(Default)]
struct Tally {
    events: BTreeMap<&'static str, u64>,
    span: Option<(UnixMillis, UnixMillis)>,
    /// The latest time so far, since the clock was last set back.
    latest: Option<UnixMillis>,
    /// Records that are dated before one in front of them.
    back: u64,
}

impl Tally {
    fn count(&mut self, row: &Row) {
        *self.events.entry(row.label()).or_default() += 1;
        if let Some(time) = row.time {
            let (from, until) = self.span.get_or_insert((time, time));
            let is_set_back = row.kind == EventKind::ClockSetBack;
            let latest = self.latest.filter(|_| !is_set_back).unwrap_or(time);
            self.back += u64::from(time < latest);
            self.latest = Some(latest.max(time));
            (*from, *until) = ((*from).min(time), (*until).max(time));
        }
    }
}

impl Report {
    /// Looks at everything.
    ///
    /// # Errors
    /// If there is nothing to report on: no access, or damage that hides the rest.
    fn check(
        &mut self,
        is_named: bool,
        kept: Option<&Checkpoint>,
        policy: Option<&WitnessPolicy>,
    ) -> Result<()> {
        let place = self.place.clone();
        let source = match (self.kind, place.directory()) {
            (Kind::Node, Some(dir)) => self.check_node(dir)?,
            _ => match self.check_published(&place)? {
                Some(source) => source,
                None => return Ok(()),
            },
        };
        self.first = source.first()?;
        // Of a published log, each record was counted while it was checked.
        if self.kind == Kind::Node {
            self.read(&source)?;
        }
        self.prove_records(is_named);
        if let Some(kept) = kept {
            match source.extends(kept) {
                Ok(()) => self.proved(format!(
                    "the log still holds all {} that the checkpoint you kept covers",
                    count(kept.size().as_u64(), "record")
                )),
                Err(error) if error.is::<Damaged>() => self.damaged(format!("{error:#}")),
                Err(error) => return Err(error),
            }
        } else {
            self.not_proved(
                "that nothing was rolled back: this needs a checkpoint kept elsewhere \
                 (--checkpoint)",
            );
        }
        let examined = kept.or(self.checkpoint.as_ref()).cloned();
        match (policy, examined) {
            (Some(policy), Some(checkpoint)) => self.witnesses(policy, &checkpoint),
            _ => self.not_proved(
                "that the operator shows everybody the same log: this needs witnesses (--witness) \
                 or other people's checkpoints",
            ),
        }
        for text in [
            "that every access is in the log: it shows what was recorded, not what was left out",
            "that the times are right: they are the operator's own clock",
            "that the decisions follow from contracts and policies: `dataspace audit replay` \
             makes them again",
        ] {
            self.not_proved(text);
        }
        Ok(())
    }

    fn check_node(&mut self, dir: &Path) -> Result<Source> {
        let Reading { storage, is_running } = Reading::of(dir)?;
        self.is_running = is_running;
        let progress = Progress::new("checking", 0);
        let checked = Log::check_on(&storage, &self.origin, &|size| progress.at(size.as_u64()));
        let recovery = checked.map_err(|error| open_error(dir, error))?;
        drop(progress);
        self.size = recovery.size().as_u64();
        self.bytes_cut = recovery.bytes_cut();
        self.checkpoint = recovery.checkpoint().cloned();
        Source::node(dir, storage, self.origin.clone())
    }

    /// `None` if it is damaged: then there is nothing more to look at.
    fn check_published(&mut self, place: &Place) -> Result<Option<Source>> {
        let files = place.files();
        let progress = Progress::new("checking", 0);
        let mut tell = |at: dataspace_tlog::published::Progress| {
            progress.of(at.entries.as_u64(), at.size.as_u64());
            ControlFlow::Continue(())
        };
        let mut tally = Tally::default();
        let report = verify_static_entries(
            &files,
            &self.origin,
            Depth::Hashes,
            &mut tell,
            &mut |at, bytes| {
                tally.count(&Row::of(at, bytes));
            },
        );
        let report = report.map_err(|error| open_static_error(place, error))?;
        drop(progress);
        self.size = report.checkpoint().size().as_u64();
        self.checkpoint = Some(report.checkpoint().clone());
        if !report.is_sound() {
            let first = report.first().map(ToString::to_string);
            self.damaged(first.unwrap_or_else(|| "not all of it was looked at".to_owned()));
            self.damages = report.damages().max(1);
            return Ok(None);
        }
        self.counted(tally);
        if let Some(dir) = place.directory() {
            self.foreign = StaticDir::new(dir).foreign(FOREIGN_MAX)?;
        }
        // Of the same state, though the log may have grown meanwhile.
        let opened = StaticLog::open_at(files, report.checkpoint().clone());
        Ok(Some(Source::published(opened.map_err(|error| open_static_error(place, error))?)))
    }

    /// Counts what is in the records.
    fn read(&mut self, source: &Source) -> Result<()> {
        let progress = Progress::new("reading ", self.size);
        let range = self.first..self.size;
        let mut tally = Tally::default();
        source.replay(range, |index, bytes| {
            tally.count(&Row::of(index, bytes));
            progress.at(index.as_u64());
            Ok(())
        })?;
        self.counted(tally);
        Ok(())
    }

    fn counted(&mut self, tally: Tally) {
        let Tally { events, span, back, .. } = tally;
        (self.events, self.span) = (events, span);
        let set_back = EventKind::ClockSetBack.as_str();
        if let Some(found) = self.events.get(set_back) {
            let times = count(*found, "time");
            self.not_proved(&format!(
                "that the clock was right: the operator set it back {times}, which ended all contracts \
                 until then (`dataspace audit show --event {set_back}`)"
            ));
        }
        if back > 0 {
            self.not_proved(&format!(
                "the order in time: {} before one in front of it, as happens to accesses at the \
                 same time",
                if back == 1 {
                    "1 record is dated".to_owned()
                } else {
                    format!("{back} records are dated")
                }
            ));
        }
    }

    fn prove_records(&mut self, is_named: bool) {
        match &self.checkpoint {
            None => self.damaged(
                "there is no checkpoint: nothing shows that these records are those that were \
                 written"
                    .to_owned(),
            ),
            Some(checkpoint) => {
                let signed = checkpoint.size().as_u64();
                self.proved(format!(
                    "the log's operator signed {}, with the root {}",
                    count(signed, "record"),
                    checkpoint.root()
                ));
                let here = signed.saturating_sub(self.first);
                self.proved(match self.first {
                    0 => format!("each of these {here} is here, byte for byte as it was signed"),
                    first => format!(
                        "{here} of them are here, byte for byte as signed; of the first {first}, \
                         which were archived, the hashes are here"
                    ),
                });
                if self.size > signed {
                    self.not_proved(&format!(
                        "that {} after the checkpoint are those that were written: no signature \
                         covers them yet",
                        count(self.size - signed, "record")
                    ));
                }
            }
        }
        if self.is_running {
            self.not_proved(&format!("that this is all: {LEFT_OUT}"));
        }
        if !is_named {
            self.not_proved(
                "that this is the log you mean: compare the DID with what its operator told you \
                 (--log)",
            );
        }
        let unknown = self.events.get(EventKind::Other.as_str()).copied().unwrap_or_default();
        if unknown > 0 {
            self.not_proved(&format!(
                "what {} say: they are of no known form",
                count(unknown, "record")
            ));
        }
        if self.bytes_cut > 0 {
            self.not_proved(&format!(
                "what stood in the last {}: they are a torn write, as a crash leaves it, and the \
                 node cuts them off when it opens",
                count(self.bytes_cut, "byte")
            ));
        }
    }

    fn witnesses(&mut self, policy: &WitnessPolicy, checkpoint: &Checkpoint) {
        let cosigners = match policy.examine(checkpoint) {
            Err(error) => return self.damaged(format!("a cosignature does not verify: {error}")),
            Ok(cosigners) => cosigners,
        };
        for (key, cosignature) in cosigners.present() {
            self.proved(format!(
                "the witness {} said at {} that it had seen no larger state of this log, and none \
                 that contradicts this one",
                key.name(),
                cosignature.time()
            ));
        }
        let (found, asked) = (cosigners.present().len(), cosigners.quorum());
        let absent: Vec<_> = cosigners.absent().iter().map(WitnessKey::name).collect();
        self.is_witnessed = Some(cosigners.is_quorum());
        if cosigners.is_quorum() {
            self.proved(format!(
                "a quorum saw this checkpoint: {found} cosigned, {asked} are asked for"
            ));
        } else {
            let text = format!(
                "{found} of {} witnesses cosigned the checkpoint, {asked} are asked for; missing: {}",
                found + absent.len(),
                absent.join(", ")
            );
            self.not_proved(&format!("that the operator shows everybody the same log: {text}"));
            self.unwitnessed = Some(text);
        }
    }
}
