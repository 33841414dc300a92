//! A log that is read, whichever form it has.

use std::fmt;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use dataspace_audit_log::{Log, ReadOnlyStorage, open::OpenError};
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, Fault, LeafIndex, LogReader, StaticLog, TreeSize,
    log_reader::{ExtendsError, LogReaderError},
    note::NOTE_LEN_MAX,
    published::OpenStaticError,
    tree::{ConsistencyProof, InclusionProof},
};

use crate::audit::kind::Kind;
use crate::audit::place::{Place, PublishedFiles};
use crate::out::tell;
use crate::outcome::Damaged;
use crate::shell::{quoted, shown_path};
use crate::{files, paint};

/// A checkpoint that somebody kept, of the log `origin`.
pub(crate) fn kept_checkpoint(file: &Path, origin: &Origin) -> Result<Checkpoint> {
    let note = files::read_text(file, NOTE_LEN_MAX)?;
    let claimed = Checkpoint::claimed_origin(&note)
        .with_context(|| format!("{} is not a checkpoint", shown_path(file)))?;
    if claimed != *origin {
        bail!("{} is a checkpoint of the log {claimed}, not of {origin}", shown_path(file));
    }
    Checkpoint::verify(&note, origin)
        .with_context(|| format!("the checkpoint in {} proves nothing", shown_path(file)))
}

/// A log that is read, and not changed.
#[derive(Debug)]
pub(crate) enum Source {
    Node(Box<Log>),
    Published(Box<StaticLog<PublishedFiles>>),
}

impl Source {
    /// Opens the log at `place`; every record and proof that comes out of it leads to its root.
    pub(crate) fn open(place: &Place, given: Option<&Origin>) -> Result<Self> {
        let kind = place.kind()?;
        let origin = place.origin(given)?;
        if let (Kind::Node, Some(dir)) = (kind, place.directory()) {
            let Reading { storage, is_running } = Reading::of(dir)?;
            if is_running {
                tell!("{} {}: {LEFT_OUT}", paint::title("note"), shown_path(dir));
            }
            return Self::node(dir, storage, origin);
        }
        let opened = StaticLog::open(place.files(), &origin);
        Ok(Self::published(opened.map_err(|error| open_static_error(place, error))?))
    }

    pub(crate) fn node(dir: &Path, storage: ReadOnlyStorage, origin: Origin) -> Result<Self> {
        let opened = Log::open_on(Box::new(storage), origin);
        let (log, _) = opened.map_err(|error| open_error(dir, error))?;
        Ok(Self::Node(Box::new(log)))
    }

    pub(crate) fn published(log: StaticLog<PublishedFiles>) -> Self {
        Self::Published(Box::new(log))
    }

    pub(crate) fn reader(&self) -> &dyn LogReader {
        match self {
            Self::Node(log) => &**log,
            Self::Published(log) => &**log,
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        self.reader().origin()
    }

    /// The stored or published checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        self.told(self.reader().latest_checkpoint())
    }

    /// The checkpoint, or what to do without one.
    pub(crate) fn signed(&self) -> Result<Checkpoint> {
        let without = "there is no stored checkpoint, so nothing can be proved; restore it from a \
                       copy, or let the node be opened by its operator, who signs a new one";
        self.checkpoint()?.ok_or_else(|| anyhow!(Damaged(without.to_owned())))
    }

    /// All records, also those that no checkpoint covers yet.
    pub(crate) fn size(&self) -> Result<u64> {
        Ok(self.told(self.reader().size())?.as_u64())
    }

    /// The first record that is here; those before it were archived.
    pub(crate) fn first(&self) -> Result<u64> {
        Ok(self.told(self.reader().first())?.as_u64())
    }

