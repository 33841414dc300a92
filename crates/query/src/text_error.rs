//! Why a text is not a query.

use std::error::Error;

use thiserror::Error;

use crate::limits::{BRACKETS_MAX, DEPTH_MAX, SELECTS_MAX, TEXT_LEN_MAX, TOKENS_MAX};

/// Why a text is not taken as a query. Its text repeats at most names that stand in the consumer's own
/// text; its source is for the provider's operator.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TextError {
    /// Longer than [`TEXT_LEN_MAX`].
    #[error("a query has at most {TEXT_LEN_MAX} bytes, this one has {len}")]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// More tokens than [`TOKENS_MAX`].
    #[error("a query has at most {TOKENS_MAX} words, numbers and signs")]
    Tokens,
    /// Brackets or expressions are nested more deeply than [`BRACKETS_MAX`] or [`DEPTH_MAX`].
    #[error("brackets are nested at most {BRACKETS_MAX} deep, expressions {DEPTH_MAX}")]
    Depth,
    /// More `SELECT`s than [`SELECTS_MAX`].
    #[error(
        "a query has at most {SELECTS_MAX} SELECTs; one of a WITH counts each time that it is named"
    )]
    Selects,
    /// Not SQL.
    #[error("the text is not SQL{}", at(*.line, *.column))]
    Syntax {
        /// The line that is not understood, from 1; 0 if not known.
        line: u64,
        /// The character in that line, from 1; 0 if not known.
        column: u64,
        /// What the parser says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another statement than a query, or more than one.
    #[error("only one statement is taken, which begins with SELECT or WITH")]
    NotAQuery,
    /// SQL that is not taken here.
    #[error("{what} not taken here")]
    Refused {
        /// The kind of thing, with its verb.
        what: &'static str,
    },
    /// A function that does not exist, or is not taken here.
    #[error("no function `{name}` is taken here")]
    Function {
        /// Its name, cut and with escapes for what would not be seen.
        name: String,
    },
    /// Nothing is asked of any view.
    #[error("the query names no view")]
    NoView,
}

fn at(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(": see line {line}, character {column}") }
}
