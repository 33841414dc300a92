//! The tamper-evident log of a data space: every admission, contract and access decision is one
//! [`Record`], durable before anybody acts on it, and a leaf of an RFC 9162 Merkle tree whose
//! root the operator signs.
//!
//! - [`Log::append`] returns an [`Appended`] only when the record is on disk; all threads that
//!   wait share one write and one `fdatasync`. [`Log::append_async`] is for tasks.
//! - [`Log::checkpoint`] signs the tree as a C2SP checkpoint. Others keep it: with it,
//!   [`Log::verify_extends`] and [`ConsistencyProof`] find a rollback or a rewritten past.
//! - [`ReadOnlyStorage`] opens somebody else's directory and changes no byte of it.
//! - [`Publisher`] writes the log as static files (C2SP tlog-tiles), [`StaticLog`] reads them back
//!   and gives entries and proofs that lead to the signed root; [`verify_static`] checks all.
//! - [`compare`] holds two checkpoints against each other and makes the proof of a fork;
//!   [`note_key`] gives a log's verifier key; [`Publisher::add_cosignatures`] puts what witnesses
//!   answer under the published checkpoint.
//! - [`Witness`] cosigns what extends everything that it has seen of a log (C2SP tlog-witness);
//!   [`WitnessPolicy`] says whose cosignatures count and how many are needed.
//! - [`Seen`] keeps the latest checkpoints of other people's logs. [`ForkProof`] is one file that
//!   shows anybody that an operator signed two histories, and [`Taken::Older`] tells a rollback.
//! - [`Receipt`] is a COSE receipt (RFC 9942) that a record is in the log, or that the log extends
//!   an earlier state; tools for SCITT read it. It is verified with the origin alone.
//!
//! What a record *means* is not known here: that a decision follows from a contract, and who signed
//! that, is for `Evidence` and `Replayer` of `dataspace-runtime` to say.
//!
//! # What it refuses to do
//! It reads no clock; the one random number of a log, its nonce, comes from its [`Storage`]
//! ([`FileStorage`] asks the system). It spawns threads only while a batch of thousands of records
//! is appended, and one that stays once a task appends. After a write or sync that failed it writes
//! nothing more until it is opened again ([`AppendError::Poisoned`]). It does not open a log with
//! damage that no crash leaves behind, with fewer records than its stored checkpoint, or with
//! others. It repairs nothing but a torn tail, and it says how much it cut ([`Recovery`]).
//!
//! # Retention and erasure
//! A record never goes away alone, since the tree is made of all of them; so what is in a record is
//! what can stay. It holds no data that were accessed: it holds hashes of contract, policies and
//! request, names of products and purposes, DIDs, names and roles of organisations, the facts that
//! the decision was made on, and times. Contracts, credentials and terminations stand in it as they
//! were signed. A person is in it only if a consumer names one in a request or a name: the request
//! is kept as its hash, the person as one of the facts. Use a pseudonym that only the consumer can
//! resolve: once its table of pseudonyms is deleted, the records name nobody.
//!
//! [`Log::archive`] removes whole segments at the beginning of the log, leaves the hash of each
//! record in them, and records that it did so. All proofs stay: of later records, of consistency,
//! and of an archived record for whoever has kept it ([`Receipt::verify_leaf`] for its hash alone).
//! So a period of retention ends by archiving, and a right to erasure, where it reaches records, is
//! met by destroying every copy of the segment. What is left is one SHA-256 hash for each record,
//! which shows that a record was there. A record of few possible contents can be guessed from its
//! hash; a pseudonym drawn at random prevents that, too. What others were given cannot be taken
//! back: evidence, and the entries of a published log, which are to be removed by whoever serves
//! them.
//!
//! # Backup and restoring
//! [`backup`] and [`Log::backup`] copy a log while it grows: what its last checkpoint covers, into a
//! new directory that appears whole or not at all. To restore, stop whoever writes, move the damaged
//! directory away and the copy to its place, and open it; what came after the copy is lost, and
//! whoever holds a later checkpoint will see that ([`Log::verify_extends`]). Two logs that go on from
//! one copy are a fork, which their checkpoints prove ([`compare`]). A plain copy of a directory that
//! is written either opens, with hashes and offsets made again where they are too old
//! ([`Recovery::is_remade`]), or is refused with the advice to make a good one.
//!
//! # Example
//! ```
//! use dataspace_audit_log::{Event, LeafIndex, Log, Origin, Record};
//! use dataspace_identity::SecretKey;
//! use dataspace_primitives::Digest;
//!
//! let dir = tempfile::tempdir()?;
//! let operator = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let origin = Origin::new(operator.did());
//! let log = Log::create(&dir.path().join("log"), origin.clone())?;
//!
//! let event = Event::Product {
//!     id: "alloy-7075-fatigue".parse()?,
//!     class: "fatigue tests".parse()?,
//!     descriptor: Digest::of(b"the product's descriptor"),
//! };
//! let record = Record::new("2026-11-23T21:00:00Z".parse()?, event);
//! let appended = log.append(&record)?; // durable now
//! let checkpoint = log.checkpoint(&operator)?; // give it to others
//!
//! let proof = log.inclusion_proof(appended.index(), checkpoint.size())?;
//! proof.verify(&appended.leaf(), &checkpoint.root())?;
//!
//! drop(log);
//! let (log, recovery) = Log::open(&dir.path().join("log"), origin)?;
//! assert_eq!((recovery.size(), recovery.bytes_cut()), (checkpoint.size(), 0));
//! log.verify_extends(&checkpoint)?;
//! assert_eq!(Record::from_bytes(&log.read(LeafIndex::new(0))?)?, record);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! - A record has at most [`RECORD_LEN_MAX`] bytes, a batch [`BATCH_LEN_MAX`]. The tree's
//!   right edge lives in memory; hashes (64 bytes for each record) and offsets (8) are on disk.
//! - Opening reads what came after the last mark: some thousand records, however long the log is,
//!   if checkpoints are made from time to time. [`Log::check_on`] reads everything.
//! - Records after the last checkpoint are protected by no signature: whoever can write to the
//!   directory can replace them, and damage to the very last group looks like a torn write.
//! - A rollback of the whole directory is found only with a checkpoint kept elsewhere, and two
//!   logs shown to two people only when they compare checkpoints or ask the same witnesses.
//!   A rollback can be seen, not proved: checkpoints bear no time (see [`ForkProof`]).
//! - Cosignatures are Ed25519 (`cosignature/v1`); others are carried along, not verified. A note
//!   has at most [`NOTE_LEN_MAX`] bytes and [`SIGNATURES_MAX`] signatures, a checkpoint at most
//!   [`EXTENSIONS_MAX`] extension lines, which have no meaning here. A [`Witness`] knows logs
//!   whose origin is an [`Origin`].
//! - A receipt has at most [`RECEIPT_LEN_MAX`] bytes, and only the form that this crate writes is
//!   read: one proof, Ed25519, a detached payload. It names log and size in its protected header
//!   (CWT claims, and the private label -65537), since RFC 9942 signs neither.
//! - A log of another machine, or a dishonest operator's omission, is nothing that a log can show.
//! - The directory itself is locked (`flock`), and no file in it; readers lock nothing. A directory
//!   that is moved or replaced, or a segment that is removed, is noticed at the next checkpoint or
//!   segment, and a process that was forked is refused; a directory on NFS cannot be locked.
//! - A plain copy (`tar`, `cp`) of a log that is written may not open, and then says so; [`backup`]
//!   makes one that does.
//! - Unix only (`flock`, positioned writes); the directory must be on a file system that honours
//!   `fdatasync`.

