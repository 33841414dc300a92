//! The formats of a transparency log, and everything for those who read it: clients of published
//! logs, auditors and witnesses. `dataspace-audit-log` writes one.
//!
//! - [`Record`] is a leaf of an RFC 9162 Merkle tree over SHA-256. [`Tree`](tree::Tree) gives its roots, and
//!   [`InclusionProof`](tree::InclusionProof) and [`ConsistencyProof`](tree::ConsistencyProof) its proofs.
//! - [`Checkpoint`] is its root as the operator signed it (C2SP tlog-checkpoint); [`note_key`](note::note_key) gives
//!   a log's verifier key.
//! - [`StaticLog`] reads a log that was published as static files (C2SP tlog-tiles), wherever they
//!   are ([`StaticFiles`]): entries and proofs that lead to the signed root. [`verify_static`](published::verify_static)
//!   checks all of it.
//! - [`LogReader`] is any log that can be read: a published one, or a node's own.
//! - [`compare`] compares two checkpoints and makes the proof of a fork.
//! - [`Witness`] cosigns what extends everything that it has seen of a log (C2SP tlog-witness);
//!   [`WitnessPolicy`](witness::WitnessPolicy) says whose cosignatures count and how many are needed.
//! - [`Seen`] keeps the latest checkpoints of other people's logs. [`ForkProof`] is one file that
//!   shows anybody that an operator signed two histories, and [`Taken::Older`](witness::Taken::Older) tells a rollback.
//! - [`Receipt`] is a COSE receipt (RFC 9942) that a record is in the log, or that the log extends
//!   an earlier state; tools for SCITT read it. It is verified with the origin alone.
//! - [`Directory`] opens files of the local file system without following links.
//!
//! Nothing here writes a log, reads a clock, starts a thread or opens a socket: a witness is told the
//! time, and remote files come through an implementation of [`StaticFiles`], such as the one in
//! `dataspace-tlog-http`.
//!
//! # Example
//! ```
//! use std::collections::HashMap;
//!
//! use dataspace_identity::Origin;
//! use dataspace_tlog::{LeafIndex, StaticLog, published::FnFiles, tree::leaf_hash};
//!
//! # use base64::Engine as _;
//! # let operator = dataspace_identity::SecretKey::from_seed(&mut [1; 32])?;
//! # let (mut tree, mut bundle) = (dataspace_tlog::tree::Tree::new(), dataspace_tlog::published::BundleBuilder::new());
//! # let mut tile = Vec::new();
//! # for entry in [b"first", b"other"] {
//! #     tree.push(leaf_hash(entry));
//! #     bundle.push(entry)?;
//! #     tile.extend_from_slice(leaf_hash(entry).as_bytes());
//! # }
//! # let root = base64::engine::general_purpose::STANDARD.encode(tree.root().as_bytes());
//! # let trusted = Origin::new(operator.did())?;
//! # let text = format!("{trusted}\n2\n{root}\n");
//! # let note = dataspace_tlog::note::note_key(&trusted)?.sign(&text, &operator)?;
//! # let trusted = trusted.as_str();
//! # let files = HashMap::from([
//! #     ("checkpoint", note.into_bytes()),
//! #     ("tile/0/000.p/2", tile),
//! #     ("tile/entries/000.p/2", bundle.as_bytes().to_vec()),
//! # ]);
//! // The name of the log, from a source that you trust; the files, from anybody.
//! let origin: Origin = trusted.parse()?;
//! let fetch = |path: &str, _len_max: usize| Ok(files.get(path).cloned());
//!
//! let log = StaticLog::open(FnFiles(fetch), &origin)?; // the operator signed it
//! let index = LeafIndex::new(1);
//! let entry = log.entry(index)?; // led to the signed root
//! assert_eq!(entry, b"other");
//!
//! // To show it to others: they need the entry, the proof, the checkpoint and the origin.
//! let proof = log.inclusion_proof(index, log.size())?;
//! let checkpoint = log.checkpoint();
//! proof.verify(&leaf_hash(&entry), &checkpoint.root())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! - A record has at most [`RECORD_LEN_MAX`](record::RECORD_LEN_MAX) bytes. What it *means* is not known here.
//! - Two logs shown to two people are found only when they compare checkpoints or ask the same
//!   witnesses. A rollback can be seen, not proved: checkpoints bear no time (see [`ForkProof`]).
//! - Cosignatures are Ed25519 (`cosignature/v1`); others are carried along, not verified. A note
//!   has at most [`NOTE_LEN_MAX`](note::NOTE_LEN_MAX) bytes and [`SIGNATURES_MAX`](note::SIGNATURES_MAX) signatures, a checkpoint at most
//!   [`EXTENSIONS_MAX`](note::EXTENSIONS_MAX) extension lines, which have no meaning here. A [`Witness`] knows logs
//!   whose origin is an [`Origin`](dataspace_identity::Origin).
//! - A receipt has at most [`RECEIPT_LEN_MAX`](receipt::RECEIPT_LEN_MAX) bytes, and only the form that this crate writes is
//!   read: one proof, Ed25519, a detached payload. It names log and size in its protected header
//!   (CWT claims, and the private label -65537), since RFC 9942 signs neither.
//! - Unix only (`flock`, files opened relative to a directory).

pub mod compare;
mod directory;
mod fault;
mod len;
pub mod log_reader;
pub mod note;
pub mod published;
pub mod receipt;
pub mod record;
pub mod tree;
pub mod witness;

pub use crate::directory::Directory;
pub use crate::fault::Fault;
pub use crate::log_reader::LogReader;
pub use crate::note::checkpoint::Checkpoint;

pub use crate::published::static_files::StaticFiles;
pub use crate::published::static_log::StaticLog;

pub use crate::receipt::Receipt;
pub use crate::record::{AccessRecord, Event, Fact, Record, Verdict};

pub use crate::tree::hash::{LeafIndex, TreeSize};

pub use crate::witness::finding::Finding;
pub use crate::witness::fork::ForkProof;

pub use crate::witness::seen::Seen;

pub use crate::witness::Witness;

/// For the engine, `dataspace-audit-log`, alone: no part of the interface.
#[doc(hidden)]
pub mod engine {
    pub use crate::len::to_u64;
    pub use crate::published::paths;
    pub use crate::receipt::cose;
    pub use crate::tree::edge::{Edge, tile_bytes};
    pub use crate::tree::nodes;
}
