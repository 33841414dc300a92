//! Files that tables are read from: regular ones, up to the length that they have when opened.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use dataspace_primitives::Digest;

/// Why a file is not opened.
#[derive(Debug)]
pub(crate) enum FileError {
    Io(io::Error),
    /// A directory, a pipe, a device.
    NotRegular,
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What tells one state of a file from another, as far as a look at it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) len: u64,
    modified: Option<SystemTime>,
    /// Device, number, and when anything of it changed last, which nobody can set.
    identity: Option<(u64, u64, i64, i64)>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt as _;
            Some((metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let identity = None;
        Self { len: metadata.len(), modified: metadata.modified().ok(), identity }
    }

    /// A digest over all of it.
    pub(crate) fn digest(&self) -> Digest {
        let mut bytes = b"dataspace/file-state/v1\0".to_vec();
        bytes.extend_from_slice(&self.len.to_be_bytes());
        let since = self.modified.map(|at| match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => (0_u8, since.as_nanos()),
            Err(before) => (1, before.duration().as_nanos()),
        });
        // INVARIANT: one byte says whether there is more, and every number has its width.
        match since {
            None => bytes.push(2),
            Some((sign, nanos)) => {
                bytes.push(sign);
                bytes.extend_from_slice(&nanos.to_be_bytes());
            }
        }
        if let Some((device, number, seconds, nanos)) = self.identity {
            bytes.push(1);
            for part in [device.to_be_bytes(), number.to_be_bytes()] {
                bytes.extend_from_slice(&part);
            }
            for part in [seconds.to_be_bytes(), nanos.to_be_bytes()] {
                bytes.extend_from_slice(&part);
            }
        }
        Digest::of(&bytes)
    }
}

/// Opens a regular file.
// WHY looked at before it is opened: opening a pipe waits for somebody who writes to it.
pub(crate) fn open(path: &Path) -> Result<(File, Stamp), FileError> {
    if !fs::metadata(path)?.is_file() {
        return Err(FileError::NotRegular);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    Ok((file, Stamp::of(&metadata)))
}

/// The bytes that a file had when it was opened: what is written behind them meanwhile is not read.
pub(crate) struct Snapshot {
    file: File,
    left: u64,
}

impl Snapshot {
    pub(crate) fn open(path: &Path) -> Result<(Self, Stamp), FileError> {
        let (file, stamp) = open(path)?;
        Ok((Self { file, left: stamp.len }, stamp))
    }
}

impl Read for Snapshot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(buffer.get_mut(..len).unwrap_or_default())?;
        if read == 0 && len > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
