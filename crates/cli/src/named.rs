//! Names of logs and authorities, given as they are or in a file.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use dataspace_identity::Did;
use dataspace_identity::Origin;
use dataspace_primitives::shown;
use dataspace_tlog::{note::WitnessKey, witness::WitnessPolicy};

use crate::files::{NAME_FILE_LEN_MAX, read_text};
use crate::shell::shown_path;

/// The space authority that `--authority` names.
pub(crate) fn authority(argument: &OsStr) -> Result<Did> {
    read(argument, "--authority", "a DID")
}

/// The log that `--log` names.
pub(crate) fn log(argument: &OsStr) -> Result<Origin> {
    read(argument, "--log", "the origin of a log").with_context(|| {
        "an origin is a DID, or a DID with `/` and the log's name: the first line of a checkpoint"
    })
}

pub(crate) fn logs(arguments: &[OsString]) -> Result<Vec<Origin>> {
    arguments.iter().map(|argument| log(argument)).collect()
}

fn read<T>(argument: &OsStr, option: &'static str, what: &str) -> Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    if let Some(text) = argument.to_str().filter(|text| text.starts_with("did:")) {
        let parsed = text.parse::<T>();
        return parsed.with_context(|| format!("{option}: {} is not {what}", shown(text)));
    }
    let file = Path::new(argument);
    let path = shown_path(file);
    let text = read_text(file, NAME_FILE_LEN_MAX)
        .with_context(|| format!("{option}: {path} is neither a DID nor a readable file"))?;
    let mut lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(anyhow!("{option}: {path} must hold {what} and nothing else"));
    };
    line.parse::<T>().with_context(|| format!("{option}: {path} does not hold {what}"))
}

/// The witnesses of `--witness`. More than half must have cosigned unless `--quorum` says otherwise.
pub(crate) fn witnesses(keys: Vec<WitnessKey>, quorum: Option<usize>) -> Result<WitnessPolicy> {
    // Two keys of one name are one witness.
    let names: BTreeSet<_> = keys.iter().map(|key| key.name().to_owned()).collect();
    let quorum = quorum.unwrap_or(names.len() / 2 + 1);
    WitnessPolicy::new(quorum, keys).context("--witness and --quorum")
}
