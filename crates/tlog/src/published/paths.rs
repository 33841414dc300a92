//! The paths of a published log's files, and the way to them below a directory.

use std::io::{self, Read as _};
use std::sync::Arc;

use crate::directory::Directory;
use crate::len::to_u64;
use crate::published::static_files::CHECKPOINT_PATH;
use crate::tree::tile::{BundleId, TileId};

/// Returns true if a published log has a file of this path.
#[must_use]
pub fn is_known(path: &str) -> bool {
    path == CHECKPOINT_PATH || path.parse::<TileId>().is_ok() || path.parse::<BundleId>().is_ok()
}

/// Returns true if a published log has files in the directory of this path.
pub(crate) fn is_way(path: &str) -> bool {
    let parts = || path.split('/');
    let is_level = |part: &str| part == "entries" || part.parse::<u8>().is_ok();
    let is_group = |part: &str| {
        let digits = part.strip_prefix('x').or(part.strip_suffix(".p"));
        digits.is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    parts().next() == Some("tile")
        && parts().nth(1).is_none_or(is_level)
        && parts().skip(2).all(is_group)
}

/// The directory of the file, and its name in it; `None` if a directory on the way is not there.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if a published log has no such file; whatever the file system says.
pub fn walk(
    root: &Arc<Directory>,
    path: &str,
    open: fn(&Directory, &str) -> io::Result<Directory>,
) -> io::Result<Option<(Arc<Directory>, String)>> {
    if !is_known(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path of a log"));
    }
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let dir = walk_dirs(root, dirs, open)?;
    Ok(dir.map(|dir| (dir, name.to_owned())))
}

/// The directory; `None` if it, or one on the way, is not there.
///
/// # Errors
/// Whatever the file system says.
pub fn walk_dirs(
    root: &Arc<Directory>,
    dirs: &str,
    open: fn(&Directory, &str) -> io::Result<Directory>,
) -> io::Result<Option<Arc<Directory>>> {
    let mut dir = Arc::clone(root);
    for name in dirs.split('/').filter(|name| !name.is_empty()) {
        dir = match open(&dir, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            inner => Arc::new(inner?),
        };
    }
    Ok(Some(dir))
}

/// As [`StaticFiles::read_into`](crate::StaticFiles::read_into), below `root`.
///
/// # Errors
/// As [`walk`]; whatever the file system says.
pub fn read_into(
    root: &Arc<Directory>,
    path: &str,
    len_max: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<bool> {
    bytes.clear();
    let Some((dir, name)) = walk(root, path, Directory::inner)? else { return Ok(false) };
    match dir.read(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        file => {
            file?.take(to_u64(len_max).saturating_add(1)).read_to_end(bytes)?;
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_way;

    #[test]
    fn directories_of_tiles_are_known() {
        for path in ["tile", "tile/0", "tile/entries", "tile/0/x001", "tile/0/x001/234.p"] {
            assert!(is_way(path), "{path}");
        }
        for path in ["", "til", "tile/x", "tile/0/001", "tile/0/x01", "tile/0/notes", "x/tile"] {
            assert!(!is_way(path), "{path}");
        }
    }
}
