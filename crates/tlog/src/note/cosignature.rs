//! Cosignatures (C2SP tlog-cosignature, Ed25519): what a witness says it saw, and when.

use std::fmt;
use std::str::FromStr;

use dataspace_primitives::{PublicKey, Signature, Signer, UnixMillis};
use thiserror::Error;

use crate::note::checkpoint::Checkpoint;
use crate::note::signed_note::{Note, NoteError, SignatureLine};
use crate::note::verifier_key::{Kind, ParseNoteKeyError, VerifierKey};

/// Bytes of the timestamp before the signature.
const TIME_LEN: usize = 8;

/// The key of a witness, under its name. As text, a verifier key of C2SP signed-note with
/// signature type 0x04: `name+id+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey(VerifierKey);

/// Why a cosignature is not believed, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// The note cannot be read, or would become too large.
    #[error("the cosigned note is malformed or too large")]
    Note(#[from] NoteError),
    /// A line that says it is this witness's is not a time and an Ed25519 signature.
    #[error("the cosignature of `{name}` is not a time and an Ed25519 signature")]
    Form {
        /// The witness.
        name: String,
    },
    /// The time is zero, or after the year 9999.
    #[error("the cosignature of `{name}` bears no time, or one after the year 9999")]
    Time {
        /// The witness.
        name: String,
    },
    /// The signature does not verify.
    #[error("the cosignature of `{name}` does not verify")]
    Signature {
        /// The witness.
        name: String,
    },
    /// The witness has the key of the log's own operator, who cannot be a witness against itself.
    #[error("`{name}` has the key of the log's own operator, who is no witness")]
    Operator {
        /// The witness.
        name: String,
    },
}

/// A witness's statement, verified: at this time, the checkpoint was the largest tree of its log
/// that the witness had seen, and it extends all that the witness had seen before.
///
/// Of extension lines it says nothing, though they are part of what is signed. Only a [`Witness`]
/// makes one.
///
/// [`Witness`]: crate::Witness
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    time: UnixMillis,
    line: String,
}

impl WitnessKey {
    /// The key `key` under the name `name`. It must not be used for another witness: the message
    /// that is signed does not hold the name.
    ///
    /// # Errors
    /// [`ParseNoteKeyError::Name`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, ParseNoteKeyError> {
        VerifierKey::new(Kind::Cosignature, name, key).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// This witness's cosignature under `checkpoint`, the latest if there are several.
    ///
    /// # Errors
    /// [`CosignatureError`] if a line that says it is this witness's does not verify, whatever
    /// else is there.
    pub fn find(&self, checkpoint: &Checkpoint) -> Result<Option<Cosignature>, CosignatureError> {
        if checkpoint.origin().key().as_ref() == Ok(&self.0.key) {
            return Err(CosignatureError::Operator { name: self.0.name.clone() });
        }
        let note = Note::read(checkpoint.as_note())?;
        let mut latest: Option<Cosignature> = None;
        for line in note.lines_of(&self.0) {
            let found = self.verify_line(line, note.text)?;
            if latest.as_ref().is_none_or(|one| one.time < found.time) {
                latest = Some(found);
            }
        }
        Ok(latest)
    }

    /// Cosigns without looking: for a witness that has looked, and stored what it saw.
    pub(crate) fn cosign(
        &self,
        checkpoint: &Checkpoint,
        time: UnixMillis,
        signer: &dyn Signer,
    ) -> Result<Cosignature, CosignatureError> {
        let seconds = time.as_millis() / 1000;
        let signature = signer.sign(message(seconds, checkpoint.text()).as_bytes());
        let signature = signature.map_err(NoteError::from)?;
        let blob = [&seconds.to_be_bytes()[..], signature.as_bytes()].concat();
        let line = self.0.line(&blob);
        // WHY: a cosignature that nobody can verify would be found out only when it is needed.
        let lines = SignatureLine::read_all(&line)?;
        let line = lines.first().ok_or(NoteError::Form)?;
        self.verify_line(line, checkpoint.text())
    }

    pub(crate) fn is_named_by(&self, line: &SignatureLine<'_>) -> bool {
        line.name == self.0.name && line.id == self.0.id
    }

    pub(crate) fn verify_line(
        &self,
        line: &SignatureLine<'_>,
        text: &str,
    ) -> Result<Cosignature, CosignatureError> {
        let name = || self.0.name.clone();
        let form = || CosignatureError::Form { name: name() };
        let (time, signature) = line.signature.split_first_chunk::<TIME_LEN>().ok_or_else(form)?;
        let signature = <[u8; Signature::LEN]>::try_from(signature).map_err(|_| form())?;
        let seconds = u64::from_be_bytes(*time);
        let millis = seconds.checked_mul(1000).filter(|millis| *millis > 0);
        let time = millis.and_then(UnixMillis::new);
        let time = time.ok_or_else(|| CosignatureError::Time { name: name() })?;
        let signature = Signature::from_bytes(signature);
        if !self.0.key.verifies(message(seconds, text).as_bytes(), &signature) {
            return Err(CosignatureError::Signature { name: name() });
        }
        Ok(Cosignature { time, line: line.whole.to_owned() })
    }
}

impl Checkpoint {
    /// The checkpoint with those of `lines` under it that are cosignatures of `witnesses`: what a
    /// log does with a witness's answer (C2SP tlog-witness). Lines of other keys, and lines that
    /// are there already, are left out.
    ///
    /// # Errors
    /// [`CosignatureError`] if a line of one of the witnesses does not verify, or the note would
    /// become too large.
    pub fn with_cosignatures(
        &self,
        lines: &str,
        witnesses: &[WitnessKey],
    ) -> Result<Self, CosignatureError> {
        let mut note = self.as_note().to_owned();
        for line in SignatureLine::read_all(lines)? {
            let mut known = witnesses.iter().filter(|witness| witness.is_named_by(&line));
            let Some(witness) = known.next() else { continue };
            witness.verify_line(&line, self.text())?;
            let (_, signatures) = note.split_at_checked(self.text().len()).unwrap_or_default();
            if !signatures.split_inclusive('\n').any(|one| one == line.whole) {
                note.push_str(line.whole);
            }
        }
        Note::read(&note)?;
        Ok(self.with_note(note))
    }
}

/// What is signed (C2SP tlog-cosignature, "Ed25519 signed message").
fn message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

impl Cosignature {
    /// When the witness made it, by its own clock, in whole seconds.
    #[must_use]
    pub fn time(&self) -> UnixMillis {
        self.time
    }

    /// The signature line of the note, newline included: what a witness answers.
    #[must_use]
    pub fn as_line(&self) -> &str {
        &self.line
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for WitnessKey {
    type Err = ParseNoteKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        VerifierKey::parse(Kind::Cosignature, text).map(Self)
    }
}
