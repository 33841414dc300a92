//! The report about a log that was checked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use dataspace_identity::Origin;
use dataspace_primitives::{UnixMillis, shown};
use dataspace_tlog::{Checkpoint, Finding};
use serde_json::Map;

use crate::audit::kind::Kind;
use crate::audit::place::Place;
use crate::audit::words::{self, count, findings_to_json, write_findings};
use crate::json::object;
use crate::outcome::Health;
use crate::paint;
use crate::shell::shown_path;

/// Result of checking a log.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) origin: Origin,
    pub(super) checkpoint: Option<Checkpoint>,
    /// Records here, of `size`.
    pub(super) first: u64,
    pub(super) size: u64,
    /// Bytes of a torn write at the end.
    pub(super) bytes_cut: u64,
    /// True if a node has the log open, so that nothing after its checkpoint was looked at.
    pub(super) is_running: bool,
    pub(super) events: BTreeMap<&'static str, u64>,
    pub(super) span: Option<(UnixMillis, UnixMillis)>,
    /// The first files in a published log's directory that are none of its.
    pub(super) foreign: Vec<PathBuf>,
    pub(super) findings: Vec<Finding>,
    /// Places that are not what the operator signed.
    pub(super) damages: u64,
    /// The first of them, in plain words.
    pub(super) damage: Option<String>,
    /// True if the witnesses that were asked for have cosigned; `None` if none were.
    pub(super) is_witnessed: Option<bool>,
    /// How many have not, in plain words.
    pub(super) unwitnessed: Option<String>,
}

impl Report {
    pub(super) fn new(kind: Kind, place: &Place, origin: Origin) -> Self {
        Self {
            kind,
            place: place.clone(),
            origin,
            checkpoint: None,
            first: 0,
            size: 0,
            bytes_cut: 0,
            is_running: false,
            events: BTreeMap::new(),
            span: None,
            foreign: Vec::new(),
            findings: Vec::new(),
            damages: 0,
            damage: None,
            is_witnessed: None,
            unwitnessed: None,
        }
    }

    pub(super) fn health(&self) -> Health {
        match self.is_witnessed {
            _ if self.damages > 0 => Health::Damaged,
            Some(false) => Health::Unwitnessed,
            _ => Health::Sound,
        }
    }

    pub(super) fn proved(&mut self, text: String) {
        self.findings.push(Finding::Proved(text));
    }

    pub(super) fn not_proved(&mut self, text: &str) {
        self.findings.push(Finding::NotProved(text.to_owned()));
    }

    pub(super) fn damaged(&mut self, text: String) {
        self.damages += 1;
        self.damage.get_or_insert(text);
    }

    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let what = match self.kind {
            Kind::Node => "a node's directory",
            Kind::Published => "a published log",
        };
        writeln!(out, "{}", paint::title(format!("{}: {what}", shown(&self.place.to_string()))))?;
        writeln!(out, "   log         {}", self.origin)?;
        let mut records = paint::thousands(self.size);
        if let Some((from, until)) = self.span {
            write!(records, ", from {from} to {until}")?;
        }
        writeln!(out, "   records     {records}")?;
        if let Some(checkpoint) = &self.checkpoint {
            let signed = count(checkpoint.size().as_u64(), "record");
            writeln!(out, "   checkpoint  {signed}, root {}", checkpoint.root().to_short())?;
        }
        if !self.events.is_empty() {
            let events = self.events.iter().map(|(label, found)| plural(label, *found));
            writeln!(out, "   contents    {}", events.collect::<Vec<_>>().join(", "))?;
        }
        if !self.foreign.is_empty() {
            let names: Vec<_> = self.foreign.iter().map(shown_path).collect();
            writeln!(out, "   not of it   {}: not looked at", names.join(", "))?;
        }
        if !self.findings.is_empty() {
            writeln!(out, "\n{}", paint::title("What this proves"))?;
            write_findings(out, &self.findings)?;
        }
        match &self.damage {
            None => {
                writeln!(out, "\n{}: the log is what its operator signed", paint::good("sound"))?;
            }
            Some(damage) => {
                let more = match self.damages {
                    1 => String::new(),
                    all => format!(" (the first of {})", count(all, "damage")),
                };
                writeln!(out, "\n{}: {}{more}", paint::bad("damaged"), shown(damage))?;
                let advice = match self.place {
                    Place::Directory(_) => {
                        "keep the directory as it is: it is evidence. Restore a copy elsewhere, \
                         verify that, and compare."
                    }
                    Place::Server(_) => {
                        "keep a copy of what the server gives: it is evidence. Ask the log's \
                         operator, and compare with what others got."
                    }
                };
                writeln!(out, "   {advice}")?;
            }
        }
        match &self.unwitnessed {
            Some(unwitnessed) => words::write_unwitnessed(out, unwitnessed),
            None => Ok(()),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let (proved, not_proved) = findings_to_json(&self.findings);
        let checkpoint = self.checkpoint.as_ref().map(|one| {
            object! { "size": one.size().as_u64(), "root": one.root().to_string(), "note": one.as_note() }
        });
        let (from, until) =
            self.span.map(|(from, until)| (from.to_string(), until.to_string())).unzip();
        let events: Map<_, _> = self
            .events
            .iter()
            .map(|(label, found)| ((*label).to_owned(), (*found).into()))
            .collect();
        let foreign: Vec<_> =
            self.foreign.iter().map(|one| one.to_string_lossy().into_owned()).collect();
        object! {
            "kind": self.kind.as_str(),
            "path": self.place.to_string(),
            "log": self.origin.as_str(),
            "sound": self.damages == 0,
            "records": self.size,
            "first": self.first,
            "from": from,
            "to": until,
            "events": events,
            "foreign": foreign,
            "checkpoint": checkpoint,
            "tornBytes": self.bytes_cut,
            "running": self.is_running,
            "damages": self.damages,
            "damage": self.damage.clone(),
            "witnessed": self.is_witnessed,
            "unwitnessed": self.unwitnessed.clone(),
            "proved": proved,
            "notProved": not_proved,
        }
    }
}

/// `3 denials` for the label `deny`.
fn plural(label: &str, found: u64) -> String {
    let what = match label {
        "deny" => return format!("{found} {}", if found == 1 { "denial" } else { "denials" }),
        "policies" => "change of policies",
        "other" => "unknown record",
        what => what,
    };
    match what.strip_suffix(" of policies") {
        Some(change) if found != 1 => format!("{found} {change}s of policies"),
        Some(_) => format!("{found} {what}"),
        None => count(found, what),
    }
}
