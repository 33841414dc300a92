//! The files of a published log over HTTP.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dataspace_tlog::StaticFiles;
use flate2::read::MultiGzDecoder;
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use crate::agent::configured;
use crate::error::{HttpError, short};
use crate::location::{LogUrl, URL_LEN_MAX, is_server};

const TRIES_MAX: u32 = 3;
/// How long to wait before a file is asked for again, each time.
const PAUSES: [Duration; TRIES_MAX as usize - 1] =
    [Duration::from_millis(200), Duration::from_secs(1)];
/// The longest wait that a server may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: u32 = 3;
/// Files that are fetched at once, or wait to be looked at: eight bundles and their tiles.
const AHEAD_MAX: usize = 16;
/// How much longer a file may be as gzip, which says so where it cannot make it shorter.
const GZIP_LEN_MAX: u64 = 64 << 10;
/// What is read of a page that says why there is no file, so that its connection can be used again.
const PAGE_LEN_MAX: u64 = 16 << 10;

/// The files of the log under one URL. Nothing that the server says is believed: the log's operator
/// has signed what the files lead to.
///
/// A server that failed is asked no more, since a check of a whole log would wait for each file: every
/// later read gives the same [`HttpError`]. Clones share that, and the files that are on their way.
#[derive(Clone, Debug)]
pub struct HttpFiles {
    server: Server,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    ahead: HashMap<String, Fetching>,
    /// Why the server is asked no more.
    failure: Option<HttpError>,
}

/// A file that is on its way, or here already.
type Fetching = JoinHandle<(Result<bool, HttpError>, Vec<u8>)>;

/// Whom to ask, and how.
#[derive(Clone, Debug)]
struct Server {
    url: LogUrl,
    agent: Agent,
    timeout: Duration,
}

/// The server's answer.
enum Answer {
    File,
    Nothing,
    Elsewhere(String),
}

/// A request that failed.
struct Failed {
    error: HttpError,
    /// How long to wait at least before it is made again, if that may help.
    passes: Option<Duration>,
}

impl HttpFiles {
    /// `timeout` is for one request, from its beginning to the end of its answer.
    ///
    /// # Errors
    /// [`HttpError::NoTls`] or [`HttpError::Certificates`] if the URL needs TLS, and there is none.
    pub fn new(url: LogUrl, timeout: Duration) -> Result<Self, HttpError> {
        let config = configured(&url, timeout)?
            .accept("*/*")
            // As C2SP tlog-tiles asks of clients.
            .accept_encoding("gzip, identity")
            .max_idle_connections_per_host(AHEAD_MAX);
        let server = Server { url, agent: config.build().into(), timeout };
        Ok(Self { server, shared: Arc::default() })
    }

    /// The URL under which the files are.
    #[must_use]
    pub fn url(&self) -> &LogUrl {
        &self.server.url
    }

    /// What a thread that panicked left is whole: each change is one step.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> Result<bool, HttpError> {
        let expected = {
            let mut shared = self.shared();
            if let Some(failure) = &shared.failure {
                return Err(failure.clone());
            }
            shared.ahead.remove(path)
        };
        let fetched = match expected.and_then(|fetching| fetching.join().ok()) {
            Some((fetched, found)) => {
                *bytes = found;
                fetched
            }
            None => self.server.fetch(path, len_max, bytes),
        };
        if let Err(error) = &fetched {
            self.shared().failure = Some(error.clone());
        }
        fetched
    }
}

impl StaticFiles for HttpFiles {
    /// An error holds an [`HttpError`].
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        Ok(self.read(path, len_max, bytes)?)
    }

    /// Fetches the file in a thread of its own, unless many are on their way.
    fn expect(&self, path: &str, len_max: usize) {
        let Shared { ahead, failure } = &mut *self.shared();
        if failure.is_some() || ahead.len() >= AHEAD_MAX || ahead.contains_key(path) {
            return;
        }
        let (server, expected) = (self.server.clone(), path.to_owned());
        let fetch = move || {
            let mut bytes = Vec::new();
            (server.fetch(&expected, len_max, &mut bytes), bytes)
        };
        // Whatever keeps a thread from being started, the file is fetched when it is asked for.
        if let Ok(fetching) = thread::Builder::new().spawn(fetch) {
            ahead.insert(path.to_owned(), fetching);
        }
    }
}

impl Server {
    fn fetch(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> Result<bool, HttpError> {
        let url = self.url.of(path);
        let mut pauses = PAUSES.into_iter();
        loop {
            let failed = match self.follow(&url, len_max, bytes) {
                Ok(is_there) => return Ok(is_there),
                Err(failed) => failed,
            };
            match (failed.passes, pauses.next()) {
                (Some(asked), Some(pause)) => thread::sleep(pause.max(asked.min(PAUSE_MAX))),
                _ => return Err(failed.error),
            }
        }
    }

    /// Asks for the file, and once more where the server leads to.
    fn follow(&self, url: &str, len_max: usize, bytes: &mut Vec<u8>) -> Result<bool, Failed> {
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            match self.get(&at, len_max, bytes)? {
                Answer::File => return Ok(true),
                Answer::Nothing => return Ok(false),
                Answer::Elsewhere(to) => {
                    at = redirected(&at, &to)
                        .ok_or_else(|| HttpError::Redirect { url: short(&at), to: short(&to) })?;
                }
            }
        }
        Err(HttpError::Redirects { url: url.to_owned(), max: REDIRECTS_MAX }.into())
    }

