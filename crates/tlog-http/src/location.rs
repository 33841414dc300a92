//! Where a log is: in a directory, or under a URL.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;
use ureq::http::Uri;
use ureq::http::uri::Authority;

/// Longest URL of a log, in characters.
pub const URL_LEN_MAX: usize = 2_048;

/// Where a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A published log on a web server.
    Published(LogUrl),
}

/// The URL under which the files of a published log are, or a witness: `http` or `https`, without user,
/// password and query, with a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogUrl(String);

/// The text is no place that a log can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Another scheme.
    #[error("a log is at a directory, or at a URL with https, http or file")]
    Scheme,
    /// A file URL of another machine, or without an absolute path.
    #[error("a file URL is of this machine and has an absolute path: file:///srv/log")]
    FilePath,
    /// Too long, or with characters that a URL does not have.
    #[error("a URL has at most {URL_LEN_MAX} visible ASCII characters; write others as %XX")]
    Characters,
    /// No host.
    #[error("the URL has no host: https://log.example.org/steel/")]
    Host,
    /// A user or password.
    #[error("a URL with a user or password is not taken: a published log is for everybody")]
    User,
    /// A query or fragment.
    #[error("the URL ends with its path: without `?` and `#`")]
    Query,
    /// Anything else.
    #[error("this is no URL")]
    Form,
}

impl Location {
    /// A directory, unless it has a URL's scheme.
    ///
    /// # Errors
    /// [`LocationError`] if it has one, and is no URL that a log can be at.
    pub fn parse(text: OsString) -> Result<Self, LocationError> {
        let Some((scheme, rest)) = text.to_str().and_then(|text| text.split_once("://")) else {
            return Ok(Self::Directory(text.into()));
        };
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(is_part) {
            return Ok(Self::Directory(text.into()));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "file" => Ok(Self::Directory(file_path(rest)?)),
            scheme @ ("http" | "https") => Ok(Self::Published(LogUrl::parse(scheme, rest)?)),
            _ => Err(LocationError::Scheme),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(dir) => dir.display().fmt(f),
            Self::Published(url) => url.fmt(f),
        }
    }
}

impl FromStr for LogUrl {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        match Location::parse(text.into())? {
            Location::Published(url) => Ok(url),
            Location::Directory(_) => Err(LocationError::Scheme),
        }
    }
}

impl LogUrl {
    fn parse(scheme: &str, rest: &str) -> Result<Self, LocationError> {
        let mut url = format!("{scheme}://{rest}");
        if url.len() >= URL_LEN_MAX || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(LocationError::Characters);
        }
        if rest.contains(['?', '#']) {
            return Err(LocationError::Query);
        }
        if !url.ends_with('/') || rest.is_empty() {
            url.push('/');
        }
        let uri: Uri = url.parse().map_err(|_| LocationError::Form)?;
        let authority = uri.authority().ok_or(LocationError::Host)?;
        if authority.as_str().contains('@') {
            return Err(LocationError::User);
        }
        if authority.host().is_empty() {
            return Err(LocationError::Host);
        }
        if !is_server(authority) {
            return Err(LocationError::Form);
        }
        Ok(Self(url))
    }

    /// Returns true if it needs TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The URL of one file of the log.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns true if it is a host, with a port or without, and no more.
pub(crate) fn is_server(authority: &Authority) -> bool {
    let host = authority.host();
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_end = |end: &str| end.is_empty() || end.strip_prefix(':').is_some_and(is_port);
    !host.is_empty() && authority.as_str().strip_prefix(host).is_some_and(is_end)
}

/// The path of a file URL, from what follows its scheme (RFC 8089).
fn file_path(rest: &str) -> Result<PathBuf, LocationError> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(LocationError::FilePath);
    }
    if path.contains(['?', '#']) {
        return Err(LocationError::Query);
    }
    let (mut bytes, mut left) = (Vec::new(), path.bytes());
    while let Some(byte) = left.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(left.next()?).to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                let value = value.and_then(|value| u8::try_from(value).ok());
                value.filter(|value| *value != 0).ok_or(LocationError::Form)?
            }
            byte => byte,
        });
    }
    Ok(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, LocationError> {
        Location::parse(text.into())
    }

    #[test]
    fn a_path_is_a_directory() {
        for text in [
            "dataspace-demo/mill/node",
            "/srv/a log",
            "",
            "http",
            "http:/x",
            "://x",
            "a b://x",
            "./http://x",
        ] {
            assert_eq!(parse(text), Ok(Location::Directory(text.into())), "{text}");
        }
    }

    #[test]
    fn a_file_url_is_a_directory() {
        for (text, path) in [
            ("file:///srv/log/", "/srv/log/"),
            ("FILE://localhost/srv/log", "/srv/log"),
            ("file:///srv/a%20log%2f", "/srv/a log/"),
        ] {
            assert_eq!(parse(text), Ok(Location::Directory(path.into())), "{text}");
        }
        for text in ["file://srv/log", "file://", "file://localhost"] {
            assert_eq!(parse(text), Err(LocationError::FilePath), "{text}");
        }
        for text in ["file:///a%", "file:///a%4", "file:///a%zz", "file:///a%00"] {
            assert_eq!(parse(text), Err(LocationError::Form), "{text}");
        }
    }

    #[test]
    fn a_url_of_a_log_ends_with_a_slash() {
        for (text, url) in [
            ("https://log.example.org", "https://log.example.org/"),
            ("HTTPS://log.example.org/steel", "https://log.example.org/steel/"),
            ("http://[::1]:8080/steel/", "http://[::1]:8080/steel/"),
        ] {
            let Ok(Location::Published(parsed)) = parse(text) else { panic!("{text}") };
            assert_eq!(parsed.of("checkpoint"), format!("{url}checkpoint"));
            assert_eq!(parsed.is_https(), url.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_url_of_a_log_is_refused() {
        let long = format!("http://h/{}", "a".repeat(URL_LEN_MAX));
        for (text, error) in [
            ("ftp://log.example.org/", LocationError::Scheme),
            ("https://", LocationError::Form),
            ("https:///steel", LocationError::Form),
            ("https://:443/steel", LocationError::Host),
            ("https://me:secret@log.example.org/", LocationError::User),
            ("https://log.example.org/?a", LocationError::Query),
            ("https://log.example.org/#a", LocationError::Query),
            ("https://log.example.org/a b", LocationError::Characters),
            ("https://log.example.org/\u{1b}[2J", LocationError::Characters),
            ("https://log.example.org:port/", LocationError::Form),
            ("https://log.example.org:99999/", LocationError::Form),
            (long.as_str(), LocationError::Characters),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
