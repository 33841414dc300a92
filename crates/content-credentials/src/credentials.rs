//! The credentials of one file.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::time::SystemTime;

use dataspace_policy::Action;
use dataspace_primitives::Digest;

use crate::engine;
use crate::errors::ReadError;
use crate::kind::Kind;
use crate::limits::{FILM_LEN_MAX, MANIFEST_LEN_MAX, PARTS_MAX, PICTURE_LEN_MAX};
use crate::parts::{TooMuch, look};
use crate::reservation::{Reservation, Reservations};
use crate::standing::Standing;
use crate::trust::TrustList;

/// Reservations that are told in words.
const TOLD_MAX: usize = 8;

/// What the credentials of one file are worth, and what they reserve. For its operator: anybody can have written the texts
/// in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentCredentials {
    file: Digest,
    standing: Standing,
    reservations: Reservations,
}

impl ContentCredentials {
    /// Reads what is in a file. What is wrong with its credentials is no error: it is their [`Standing`].
    ///
    /// # Errors
    /// [`ReadError`] if the file cannot be read, or is not of a kind in which credentials are looked for.
    pub fn read(path: impl AsRef<Path>, trust: &TrustList) -> Result<Self, ReadError> {
        let path = path.as_ref();
        // WHY looked at before it is opened: opening a pipe waits for somebody who writes to it.
        if !fs::metadata(path)?.is_file() {
            return Err(ReadError::NotRegular);
        }
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ReadError::NotRegular);
        }
        let len = metadata.len();
        let mut head = Vec::with_capacity(Kind::HEAD_LEN);
        let head_len = u64::try_from(Kind::HEAD_LEN).unwrap_or(u64::MAX);
        file.by_ref().take(head_len).read_to_end(&mut head)?;
        let kind = Kind::of(&head).ok_or(ReadError::Kind)?;
        if len > if kind.is_picture() { PICTURE_LEN_MAX } else { FILM_LEN_MAX } {
            return Err(ReadError::Len { len });
        }
        file.rewind()?;
        if kind.is_picture() {
            let mut bytes = Vec::new();
            file.take(len.saturating_add(1)).read_to_end(&mut bytes)?;
            if u64::try_from(bytes.len()).ok() != Some(len) {
                return Err(ReadError::Changed);
            }
            let digest = Digest::of(&bytes);
            return Ok(Self::of(kind, Cursor::new(bytes), (digest, len), trust)?);
        }
        let digest = Digest::of_reader(file.by_ref().take(len))?;
        let credentials = Self::of(kind, BufReader::new(&file), (digest, len), trust)?;
        if state(&file.metadata()?) != state(&metadata) {
            return Err(ReadError::Changed);
        }
        Ok(credentials)
    }

    fn of(
        kind: Kind,
        mut from: impl Read + Seek + Send,
        (file, len): (Digest, u64),
        trust: &TrustList,
    ) -> std::io::Result<Self> {
        let (standing, reservations) = match look(kind, &mut from, len) {
            Ok(seen) => engine::read(kind, from, trust, seen.has_manifest),
            Err(too_much) => {
                let why = match too_much {
                    TooMuch::Parts => format!("the file has more than {PARTS_MAX} parts"),
                    TooMuch::Manifest => {
                        format!("they have more than {MANIFEST_LEN_MAX} bytes")
                    }
                    TooMuch::Io(error) => return Err(error),
                };
                (Standing::Broken { why }, Reservations::default())
            }
        };
        Ok(Self { file, standing, reservations })
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn file_digest(&self) -> Digest {
        self.file
    }

    /// What they are worth.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What they reserve: the first [`LISTED_MAX`](crate::limits::LISTED_MAX). Of credentials that do not hold, nothing
    /// is read.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation] {
        &self.reservations.listed
    }

    /// The actions that a product made of the file forbids.
    #[must_use]
    pub fn forbids(&self) -> BTreeSet<Action> {
        let forbids = match self.standing {
            Standing::Absent => false,
            Standing::Elsewhere | Standing::Broken { .. } => true,
            Standing::Intact { .. } | Standing::Trusted { .. } => self.reservations.count > 0,
        };
        if forbids { BTreeSet::from([Action::Train]) } else { BTreeSet::new() }
    }
}

/// What tells one state of a file from another, as far as a look at it can.
fn state(metadata: &Metadata) -> (u64, Option<SystemTime>, Option<(i64, i64)>) {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt as _;
        Some((metadata.ctime(), metadata.ctime_nsec()))
    };
    #[cfg(not(unix))]
    let changed = None;
    (metadata.len(), metadata.modified().ok(), changed)
}

/// What was found, and what follows.
impl fmt::Display for ContentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.standing)?;
        let Reservations { listed, count } = &self.reservations;
        for (place, reservation) in listed.iter().take(TOLD_MAX).enumerate() {
            write!(f, "{} {reservation}", if place == 0 { ":" } else { "," })?;
        }
        if *count > TOLD_MAX {
            write!(f, " and {} more", count - TOLD_MAX)?;
        }
        match self.forbids().first() {
            Some(action) => write!(f, "; the product forbids `{action}`"),
            None => f.write_str("; they forbid nothing"),
        }
    }
}
