//! The witness as logs and other witnesses' tools meet it: over loopback.
#![cfg(test)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    Checkpoint, Event, Record, TreeSize, Witness,
    note::WitnessKey,
    tree::ConsistencyProof,
    witness::{AddCheckpoint, SeenDirectory, origin_hash},
};

struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

/// Kills its process when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    key: WitnessKey,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

fn origin() -> Origin {
    Origin::new(key(1).did()).unwrap()
}

fn dataspace(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
    command.current_dir(dir);
    command
}

fn write_key(dir: &Path, mode: u32) {
    fs::write(dir.join("key"), format!("{}\n", "15".repeat(32))).unwrap();
    fs::set_permissions(dir.join("key"), fs::Permissions::from_mode(mode)).unwrap();
}

fn start(dir: &Path) -> Server {
    start_with(dir, &[])
}

fn start_with(dir: &Path, more: &[&str]) -> Server {
    write_key(dir, 0o600);
    let mut command = dataspace(dir);
    command.args(["witness", "--listen", "127.0.0.1:0", "--key", "key", "--state", "state"]);
    command.args(["--name", "witness.example/w1", "--log", origin().as_str()]);
    let told = OpenOptions::new().create(true).append(true).open(dir.join("told")).unwrap();
    let mut child = command.args(more).stdout(Stdio::piped()).stderr(told).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut after = |label: &str| {
        let line = lines.find(|line| line.contains(label)).expect("the witness has ended");
        line.split_whitespace().last().unwrap().to_owned()
    };
    let key = after("verifier key").parse().unwrap();
    let address = after("listening on").trim_start_matches("http://").parse().unwrap();
    Server { child, address, key }
}

/// Sends bytes and reads until the other side closes.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // The other side may answer and close before it has read everything.
    let _written = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn ask(server: &Server, method: &str, path: &str, body: &[u8]) -> Answer {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    parse(&exchange(server.address, &[head.as_bytes(), body].concat()))
}

fn parse(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: "));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: body.to_owned(),
    }
}

fn record(branch: u8, n: u64) -> Record {
    let (id, class) = (format!("product {n}").parse().unwrap(), "tests".parse().unwrap());
    let descriptor = Digest::of(&[branch]);
    Record::new(UnixMillis::MIN, Event::Product { id, class, descriptor, forbids: Vec::new() })
}

fn log(dir: &Path, name: &str) -> Log {
    Log::create(&dir.join(name), origin()).unwrap()
}

/// The log grown to `size`, and the request for its checkpoint.
fn grow(log: &Log, branch: u8, old: u64, size: u64) -> (Checkpoint, String) {
    for n in log.size().unwrap().as_u64()..size {
        let _appended = log.append(&record(branch, n)).unwrap();
    }
    let checkpoint = log.checkpoint(&key(1)).unwrap();
    let proof = log.consistency_proof(TreeSize::new(old), TreeSize::new(size));
    let (from, to) = (TreeSize::new(old), TreeSize::new(size));
    let proof = proof.unwrap_or(ConsistencyProof { from, to, path: vec![] });
    let body = AddCheckpoint::body(&proof, &checkpoint);
    (checkpoint, body)
}

fn add(server: &Server, body: &str) -> Answer {
    ask(server, "POST", "/add-checkpoint", body.as_bytes())
}

#[test]
fn a_log_gets_its_cosignatures_and_others_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (server, log) = (start(dir.path()), log(dir.path(), "log"));
    let path = format!("/{}/checkpoint", origin_hash(&origin()));
    assert_eq!(ask(&server, "GET", &path, b"").status, 404);
    let mut old = 0;
    for size in [3, 4, 9] {
        let (checkpoint, body) = grow(&log, 0, old, size);
        let answer = add(&server, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let keys = [server.key.clone()];
        let cosigned = checkpoint.with_cosignatures(&answer.body, &keys).unwrap();
        assert!(server.key.find(&cosigned).unwrap().is_some());
        let shown = ask(&server, "GET", &path, b"");
        assert_eq!((shown.status, shown.body.as_str()), (200, cosigned.as_note()));
        old = size;
    }
    let conflict = add(&server, &grow(&log, 0, 4, 9).1);
    let shown = (conflict.status, conflict.content_type.as_str(), conflict.body.as_str());
    assert_eq!(shown, (409, "text/x.tlog.size", "9\n"));
}

#[test]
fn several_requests_go_over_one_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (server, log) = (start(dir.path()), log(dir.path(), "log"));
    let mut stream = TcpStream::connect(server.address).unwrap();
    let mut read = BufReader::new(stream.try_clone().unwrap());
    let mut old = 0;
    for size in [1, 2, 3] {
        let (_, body) = grow(&log, 0, old, size);
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.starts_with('\u{2014}')) {
            let mut line = String::new();
            assert_ne!(read.read_line(&mut line).unwrap(), 0, "closed: {lines:?}");
            lines.push(line);
        }
        assert!(lines[0].starts_with("HTTP/1.1 200"), "{lines:?}");
        old = size;
    }
}

