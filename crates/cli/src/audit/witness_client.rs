//! A witness, as a log asks it (C2SP tlog-witness over HTTP).

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use dataspace_primitives::shown;
use ureq::Agent;

use crate::audit::http_files::configured;
use crate::audit::location::LogUrl;

/// Longest answer that is read, in bytes: some signature lines.
const ANSWER_LEN_MAX: u64 = 16 << 10;
const SHOWN_LEN_MAX: usize = 200;

pub(super) struct WitnessClient {
    agent: Agent,
    url: String,
}

/// What a witness says of a checkpoint.
pub(super) enum Answer {
    /// Signature lines.
    Cosigned(String),
    /// It has seen so many records; the proof must begin there.
    Held(u64),
    /// It is not shown that the checkpoint extends what it has seen.
    Contradicts(String),
}

impl WitnessClient {
    pub(super) fn new(url: &LogUrl, timeout: Duration) -> Result<Self> {
        let config = configured(url, timeout)?;
        Ok(Self { agent: config.build().into(), url: url.of("add-checkpoint") })
    }

    pub(super) fn add(&self, body: &str) -> Result<Answer> {
        let url = shown(&self.url);
        let cause = |error: ureq::Error| {
            let text = error.to_string();
            anyhow::anyhow!("{}", shown(&text).at_most(SHOWN_LEN_MAX))
        };
        let sent = self.agent.post(&self.url).content_type("text/plain").send(body);
        let mut response = sent.map_err(cause).with_context(|| format!("{url} cannot be asked"))?;
        let mut text = Vec::new();
        let mut body = response.body_mut().as_reader().take(ANSWER_LEN_MAX);
        body.read_to_end(&mut text).with_context(|| format!("the answer of {url} ends early"))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = shown(text.trim_end()).at_most(SHOWN_LEN_MAX).to_string();
        match response.status().as_u16() {
            200 => Ok(Answer::Cosigned(text)),
            409 => match text.trim_end().parse() {
                Ok(held) => Ok(Answer::Held(held)),
                Err(_) => bail!("{url} answers 409 without the size that it has seen: {line}"),
            },
            422 => Ok(Answer::Contradicts(line)),
            404 => bail!("{url} does not know this log; ask its operator to witness it"),
            429 => bail!("{url} is asked too often; ask again later"),
            status => bail!("{url} answers {status}: {line}"),
        }
    }
}
