use std::cell::Cell;
use std::env;
use std::io::{IsTerminal as _, Write as _, stderr};

const WIDTH: u64 = 32;

/// A bar on stderr while something long goes on; nothing where there is no terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: Cell<u64>,
    /// The last tenth of a percent that was shown.
    shown: Cell<Option<u64>>,
    is_on: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        // A bar is drawn over itself, which a dumb terminal cannot do.
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_on = stderr().is_terminal() && !is_dumb;
        Self { what, total: Cell::new(total), shown: Cell::new(None), is_on }
    }

    /// So many of `total` are done.
    pub(crate) fn of(&self, done: u64, total: u64) {
        self.total.set(total);
        self.at(done);
    }

    /// So many are done.
    pub(crate) fn at(&self, done: u64) {
        if !self.is_on {
            return;
        }
        let total = self.total.get().max(done).max(1);
        self.total.set(total);
        let permille = done.saturating_mul(1000) / total;
        if self.shown.replace(Some(permille)) == Some(permille) {
            return;
        }
        let full = permille * WIDTH / 1000;
        let bar: String = (0..WIDTH).map(|i| if i < full { '━' } else { '─' }).collect();
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr(), "\r{} {bar} {:>3} %", self.what, permille / 10);
        let _ = stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.get().is_some() {
            let _ = write!(stderr(), "\r\x1b[2K");
            let _ = stderr().flush();
        }
    }
}
