//! Tests that every back end behind a seam of the node must pass. Those of a
//! log's storage are in [`dataspace_audit_log::conformance`].
//!
//! ```
//! use dataspace_runtime::{MemorySnapshots, conformance};
//!
//! conformance::snapshots(&mut || Ok(Box::new(MemorySnapshots::default())))?;
//! # Ok::<(), conformance::NotConformant>(())
//! ```

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write};

pub use dataspace_audit_log::conformance::NotConformant;
use dataspace_audit_log::conformance::must;

use crate::clock::Clock;
use crate::index::snapshots::Snapshots;
use crate::random::Randomness;

fn loaded(snapshots: &dyn Snapshots) -> io::Result<Option<Vec<u8>>> {
    let Some(mut content) = snapshots.load()? else { return Ok(None) };
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn store(snapshots: &dyn Snapshots, bytes: &[u8]) -> io::Result<()> {
    snapshots.store(&mut |to| bytes.chunks(1_000).try_for_each(|part| to.write_all(part)))
}

/// Puts snapshots to the test: `new` makes an empty place for them each time. That what is stored survives
/// a crash cannot be seen from inside a process, and is not tested here.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn snapshots(
    new: &mut dyn FnMut() -> io::Result<Box<dyn Snapshots>>,
) -> Result<(), NotConformant> {
    let one = new()?;
    must(loaded(&*one)?.is_none(), "a new place has no snapshot")?;
    let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for bytes in [&b"a first one"[..], &long, b"", b"the last one"] {
        store(&*one, bytes)?;
        must(loaded(&*one)?.as_deref() == Some(bytes), "a snapshot replaces the one before it")?;
    }
    // A reader that began before goes on reading what it began with, and a writer may read.
    let mut content = one.load()?.ok_or_else(|| io::Error::other("there is a snapshot"))?;
    one.store(&mut |to| {
        let before = loaded(&*one)?;
        to.write_all(&before.unwrap_or_default())?;
        to.write_all(b", and more")
    })?;
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    must(bytes == b"the last one", "who reads meanwhile reads the old one to its end")?;
    must(
        loaded(&*one)?.as_deref() == Some(b"the last one, and more"),
        "a writer may read what was there",
    )?;
    let failed = one.store(&mut |to: &mut dyn Write| {
        to.write_all(b"half of")?;
        Err(io::Error::other("given up"))
    });
    must(failed.is_err(), "an error of the writer is told")?;
    must(
        loaded(&*one)?.as_deref() == Some(b"the last one, and more"),
        "a snapshot that was given up leaves the old one",
    )?;
    must(loaded(&*new()?)?.is_none(), "two places are two")
}

/// Puts a clock to the test: it does not go back, neither the time nor what passed.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn clock(clock: &dyn Clock) -> Result<(), NotConformant> {
    let mut last = (clock.now(), clock.passed());
    for _ in 0..1_000 {
        let (now, passed) = (clock.now(), clock.passed());
        must(now >= last.0, "the time does not go back")?;
        must(passed.is_some() == last.1.is_some(), "there is a second clock always or never")?;
        must(passed >= last.1, "what passed does not become less")?;
        last = (now, passed);
    }
    Ok(())
}

/// Puts a source of random numbers to the test, as far as that can be seen: no two are alike, and no byte
/// is left out.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn randomness(from: &dyn Randomness) -> Result<(), NotConformant> {
    let mut seen = BTreeSet::new();
    let mut or = [0_u8; 16];
    for _ in 0..1_000 {
        let mut drawn = [0; 16];
        let filled = from.fill(&mut drawn);
        must(filled.is_ok(), "it gives as much as is asked for")?;
        or.iter_mut().zip(drawn).for_each(|(or, byte)| *or |= byte);
        must(seen.insert(drawn), "no number comes twice")?;
    }
    must(or == [0xff; 16], "every bit is drawn")
}
