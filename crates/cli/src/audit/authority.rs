//! The authority that a log is of, by its own first record.

use std::path::Path;

use anyhow::{Result, bail};
use dataspace_identity::{Did, DidKeys, claimed_keys};
use dataspace_primitives::Signed;
use dataspace_tlog::{Event, LeafIndex, Record};
use dataspace_usage_contract::SpaceProfile;

use crate::audit::place::Place;
use crate::audit::source::Source;

/// Another authority than the log names is a wrong question, and says nothing about the log.
pub(super) fn check(source: &Source, place: &Place, authority: &Did) -> Result<()> {
    match named(source) {
        Some(named) if named != *authority => bail!(
            "{place} holds a log of a space of the authority {named}, not of {authority}; if that is \
             the authority that you trust, name it with --authority"
        ),
        _ => Ok(()),
    }
}

/// As [`check`], of a node's directory that was not opened for another reason.
pub(super) fn check_dir(dir: &Path, authority: &Did) -> Result<()> {
    let place = Place::Directory(dir.to_owned());
    match Source::open(&place, None) {
        Ok(source) => check(&source, &place, authority),
        // The other reason is the one to tell.
        Err(_) => Ok(()),
    }
}

/// The authority that signed the profile with which the log begins, and is named in it.
fn named(source: &Source) -> Option<Did> {
    let first = LeafIndex::default();
    if source.size().ok()? == 0 || source.first().ok()? > 0 {
        return None;
    }
    let Record { time, event, .. } = Record::from_bytes(&source.record(first).ok()?).ok()?;
    let Event::Profile { document, .. } = event else { return None };
    let signed = Signed::<SpaceProfile>::from_bytes(document.into_vec()).ok()?;
    let keys = claimed_keys(&signed, &DidKeys).ok()?;
    let profile = signed.verify(&keys, time).ok()?;
    let named = &profile.value().authority;
    named.has_signed(&profile).then(|| named.clone())
}
