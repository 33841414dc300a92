//! The main job, told as a story: found a space, share a table, enforce, prove.

mod cast;
mod sample;
mod story;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use dataspace_runtime::Table;

/// Real computed properties of iron compounds; the source is cited in `data/README.md`.
const SAMPLE: &str = include_str!("../data/thermoelectrics.csv");

pub(crate) fn run(dir: Option<PathBuf>, data: Option<PathBuf>) -> Result<()> {
    // A file that cannot be shared should not leave a directory behind.
    if let Some(data) = &data {
        Table::open(data).with_context(|| format!("cannot share {}", data.display()))?;
    }
    let dir = create(dir)?;
    let (data, name) = match data {
        Some(data) => (data.clone(), data.display().to_string()),
        None => (default_data(&dir)?, "thermoelectrics.csv (real iron compounds)".to_owned()),
    };
    story::tell(&dir, &data, &name)
}

fn create(dir: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(dir) = dir {
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        if fs::read_dir(&dir)?.next().is_some() {
            bail!("{} is not empty; choose another --dir, or remove it", dir.display());
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
                return Err(error).with_context(|| format!("cannot create {}", dir.display()));
            }
        }
    }
    bail!("there are thousands of dataspace-demo directories here; remove some, or use --dir")
}

fn default_data(dir: &Path) -> Result<PathBuf> {
    let file = dir.join("thermoelectrics.csv");
    fs::write(&file, SAMPLE).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
