//! A web server for published logs that can be told to misbehave.

use std::io::{self, BufRead as _, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is said instead of a file.
pub(crate) enum Reply {
    /// These bytes, headers and all; then the connection ends.
    Raw(Vec<u8>),
    /// These bytes, and then one of them again and again, as fast or as slow as told.
    Endless(Vec<u8>, Duration),
    /// A status and headers, without a body; the connection stays.
    Status(&'static str),
    /// These headers and this body, as it should be.
    Body(&'static str, Vec<u8>),
}

/// Decides by path, and by how often it was asked for, from 0 on.
type Instead = Box<dyn Fn(&str, usize) -> Option<Reply> + Send + Sync>;

struct Shared {
    root: PathBuf,
    instead: Instead,
    stop: AtomicBool,
    asked: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

/// Serves until dropped.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

impl Server {
    /// Serves the directory `root`.
    pub(crate) fn of(root: &Path) -> Self {
        Self::but(root, |_, _| None)
    }

    /// Serves the directory `root`, but what `instead` gives instead.
    pub(crate) fn but(
        root: &Path,
        instead: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            instead: Box::new(instead),
            stop: AtomicBool::new(false),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let here = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if here.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                here.connections.fetch_add(1, Ordering::SeqCst);
                let here = Arc::clone(&here);
                // A client may go at any time.
                thread::spawn(move || drop(here.connection(&stream)));
            }
        });
        Self { port, shared }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the log.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How often the file was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.shared.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn connection(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        while let Some(request) = lines.next().transpose()? {
            let mut agent = String::new();
            for header in lines.by_ref() {
                let header = header?;
                if header.is_empty() {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("user-agent:") {
                    value.trim().clone_into(&mut agent);
                }
            }
            if !request.starts_with("GET /") || !agent.starts_with("dataspace/") {
                write!(stream, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?;
                continue;
            }
            let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
            let before = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(path.to_owned());
                asked.iter().filter(|one| *one == path).count() - 1
            };
            match (self.instead)(path, before) {
                None => match std::fs::read(self.root.join(path)) {
                    Ok(bytes) => send(stream, "200 OK", &bytes)?,
                    Err(_) => send(stream, "404 Not Found", b"no such file\n")?,
                },
                Some(Reply::Body(head, body)) => {
                    send(stream, &format!("200 OK\r\n{head}"), &body)?;
                }
                Some(Reply::Status(head)) => send(stream, head, b"")?,
                Some(Reply::Raw(bytes)) => {
                    stream.write_all(&bytes)?;
                    return stream.shutdown(Shutdown::Both);
                }
                Some(Reply::Endless(bytes, pause)) => {
                    stream.write_all(&bytes)?;
                    while !self.stop.load(Ordering::SeqCst) {
                        thread::sleep(pause);
                        let len = if pause.is_zero() { 4_096 } else { 1 };
                        stream.write_all(&vec![b'0'; len])?;
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn send(mut stream: &TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    let mut bytes =
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)
}
