//! The log that a verb is about, wherever it is.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, StaticFiles,
    note::NOTE_LEN_MAX,
    published::{CHECKPOINT_PATH, StaticDir},
};
use dataspace_tlog_http::{HttpFiles, Location};

use crate::audit::kind::{self, Kind};
use crate::outcome::Damaged;
use crate::shell::shown_path;

/// How long to wait for others.
#[derive(Args)]
pub(super) struct TimeoutArg {
    /// How long one request to a server may take
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3_600)
    )]
    timeout: u64,
}

impl TimeoutArg {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Which log to look at.
#[derive(Args)]
pub(super) struct PlaceArg {
    /// A node's directory, or a published log: its directory, or its URL (https, http, file)
    #[arg(
        value_name = "DIR|URL",
        value_parser = OsStringValueParser::new().try_map(Location::parse)
    )]
    dir: Location,
    #[command(flatten)]
    timeout: TimeoutArg,
}

impl PlaceArg {
    /// # Errors
    /// If the URL needs TLS, and there is none.
    pub(super) fn place(self) -> Result<Place> {
        Place::of(self.dir, self.timeout.timeout())
    }
}

/// Where a log is read.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Directory(PathBuf),
    Server(HttpFiles),
}

impl Place {
    /// # Errors
    /// If the URL needs TLS, and there is none.
    pub(super) fn of(location: Location, timeout: Duration) -> Result<Self> {
        Ok(match location {
            Location::Directory(dir) => Self::Directory(dir),
            Location::Published(url) => Self::Server(HttpFiles::new(url, timeout)?),
        })
    }

    /// Its content.
    pub(crate) fn kind(&self) -> Result<Kind> {
        match self {
            Self::Directory(dir) => Kind::of(dir),
            Self::Server(_) => Ok(Kind::Published),
        }
    }

    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Directory(dir) => Some(dir),
            Self::Server(_) => None,
        }
    }

    /// The files of the published log that is there.
    pub(crate) fn files(&self) -> PublishedFiles {
        match self {
            Self::Directory(dir) => PublishedFiles::Directory(StaticDir::new(dir)),
            Self::Server(files) => PublishedFiles::Server(files.clone()),
        }
    }

    /// The log to ask for: as given, or as the stored checkpoint says.
    pub(crate) fn origin(&self, given: Option<&Origin>) -> Result<Origin> {
        if let Self::Directory(dir) = self {
            return kind::origin(dir, given);
        }
        let (note, no_log) = (published(self)?, || no_log(self));
        let claimed = Checkpoint::claimed_origin(&note);
        let claimed = match claimed {
            // Somebody signed it, or changed what somebody had signed.
            Err(error) if note.contains("\n\n\u{2014} ") => {
                return Err(anyhow!(error).context(Damaged(no_log())));
            }
            claimed => claimed.with_context(no_log)?,
        };
        match given {
            Some(given) if *given != claimed => {
                bail!("{self} holds the log {claimed}, not {given}; ask for that one")
            }
            _ => Ok(claimed),
        }
    }
}

/// The note that is published at a URL, or in a directory; it may be anything.
pub(super) fn published(place: &Place) -> Result<String> {
    let mut note = Vec::new();
    if !place.files().read_into(CHECKPOINT_PATH, NOTE_LEN_MAX, &mut note)? {
        bail!(
            "there is no log at {place}: there is no `{CHECKPOINT_PATH}`; give the place under \
             which checkpoint and tiles are"
        );
    }
    if note.len() > NOTE_LEN_MAX {
        return Err(anyhow!("it has more than {NOTE_LEN_MAX} bytes").context(no_log(place)));
    }
    String::from_utf8(note).context("it is not text").with_context(|| no_log(place))
}

fn no_log(place: &Place) -> String {
    format!("{place}{CHECKPOINT_PATH} is not a checkpoint; is this the URL of a published log?")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(dir) => f.write_str(&shown_path(dir)),
            Self::Server(files) => files.url().fmt(f),
        }
    }
}

/// The files of a published log, wherever they are.
#[derive(Clone, Debug)]
pub(crate) enum PublishedFiles {
    Directory(StaticDir),
    Server(HttpFiles),
}

impl StaticFiles for PublishedFiles {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        match self {
            Self::Directory(files) => files.read_into(path, len_max, bytes),
            Self::Server(files) => files.read_into(path, len_max, bytes),
        }
    }

    fn expect(&self, path: &str, len_max: usize) {
        match self {
            Self::Directory(files) => files.expect(path, len_max),
            Self::Server(files) => files.expect(path, len_max),
        }
    }
}
