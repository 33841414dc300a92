//! A consumer's own log, read from its first record: every document verified, and what it complains of.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dataspace_identity::Did;
use dataspace_ledger::replayed::ReplayError;
use dataspace_ledger::{ConsumerState, Refusal, consumer::ConsumerReplayer};
use dataspace_primitives::{Digest, shown};
use dataspace_tlog::{
    Event, LeafIndex, Record,
    record::{ConsumerEvent, ReceivedAnswer},
};
use serde_json::json;

use crate::audit::kind::Kind;
use crate::audit::place::Place;
use crate::audit::source::Source;
use crate::audit::words::count;
use crate::json::object;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{json, paint};

/// Lines of the text; JSON has as many.
const COMPLAINTS_MAX: usize = 100;

#[derive(Default)]
struct Found {
    released: u64,
    denied: u64,
    undecided: u64,
    complained: u64,
    complaints: Vec<(u64, String)>,
    /// Files with evidence, and those that are missing or are not what was recorded.
    evidence: u64,
    bad_evidence: Vec<(u64, String)>,
}

/// Returns true if the log was refused because it is a consumer's.
pub(super) fn is_consumers(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let replayed = cause.downcast_ref::<ReplayError>();
        matches!(replayed, Some(ReplayError::Record { source: Refusal::OtherHalf { .. }, .. }))
    })
}

/// Sound means that the log is what an honest consumer writes; complaints are about providers.
pub(super) fn replay(
    (source, place): (&Source, &Place),
    authority: &Did,
    is_json: bool,
    out: &mut impl Write,
) -> Result<Health> {
    let (size, mut found) = (source.size()?, Found::default());
    let mut replayer = ConsumerReplayer::new(authority.clone(), source.origin().clone());
    let not_honest =
        || Damaged(format!("the log does not follow the rules of the space of {authority}"));
    // Beside a published log there is none.
    let dir = place.directory().filter(|_| place.kind().is_ok_and(|kind| kind == Kind::Node));
    let refused = |index: LeafIndex| move || format!("record {index}");
    source.replay(0..size, |index, bytes| {
        let mut take = || {
            let record = Record::from_bytes(bytes)?;
            if let Event::Consumer(ConsumerEvent::Received(received)) = &record.event {
                match received.answer {
                    ReceivedAnswer::Released { .. } => found.released += 1,
                    ReceivedAnswer::Denied { .. } => found.denied += 1,
                    ReceivedAnswer::None { .. } => found.undecided += 1,
                }
                found.look(index, &received.request, received.evidence, dir);
                found.complained += u64::from(!received.complaints.is_empty());
                let room = COMPLAINTS_MAX.saturating_sub(found.complaints.len());
                let some = received.complaints.iter().take(room).cloned();
                found.complaints.extend(some.map(|text| (index.as_u64(), text)));
            }
            anyhow::Ok(replayer.take(index, record)?)
        };
        take().with_context(refused(index)).with_context(not_honest)
    })?;
    let (state, _) = replayer.finish().with_context(not_honest)?;
    if is_json {
        writeln!(out, "{}", json::pretty(&to_json(source, size, &state, &found)))?;
    } else {
        write(out, source, size, &state, &found)?;
    }
    Ok(Health::of(found.bad_evidence.is_empty()))
}

impl Found {
    /// Compares a file of evidence with what was recorded of it, where there is a directory with it.
    fn look(
        &mut self,
        index: LeafIndex,
        request: &Digest,
        recorded: Option<Digest>,
        dir: Option<&Path>,
    ) {
        let (Some(recorded), Some(dir)) = (recorded, dir) else { return };
        let file = dir.join("evidence").join(format!("{}.cbor", request.to_hex()));
        let what = match fs::read(&file) {
            Ok(bytes) if Digest::of(&bytes) == recorded => {
                self.evidence += 1;
                return;
            }
            Ok(_) => "is not what was recorded",
            Err(_) => "cannot be read",
        };
        if self.bad_evidence.len() < COMPLAINTS_MAX {
            self.bad_evidence.push((index.as_u64(), format!("{} {what}", shown_path(&file))));
        }
    }
}

fn write(
    out: &mut impl Write,
    source: &Source,
    size: u64,
    state: &ConsumerState,
    found: &Found,
) -> Result<()> {
    let title = format!("Replay of {}, a consumer's", count(size, "record"));
    writeln!(out, "{}", paint::title(title))?;
    writeln!(out, "   log            {}", source.origin())?;
    let (offers, contracts) = (state.offers(None).count(), state.contracts(None).count());
    let word = |number: usize, what| count(u64::try_from(number).unwrap_or(u64::MAX), what);
    writeln!(out, "   holds          {}, {}", word(contracts, "contract"), word(offers, "offer"))?;
    writeln!(
        out,
        "   answers        {}, {} denied, {} without a decision, {} unknown",
        count(found.released, "release"),
        found.denied,
        found.undecided,
        state.waiting().count()
    )?;
    writeln!(out, "   evidence       {} as recorded", count(found.evidence, "file"))?;
    for (index, text) in &found.bad_evidence {
        writeln!(out, "   {} record {index}: {}", paint::bad("damaged"), shown(text))?;
    }
    for (index, text) in &found.complaints {
        writeln!(out, "   {} record {index}: {}", paint::bad("complaint"), shown(text))?;
    }
    let verified = "each signed document in it was verified";
    if found.complained == 0 {
        writeln!(out, "no complaint: {verified}")?;
    } else {
        writeln!(out, "{}: {verified}", count(found.complained, "answer with complaints"))?;
    }
    Ok(())
}

fn to_json(source: &Source, size: u64, state: &ConsumerState, found: &Found) -> serde_json::Value {
    let complaints = found.complaints.iter();
    let complaints: Vec<_> =
        complaints.map(|(index, text)| json!({ "record": index, "what": text })).collect();
    object! {
        "log": source.origin().as_str(),
        "half": "consumer",
        "records": size,
        "contracts": state.contracts(None).count(),
        "offers": state.offers(None).count(),
        "released": found.released,
        "denied": found.denied,
        "undecided": found.undecided,
        "waiting": state.waiting().count(),
        "complained": found.complained,
        "complaints": complaints,
        "evidence": found.evidence,
        "badEvidence": found.bad_evidence.iter().map(|(_, what)| what.as_str()).collect::<Vec<_>>(),
    }
}
