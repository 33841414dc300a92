//! Proofs as files: one record (C2SP tlog-proof), or that a log extends a kept checkpoint.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Checkpoint, LeafIndex,
    tree::{ConsistencyProof, InclusionProof, PATH_LEN_MAX, leaf_hash},
};

/// First line of a proof of one record.
const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
/// First line of a proof that a log extends a checkpoint; C2SP has no such file.
const CONSISTENCY: &str = "dataspace/consistency-proof@v1";
/// Longest file, in bytes: two notes or a record, in base64, and a note.
pub(crate) const PROOF_LEN_MAX: usize = 512 << 10;

/// Content of a proof file. None is trusted before [`Proof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The record at `index` is under the checkpoint.
    Inclusion { record: Vec<u8>, index: LeafIndex, path: Vec<Digest>, note: String },
    /// The log under the checkpoint extends the one under the kept checkpoint.
    Consistency { kept: String, path: Vec<Digest>, note: String },
}

/// Claim of a proof file.
#[derive(Debug)]
pub(crate) enum Proved {
    Inclusion { record: Vec<u8>, index: LeafIndex, checkpoint: Checkpoint },
    Consistency { kept: Checkpoint, checkpoint: Checkpoint },
}

impl Proof {
    /// The bytes of the file. `extra` of tlog-proof is the record itself, so that nothing else is
    /// needed; as the specification says, it proves nothing until it is hashed.
    pub(crate) fn to_text(&self) -> Result<String> {
        let mut text = String::new();
        let (path, note) = match self {
            Self::Inclusion { record, index, path, note } => {
                writeln!(text, "{INCLUSION}\nextra {}\nindex {index}", STANDARD.encode(record))?;
                (path, note)
            }
            Self::Consistency { kept, path, note } => {
                writeln!(text, "{CONSISTENCY}\nkept {}", STANDARD.encode(kept))?;
                (path, note)
            }
        };
        for hash in path {
            writeln!(text, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(text, "\n{note}")?;
        Ok(text)
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (head, note) = text.split_once("\n\n").context("there is no checkpoint in it")?;
        let note = note.to_owned();
        let mut lines = head.split('\n');
        match lines.next() {
            Some(INCLUSION) => {
                let record = lines.next().and_then(|line| line.strip_prefix("extra "));
                let record = record.context("the record is not in it (no line `extra`)")?;
                let record = STANDARD.decode(record).context("its line `extra` is not base64")?;
                let index = lines.next().and_then(|line| line.strip_prefix("index "));
                let index = index.context("it has no line `index`")?;
                let number: u64 = index.parse().context("its line `index` is not a number")?;
                if number.to_string() != index {
                    bail!("its line `index` is not a number in its one spelling");
                }
                let index = LeafIndex::new(number);
                Ok(Self::Inclusion { record, index, path: hashes(lines)?, note })
            }
            Some(CONSISTENCY) => {
                let kept = lines.next().and_then(|line| line.strip_prefix("kept "));
                let kept = kept.context("it has no line `kept`")?;
                let kept = STANDARD.decode(kept).context("its line `kept` is not base64")?;
                let kept = String::from_utf8(kept).context("its line `kept` is not a note")?;
                Ok(Self::Consistency { kept, path: hashes(lines)?, note })
            }
            _ => bail!("its first line is neither `{INCLUSION}` nor `{CONSISTENCY}`"),
        }
    }

    /// The log that it *claims* to be of.
    pub(crate) fn claimed_origin(&self) -> Result<Origin> {
        let (Self::Inclusion { note, .. } | Self::Consistency { note, .. }) = self;
        Checkpoint::claimed_origin(note).context("its checkpoint names no log")
    }

    /// Checks everything in it, for the log `origin`.
    pub(crate) fn verify(self, origin: &Origin) -> Result<Proved> {
        let (Self::Inclusion { note, .. } | Self::Consistency { note, .. }) = &self;
        let checkpoint =
            Checkpoint::verify(note, origin).context("its checkpoint does not verify")?;
        match self {
            Self::Inclusion { record, index, path, .. } => {
                let proof = InclusionProof { index, size: checkpoint.size(), path };
                proof.verify(&leaf_hash(&record), &checkpoint.root())?;
                Ok(Proved::Inclusion { record, index, checkpoint })
            }
            Self::Consistency { kept, path, .. } => {
                let kept = Checkpoint::verify(&kept, origin)
                    .context("the kept checkpoint does not verify")?;
                let (from, to) = (kept.size(), checkpoint.size());
                let proof = ConsistencyProof { from, to, path };
                proof.verify(&kept.root(), &checkpoint.root())?;
                Ok(Proved::Consistency { kept, checkpoint })
            }
        }
    }
}

fn hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Digest>> {
    let mut path = Vec::new();
    for line in lines {
        let hash = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        path.push(Digest::from_bytes(hash.context("a line of it is not a hash")?));
        if path.len() > PATH_LEN_MAX {
            bail!("it has more hashes than any log needs");
        }
    }
    Ok(path)
}
