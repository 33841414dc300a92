//! The formats of a transparency log, and everything for those who read it: clients of published
//! logs, auditors and witnesses. `dataspace-audit-log` writes one.
//!
//! - [`Record`] is a leaf of an RFC 9162 Merkle tree over SHA-256. [`Tree`] gives its roots, and
//!   [`InclusionProof`] and [`ConsistencyProof`] its proofs.
//! - [`Checkpoint`] is its root as the operator signed it (C2SP tlog-checkpoint); [`note_key`] gives
//!   a log's verifier key.
//! - [`StaticLog`] reads a log that was published as static files (C2SP tlog-tiles), wherever they
//!   are ([`StaticFiles`]): entries and proofs that lead to the signed root. [`verify_static`]
//!   checks all of it.
//! - [`LogReader`] is any log that can be read: a published one, or a node's own.
//! - [`compare`] compares two checkpoints and makes the proof of a fork.
//! - [`Witness`] cosigns what extends everything that it has seen of a log (C2SP tlog-witness);
//!   [`WitnessPolicy`] says whose cosignatures count and how many are needed.
//! - [`Seen`] keeps the latest checkpoints of other people's logs. [`ForkProof`] is one file that
//!   shows anybody that an operator signed two histories, and [`Taken::Older`] tells a rollback.
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
//! use dataspace_tlog::{FnFiles, LeafIndex, Origin, StaticLog, leaf_hash};
//!
//! # use base64::Engine as _;
//! # let operator = dataspace_identity::SecretKey::from_seed(&mut [1; 32])?;
//! # let (mut tree, mut bundle) = (dataspace_tlog::Tree::new(), dataspace_tlog::BundleBuilder::new());
//! # let mut tile = Vec::new();
//! # for entry in [b"first", b"other"] {
//! #     tree.push(leaf_hash(entry));
//! #     bundle.push(entry)?;
//! #     tile.extend_from_slice(leaf_hash(entry).as_bytes());
//! # }
//! # let root = base64::engine::general_purpose::STANDARD.encode(tree.root().as_bytes());
//! # let trusted = Origin::new(operator.did())?;
//! # let text = format!("{trusted}\n2\n{root}\n");
//! # let note = dataspace_tlog::note_key(&trusted)?.sign(&text, &operator)?;
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
//! - A record has at most [`RECORD_LEN_MAX`] bytes. What it *means* is not known here.
//! - Two logs shown to two people are found only when they compare checkpoints or ask the same
//!   witnesses. A rollback can be seen, not proved: checkpoints bear no time (see [`ForkProof`]).
//! - Cosignatures are Ed25519 (`cosignature/v1`); others are carried along, not verified. A note
//!   has at most [`NOTE_LEN_MAX`] bytes and [`SIGNATURES_MAX`] signatures, a checkpoint at most
//!   [`EXTENSIONS_MAX`] extension lines, which have no meaning here. A [`Witness`] knows logs
//!   whose origin is an [`Origin`].
//! - A receipt has at most [`RECEIPT_LEN_MAX`] bytes, and only the form that this crate writes is
//!   read: one proof, Ed25519, a detached payload. It names log and size in its protected header
//!   (CWT claims, and the private label -65537), since RFC 9942 signs neither.
//! - Unix only (`flock`, files opened relative to a directory).

mod compare;
mod directory;
mod fault;
mod len;
mod log_reader;
mod note;
mod published;
mod receipt;
mod record;
mod tree;
mod witness;

pub use dataspace_identity::{LOG_NAME_LEN_MAX, Origin, ParseOriginError};

pub use crate::compare::{CompareError, Comparison, compare};
pub use crate::directory::Directory;
pub use crate::fault::Fault;
pub use crate::log_reader::{ExtendsError, LogReader, LogReaderError};
pub use crate::note::checkpoint::{
    CHECKPOINT_TEXT_LEN_MAX, Checkpoint, CheckpointError, EXTENSIONS_MAX, note_key,
};
pub use crate::note::cosignature::{Cosignature, CosignatureError, WitnessKey};
pub use crate::note::signed_note::{NOTE_LEN_MAX, NoteError, NoteKey, SIGNATURES_MAX};
pub use crate::note::verifier_key::{KEY_NAME_LEN_MAX, ParseNoteKeyError};
pub use crate::published::bundle::{BUNDLE_LEN_MAX, Bundle, BundleBuilder, BundleError};
pub use crate::published::fetch::StaticReadError;
pub use crate::published::report::{
    DAMAGES_MAX, Damage, DamageKind, Depth, Progress, StaticReport, Stop,
};
pub use crate::published::static_dir::StaticDir;
pub use crate::published::static_files::{
    CHECKPOINT_PATH, Deliver, FnFiles, StaticFiles, how_to_deliver,
};
pub use crate::published::static_log::{OpenStaticError, StaticLog, StaticLogError};
pub use crate::published::verify::{verify_static, verify_static_entries};
pub use crate::receipt::cose::RECEIPT_LEN_MAX;
pub use crate::receipt::error::ReceiptError;
pub use crate::receipt::{Receipt, SignedState, VerifiedExtension, VerifiedReceipt};
pub use crate::record::{
    AccessRecord, ConsumerEvent, EncodedRecord, Event, FACTS_MAX, Fact, RECORD_LEN_MAX,
    ReceivedAnswer, ReceivedRecord, Record, RecordError, TEXT_LEN_MAX, TEXTS_MAX, Verdict,
};
pub use crate::tree::Tree;
pub use crate::tree::hash::{LeafIndex, TreeError, TreeSize, empty_root, leaf_hash};
pub use crate::tree::proof::{ConsistencyProof, InclusionProof, PATH_LEN_MAX, ProofError};
pub use crate::tree::tile::{
    BundleId, ParseTilePathError, TILE_LEVEL_MAX, TILE_WIDTH, TileId, TileIdError,
};
pub use crate::witness::add_checkpoint::{
    AddCheckpoint, REQUEST_LEN_MAX, REQUEST_PATH_LEN_MAX, RequestError,
};
pub use crate::witness::finding::Finding;
pub use crate::witness::fork::{FORK_LEN_MAX, ForkError, ForkProof, VerifiedFork};
pub use crate::witness::policy::{
    Cosigners, QuorumError, WITNESSES_MAX, WitnessPolicy, WitnessPolicyError, WitnessedCheckpoint,
};
pub use crate::witness::seen::{FollowError, FoundFork, Refusal, Seen, TakeError, Taken};
pub use crate::witness::seen_store::{SeenDirectory, SeenStore, origin_hash};
pub use crate::witness::{AddCheckpointError, CLOCK_JUMP_MAX, OpenWitnessError, Witness};

/// For the engine, `dataspace-audit-log`, alone: no part of the interface.
#[doc(hidden)]
pub mod engine {
    pub use crate::len::to_u64;
    pub use crate::published::paths;
    pub use crate::receipt::cose;
    pub use crate::tree::edge::{Edge, tile_bytes};
    pub use crate::tree::nodes;
}
