//! Where the program writes for people. That nobody reads it stops nothing: what was found decides
//! the exit code, and output that could not be written is told at the end.

use std::fmt;
use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anstream::AutoStream;

/// True if the output is no longer read, or cannot be written.
static IS_GONE: AtomicBool = AtomicBool::new(false);
/// Why it cannot be written. A reader that has seen enough is no reason.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// The standard output, with colours where it is a terminal. Writing to it never fails.
pub(crate) struct Out(AutoStream<Stdout>);

impl Out {
    pub(crate) fn new() -> Self {
        Self(AutoStream::auto(io::stdout()))
    }

    /// Returns true if what is written reaches nobody, so that a long verb may stop.
    pub(crate) fn is_gone() -> bool {
        IS_GONE.load(Ordering::Relaxed)
    }

    /// Why the output could not be written, after the last of it.
    pub(crate) fn failure() -> Option<io::Error> {
        let _ = Self::new().flush();
        FAILED.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(error: io::Error) {
        IS_GONE.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if Self::is_gone() {
            return Ok(bytes.len());
        }
        match self.0.write(bytes) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Self::note(error);
                Ok(bytes.len())
            }
            done => done,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if !Self::is_gone() => Self::note(error),
            _ => {}
        }
        Ok(())
    }
}

/// One line on the standard output.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    // It never fails.
    let _ = writeln!(Out::new(), "{text}");
}

/// One line on the standard error; if nobody takes it, nobody is told.
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    let _ = writeln!(AutoStream::auto(io::stderr().lock()), "{text}");
}

/// As `println!`, and cannot panic.
macro_rules! say {
    () => { $crate::out::print(format_args!("")) };
    ($($text:tt)*) => { $crate::out::print(format_args!($($text)*)) };
}
/// As `eprintln!`, and cannot panic.
macro_rules! tell {
    ($($text:tt)*) => { $crate::out::warn(format_args!($($text)*)) };
}
pub(crate) use {say, tell};
