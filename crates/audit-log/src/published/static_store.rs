use std::io;

use dataspace_tlog::StaticFiles;

/// Where a [`Publisher`](crate::Publisher) puts its files. It alone writes there.
pub trait StaticStore: StaticFiles {
    /// Puts a file where there is none, whole or not at all. It can be read, and is durable, after
    /// the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if there is one, which is left as it is; the next `sync`
    /// makes that one durable. Whatever else the medium says.
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable all that was put or found there by [`put`](Self::put).
    ///
    /// # Errors
    /// Whatever the medium says; then what was put since the last sync may not be there. It must be
    /// put again, and synced, before anything is relied upon.
    fn sync(&mut self) -> io::Result<()>;

    /// Puts or replaces the checkpoint, whole or not at all; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says; then either checkpoint may be there.
    fn replace_checkpoint(&mut self, note: &[u8]) -> io::Result<()>;

    /// Removes all partial forms of the full tile or bundle at `path`, if there are any.
    ///
    /// # Errors
    /// Whatever the medium says; then some of them may be there.
    fn remove_partial(&mut self, path: &str) -> io::Result<()>;
}
