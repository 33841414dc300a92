//! One line for each checkpoint that somebody brings, for the witness's own operator.

use std::error::Error;
use std::path::Path;

use dataspace_primitives::{UnixMillis, shown};
use dataspace_tlog::witness::{AddCheckpoint, AddCheckpointError, FoundFork, Refusal, origin_hash};

use crate::out::tell;
use crate::paint;
use crate::shell::quoted;

/// Longest name of a log that a stranger gives, in characters.
const ORIGIN_MAX: usize = 160;

/// Reports each submitted checkpoint: its time, its log, and the outcome. `state` is the
/// directory of what the witness has seen.
pub(super) fn note(now: UnixMillis, body: &[u8], error: Option<&AddCheckpointError>, state: &Path) {
    let (label, words) = match error {
        None => (paint::good("accepted"), String::new()),
        Some(AddCheckpointError::Refused { fork: Some(found), .. }) => {
            (paint::bad("fork    "), format!(": {}", forked(found, state)))
        }
        Some(error) if error.status() == 500 => {
            (paint::bad("error   "), format!(": {}", causes(error)))
        }
        Some(error) => (paint::bad("refused "), format!(": {}{}", causes(error), hint(error))),
    };
    tell!("{now} {label} {}{}", asked(body), shown(&words));
}

/// The log and the sizes that a request names. None of it is verified.
fn asked(body: &[u8]) -> String {
    let Ok(request) = AddCheckpoint::parse(body) else { return "no checkpoint".to_owned() };
    let mut lines = request.note().lines();
    let (origin, size) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let size = size.parse::<u64>().map_or_else(|_| "?".to_owned(), |size| size.to_string());
    format!("{} from {} to {size} records", shown(origin).at_most(ORIGIN_MAX), request.old())
}

fn forked(found: &FoundFork, state: &Path) -> String {
    let proof = match (&found.unsaved, found.proof.claimed_origin()) {
        (Some(error), _) => format!("the proof could not be stored: {error}"),
        (None, Ok(origin)) => {
            let file = state.join(format!("{}.fork", origin_hash(&origin)));
            format!(
                "the first proof is kept; `dataspace verify-fork {} --log {origin}`",
                quoted(&file)
            )
        }
        (None, Err(_)) => "the first proof is kept".to_owned(),
    };
    format!("the operator signed two histories; {proof}")
}

/// What to do where a request shows no fork, and there may be one.
fn hint(error: &AddCheckpointError) -> &'static str {
    match error {
        AddCheckpointError::Refused { reason: Refusal::Inconsistent(_), .. } => {
            "; this alone proves nothing: compare the kept checkpoint with the published log by \
             `dataspace audit compare`"
        }
        _ => "",
    }
}

fn causes(error: &AddCheckpointError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some say the same as what they caused.
        if !text.ends_with(&cause.to_string()) {
            text.extend([": ", &cause.to_string()]);
        }
        source = cause.source();
    }
    text
}
