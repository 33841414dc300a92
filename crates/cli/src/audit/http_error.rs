//! Why a file of a published log cannot be had over HTTP, and what to do about it.

use std::time::Duration;

use thiserror::Error;

/// Longest piece of text from outside that is shown, in characters.
const SHOWN_LEN_MAX: usize = 200;

/// Why a file cannot be had. None of these says anything about the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum HttpError {
    #[error(
        "`{url}` needs TLS, and this program was built without TLS; build it with the feature `tls`"
    )]
    NoTls { url: String },
    #[cfg(feature = "tls")]
    #[error(
        "the TLS certificates of this machine cannot be read: {cause}; name a file of them in SSL_CERT_FILE"
    )]
    Certificates { cause: String },
    #[error("`{url}` cannot be fetched: {cause}; check the URL and the network, and try again")]
    Connection { url: String, cause: String },
    #[error(
        "`{url}` cannot be fetched safely: {cause}; the certificates of this machine count, or \
         those in the file that SSL_CERT_FILE names"
    )]
    Tls { url: String, cause: String },
    #[error(
        "`{url}` did not come within {} s; try again, or wait longer with --timeout SECONDS",
        .timeout.as_secs()
    )]
    Timeout { url: String, timeout: Duration },
    #[error("the answer for `{url}` cannot be read: {cause}; is this the URL of a published log?")]
    Answer { url: String, cause: String },
    #[error("the server refuses `{url}` with status {status}; ask who runs it for access")]
    Refused { url: String, status: u16 },
    #[error(
        "the server has failed {tries} times to give `{url}`, last with status {status}; try again later"
    )]
    Unavailable { url: String, status: u16, tries: u32 },
    #[error("the server answers status {status} for `{url}`; is this the URL of a published log?")]
    Status { url: String, status: u16 },
    #[error(
        "`{url}` leads from one URL to the next more than {max} times; give the one it ends at"
    )]
    Redirects { url: String, max: u32 },
    #[error(
        "`{url}` leads to `{to}`, which is not followed: http and https are, but never from https \
         to http"
    )]
    Redirect { url: String, to: String },
    #[error(
        "`{url}` comes in an encoding that was not asked for; the server must give the files as \
         they were published"
    )]
    Encoding { url: String },
}

/// Text from outside on one short line, without what would steer a terminal.
pub(super) fn short(text: &str) -> String {
    dataspace_primitives::shown(text).at_most(SHOWN_LEN_MAX).to_string()
}
