//! A published log in a directory of the local file system, to be read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FileType;

use crate::directory::Directory;
use crate::published::paths::{is_known, is_way, read_into};
use crate::published::static_files::StaticFiles;

/// A directory that is read. Inside it nothing but plain directories and regular files is
/// followed or opened, and no path is asked for that is not one of a published log. Other files may
/// be there; [`foreign`](Self::foreign) names them.
#[derive(Clone, Debug)]
pub struct StaticDir {
    root: PathBuf,
}

impl StaticDir {
    /// The published log in the directory `root`, which may itself be reached by a link.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// What is in the directory and in those of tiles, and is none of a published log's files: paths
    /// in it, at most `max`. Nobody reads them; they are no damage.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn foreign(&self, max: usize) -> io::Result<Vec<PathBuf>> {
        let mut foreign = Vec::new();
        let mut left = vec![(Directory::open(&self.root)?, String::new())];
        while let Some((dir, way)) = left.pop() {
            for name in dir.names()? {
                if foreign.len() >= max {
                    return Ok(foreign);
                }
                let path = name.to_str().map(|name| format!("{way}{name}"));
                match (path, dir.kind(&name)?) {
                    (Some(path), Some(FileType::Directory)) if is_way(&path) => {
                        let name = name.to_str().unwrap_or_default();
                        left.push((dir.inner(name)?, format!("{path}/")));
                    }
                    (Some(path), Some(FileType::RegularFile)) if is_known(&path) => {}
                    // Removed meanwhile.
                    (_, None) => {}
                    _ => foreign.push(Path::new(&way).join(&name)),
                }
            }
        }
        Ok(foreign)
    }
}

impl StaticFiles for StaticDir {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        match Directory::open(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            root => read_into(&Arc::new(root?), path, len_max, bytes),
        }
    }
}