    /// Hands the records of `range` to `visit`, in order.
    pub(crate) fn replay(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut done = Ok(());
        let visited = self.reader().visit(range, &mut |index, bytes| {
            done = visit(index, bytes);
            if done.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.told(visited).and(done)
    }

    pub(crate) fn record(&self, index: LeafIndex) -> Result<Vec<u8>> {
        self.told(self.reader().record(index))
    }

    pub(crate) fn inclusion(&self, index: LeafIndex, size: TreeSize) -> Result<InclusionProof> {
        self.told(self.reader().inclusion_proof(index, size))
    }

    pub(crate) fn consistency(&self, from: TreeSize, to: TreeSize) -> Result<ConsistencyProof> {
        self.told(self.reader().consistency_proof(from, to))
    }

    /// Checks the log against a checkpoint that somebody kept.
    pub(crate) fn extends(&self, kept: &Checkpoint) -> Result<()> {
        let damage = match self.reader().verify_extends(kept) {
            Ok(()) => return Ok(()),
            Err(ExtendsError::RolledBack { signed, found }) => format!(
                "the log was rolled back: the operator signed {signed} records, {found} are here"
            ),
            Err(ExtendsError::Forked { signed }) => format!(
                "the log was forked or rewritten: its first {signed} records are not those that \
                 the operator signed"
            ),
            Err(ExtendsError::Read(error)) => return self.told(Err(error)),
            Err(error) => return Err(error.into()),
        };
        Err(anyhow!(Damaged(damage)))
    }

    /// An answer of the log, or what to do without.
    pub(crate) fn told<T>(&self, answer: Result<T, LogReaderError>) -> Result<T> {
        let kind = match self {
            Self::Node(_) => Kind::Node,
            Self::Published(_) => Kind::Published,
        };
        answer.map_err(|error| read_error(kind, error))
    }
}

/// What is not seen of a log that a node has open.
pub(crate) const LEFT_OUT: &str =
    "a node has this log open; what it recorded after its last checkpoint is left out";

/// A node's directory that is read, and not changed.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) storage: ReadOnlyStorage,
    /// True if a node has it open, so that its last checkpoint is all there is to see.
    pub(crate) is_running: bool,
}

impl Reading {
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let (opened, is_running) = match ReadOnlyStorage::open(dir) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (ReadOnlyStorage::open_running(dir), true)
            }
            opened => (opened, false),
        };
        let storage = opened.map_err(|error| open_error(dir, error))?;
        Ok(Self { storage, is_running })
    }
}

/// The error of opening the log in `dir`, under words that say which log, and what to do.
pub(crate) fn open_error(dir: &Path, error: impl Into<OpenError>) -> anyhow::Error {
    let (error, shown) = (error.into(), shown_path(dir));
    let fault = error.fault();
    let words = match &error {
        OpenError::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
            format!("{shown} is in use; stop the node first, or wait for it")
        }
        OpenError::Full(_) => format!("cannot open the log in {shown}"),
        OpenError::Version { .. } => {
            format!("the log in {shown} is damaged, or another version of this program wrote it")
        }
        OpenError::Origin { .. } => format!("the log in {shown} is another one"),
        OpenError::Derived { .. } => {
            return anyhow!(Damaged(format!(
                "the log in {shown} is damaged: its records are intact, but {}; `dataspace audit \
                 fsck {} --rebuild` rebuilds it",
                error.to_string().split(';').next().unwrap_or_default(),
                quoted(dir)
            )));
        }
        _ if fault == Fault::Evidence => format!("the log in {shown} is damaged"),
        _ => format!("cannot read the log in {shown}"),
    };
    let error = match error {
        OpenError::Io(error) => anyhow!(error),
        error => anyhow!(error),
    };
    if fault == Fault::Evidence { error.context(Damaged(words)) } else { error.context(words) }
}

/// The error of opening the log that is published at a place.
pub(crate) fn open_static_error(at: impl fmt::Display, error: OpenStaticError) -> anyhow::Error {
    match error {
        OpenStaticError::Checkpoint(error) => anyhow!(error)
            .context(Damaged(format!("the checkpoint published in {at} does not verify"))),
        error if error.fault() == Fault::Evidence => {
            anyhow!(error).context(Damaged(format!("the log in {at} is damaged")))
        }
        error => error.into(),
    }
}

/// The error of reading a log of this kind.
pub(crate) fn read_error(kind: Kind, error: impl Into<LogReaderError>) -> anyhow::Error {
    let error = error.into();
    let damage = match (&error, kind) {
        (LogReaderError::Archived { .. }, _) => {
            return anyhow!(error).context(
                "copy the archived segments back into a copy of the directory to look at them",
            );
        }
        _ if error.fault() != Fault::Evidence => return error.into(),
        (_, Kind::Node) => "the log is damaged; `dataspace audit fsck` says where",
        (_, Kind::Published) => "the published log is damaged",
    };
    anyhow!(error).context(Damaged(damage.to_owned()))
}
