//! A replay of a log finds nothing in it, and in the same log with something forged, that.

use dataspace_ledger::{
    Refusal, Replayed, Replayer,
    replayed::{Deviation, ReplayError},
};
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Event, Fact, LeafIndex, Record, Verdict,
    record::{ReleaseEnd, ReleaseReport},
};

use crate::dice::Dice;
use crate::ledger_documents::{did, log};
use crate::ledger_plain::{Log, Who};

/// What a consumer states, and a replay has to believe.
const STATED: [&str; 3] = ["action", "purpose", "recipientRegion"];

/// The report, or the first record that is none of an honest node.
fn replay(records: &[Record]) -> Result<Replayed, (usize, ReplayError)> {
    let mut replayer = Replayer::new(did(Who::Authority).clone(), log(Log::Here));
    for (place, record) in records.iter().enumerate() {
        let bytes = record.to_bytes().expect("a record");
        replayer.take(LeafIndex::new(place as u64), &bytes).map_err(|error| (place, error))?;
    }
    replayer.finish().map_err(|error| (records.len(), error))
}

/// A replay of an honest log is sound, and has made every decision again.
pub(crate) fn replays_honest(records: &[Record]) {
    let replayed = replay(records);
    let replayed = replayed.unwrap_or_else(|error| panic!("{error:?} in {records:#?}"));
    assert!(replayed.is_sound(), "{:?} in {records:#?}", replayed.first);
    let (mut permits, mut denials, mut counted, mut set_back) = (0, 0, 0, 0);
    for record in records {
        match &record.event {
            Event::Access(AccessRecord { verdict: Verdict::Permit { .. }, .. }) => permits += 1,
            Event::Access(_) => denials += 1,
            Event::Denials { count, .. } => counted += count,
            Event::ClockSetBack { .. } => set_back += 1,
            _ => {}
        }
    }
    assert_eq!((replayed.permits, replayed.denials), (permits, denials));
    assert_eq!((replayed.decisions, replayed.clock_set_back), (permits + denials, set_back));
    assert_eq!(replayed.counted_denials, counted);
    let reports = records.iter().filter(|record| matches!(record.event, Event::Released(_)));
    let reports = reports.count() as u64;
    assert_eq!((replayed.reports, replayed.unreported), (reports, permits - reports));
    assert_eq!((replayed.reworded, replayed.unrepeatable), (0, 0));
}

/// Forges one record, and gives the name of what a replay finds there.
pub(crate) fn finds_forged(dice: &mut Dice<'_>, records: &[Record]) -> Option<&'static str> {
    let is_access = |place: &usize| matches!(records[*place].event, Event::Access(_));
    let (accesses, changes): (Vec<_>, Vec<_>) = (1..records.len()).partition(is_access);
    if accesses.is_empty() || dice.roll(8) == 0 {
        return finds_change_moved_back(dice, records, &changes);
    }
    if dice.roll(8) == 0 {
        return finds_forged_report(dice, records);
    }
    let place = accesses[dice.roll(accesses.len())];
    let mut forged = records.to_vec();
    let expected = forge(dice, &mut forged, place)?;
    if expected == "time" {
        // What comes after may rest on its time: the clock was set back from it.
        forged.truncate(place + 1);
    }
    let replayed = replay(&forged);
    let replayed = replayed.unwrap_or_else(|error| panic!("{error:?} in {forged:#?}"));
    let here = replayed.first.iter().filter(|one| one.index == LeafIndex::new(place as u64));
    let names: Vec<_> = here.map(|one| name(&one.deviation)).collect();
    assert!(!replayed.is_sound(), "{expected} of {place} is not found in {forged:#?}");
    assert!(
        names.contains(&expected),
        "{names:?} in place of {expected} of {place} in {forged:#?}"
    );
    Some(expected)
}

fn name(deviation: &Deviation) -> &'static str {
    match deviation {
        Deviation::Verdict { .. } => "verdict",
        Deviation::Reasons { .. } => "reasons",
        Deviation::Fact { .. } => "fact",
        Deviation::Program => "program",
        Deviation::Duties { .. } => "duties",
        Deviation::Request { .. } => "request",
        Deviation::Profile { .. } => "profile",
        Deviation::Time { .. } => "time",
        Deviation::Use { .. } => "use",
        Deviation::Report(_) => "report",
        _ => "another one",
    }
}

