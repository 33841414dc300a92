//! Tests that every back end behind a seam of the node must pass. Those of a
//! log's storage are in [`dataspace_audit_log::conformance`].
//!
//! ```
//! use dataspace_runtime::{conformance, index::MemorySnapshots};
//!
//! conformance::snapshots(&mut || Ok(Box::new(MemorySnapshots::default())))?;
//! # Ok::<(), conformance::NotConformant>(())
//! ```

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read as _, Write};
use std::ops::Range;

pub use dataspace_audit_log::conformance::NotConformant;
use dataspace_audit_log::conformance::must;
use dataspace_data_plane::{Piece, Product, product::Recipient, subjects::SubjectId};
use dataspace_identity::{Did, Resolver, RootSecret};
use dataspace_policy::{ColumnMask, Duty, MaskMethod};
use dataspace_primitives::Secrets;
use dataspace_primitives::{Part, PublicKey, Signer};

use crate::clock::Clock;
use crate::index::snapshots::Snapshots;
use crate::random::Randomness;
use crate::registers::{Admitted, Register, Registers};

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

/// Puts registers of persons to the test: `new` makes an empty place for them each time. That what is counted survives
/// a crash cannot be seen from inside a process, and is not tested here.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn registers(
    new: &mut dyn FnMut() -> io::Result<Box<dyn Registers>>,
) -> Result<(), NotConformant> {
    let one = new()?;
    let name = |text: &str| text.parse().map_err(|_| io::Error::other("a name"));
    let (name, other) = (name("export 1")?, name("export")?);
    let of = |name, year| Register { name, year, secret: &[7; 32] };
    let (here, year, elsewhere) = (of(&name, 2026), of(&name, 2027), of(&other, 2026));
    let persons = |range: Range<u8>| -> HashSet<SubjectId> { range.map(|n| [n; 16]).collect() };
    let admit = |register: &Register<'_>, range, at_most| {
        one.admit(register, &persons(range), at_most).map_err(io::Error::other)
    };
    let count = |register: &Register<'_>| one.count(register).map_err(io::Error::other);
    must(count(&here)? == 0, "a new place has nobody")?;
    must(admit(&here, 0..10, 9)? == Admitted::No, "no more are taken in than may be")?;
    must(count(&here)? == 0, "and none of them")?;
    must(admit(&here, 0..10, 10)? == Admitted::Yes, "as many as may be are")?;
    must(admit(&here, 3..10, 10)? == Admitted::Yes, "who is in it may be taken in again")?;
    must(admit(&here, 9..11, 10)? == Admitted::No, "one more is too many")?;
    must(admit(&here, 10..11, 11)? == Admitted::Yes, "unless more may be")?;
    must(count(&here)? == 11, "each is counted once")?;
    must(admit(&here, 0..1, 10)? == Admitted::No, "where too many are, nobody is taken in")?;
    must(admit(&here, 0..0, 11)? == Admitted::Yes, "nobody is no one more")?;
    must(count(&year)? == 0 && count(&elsewhere)? == 0, "names and years are apart")?;
    must(admit(&year, 0..2, 2)? == Admitted::Yes, "in another year they are counted again")?;
    must(count(&here)? == 11 && count(&year)? == 2, "and not in the first one")?;
    must(new()?.count(&here).is_ok_and(|count| count == 0), "two places are two")
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

/// Puts a signer to the test: its signatures are those of `public`, the key by which others know it.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn signer(signer: &dyn Signer, public: &PublicKey) -> Result<(), NotConformant> {
    must(Did::of(signer).is_ok(), "its key is named by a DID URL")?;
    let name = signer.key_id().clone();
    for len in [0, 1, 63, 64, 65, 1_000, 70_000] {
        let message: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
        let signature = signer.sign(&message);
        let signature = signature.map_err(|_| io::Error::other("it signs what is asked for"))?;
        must(public.verifies(&message, &signature), "its signatures are of the key")?;
        let other = [&message[..], b"."].concat();
        must(!public.verifies(&other, &signature), "each is of its own message")?;
        must(*signer.key_id() == name, "its key has one name")?;
    }
    Ok(())
}

