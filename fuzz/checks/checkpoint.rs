//! A checkpoint is believed only if its text is, byte for byte, one that the operator signed.
//!
//! The input is taken as a note, as instructions to change a good one, and as a text that a
//! careless operator signs.

use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    Checkpoint, Event, Record,
    note::{NoteKey, note_key},
};

use crate::changed::changed;
use crate::disk::Disk;

struct World {
    operator: SecretKey,
    origin: Origin,
    key: NoteKey,
    /// Checkpoints of trees of 0 to 2 records.
    good: Vec<Checkpoint>,
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::named(operator.did(), "node-1")?;
    let log = Log::create_on(Box::new(Disk::default()), origin.clone())?;
    let mut good = vec![log.checkpoint(&operator)?];
    for name in ["one", "two"] {
        let (id, class, descriptor) = (name.parse()?, name.parse()?, Digest::of(b"descriptor"));
        let event = Event::Product { id, class, descriptor, forbids: Vec::new() };
        let _appended = log.append(&Record::new(UnixMillis::MIN, event))?;
        good.push(log.checkpoint(&operator)?);
    }
    Ok(World { operator, key: note_key(&origin)?, origin, good })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world of good checkpoints"));

pub(crate) fn check(bytes: &[u8]) {
    let World { operator, origin, key, good } = &*WORLD;
    let [_, one, two] = [0, 1, 2].map(|n| good[n].as_note().as_bytes());
    for note in [bytes, &changed(one, two, bytes), &changed(two, one, bytes)] {
        if let Ok(note) = str::from_utf8(note) {
            assert_believed_only_if_signed(note);
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(parsed) = text.parse::<NoteKey>() {
        assert_eq!(parsed.to_string(), text, "a second spelling");
    }
    if let Ok(parsed) = text.parse::<Origin>() {
        assert_eq!(parsed.as_str(), text, "a second spelling");
        assert!(note_key(&parsed).is_ok(), "an origin without a key");
    }
    // Whatever the operator signs as a note, only the three lines and extensions are a checkpoint.
    let Ok(note) = key.sign(text, operator) else { return };
    assert_eq!(key.verify(&note), Ok(text));
    if let Ok(checkpoint) = Checkpoint::verify(&note, origin) {
        let (mut lines, size) = (text.split('\n'), checkpoint.size().to_string());
        assert_eq!(lines.next(), Some(origin.as_str()));
        assert_eq!(lines.next(), Some(size.as_str()));
        assert!(lines.next().is_some_and(|root| root.len() == 44), "not 32 bytes of base64");
        assert_eq!(lines.next_back(), Some(""));
        assert!(lines.eq(checkpoint.extensions()), "extensions that are not kept");
        assert!(checkpoint.extensions().all(|line| !line.is_empty()));
        assert_eq!((checkpoint.as_note(), checkpoint.text()), (note.as_str(), text));
    }
}

fn assert_believed_only_if_signed(note: &str) {
    let World { origin, key, good, .. } = &*WORLD;
    let _claim = Checkpoint::claimed_origin(note);
    let believed = Checkpoint::verify(note, origin).ok();
    if let Some(believed) = &believed {
        let signed = good.iter().find(|one| one.text() == believed.text());
        assert!(signed.is_some(), "believed what was not signed");
        assert_eq!(believed.to_bare().ok().as_ref(), signed, "strangers' signatures are left");
    }
    assert_eq!(key.verify(note).is_ok(), believed.is_some());
    if good.iter().any(|one| one.as_note() == note) {
        assert!(believed.is_some(), "a signed checkpoint is refused");
    }
}
