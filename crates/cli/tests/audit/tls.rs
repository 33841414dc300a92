//! Published logs under https.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::server::{Reply, Server};
use crate::support::{Ran, append, audit, audit_trusting};

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/certificates").join(name)
}

/// Speaks TLS for `server`, with this certificate, until the test ends. Returns its port.
fn secured(server: &Server, name: &str) -> u16 {
    let certificates = CertificateDer::pem_file_iter(certificate(name)).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates.map(Result::unwrap).collect(), key)
        .unwrap();
    let (config, behind) = (Arc::new(config), server.port());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            // A client that does not trust the certificate goes.
            thread::spawn(move || drop(relay(stream, config, behind)));
        }
    });
    port
}

fn relay(stream: TcpStream, config: Arc<ServerConfig>, behind: u16) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = BufReader::new(StreamOwned::new(connection, stream));
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", behind))?);
    loop {
        let (request, _) = head(&mut client)?;
        server.get_mut().write_all(request.as_bytes())?;
        let (reply, len) = head(&mut server)?;
        let mut body = vec![0; len];
        server.read_exact(&mut body)?;
        client.get_mut().write_all(&[reply.as_bytes(), &body].concat())?;
        client.get_mut().flush()?;
    }
}

/// The lines up to the empty one, with that, and the length of the body that they announce.
fn head(from: &mut impl io::BufRead) -> io::Result<(String, usize)> {
    let (mut all, mut len) = (String::new(), 0);
    loop {
        let before = all.len();
        if from.read_line(&mut all)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = all.get(before..).unwrap_or_default().trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            len = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.is_empty() {
            return Ok((all, len));
        }
    }
}

/// A directory with a published log `out` of 300 records in it.
fn published() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..300);
    audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
    dir
}

/// What `verify` says that trusts this authority, of a server with that certificate; and how often
/// the server was asked for something.
fn verified(host: &str, name: &str, authority: &str) -> (Ran, usize) {
    let dir = published();
    let server = Server::of(&dir.path().join("out"));
    let port = secured(&server, name);
    let url = format!("https://{host}:{port}/");
    let args = ["verify", &url, "--timeout", "5", "--json"];
    let ran = audit_trusting(&certificate(authority), dir.path(), &args);
    (ran, server.requests())
}

#[test]
fn a_log_is_verified_from_a_server_with_a_certificate_that_is_trusted() {
    let (ran, _) = verified("127.0.0.1", "server.pem", "authority.pem");
    ran.ends(0);
    assert_eq!((&ran.json()["sound"], &ran.json()["records"]), (&true.into(), &300.into()));
}

#[test]
fn a_server_that_is_not_trusted_is_asked_for_nothing() {
    for (host, name, authority) in [
        ("127.0.0.1", "server.pem", "other-authority.pem"),
        ("127.0.0.1", "expired.pem", "authority.pem"),
        // Another name than the certificate's.
        ("localhost", "server.pem", "authority.pem"),
    ] {
        let (ran, requests) = verified(host, name, authority);
        let said = ran.ends(2);
        assert!(said.contains("certificate"), "{said}");
        assert_eq!(requests, 0, "{said}");
    }
}

#[test]
fn without_any_certificate_nobody_is_trusted() {
    let (ran, requests) = verified("127.0.0.1", "server.pem", "README.md");
    let said = ran.ends(2);
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(requests, 0);
}

#[test]
fn a_redirect_leads_from_http_to_https_and_not_back() {
    let dir = published();
    let plain = Server::of(&dir.path().join("out"));
    let secure = secured(&plain, "server.pem");
    let leads = |to: String| {
        move |path: &str, _| {
            let location = format!("302 Found\r\nlocation: {to}{path}");
            Some(Reply::Status(Box::leak(location.into_boxed_str())))
        }
    };
    let trusting = |url: &str| {
        let args = ["verify", url, "--timeout", "5"];
        audit_trusting(&certificate("authority.pem"), dir.path(), &args)
    };
    let up = Server::but(dir.path(), leads(format!("https://127.0.0.1:{secure}/")));
    trusting(&up.url()).ends(0);
    let down = Server::but(dir.path(), leads(plain.url()));
    let before = plain.requests();
    let said = trusting(&format!("https://127.0.0.1:{}/", secured(&down, "server.pem"))).ends(2);
    assert!(said.contains("not followed"), "{said}");
    assert_eq!(plain.requests(), before);
}
