//! Clients that want to keep a witness from answering others: over loopback.
#![cfg(test)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    Event, Record, TreeSize,
    tree::ConsistencyProof,
    witness::{AddCheckpoint, origin_hash},
};

/// Kills its process when dropped.
struct Server(Child, SocketAddr);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

fn origin() -> Origin {
    Origin::new(key(1).did()).unwrap()
}

fn start(dir: &Path, more: &[&str], stderr: Stdio) -> Server {
    fs::write(dir.join("key"), format!("\u{feff}{}\r\n", "15".repeat(32))).unwrap();
    fs::set_permissions(dir.join("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    command.args(["witness", "--listen", "127.0.0.1:0", "--key", "key", "--state", "state"]);
    command.args(["--log", origin().as_str()]).args(more).current_dir(dir);
    let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut lines = lines.filter(|line| line.contains("listening on"));
    let line = lines.next().expect("the witness has ended");
    let address = line.split("http://").last().unwrap().parse().unwrap();
    Server(child, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// The whole answer, as it came.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = connect(address);
    let len = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    let _end = stream.read_to_string(&mut answer);
    answer
}

/// The request for a log of `size` records of this branch.
fn request(dir: &Path, branch: u8, old: u64, size: u64) -> String {
    let log = Log::create(&dir.join(format!("log-{branch}")), origin()).unwrap();
    for n in 0..size {
        let (id, class) = (format!("product {n}").parse().unwrap(), "tests".parse().unwrap());
        let event =
            Event::Product { id, class, descriptor: Digest::of(&[branch]), forbids: Vec::new() };
        let _appended = log.append(&Record::new(UnixMillis::MIN, event)).unwrap();
    }
    let checkpoint = log.checkpoint(&key(1)).unwrap();
    let (from, to) = (TreeSize::new(old), TreeSize::new(size));
    AddCheckpoint::body(&ConsistencyProof { from, to, path: vec![] }, &checkpoint)
}

#[test]
fn clients_that_do_not_read_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[], Stdio::null());
    let good = request(dir.path(), 0, 0, 3);
    let flood = "GET /nothing HTTP/1.1\r\nhost: w\r\n\r\n".repeat(2_000);
    let held: Vec<_> = (0..140)
        .map(|_| {
            let mut stream = connect(server.1);
            stream.set_nonblocking(true).unwrap();
            // As much as the other side takes.
            let _some = stream.write(flood.as_bytes());
            stream
        })
        .collect();
    // The client has asked too often by now; it is told so, or answered.
    let mut answer = String::new();
    for _ in 0..100 {
        answer = ask(server.1, "POST", "/add-checkpoint", &good);
        if answer.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 429"), "{answer}");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(held);
}

#[test]
fn a_client_that_asks_too_often_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &["--requests-per-minute", "3"], Stdio::null());
    for _ in 0..3 {
        assert!(ask(server.1, "GET", "/", "").starts_with("HTTP/1.1 404"));
    }
    let answer = ask(server.1, "GET", "/", "");
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 60"), "{answer}");
}

#[test]
fn a_fork_is_answered_whatever_the_standard_error_does() {
    for (name, stderr) in [("full", "/dev/full"), ("closed", "")] {
        let dir = tempfile::tempdir().unwrap();
        let stderr = match stderr {
            // A pipe that nobody reads.
            "" => {
                let mut gone = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
                let pipe = gone.stdin.take().unwrap();
                gone.wait().unwrap();
                Stdio::from(pipe)
            }
            file => Stdio::from(fs::OpenOptions::new().write(true).open(file).unwrap()),
        };
        let server = start(dir.path(), &[], stderr);
        let first = request(dir.path(), 0, 0, 5);
        let second = request(dir.path(), 1, 5, 5);
        assert!(ask(server.1, "POST", "/add-checkpoint", &first).starts_with("HTTP/1.1 200"));
        let answer = ask(server.1, "POST", "/add-checkpoint", &second);
        assert!(answer.starts_with("HTTP/1.1 422"), "{name}: {answer}");
        let proof = dir.path().join("state").join(format!("{}.fork", origin_hash(&origin())));
        assert!(proof.is_file(), "{name}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[], Stdio::null());
    let path = format!("/{}/checkpoint", origin_hash(&origin()));
    assert!(ask(server.1, "HEAD", &path, "").starts_with("HTTP/1.1 404"));
    let good = request(dir.path(), 0, 0, 3);
    assert!(ask(server.1, "POST", "/add-checkpoint", &good).starts_with("HTTP/1.1 200"));
    let (get, head) = (ask(server.1, "GET", &path, ""), ask(server.1, "HEAD", &path, ""));
    let (head_of_get, body) = get.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head_of_get.contains(&format!("content-length: {}", body.len())));
    assert!(ask(server.1, "DELETE", &path, "").contains("allow: GET, HEAD"));
}
