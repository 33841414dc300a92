//! The main job, told as a story: found a space, share a table, enforce, prove.

mod cast;
mod choose;
mod columns;
mod page;
mod sample;
mod story;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use dataspace_data_plane::Table;

use crate::files;
use crate::outcome::Health;
use crate::shell::shown_path;

/// Real computed properties of iron compounds; the source is cited in `examples/data/README.md`.
const SAMPLE: &str = include_str!("../../../examples/data/thermoelectrics.csv");

pub(crate) fn run(dir: Option<PathBuf>, data: Option<PathBuf>) -> Result<Health> {
    // A file that cannot be shared should not leave a directory behind.
    if let Some(data) = &data {
        drop(files::open(data).context("--data")?);
        Table::open(data).with_context(|| format!("cannot share {}", shown_path(data)))?;
    }
    let made = Made::new(dir)?;
    match data {
        Some(data) => story::tell(&made.dir, &data, Some(&shown_path(&data)))?,
        None => story::tell(&made.dir, &default_data(&made.dir)?, None)?,
    }
    made.keep();
    Ok(Health::Sound)
}

/// The directory of the demo. What it wrote there goes away with it, unless it is kept.
struct Made {
    dir: PathBuf,
    /// The outermost directory that was not there before.
    new: Option<PathBuf>,
    is_kept: bool,
}

impl Made {
    fn new(dir: Option<PathBuf>) -> Result<Self> {
        let is_absent =
            |dir: &&Path| !dir.as_os_str().is_empty() && dir.symlink_metadata().is_err();
        let absent = dir.as_deref().map(|dir| dir.ancestors().take_while(is_absent).last());
        let new = absent.flatten().map(Path::to_owned);
        let is_named = dir.is_some();
        let dir = create(dir)?;
        let new = if is_named { new } else { Some(dir.clone()) };
        Ok(Self { dir, new, is_kept: false })
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // What cannot be removed is left behind; the error that is told is the one before.
        if let Some(new) = &self.new {
            let _ = fs::remove_dir_all(new);
            return;
        }
        // It was empty before.
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

fn create(dir: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(dir) = dir {
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", shown_path(&dir)))?;
        let mut found =
            fs::read_dir(&dir).with_context(|| format!("cannot look into {}", shown_path(&dir)))?;
        if found.next().is_some() {
            bail!("{} is not empty; choose another --dir, or remove it", shown_path(&dir));
        }
        return Ok(dir);
    }
    for number in 1..10_000 {
        let dir = match number {
            1 => PathBuf::from("dataspace-demo"),
            number => PathBuf::from(format!("dataspace-demo-{number}")),
        };
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create {}", shown_path(&dir)));
            }
        }
    }
    bail!("there are thousands of dataspace-demo directories here; remove some, or use --dir")
}

fn default_data(dir: &Path) -> Result<PathBuf> {
    let file = dir.join("thermoelectrics.csv");
    files::write_new(&file, SAMPLE.as_bytes())?;
    Ok(file)
}
