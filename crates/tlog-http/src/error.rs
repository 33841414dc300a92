//! Why a file of a published log cannot be fetched over HTTP, and what to do about it.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Longest piece of text from outside that is shown, in characters.
const SHOWN_LEN_MAX: usize = 200;

/// Why a file cannot be fetched. None of these says anything about the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL is https, and this was built without the feature `tls`.
    #[error(
        "`{url}` needs TLS, and this program was built without TLS; build it with the feature `tls`"
    )]
    NoTls {
        /// The URL.
        url: String,
    },
    /// There is no certificate to trust.
    #[error(
        "the TLS certificates of this machine cannot be read: {cause}; name a file of them in SSL_CERT_FILE"
    )]
    Certificates {
        /// The message of the library below.
        cause: String,
    },
    /// The server cannot be reached, or the connection ends.
    #[error("`{url}` cannot be fetched: {cause}; check the URL and the network, and try again")]
    Connection {
        /// The URL.
        url: String,
        /// The message of the library below.
        cause: String,
    },
    /// The server is not the one that it should be.
    #[error(
        "`{url}` cannot be fetched safely: {cause}; the certificates of this machine count, or \
         those in the file that SSL_CERT_FILE names"
    )]
    Tls {
        /// The URL.
        url: String,
        /// The message of the library below.
        cause: String,
    },
    /// The answer is not there in time.
    #[error(
        "`{url}` did not come within {} s; try again, or wait longer with --timeout SECONDS",
        .timeout.as_secs()
    )]
    Timeout {
        /// The URL.
        url: String,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// What comes is no HTTP, or cannot be unpacked.
    #[error("the answer for `{url}` cannot be read: {cause}; is this the URL of a published log?")]
    Answer {
        /// The URL.
        url: String,
        /// The message of the library below.
        cause: String,
    },
    /// The server asks for a password, or forbids.
    #[error("the server refuses `{url}` with status {status}; ask who runs it for access")]
    Refused {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server fails, or is asked too often.
    #[error(
        "the server has failed {tries} times to give `{url}`, last with status {status}; try again later"
    )]
    Unavailable {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How often it was asked for.
        tries: u32,
    },
    /// A status that says neither that the file is there nor that it is not.
    #[error("the server answers status {status} for `{url}`; is this the URL of a published log?")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// One redirect after another.
    #[error(
        "`{url}` leads from one URL to the next more than {max} times; give the one it ends at"
    )]
    Redirects {
        /// The URL.
        url: String,
        /// Redirects that are followed.
        max: u32,
    },
    /// A redirect to where nothing is fetched from.
    #[error(
        "`{url}` leads to `{to}`, which is not followed: http and https are, but never from https \
         to http"
    )]
    Redirect {
        /// The URL.
        url: String,
        /// Where it leads to.
        to: String,
    },
    /// An encoding other than gzip.
    #[error(
        "`{url}` comes in an encoding that was not asked for; the server must give the files as \
         they were published"
    )]
    Encoding {
        /// The URL.
        url: String,
    },
}

impl From<HttpError> for io::Error {
    /// Of a kind that says nothing about the log.
    fn from(error: HttpError) -> Self {
        let kind = match error {
            HttpError::Timeout { .. } => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::HostUnreachable,
        };
        Self::new(kind, error)
    }
}

/// Text from outside on one short line, without what would steer a terminal.
pub(crate) fn short(text: &str) -> String {
    dataspace_primitives::shown(text).at_most(SHOWN_LEN_MAX).to_string()
}
