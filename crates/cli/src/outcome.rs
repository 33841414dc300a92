//! How the program ends: 0 all is well; 1 something is not what its operator signed, or too few
//! witnesses have cosigned it; 2 it could not be looked at, or the question was wrong.

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use dataspace_primitives::shown;

use crate::json::object;
use crate::out::{self, Out};
use crate::{json, paint};

/// It is not what its operator signed.
#[derive(Debug)]
pub(crate) struct Damaged(pub(crate) String);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damaged {}

/// Health of what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Sound,
    Damaged,
    /// What there is is sound, and fewer witnesses have cosigned it than were asked for.
    Unwitnessed,
}

impl Health {
    pub(crate) fn of(is_sound: bool) -> Self {
        if is_sound { Self::Sound } else { Self::Damaged }
    }
}

const DAMAGED: u8 = 1;
const UNSEEN: u8 = 2;

/// Tells an error, for programs too if they asked, and gives the exit code.
pub(crate) fn end(done: Result<Health>, is_json: bool) -> ExitCode {
    let code = match done {
        Ok(Health::Sound) => 0,
        Ok(Health::Damaged | Health::Unwitnessed) => DAMAGED,
        Err(error) => {
            let code = if error.is::<Damaged>() { DAMAGED } else { UNSEEN };
            let text = format!("{error:#}");
            if is_json {
                say_json(&text, code);
            }
            out::warn(format_args!("{} {}", paint::bad("error:"), shown(&text)));
            code
        }
    };
    match Out::failure() {
        // What was found counts more than that it could not be told.
        Some(error) if code != DAMAGED => {
            let title = paint::bad("error:");
            out::warn(format_args!("{title} cannot write the output: {error}; it is not complete"));
            UNSEEN.into()
        }
        _ => code.into(),
    }
}

/// Tells that the arguments were wrong, or what they asked clap for.
pub(crate) fn wrong_arguments(error: &clap::Error, is_json: bool) -> ! {
    if is_json && error.use_stderr() {
        let text = error.to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        say_json(what.strip_prefix("error: ").unwrap_or(what), UNSEEN);
    }
    error.exit()
}

/// On one line, since `show` prints one object a line.
fn say_json(error: &str, code: u8) {
    out::print(format_args!("{}", json::line(&object! { "error": error, "exitCode": code })));
}