/// Puts secrets to the test: `new` gives what stands behind one root, as after a restart.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn secrets(new: &mut dyn FnMut() -> Box<dyn Secrets>) -> Result<(), NotConformant> {
    let (one, again) = (new(), new());
    let mut seen = BTreeSet::new();
    for (purpose, context) in
        [("a", &b"bc"[..]), ("ab", b"c"), ("abc", b""), ("", b"abc"), ("", b""), ("A", b"bc")]
    {
        let of = |secrets: &dyn Secrets| secrets.derive(purpose, context).map(|secret| *secret);
        let (first, second) = (of(&*one), of(&*again));
        must(first.is_ok() && first == second, "one use has one secret, after a restart, too")?;
        must(first.is_ok_and(|secret| seen.insert(secret)), "two uses have two")?;
    }
    must(!seen.contains(&[0; 32]), "none is nothing")
}

/// Puts a resolver to the test with a DID whose keys it knows, and one that is none of its.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn resolver(resolver: &dyn Resolver, known: &Did, unknown: &Did) -> Result<(), NotConformant> {
    let ids =
        |did: &Did| resolver.keys(did).iter().map(|(id, _, _)| id.clone()).collect::<Vec<_>>();
    must(!ids(known).is_empty(), "it knows the keys of a DID that it knows")?;
    must(ids(known).iter().all(|id| known.owns(id)), "they are named after their owner")?;
    must(ids(unknown).is_empty(), "it knows no key of others")?;
    must(ids(known) == ids(known), "it says the same each time")?;
    let both = resolver.keys_of(&[known, unknown]);
    must(
        both.iter().map(|(id, _, _)| id.clone()).collect::<Vec<_>>() == ids(known),
        "nor beside others",
    )
}

/// Puts a product to the test, as far as it goes for every kind: one descriptor, the same data each time it
/// is opened, nothing without its duties, and no part of another kind.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn product(product: &dyn Product) -> Result<(), NotConformant> {
    let root = RootSecret::from_bytes(&mut [7; 32]);
    let all = |part: Option<&Part>, duties: &[Duty]| -> Option<Vec<Piece>> {
        let recipient = Recipient { contract: b"a contract", consumer: "did:web:consumer.example" };
        let mut data = product.open(duties, part, &root, recipient).ok()?;
        let mut pieces = Vec::new();
        while let Some(piece) = data.next().ok()? {
            pieces.push(piece);
        }
        let is_over = matches!(data.next(), Ok(None));
        is_over.then_some(pieces)
    };
    must(product.descriptor_digest() == product.descriptor_digest(), "it has one descriptor")?;
    must(product.check(&[]).is_ok(), "nothing to carry out can be carried out")?;
    let whole = all(None, &[]);
    must(whole.is_some() && whole == all(None, &[]), "it gives the same each time, to its end")?;
    let column = "no such column, nor anything like it".parse();
    let column = column.map_err(|_| io::Error::other("a name"))?;
    let duty = [Duty::Mask(ColumnMask { column, method: MaskMethod::Drop })];
    must(product.check(&duty).is_err(), "a duty that it cannot carry out is refused")?;
    must(all(None, &duty).is_none(), "and keeps everything back")?;
    let rows = Part::rows(None, Some(1)).ok();
    let bytes = Part::bytes(0, 1).ok();
    let is_rows = whole.iter().flatten().all(|piece| matches!(piece, Piece::Rows(_)));
    let (own, other) = if is_rows { (rows, bytes) } else { (bytes, rows) };
    must(all(other.as_ref(), &[]).is_none(), "it has no part of another kind")?;
    let len = |pieces: &[Piece]| -> usize {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Rows(batch) => batch.num_rows(),
                Piece::Bytes { bytes, .. } => bytes.len(),
                _ => 0,
            })
            .sum()
    };
    let has_some = whole.as_deref().is_some_and(|pieces| len(pieces) > 0);
    let part = all(own.as_ref(), &[]);
    must(!has_some || part.is_some_and(|part| len(&part) == 1), "a part is no more than it says")
}