#[test]
fn a_fork_is_refused_kept_and_shown_to_a_third_person() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let (one, other) = (log(dir.path(), "one"), log(dir.path(), "other"));
    assert_eq!(add(&server, &grow(&one, 0, 0, 5).1).status, 200);
    assert_eq!(add(&server, &grow(&other, 1, 5, 5).1).status, 422);
    let proof = format!("state/{}.fork", origin_hash(&origin()));
    let verify = |log: &str| {
        let mut command = dataspace(dir.path());
        command.args(["verify-fork", &proof, "--log", log]).output().unwrap()
    };
    let shown = verify(origin().as_str());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains("two different histories of 5 records"));
    let foreign = verify(key(2).did().as_str());
    assert_eq!(foreign.status.code(), Some(2));
    assert!(String::from_utf8(foreign.stderr).unwrap().contains("proves nothing"));
}

/// The lines that the witness told its operator.
fn told(dir: &Path) -> Vec<String> {
    fs::read_to_string(dir.join("told")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_operator_is_told_of_each_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (server, one, other) = (start(dir), log(dir, "one"), log(dir, "other"));
    let accepted = |body: &str| assert_eq!(add(&server, body).status, 200);
    accepted(&grow(&one, 0, 0, 5).1);
    assert_eq!(add(&server, &grow(&one, 0, 3, 7).1).status, 409);
    accepted(&grow(&one, 0, 5, 7).1);
    assert_eq!(add(&server, &grow(&other, 1, 7, 9).1).status, 422);
    assert_eq!(add(&server, "old 0\n\nno \u{1b}[2Knote\n").status, 400);
    let origin = origin();
    let file = format!("state/{}.fork", origin_hash(&origin));
    let lines = told(dir);
    let expected = [
        ("accepted", format!("{origin} from 0 to 5 records")),
        ("refused", format!("{origin} from 3 to 7 records: the proof starts at 3 records")),
        ("accepted", format!("{origin} from 5 to 7 records")),
        ("fork", format!("{origin} from 7 to 9 records: the operator signed two histories")),
        ("refused", "malformed checkpoint".to_owned()),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (label, part)) in lines.iter().zip(expected) {
        let mut words = line.split_whitespace();
        assert!(words.next().unwrap().parse::<UnixMillis>().is_ok(), "{line}");
        assert_eq!(words.next(), Some(label), "{line}");
        assert!(line.contains(&part) && !line.contains('\u{1b}'), "{part} is not in {line}");
    }
    // Two histories of different sizes, and the proof is the one that the line names.
    assert!(lines[3].contains(&format!("verify-fork {file} --log {origin}")), "{}", lines[3]);
    let mut verify = dataspace(dir);
    verify.args(["verify-fork", &file, "--log", origin.as_str()]);
    let shown = String::from_utf8(verify.output().unwrap().stdout).unwrap();
    assert!(shown.contains("9 records does not begin with the one of 7"), "{shown}");
}

#[test]
fn a_fork_that_a_request_cannot_show_is_shown_by_the_kept_checkpoint_and_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (server, one, other) = (start(dir), log(dir, "one"), log(dir, "other"));
    assert_eq!(add(&server, &grow(&one, 0, 0, 8).1).status, 200);
    assert_eq!(add(&server, &grow(&other, 1, 8, 9).1).status, 422);
    let line = told(dir).pop().unwrap();
    assert!(line.contains("refused") && line.contains("`dataspace audit compare`"), "{line}");
    let kept = format!("state/{}.checkpoint", origin_hash(&origin()));
    assert!(!dir.join("state").join(format!("{}.fork", origin_hash(&origin()))).exists());
    drop((server, other));
    let mut compare = dataspace(dir);
    let output = compare.args(["audit", "compare", &kept, "other", "-o", "fork"]).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("two histories"), "{said}");
}

