use dataspace_primitives::UnixMillis;
use thiserror::Error;

use crate::note::checkpoint::Checkpoint;
use crate::note::cosignature::{Cosignature, CosignatureError, WitnessKey};
use crate::note::signed_note::SIGNATURES_MAX;

/// Most witnesses in a policy.
pub const WITNESSES_MAX: usize = SIGNATURES_MAX - 1;

/// Whose cosignatures count, and how many are needed: `quorum` of these witnesses.
///
/// Two quorums of `quorum` among n witnesses share at least `2 * quorum - n` of them. So an
/// operator can show two people histories that contradict each other, both of them cosigned by a
/// quorum, only if at least so many witnesses lie; with a quorum of half of them, none has to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPolicy {
    quorum: usize,
    witnesses: Vec<WitnessKey>,
}

/// Why keys and a number are not a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessPolicyError {
    /// None, or more than [`WITNESSES_MAX`].
    #[error("a policy names 1 to {WITNESSES_MAX} witnesses, not {found}")]
    Witnesses {
        /// Witnesses named.
        found: usize,
    },
    /// Zero, or more than there are witnesses.
    #[error("a quorum of {quorum} among {witnesses} witnesses is never met, or always")]
    Quorum {
        /// The quorum asked for.
        quorum: usize,
        /// Witnesses named.
        witnesses: usize,
    },
    /// Two witnesses have one name or one key, so that one could count twice.
    #[error("the witness `{name}` has the name or the key of another one")]
    Double {
        /// The second of the two.
        name: String,
    },
}

/// Why a checkpoint is not taken for witnessed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// A cosignature of one of the witnesses does not verify.
    #[error("a cosignature does not verify")]
    Cosignature(#[from] CosignatureError),
    /// Too few of the witnesses cosigned.
    #[error("{found} of the witnesses cosigned, {quorum} are needed; missing: {absent}")]
    Unmet {
        /// Witnesses that cosigned.
        found: usize,
        /// Witnesses needed.
        quorum: usize,
        /// The names of the others, with commas between them.
        absent: String,
    },
}

/// Which witnesses of a policy cosigned a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Cosigners {
    quorum: usize,
    present: Vec<(WitnessKey, Cosignature)>,
    absent: Vec<WitnessKey>,
}

/// A checkpoint that a quorum of witnesses cosigned. There is no other way to make one than
/// [`WitnessPolicy::require`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    checkpoint: Checkpoint,
    cosigners: Cosigners,
}

impl WitnessPolicy {
    /// `quorum` of `witnesses`.
    ///
    /// # Errors
    /// [`WitnessPolicyError`] if the numbers do not fit, or a witness is named twice.
    pub fn new(quorum: usize, witnesses: Vec<WitnessKey>) -> Result<Self, WitnessPolicyError> {
        let found = witnesses.len();
        if found == 0 || found > WITNESSES_MAX {
            return Err(WitnessPolicyError::Witnesses { found });
        }
        if quorum == 0 || quorum > found {
            return Err(WitnessPolicyError::Quorum { quorum, witnesses: found });
        }
        let mut before: Vec<&WitnessKey> = Vec::new();
        for one in &witnesses {
            if before.iter().any(|other| other.name() == one.name() || other.key() == one.key()) {
                return Err(WitnessPolicyError::Double { name: one.name().to_owned() });
            }
            before.push(one);
        }
        Ok(Self { quorum, witnesses })
    }

    /// Cosignatures needed.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.quorum
    }

    /// The witnesses whose cosignatures count.
    #[must_use]
    pub fn witnesses(&self) -> &[WitnessKey] {
        &self.witnesses
    }

    /// Which of the witnesses cosigned `checkpoint`. Signatures of others do not count.
    ///
    /// # Errors
    /// [`CosignatureError`] if a signature that says it is of one of the witnesses does not
    /// verify (signed-note: such a note is refused whole), or a witness is the log's operator.
    pub fn examine(&self, checkpoint: &Checkpoint) -> Result<Cosigners, CosignatureError> {
        let (mut present, mut absent) = (Vec::new(), Vec::new());
        for witness in &self.witnesses {
            match witness.find(checkpoint)? {
                Some(cosignature) => present.push((witness.clone(), cosignature)),
                None => absent.push(witness.clone()),
            }
        }
        Ok(Cosigners { quorum: self.quorum, present, absent })
    }

    /// The proof that a quorum of the witnesses cosigned `checkpoint`.
    ///
    /// # Errors
    /// [`QuorumError`] if too few did, or a cosignature does not verify.
    pub fn require(&self, checkpoint: Checkpoint) -> Result<WitnessedCheckpoint, QuorumError> {
        let cosigners = self.examine(&checkpoint)?;
        if cosigners.is_quorum() {
            return Ok(WitnessedCheckpoint { checkpoint, cosigners });
        }
        let absent: Vec<&str> = cosigners.absent.iter().map(WitnessKey::name).collect();
        Err(QuorumError::Unmet {
            found: cosigners.present.len(),
            quorum: self.quorum,
            absent: absent.join(", "),
        })
    }
}

impl Cosigners {
    /// The witnesses that cosigned, each with its latest cosignature.
    #[must_use]
    pub fn present(&self) -> &[(WitnessKey, Cosignature)] {
        &self.present
    }

    /// The witnesses of the policy that did not.
    #[must_use]
    pub fn absent(&self) -> &[WitnessKey] {
        &self.absent
    }

    /// Cosignatures needed.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.quorum
    }

    /// Returns true if enough of them cosigned.
    #[must_use]
    pub fn is_quorum(&self) -> bool {
        self.present.len() >= self.quorum
    }

    /// The latest time at which, or after which, a quorum of witnesses said that they had seen no
    /// larger tree of this log; `None` without a quorum. A view of the log is at least as fresh
    /// as this, and a rollback that came later is not excluded.
    #[must_use]
    pub fn quorum_at(&self) -> Option<UnixMillis> {
        let mut times: Vec<_> = self.present.iter().map(|(_, one)| one.time()).collect();
        times.sort_unstable();
        times.into_iter().rev().nth(self.quorum.checked_sub(1)?)
    }
}

impl WitnessedCheckpoint {
    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Who cosigned it, and when.
    pub fn cosigners(&self) -> &Cosigners {
        &self.cosigners
    }
}
