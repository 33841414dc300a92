//! The tamper-evident log of a data space: every admission, contract and access decision is one
//! [`Record`](dataspace_tlog::Record), durable before anybody acts on it, and a leaf of an RFC 9162 Merkle tree whose
//! root the operator signs.
//!
//! - [`Log::append`] returns an [`Appended`] only when the record is on disk; all threads that
//!   wait share one write and one `fdatasync`. [`Log::append_async`] is for tasks.
//! - [`Log::checkpoint`] signs the tree as a C2SP checkpoint. Others keep it: with it,
//!   [`Log::verify_extends`] and [`ConsistencyProof`](dataspace_tlog::tree::ConsistencyProof) find a rollback or a rewritten past.
//! - [`ReadOnlyStorage`] opens somebody else's directory and changes no byte of it.
//! - [`Publisher`] writes the log as static files (C2SP tlog-tiles), and puts what witnesses answer
//!   under the published checkpoint.
//! - [`Log::inclusion_receipt`] and [`Log::consistency_receipt`] sign COSE receipts (RFC 9942).
//! - [`backup`](fn@backup) and [`Log::backup`] copy a log from which it can be opened again.
//!
//! Formats, proofs, readers of published logs, receipts and witnesses live in `dataspace-tlog`, which
//! writes no log. They are exported here too, under the same names.
//!
//! The *meaning* of a record is not known here: that a decision follows from a contract, and who signed
//! it, is for `Evidence` and `Replayer` of `dataspace-ledger` to say.
//!
//! # What it refuses to do
//! It reads no clock; the one random number of a log, its nonce, comes from its [`Storage`]
//! ([`FileStorage`] asks the system). It spawns threads only while a batch of thousands of records
//! is appended, and one that stays once a task appends. After a write or sync that failed it writes
//! nothing more until it is opened again ([`AppendError::Poisoned`](append::AppendError::Poisoned)). It does not open a log with
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
//! and of an archived record for anyone who has kept it ([`Receipt::verify_leaf`](dataspace_tlog::Receipt::verify_leaf) for its hash alone).
//! So a period of retention ends by archiving, and a right to erasure, where it reaches records, is
//! met by destroying every copy of the segment. What is left is one SHA-256 hash for each record,
//! which shows that a record was there. A record of few possible contents can be guessed from its
//! hash; a pseudonym drawn at random prevents that, too. What others were given cannot be taken
//! back: evidence, and the entries of a published log, which their server must remove.
//!
//! # Backup and restoring
//! [`backup`](fn@backup) and [`Log::backup`] copy a log while it grows: what its last checkpoint covers, into a
//! new directory that appears whole or not at all. To restore, stop the writer, move the damaged
//! directory away and the copy to its place, and open it; what came after the copy is lost, and
//! holders of a later checkpoint will see that ([`Log::verify_extends`]). Two logs that go on from
//! one copy are a fork, which their checkpoints prove ([`compare`](dataspace_tlog::compare::compare)). A plain copy of a directory that
//! is written either opens, with hashes and offsets made again where they are too old
//! ([`Recovery::is_remade`]), or is refused with the advice to make a good one.
//!
//! # Example
//! ```
//! use dataspace_audit_log::Log;
//! use dataspace_identity::Origin;
//! use dataspace_tlog::{Event, LeafIndex, Record};
//! use dataspace_identity::SecretKey;
//! use dataspace_primitives::Digest;
//!
//! let dir = tempfile::tempdir()?;
//! let operator = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let origin = Origin::new(operator.did())?;
//! let log = Log::create(&dir.path().join("log"), origin.clone())?;
//!
//! let event = Event::Product {
//!     id: "alloy-7075-fatigue".parse()?,
//!     class: "fatigue tests".parse()?,
//!     descriptor: Digest::of(b"the product's descriptor"),
//!     forbids: Vec::new(),
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
//! - A record has at most [`RECORD_LEN_MAX`](dataspace_tlog::record::RECORD_LEN_MAX) bytes, a batch [`BATCH_LEN_MAX`](append::BATCH_LEN_MAX). The tree's
//!   right edge lives in memory; hashes (64 bytes for each record) and offsets (8) are on disk.
//! - Opening reads what came after the last mark: some thousand records, however long the log is,
//!   if checkpoints are made from time to time. [`Log::check_on`] reads everything.
//! - Records after the last checkpoint are protected by no signature: anyone who can write to the
//!   directory can replace them, and damage to the very last group looks like a torn write.
//! - A rollback of the whole directory is found only with a checkpoint kept elsewhere, and two
//!   logs shown to two people only when they compare checkpoints or ask the same witnesses.
//!   A rollback can be seen, not proved: checkpoints bear no time (see [`ForkProof`](dataspace_tlog::ForkProof)).
//! - What checkpoints, cosignatures and receipts are limited to is in the docs of `dataspace-tlog`.
//! - A log cannot show what was never recorded in it: omissions by the operator, or events on another
//!   machine.
//! - The directory itself is locked (`flock`), and no file in it; readers lock nothing. A directory
//!   that is moved or replaced, or a segment that is removed, is noticed at the next checkpoint or
//!   segment, and a process that was forked is refused; a directory on NFS cannot be locked.
//! - A plain copy (`tar`, `cp`) of a log that is written may not open, and then says so; [`backup`](fn@backup)
//!   makes one that does.
//! - Unix only (`flock`, positioned writes); the directory must be on a file system that honours
//!   `fdatasync`.

pub mod append;
pub mod backup;
pub mod conformance;
pub mod error;
mod log;
mod log_reader;
pub mod medium;
pub mod open;
pub mod published;
pub mod reader;
pub mod receipts;
mod signing;
mod state;

pub use crate::append::pending::{Appended, Pending, Room};

pub use crate::backup::backup;

pub use crate::log::Log;
pub use crate::medium::file_storage::FileStorage;
pub use crate::medium::read_only::ReadOnlyStorage;
pub use crate::medium::storage::Storage;
pub use crate::open::recovery::Recovery;
pub use crate::published::publish::Publisher;
pub use crate::published::publish_dir::PublishDir;
