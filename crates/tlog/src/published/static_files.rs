//! The files of a published log, wherever they are: in a directory, behind HTTP, in memory.

use std::io;

/// The published checkpoint's path.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// How a web server delivers a file of a published log (C2SP tlog-tiles).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// The header `Cache-Control`.
    pub cache_control: &'static str,
}

/// How a web server delivers the file at `path`: the checkpoint as text that is asked for again after
/// some seconds, everything else as bytes that never change.
#[must_use]
pub fn how_to_deliver(path: &str) -> Deliver {
    if path == CHECKPOINT_PATH {
        let content_type = "text/plain; charset=utf-8";
        return Deliver { content_type, cache_control: "public, max-age=5" };
    }
    let content_type = "application/octet-stream";
    Deliver { content_type, cache_control: "public, max-age=31536000, immutable" }
}

/// Gives the files of a published log. Nothing that it gives is believed before it is verified.
pub trait StaticFiles {
    /// Replaces `bytes` by those of the file at `path`: [`CHECKPOINT_PATH`], or the `Display` of a
    /// [`TileId`](crate::tree::TileId) or [`BundleId`](crate::tree::BundleId). `false` if there is no such
    /// file. It need not read more than `len_max` bytes and one, which show that there are more.
    ///
    /// # Errors
    /// Whatever the medium says. An error is taken as damage of the file, unless its kind says that
    /// the medium does not answer, as [`io::ErrorKind::TimedOut`], [`io::ErrorKind::HostUnreachable`]
    /// and others of connections do: that says nothing about the log.
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool>;

    /// Says that [`read_into`](Self::read_into) will probably be asked for this next or soon, so
    /// that files which come from far away can be on their way. Few are said at a time, each once.
    fn expect(&self, _path: &str, _len_max: usize) {}
}

/// Files that a function gives, which may fetch them by HTTP: it gets a path and the most bytes
/// that are of use, and returns the file, or `None` if there is none.
#[derive(Clone, Copy, Debug)]
pub struct FnFiles<F>(pub F);

impl<F: Fn(&str, usize) -> io::Result<Option<Vec<u8>>>> StaticFiles for FnFiles<F> {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let found = (self.0)(path, len_max)?;
        let is_there = found.is_some();
        *bytes = found.unwrap_or_default();
        Ok(is_there)
    }
}

impl<F: StaticFiles + ?Sized> StaticFiles for &F {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        (**self).read_into(path, len_max, bytes)
    }

    fn expect(&self, path: &str, len_max: usize) {
        (**self).expect(path, len_max);
    }
}