#[test]
fn what_is_no_request_of_the_protocol_is_refused_and_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (server, log) = (start(dir.path()), log(dir.path(), "log"));
    let (_, good) = grow(&log, 0, 0, 3);
    for (method, path, body, status) in [
        ("POST", "/add-checkpoint", "", 400),
        ("POST", "/add-checkpoint", "old 0\n\nhello\n", 400),
        ("GET", "/add-checkpoint", "", 405),
        ("PUT", "/add-checkpoint", good.as_str(), 405),
        ("POST", "/add-checkpoint/", good.as_str(), 404),
        ("POST", "/00/checkpoint", "", 405),
        ("GET", "/00/checkpoint", "", 404),
        ("GET", "/../lock/checkpoint", "", 404),
        ("GET", "/checkpoint", "", 404),
        ("GET", "/", "", 404),
    ] {
        let answer = ask(&server, method, path, body.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    let giant = vec![b'x'; 1 << 20];
    assert_eq!(ask(&server, "POST", "/add-checkpoint", &giant).status, 413);
    // Without a length, and without an end.
    let mut chunked =
        b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b'x'; 0x1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert!(exchange(server.address, &chunked).starts_with("HTTP/1.1 413"));
    let endless = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    assert!(!exchange(server.address, endless.as_bytes()).contains(" 200 "));
    assert!(!exchange(server.address, b"\x16\x03\x01 not http\r\n\r\n").contains(" 200 "));
    let hangers: Vec<_> = (0..50).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert_eq!(add(&server, &good).status, 200);
    drop(hangers);
}

#[test]
fn a_killed_witness_knows_everything_that_it_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), "log");
    let mut cosigned = 0;
    for round in 0..5_u64 {
        let server = start(dir.path());
        // It says where it stands; what it stored and did not answer is more, never less.
        let probe =
            add(&server, &grow(&log, 0, 0, (cosigned + 1).max(log.size().unwrap().as_u64())).1);
        let mut old = match probe.status {
            200 => log.size().unwrap().as_u64(),
            409 => probe.body.trim().parse().unwrap(),
            status => panic!("{status}: {}", probe.body),
        };
        assert!(old >= cosigned, "rolled back from {cosigned} to {old}");
        for _ in 0..3 + round {
            let size = log.size().unwrap().as_u64() + 1;
            assert_eq!(add(&server, &grow(&log, 0, old, size).1).status, 200);
            old = size;
        }
        cosigned = old;
        // One more request that nobody waits for, and the process dies with it.
        let (_, body) = grow(&log, 0, old, old + 1);
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 2));
        drop(server); // SIGKILL
    }
}

#[test]
fn the_witness_stops_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());
}

fn refused(dir: &Path, args: &[&str]) -> String {
    let Output { status, stderr, .. } = dataspace(dir).args(args).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

/// What a witness of this key says at `now`, into the directory `state`.
fn cosigned_at(dir: &Path, now: &str, body: &str) {
    let key = WitnessKey::new("witness.example/w1", key(0x15).did().public_key().unwrap()).unwrap();
    let store = SeenDirectory::open(&dir.join("state")).unwrap();
    let signer = Box::new(self::key(0x15));
    let witness = Witness::open(key, signer, &[origin()], Box::new(store)).unwrap();
    witness.add_checkpoint(body.as_bytes(), now.parse().unwrap()).unwrap();
}

#[test]
fn a_witness_whose_clock_was_wrong_speaks_again_when_it_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let log = log(dir, "log");
    cosigned_at(dir, "2100-01-01T00:00:00Z", &grow(&log, 0, 0, 3).1);
    let (_, body) = grow(&log, 0, 3, 5);
    let answer = add(&start(dir), &body);
    assert_eq!(answer.status, 500, "{}", answer.body);
    let server = start_with(dir, &["--disregard-times-from", "2099-01-01T00:00:00Z"]);
    assert_eq!(add(&server, &body).status, 200);
    drop(server);
    // From then on it needs no word any more.
    assert_eq!(add(&start(dir), &grow(&log, 0, 5, 6).1).status, 200);
}

#[test]
fn a_witness_that_was_silent_for_years_speaks_again_when_it_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let log = log(dir, "log");
    cosigned_at(dir, "2020-01-01T00:00:00Z", &grow(&log, 0, 0, 3).1);
    let (_, body) = grow(&log, 0, 3, 5);
    let answer = add(&start(dir), &body);
    assert_eq!(answer.status, 500, "{}", answer.body);
    let server = start_with(dir, &["--trust-times-until", "2099-01-01T00:00:00Z"]);
    assert_eq!(add(&server, &body).status, 200);
}

#[test]
fn errors_at_start_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let log = origin();
    let args = ["witness", "--listen", "127.0.0.1:0", "--key", "key", "--state", "state", "--log"];
    let with = |log: &str| refused(dir.path(), &[&args[..], &[log]].concat());
    assert!(with(log.as_str()).contains("dataspace key new FILE"));
    write_key(dir.path(), 0o644);
    assert!(with(log.as_str()).contains("chmod 600"));
    write_key(dir.path(), 0o600);
    assert!(with("example.com/log").contains("an origin is a DID"));
    assert!(with(key(0x15).did().as_str()).contains("an operator is no witness"));
    fs::write(dir.path().join("key"), "secret").unwrap();
    let error = with(log.as_str());
    assert!(error.contains("64 hexadecimal digits") && !error.contains("secret"), "{error}");
    // One directory has one witness.
    let _server = start(dir.path());
    assert!(with(log.as_str()).contains("another process holds this directory"));
}

#[test]
fn the_help_says_all_that_an_operator_needs() {
    let dir = tempfile::tempdir().unwrap();
    let output = dataspace(dir.path()).args(["witness", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in ["--listen", "127.0.0.1:7380", "--key", "--log", "--state", "--name", "key new"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}
