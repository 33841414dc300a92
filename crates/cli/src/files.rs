//! Files that are read, and files that are written: whole, or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::OFlags;

use crate::shell::shown_path;

/// Longest file with one name or key in it, in bytes.
pub(crate) const NAME_FILE_LEN_MAX: usize = 4_096;
/// How often a temporary name may be taken.
const TRIES_MAX: u32 = 1_000;
const BUFFER_LEN: usize = 8_192;
/// Who may read and write a new file, less what the process's mask takes away.
const ANYBODY: u32 = 0o666;
const OWNER: u32 = 0o600;

/// Opens a file of any length. A pipe that nobody writes to does not keep us waiting, and a device
/// is not read.
pub(crate) fn open(file: &Path) -> Result<File> {
    let shown = shown_path(file);
    let context = || format!("cannot read {shown}");
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file);
    let opened = opened.with_context(context)?;
    let kind = opened.metadata().with_context(context)?.file_type();
    if kind.is_file() {
        return Ok(opened);
    }
    let what = match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        _ => "a device or socket",
    };
    bail!("{shown} is {what}, not a file; give a file, or write what comes from there into one")
}

/// The bytes of a file that has at most `len_max`.
pub(crate) fn read(file: &Path, len_max: usize) -> Result<Vec<u8>> {
    let (mut bytes, limit) = (Vec::new(), u64::try_from(len_max)?.saturating_add(1));
    let read = open(file)?.take(limit).read_to_end(&mut bytes);
    let shown = shown_path(file);
    read.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() > len_max {
        bail!("{shown} is too long: a file of this kind has at most {len_max} bytes");
    }
    Ok(bytes)
}

/// The text of a file, without the byte order mark that some editors put before it.
pub(crate) fn read_text(file: &Path, len_max: usize) -> Result<String> {
    let shown = shown_path(file);
    let text = String::from_utf8(read(file, len_max)?);
    let text = text.map_err(|_| anyhow!("{shown} is not text in UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// A file that is being written under another name, beside the one that it will have. It gets that
/// name when it is whole and durable ([`NewFile::finish`]), or goes away.
pub(crate) struct NewFile {
    writer: BufWriter<File>,
    temporary: Temporary,
    file: PathBuf,
}

/// Removes its file when dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed does no harm under this name.
        let _ = fs::remove_file(&self.0);
    }
}

impl NewFile {
    /// `file` must not be there, not even as a link that leads nowhere.
    pub(crate) fn create(file: &Path) -> Result<Self> {
        Self::create_for(file, ANYBODY)
    }

    fn create_for(file: &Path, mode: u32) -> Result<Self> {
        let shown = shown_path(file);
        let context = || format!("cannot write {shown}");
        let name =
            file.file_name().with_context(|| format!("{shown} is not the name of a file"))?;
        if file.symlink_metadata().is_ok() {
            return Err(is_there(file));
        }
        for number in 0..TRIES_MAX {
            let mut beside = OsString::from(".");
            // A name has at most 255 bytes.
            beside.push(if name.len() < 200 { name } else { "output".as_ref() });
            beside.push(format!(".{}-{number}.tmp", std::process::id()));
            let beside = file.with_file_name(beside);
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside) {
                Ok(opened) => {
                    // WHY: no copy of a secret stays in a buffer.
                    let capacity = if mode == OWNER { 0 } else { BUFFER_LEN };
                    let writer = BufWriter::with_capacity(capacity, opened);
                    let temporary = Temporary(beside);
                    return Ok(Self { writer, temporary, file: file.to_owned() });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(context),
            }
        }
        bail!("{shown} has {TRIES_MAX} temporary files beside it; remove .*.tmp there")
    }

    /// Makes the file durable and gives it its name, unless something has that name by now.
    pub(crate) fn finish(self) -> Result<()> {
        let shown = shown_path(&self.file);
        let context = || format!("cannot write {shown}");
        let opened = self.writer.into_inner().map_err(io::IntoInnerError::into_error);
        opened.with_context(context)?.sync_all().with_context(context)?;
        match fs::hard_link(&self.temporary.0, &self.file) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(is_there(&self.file));
            }
            // A file system without links.
            Err(_) if self.file.symlink_metadata().is_err() => {
                fs::rename(&self.temporary.0, &self.file).with_context(context)?;
            }
            Err(error) => return Err(error).with_context(context),
        }
        drop(self.temporary);
        let parent = self.file.parent().filter(|dir| !dir.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        File::open(parent).and_then(|dir| dir.sync_all()).with_context(context)
    }
}

fn is_there(file: &Path) -> anyhow::Error {
    anyhow!("{} is there already; remove it, or choose another name", shown_path(file))
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes a whole file that must not be there: a log's own files are not to be overwritten.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> Result<()> {
    write(NewFile::create(file)?, bytes)
}

/// As [`write_new`], for its owner alone, from its first moment on and under any name.
pub(crate) fn write_secret(file: &Path, bytes: &[u8]) -> Result<()> {
    write(NewFile::create_for(file, OWNER)?, bytes)
}

fn write(mut new: NewFile, bytes: &[u8]) -> Result<()> {
    let shown = shown_path(&new.file);
    new.write_all(bytes).with_context(|| format!("cannot write {shown}"))?;
    new.finish()
}
