//! The kind of a directory, and the log in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use dataspace_identity::Origin;
use dataspace_tlog::{Checkpoint, note::NOTE_LEN_MAX};
use dataspace_tlog_http::Location;

use crate::files;
use crate::outcome::Damaged;
use crate::shell::shown_path;

/// The kind of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Node,
    Published,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Published => "published",
        }
    }

    /// By what is in `dir`.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let shown = shown_path(dir);
        if !matches!(Location::parse(dir.into()), Ok(Location::Directory(found)) if found == dir) {
            bail!("{shown} is a URL; this is for a directory on this machine");
        }
        if !fs::metadata(dir).with_context(|| format!("cannot look into {shown}"))?.is_dir() {
            bail!("{shown} is not a directory; give the directory that the log is in");
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).with_context(|| format!("cannot look into {shown}"))? {
            names.push(entry?.file_name());
        }
        let names: Vec<_> = names.iter().filter_map(|name| name.to_str()).collect();
        let has = |name: &str| names.contains(&name);
        if names.iter().any(|name| is_segment(name)) {
            return Ok(Self::Node);
        }
        if has("tile") {
            return Ok(Self::Published);
        }
        if ["hashes-0", "offsets", "mark", "signed", "index"].into_iter().any(has) {
            return Ok(Self::Node);
        }
        if has("checkpoint") {
            return Ok(Self::Published);
        }
        let children = names.iter().map(|name| dir.join(name));
        let both = |child: PathBuf| [child.join("node"), child];
        let mut inside: Vec<_> = children.flat_map(both).collect();
        inside.retain(|one| Self::has_segment(one));
        inside.sort_unstable();
        let inside: Vec<_> = inside.iter().map(PathBuf::as_path).map(shown_path).collect();
        match &inside[..] {
            [] => {}
            [one] => bail!("there is no log in {shown}; there is one in {one}"),
            several => {
                bail!("there is no log in {shown}; there are some in {}", several.join(", "))
            }
        }
        bail!("there is no log in {shown}: neither segments nor a checkpoint with tiles")
    }

    fn has_segment(dir: &Path) -> bool {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_str().is_some_and(is_segment))
    }
}

/// Other files may lie in a published log, whatever their names begin with.
fn is_segment(name: &str) -> bool {
    let number = name.strip_prefix("segment-");
    number.is_some_and(|it| it.len() == 20 && it.bytes().all(|b| b.is_ascii_digit()))
}

/// The log to ask for: as given, or as the stored checkpoint says.
pub(crate) fn origin(dir: &Path, given: Option<&Origin>) -> Result<Origin> {
    let file = dir.join("checkpoint");
    let shown = shown_path(&file);
    let is_there = file.symlink_metadata().is_ok();
    match given {
        Some(given) if !is_there => return Ok(given.clone()),
        None if !is_there => {
            let text = format!(
                "{shown} is not there, so that nothing says what the operator signed; restore it \
                 from a copy, or name the log with --log ORIGIN to look at the records without it"
            );
            return Err(anyhow!(Damaged(text)));
        }
        _ => {}
    }
    let damaged = || Damaged(format!("{shown} is not a checkpoint; restore it from a copy"));
    let claimed = Checkpoint::claimed_origin(&read_note(&file)?).with_context(damaged)?;
    match given {
        Some(given) if *given != claimed => {
            bail!("{} holds the log {claimed}, not {given}; ask for that one", shown_path(dir))
        }
        _ => Ok(claimed),
    }
}

/// A note that may be anything, of a length that a note has.
pub(crate) fn read_note(file: &Path) -> Result<String> {
    let bytes = files::read(file, NOTE_LEN_MAX)?;
    let damaged = || Damaged(format!("{} is not a checkpoint: not text", shown_path(file)));
    String::from_utf8(bytes).with_context(damaged)
}