    fn get(&self, url: &str, len_max: usize, bytes: &mut Vec<u8>) -> Result<Answer, Failed> {
        bytes.clear();
        let answered = self.agent.get(url).call();
        let mut response = answered.map_err(|error| self.failed(url, error))?;
        let status = response.status();
        if status == StatusCode::OK {
            let is_gzip = match header_text(&response, header::CONTENT_ENCODING) {
                Some(name) if name.eq_ignore_ascii_case("gzip") => true,
                Some(name) if !name.eq_ignore_ascii_case("identity") => {
                    return Err(HttpError::Encoding { url: short(url) }.into());
                }
                _ => false,
            };
            let limit = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
            let mut body = response.body_mut().as_reader().take(limit.saturating_add(GZIP_LEN_MAX));
            let read = if is_gzip {
                MultiGzDecoder::new(&mut body).take(limit).read_to_end(bytes)
            } else {
                (&mut body).take(limit).read_to_end(bytes)
            };
            read.map_err(|error| self.unread(url, is_gzip, error))?;
            return Ok(Answer::File);
        }
        let failed = no_file(url, &response);
        // What cannot be read of the page just costs a new connection.
        let _ = io::copy(&mut response.body_mut().as_reader().take(PAGE_LEN_MAX), &mut io::sink());
        match failed {
            Some(failed) => Err(failed),
            None => Ok(match location(&response) {
                Some(to) => Answer::Elsewhere(to.to_owned()),
                None => Answer::Nothing,
            }),
        }
    }

    fn unread(&self, url: &str, is_gzip: bool, error: io::Error) -> Failed {
        match ureq::Error::from(error) {
            // So says the decoder; what is cut off has another kind.
            ureq::Error::Io(error) if is_gzip && error.kind() == io::ErrorKind::InvalidInput => {
                HttpError::Answer { url: short(url), cause: short(&error.to_string()) }.into()
            }
            error => self.failed(url, error),
        }
    }

    fn failed(&self, url: &str, error: ureq::Error) -> Failed {
        use ureq::Error;
        let (url, cause) = (short(url), short(&error.to_string()));
        match error {
            Error::Timeout(_) => HttpError::Timeout { url, timeout: self.timeout }.into(),
            Error::TlsRequired => HttpError::NoTls { url }.into(),
            // So says the TLS below, of certificates and of answers that are not TLS.
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                HttpError::Tls { url, cause }.into()
            }
            Error::Tls(_) => HttpError::Tls { url, cause }.into(),
            #[cfg(feature = "tls")]
            Error::Rustls(_) => HttpError::Tls { url, cause }.into(),
            Error::Io(_) => {
                Failed { error: HttpError::Connection { url, cause }, passes: Some(Duration::ZERO) }
            }
            Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => {
                HttpError::Connection { url, cause }.into()
            }
            _ => HttpError::Answer { url, cause }.into(),
        }
    }
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self { error, passes: None }
    }
}

/// What is wrong with an answer that is not the file; `None` if the file is elsewhere, or is
/// not there.
fn no_file(url: &str, response: &Response<Body>) -> Option<Failed> {
    let status = response.status();
    let (shown, number) = (short(url), status.as_u16());
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => None,
        _ if location(response).is_some() => None,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some(HttpError::Refused { url: shown, status: number }.into())
        }
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            let asked = header_text(response, header::RETRY_AFTER);
            let asked = asked.and_then(|text| text.parse().ok()).unwrap_or_default();
            let error = HttpError::Unavailable { url: shown, status: number, tries: TRIES_MAX };
            Some(Failed { error, passes: Some(Duration::from_secs(asked)) })
        }
        _ => Some(HttpError::Status { url: shown, status: number }.into()),
    }
}

fn header_text(response: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Where the file is instead, as the server says.
fn location(response: &Response<Body>) -> Option<&str> {
    header_text(response, header::LOCATION).filter(|_| response.status().is_redirection())
}

/// Where a server leads to from the URL `from`; `None` if that is nowhere to go.
fn redirected(from: &str, to: &str) -> Option<String> {
    if to.is_empty() || to.len() > URL_LEN_MAX || !to.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let (to, _) = to.split_once('#').unwrap_or((to, ""));
    let base: Uri = from.parse().ok()?;
    let (scheme, host) = (base.scheme_str()?, base.authority()?);
    let first = to.split(['/', '?']).next().unwrap_or_default();
    let to = if first.contains(':') {
        to.to_owned()
    } else if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if to.starts_with('/') {
        format!("{scheme}://{host}{to}")
    } else {
        let (dir, _) = base.path().rsplit_once('/')?;
        format!("{scheme}://{host}{dir}/{to}")
    };
    let uri: Uri = to.parse().ok()?;
    let is_open = match uri.scheme_str()? {
        "https" => true,
        "http" => scheme == "http",
        _ => false,
    };
    (is_open && uri.authority().is_some_and(is_server)).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_http_or_https_and_never_back() {
        let from = "https://a.example/logs/steel/checkpoint";
        for (to, expected) in [
            ("https://b.example/x", "https://b.example/x"),
            ("//b.example/x", "https://b.example/x"),
            ("/x?y#z", "https://a.example/x?y"),
            ("x", "https://a.example/logs/steel/x"),
            ("HTTPS://b.example/x", "HTTPS://b.example/x"),
        ] {
            assert_eq!(redirected(from, to).as_deref(), Some(expected), "{to}");
        }
        for to in [
            "http://a.example/x",
            "file:///etc/passwd",
            "ftp://a.example/x",
            "javascript:1",
            "https:///x",
            "https://me@b.example/x",
            "",
            "/\u{1b}[2J",
            "/ x",
        ] {
            assert_eq!(redirected(from, to), None, "{to}");
        }
        let from = "http://a.example/checkpoint";
        assert!(redirected(from, "http://b.example/").is_some());
        assert!(redirected(from, "https://b.example/").is_some());
    }
}