mod append;
mod backup;
mod compare;
mod error;
mod history;
mod len;
mod log;
mod medium;
mod note;
mod open;
mod published;
mod reader;
mod receipt;
mod receipts;
mod record;
mod signing;
mod state;
mod tree;
mod witness;

pub use dataspace_identity::{LOG_NAME_LEN_MAX, Origin, ParseOriginError};

pub use crate::append::error::{AppendError, BATCH_LEN_MAX, PoisonCause};
pub use crate::append::pending::{Appended, Pending, Room};
pub use crate::append::queue::{QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX};
pub use crate::backup::{Backup, BackupError, backup};
pub use crate::compare::{CompareError, Comparison, History, compare};
pub use crate::error::{ArchiveError, CreateError, ExtendsError, SignCheckpointError};
pub use crate::log::Log;
pub use crate::medium::directory::Directory;
pub use crate::medium::file_storage::FileStorage;
pub use crate::medium::read_only::ReadOnlyStorage;
pub use crate::medium::storage::{SEGMENT_LEN_MAX, Storage, StoredFile};
pub use crate::note::checkpoint::{
    CHECKPOINT_TEXT_LEN_MAX, Checkpoint, CheckpointError, EXTENSIONS_MAX, note_key,
};
pub use crate::note::cosignature::{Cosignature, CosignatureError, WitnessKey};
pub use crate::note::signed_note::{NOTE_LEN_MAX, NoteError, NoteKey, SIGNATURES_MAX};
pub use crate::note::verifier_key::{KEY_NAME_LEN_MAX, ParseNoteKeyError};
pub use crate::open::recovery::{OpenError, Recovery};
pub use crate::published::bundle::{BUNDLE_LEN_MAX, Bundle, BundleBuilder, BundleError};
pub use crate::published::fetch::StaticReadError;
pub use crate::published::publish::{PublishCosignaturesError, PublishError, Published, Publisher};
pub use crate::published::publish_dir::PublishDir;
pub use crate::published::report::{
    DAMAGES_MAX, Damage, Depth, Fault, Progress, StaticReport, Stop,
};
pub use crate::published::static_dir::StaticDir;
pub use crate::published::static_files::{
    CHECKPOINT_PATH, Deliver, FnFiles, StaticFiles, how_to_deliver,
};
pub use crate::published::static_log::{OpenStaticError, StaticLog, StaticLogError};
pub use crate::published::static_store::StaticStore;
pub use crate::published::verify::{verify_static, verify_static_entries};
pub use crate::reader::{ProveError, ReadError};
pub use crate::receipt::cose::RECEIPT_LEN_MAX;
pub use crate::receipt::error::ReceiptError;
pub use crate::receipt::{Receipt, SignedState, VerifiedExtension, VerifiedReceipt};
pub use crate::receipts::SignReceiptError;
pub use crate::record::{
    AccessRecord, EncodedRecord, Event, FACTS_MAX, Fact, RECORD_LEN_MAX, Record, RecordError,
    TEXT_LEN_MAX, TEXTS_MAX, Verdict,
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
