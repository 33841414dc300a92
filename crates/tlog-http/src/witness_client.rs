//! A witness, as a log asks it (C2SP tlog-witness over HTTP).

use std::io::{self, Read as _};
use std::time::Duration;

use dataspace_primitives::shown;
use dataspace_tlog::{Checkpoint, TreeSize, tree::ConsistencyProof, witness::AddCheckpoint};
use thiserror::Error;
use ureq::Agent;

use crate::agent::configured;
use crate::error::{HttpError, short};
use crate::location::LogUrl;

/// Longest answer that is read, in bytes: some signature lines.
const ANSWER_LEN_MAX: u64 = 16 << 10;

/// A witness under one URL.
#[derive(Clone, Debug)]
pub struct WitnessClient {
    agent: Agent,
    url: String,
}

/// What a witness says of a checkpoint. Nobody has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Signature lines, for [`Checkpoint::with_cosignatures`].
    Cosigned(String),
    /// It has seen so many records; the proof must begin there.
    Held(TreeSize),
    /// It is not shown that the checkpoint extends what it has seen; in its own words.
    Contradicts(String),
}

/// Why a witness gives no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    /// It cannot be reached.
    #[error("{url} cannot be asked: {cause}")]
    Connection {
        /// The URL that was asked.
        url: String,
        /// The message of the library below.
        cause: String,
    },
    /// The connection ends within the answer.
    #[error("the answer of {url} ends early")]
    Early {
        /// The URL that was asked.
        url: String,
        /// The message.
        #[source]
        source: io::Error,
    },
    /// It says that it has seen another size, and not which.
    #[error("{url} answers 409 without the size that it has seen: {line}")]
    NoSize {
        /// The URL that was asked.
        url: String,
        /// The answer.
        line: String,
    },
    /// It does not witness this log.
    #[error("{url} does not know this log; ask its operator to witness it")]
    UnknownLog {
        /// The URL that was asked.
        url: String,
    },
    /// It asks for patience.
    #[error("{url} is asked too often; ask again later")]
    TooOften {
        /// The URL that was asked.
        url: String,
    },
    /// It answers with a status that the protocol does not have.
    #[error("{url} answers {status}: {line}")]
    Status {
        /// The URL that was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The answer.
        line: String,
    },
}

impl WitnessClient {
    /// The witness under `url`, to which `add-checkpoint` is added. `timeout` is for one request.
    ///
    /// # Errors
    /// [`HttpError::NoTls`] or [`HttpError::Certificates`] if the URL needs TLS, and there is none.
    pub fn new(url: &LogUrl, timeout: Duration) -> Result<Self, HttpError> {
        let config = configured(url, timeout)?;
        Ok(Self { agent: config.build().into(), url: url.of("add-checkpoint") })
    }

    /// Asks for a cosignature of `checkpoint`, which `proof` shows to extend what the witness has seen.
    /// A caller that does not know what that is begins with a proof from nothing, and is told.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn add_checkpoint(
        &self,
        proof: &ConsistencyProof,
        checkpoint: &Checkpoint,
    ) -> Result<WitnessAnswer, AskError> {
        let url = shown(&self.url).to_string();
        let post = self.agent.post(&self.url).content_type("text/plain");
        let mut response = match post.send(AddCheckpoint::body(proof, checkpoint)) {
            Ok(response) => response,
            Err(error) => {
                return Err(AskError::Connection { url, cause: short(&error.to_string()) });
            }
        };
        let mut text = Vec::new();
        let mut body = response.body_mut().as_reader().take(ANSWER_LEN_MAX);
        if let Err(source) = body.read_to_end(&mut text) {
            return Err(AskError::Early { url, source });
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = short(text.trim_end());
        match response.status().as_u16() {
            200 => Ok(WitnessAnswer::Cosigned(text)),
            409 => match text.trim_end().parse() {
                Ok(held) => Ok(WitnessAnswer::Held(TreeSize::new(held))),
                Err(_) => Err(AskError::NoSize { url, line }),
            },
            422 => Ok(WitnessAnswer::Contradicts(line)),
            404 => Err(AskError::UnknownLog { url }),
            429 => Err(AskError::TooOften { url }),
            status => Err(AskError::Status { url, status, line }),
        }
    }
}