/// Changes a decision; gives what is wrong with it then.
fn forge(dice: &mut Dice<'_>, records: &mut [Record], place: usize) -> Option<&'static str> {
    let (before, rest) = records.split_at_mut(place);
    let Record { time, event: Event::Access(access), .. } = &mut rest[0] else { return None };
    let number = |access: &AccessRecord, name: &str| match access.facts.get(name) {
        Some(Fact::Number(number)) => *number,
        _ => panic!("no number {name}"),
    };
    Some(match dice.roll(9) {
        0 | 1 => {
            let uses = number(access, "uses") + 1;
            access.verdict = match &access.verdict {
                Verdict::Permit { .. } => {
                    Verdict::Deny { reasons: vec!["unmet: permission-1: no".to_owned()] }
                }
                Verdict::Deny { .. } => Verdict::Permit { uses, duties: Vec::new() },
            };
            "verdict"
        }
        2 => match &mut access.verdict {
            Verdict::Permit { uses, .. } => {
                *uses = if dice.roll(2) == 0 { *uses + 1 } else { *uses - 1 };
                "use"
            }
            Verdict::Deny { reasons } => {
                match dice.roll(3) {
                    0 => reasons[0] = "lawful: it is not".to_owned(),
                    1 => reasons.push("clock-set-back: once more".to_owned()),
                    _ => reasons[0] = "duty: a column is missing".to_owned(),
                }
                "reasons"
            }
        },
        3 | 4 => {
            let mut names: Vec<_> = access.facts.keys().cloned().collect();
            names.retain(|name| !STATED.contains(&name.as_str()));
            let name = names.swap_remove(dice.roll(names.len()));
            match (dice.roll(4), access.facts.get_mut(&name)?) {
                (0, _) => {
                    access.facts.remove(&name);
                }
                (1, _) => {
                    access.facts.insert("payment".to_owned(), Fact::Text("paid".to_owned()));
                }
                (_, Fact::Number(number)) => *number += 1,
                (_, Fact::Text(text)) => text.push('x'),
                (_, Fact::Texts(texts)) => {
                    texts.insert("another".to_owned());
                }
            }
            "fact"
        }
        5 => {
            // Before the last change, which waited for all accesses.
            let change = before.iter().rev().find(|record| {
                !matches!(
                    record.event,
                    Event::Access(_)
                        | Event::Released(_)
                        | Event::Archived { .. }
                        | Event::Denials { .. }
                )
            });
            *time = UnixMillis::new(change?.time.as_millis() - 1)?;
            access.facts.insert("now".to_owned(), Fact::Number(time.as_millis()));
            "time"
        }
        6 => {
            access.program = Digest::of(b"other");
            "program"
        }
        7 => {
            access.profile += 1;
            "profile"
        }
        _ => {
            let earlier = before.iter().rev().find_map(|record| match &record.event {
                // Forgotten then: all its contracts have ended.
                Event::ClockSetBack { .. } => Some(None),
                Event::Access(earlier) => Some(Some(earlier.request)),
                _ => None,
            });
            match (earlier.flatten(), &mut access.verdict) {
                (Some(request), _) => {
                    access.request = request;
                    "request"
                }
                (None, Verdict::Permit { duties, .. }) => {
                    duties.push("duty-7".to_owned());
                    "duties"
                }
                (None, Verdict::Deny { .. }) => return None,
            }
        }
    })
}

/// A report more than there should be, or one that is of something else, at the end of the log.
fn finds_forged_report(dice: &mut Dice<'_>, records: &[Record]) -> Option<&'static str> {
    let last = records.last()?.time;
    let mut forged = records.to_vec();
    let permits = records.iter().enumerate().filter_map(|(place, record)| match &record.event {
        Event::Access(AccessRecord { contract, verdict: Verdict::Permit { .. }, .. }) => {
            Some((place, *contract))
        }
        _ => None,
    });
    let permits: Vec<_> = permits.collect();
    let (permit, contract) = *permits.get(dice.roll(permits.len().max(1)))?;
    let report = |access: usize| ReleaseReport {
        access: LeafIndex::new(access as u64),
        contract,
        end: ReleaseEnd::Dropped,
        pieces: 0,
        rows: 0,
        bytes: 0,
        content: Digest::of(b""),
        version: None,
        subjects: None,
    };
    let wrong = match dice.roll(4) {
        // Twice: one of them may be the first.
        0 => {
            forged.push(Record::new(last, Event::Released(report(permit))));
            report(permit)
        }
        1 => report(
            (0..=records.len())
                .rev()
                .find(|place| !permits.iter().any(|(permit, _)| permit == place))?,
        ),
        2 => ReleaseReport { subjects: Some(1), ..report(permit) },
        _ => ReleaseReport { rows: 1, ..report(permit) },
    };
    let place = LeafIndex::new(forged.len() as u64);
    forged.push(Record::new(last, Event::Released(wrong)));
    let replayed = replay(&forged);
    let replayed = replayed.unwrap_or_else(|error| panic!("{error:?} in {forged:#?}"));
    let here = replayed.first.iter().filter(|one| one.index == place);
    assert!(here.map(|one| name(&one.deviation)).any(|one| one == "report"), "{forged:#?}");
    Some("report")
}

/// A change whose time is before that of a record before it.
fn finds_change_moved_back(
    dice: &mut Dice<'_>,
    records: &[Record],
    changes: &[usize],
) -> Option<&'static str> {
    let place = *changes.get(dice.roll(changes.len().max(1)))?;
    let is_timed = !matches!(
        records[place].event,
        Event::ClockSetBack { .. }
            | Event::Released(_)
            | Event::Archived { .. }
            | Event::Denials { .. }
    );
    let mut forged = records.to_vec();
    if is_timed {
        let earlier = forged[place - 1].time.as_millis();
        forged[place].time = UnixMillis::new(earlier - 1)?;
    } else if let Event::ClockSetBack { from } = &mut forged[place].event {
        *from = UnixMillis::new(from.as_millis() + 1)?;
    } else {
        return None;
    }
    match replay(&forged) {
        Err((found, ReplayError::Record { source, .. })) if found == place => {
            Some(if matches!(source, Refusal::Time(_)) { "time of a change" } else { "change" })
        }
        other => panic!("{other:?} of {place} in {forged:#?}"),
    }
}
