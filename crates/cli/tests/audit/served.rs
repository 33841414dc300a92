//! Published logs that a web server gives, well and badly.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::{Reply, Server};
use crate::support::{append, audit, demo, files, origin};

/// A directory with a published log `out` of 700 records in it.
fn published() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..700);
    audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
    dir
}

/// What `verify` says of a server that gives something else for `path`, and ends with, in no time.
fn verified(
    code: i32,
    path: &'static str,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
) -> String {
    let dir = published();
    let server = Server::but(&dir.path().join("out"), move |asked, _| (asked == path).then(&reply));
    let began = now();
    let url = server.url();
    let said = audit(dir.path(), &["verify", &url, "--timeout", "1"]).ends(code);
    assert!(said.contains(&url), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    if code == 1 {
        let json = audit(dir.path(), &["verify", &url, "--timeout", "1", "--json"]);
        json.ends(code);
        assert_eq!(json.json()["sound"], false);
    }
    let verbs = [
        &["export", &url, "--to", "mirror", "--timeout", "1"][..],
        &["show", &url, "--timeout", "1"],
        &["prove", &url, "3", "-o", "proof", "--timeout", "1"],
    ];
    // Of a server that fails, one is enough to wait for.
    for args in verbs.iter().take(if code == 1 { 3 } else { 1 }) {
        let ran = audit(dir.path(), args);
        assert!(!ran.err.contains("panicked") && ran.code <= 2, "{}", ran.err);
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    said
}

#[expect(clippy::disallowed_methods, reason = "it is measured that the time is bounded")]
fn now() -> Instant {
    Instant::now()
}

const BUNDLE: &str = "tile/entries/001";
const TILE: &str = "tile/0/001";

#[test]
fn a_served_log_is_what_its_directory_is() {
    let dir = demo();
    let authority = "demo/authority.did";
    audit(dir.path(), &["export", "demo/mill/node", "--to", "copied"]).ends(0);
    let server = Server::of(&dir.path().join("copied"));
    let url = server.url();
    let note = fs::read_to_string(dir.path().join("copied/checkpoint")).unwrap();
    let log = note.lines().next().unwrap();
    for args in [
        &["verify", "LOG"][..],
        &["verify", "LOG", "--log", log],
        &["verify", "LOG", "--checkpoint", "copied/checkpoint"],
        &["verify", "LOG", "--log", log, "--json"],
        &["verify", "LOG", "--log", origin().as_str()],
        &["show", "LOG"],
        &["show", "LOG", "--json"],
        &["prove", "LOG", "19", "-o", "p"],
        &["prove", "LOG", "5", "-o", "DIR/one"],
        &["prove", "LOG", "--consistency", "copied/checkpoint", "-o", "DIR/two"],
        &["export", "LOG", "--to", "DIR/mirror", "--csv", "DIR/csv", "--jsonl", "DIR/lines"],
        &["replay", "LOG", "--authority", authority],
        &["fsck", "LOG"],
    ] {
        let ran = |at: &str, to: &str| {
            fs::create_dir_all(dir.path().join(to)).unwrap();
            let args: Vec<_> =
                args.iter().map(|arg| arg.replace("LOG", at).replace("DIR", to)).collect();
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let ran = audit(dir.path(), &args);
            let all = format!("{}\n{}", ran.code, ran.ends(ran.code));
            all.replace(at, "LOG").replace(to, "DIR")
        };
        let (there, here) = (ran(&url, "to-one"), ran("copied", "to-two"));
        if args[0] == "fsck" {
            assert!(there.starts_with('2') && there.contains("is a URL"), "{there}");
        } else {
            assert_eq!(there, here, "{args:?}");
        }
    }
    let written = |dir: &Path| {
        let found = files(dir).into_iter();
        found.map(|(path, bytes)| (path.strip_prefix(dir).unwrap().to_owned(), bytes)).collect()
    };
    let (there, here): (Vec<_>, Vec<_>) =
        (written(&dir.path().join("to-one")), written(&dir.path().join("to-two")));
    assert!(there.len() > 6 && there == here);
    let place = format!("file://{}", dir.path().join("copied").display());
    assert!(audit(dir.path(), &["verify", &place]).ends(0).contains("sound"));
}

#[test]
fn connections_are_used_again_and_files_of_a_copy_are_read_twice() {
    let dir = published();
    let server = Server::of(&dir.path().join("out"));
    audit(dir.path(), &["verify", &server.url(), "--log", origin().as_str()]).ends(0);
    assert!(server.requests() > 4, "{}", server.requests());
    // How many wait for one connection at a time depends on the machine.
    assert!(server.connections() < server.requests(), "{}", server.connections());
    let before = server.asked(BUNDLE);
    audit(dir.path(), &["export", &server.url(), "--to", "mirror"]).ends(0);
    assert_eq!(server.asked(BUNDLE) - before, 2);
    audit(dir.path(), &["verify", "mirror"]).ends(0);
}

#[test]
fn files_are_on_their_way_before_they_are_asked_for_and_none_in_vain() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..9_900);
    audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let server = Server::but(&dir.path().join("out"), move |_, _| {
        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(10));
        now.fetch_sub(1, Ordering::SeqCst);
        None
    });
    let url = server.url();
    audit(dir.path(), &["verify", &url]).ends(0);
    let most = most.load(Ordering::SeqCst);
    assert!((4..=16).contains(&most), "{most} at once");
    // Once, to check the log and to look into its records.
    for number in 0..38 {
        let path = format!("{number:03}");
        assert_eq!(server.asked(&format!("tile/entries/{path}")), 1, "{path}");
        assert!((1..=2).contains(&server.asked(&format!("tile/0/{path}"))), "{path}");
    }
    for path in ["tile/entries/038", "tile/0/038", "tile/entries/039", "tile/0/039"] {
        assert_eq!(server.asked(path), 0, "{path}");
    }
    let before = server.requests();
    audit(dir.path(), &["prove", &url, "3000", "-o", "p"]).ends(0);
    assert!(server.requests() - before < 10, "{}", server.requests() - before);
}

#[test]
fn what_is_not_there_is_damage_and_a_log_that_is_not_there_is_none() {
    for path in [BUNDLE, TILE] {
        let said = verified(1, path, || Reply::Status("404 Not Found"));
        assert!(said.contains("is not there"), "{said}");
        verified(1, path, || Reply::Status("410 Gone"));
    }
    let said = verified(2, "checkpoint", || Reply::Status("404 Not Found"));
    assert!(said.contains("there is no log at"), "{said}");
}

#[test]
fn files_of_any_other_content_are_damage() {
    let ok = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    for path in [BUNDLE, TILE, "checkpoint"] {
        // What is no checkpoint at all is another page of the web: the URL is wrong.
        let code = if path == "checkpoint" { 2 } else { 1 };
        for body in [&b""[..], b"\0", b"<html>\x1b[2Jhello</html>", &[0xff; 9_000]] {
            verified(code, path, move || Reply::Body("content-type: text/html", body.to_vec()));
        }
        let ok = ok.clone();
        verified(code, path, move || Reply::Endless(ok.clone(), Duration::ZERO));
    }
}

#[test]
fn answers_that_end_early_are_asked_for_again_and_then_given_up() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\nabc";
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    for (path, bytes) in [(BUNDLE, &cut[..]), (TILE, chunked), ("checkpoint", b"")] {
        let said = verified(2, path, move || Reply::Raw(bytes.to_vec()));
        assert!(said.contains("check the URL and the network"), "{said}");
    }
}

#[test]
fn slow_and_endless_answers_end_in_time() {
    let slow = Duration::from_millis(100);
    for (head, pause) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", slow),
        ("HTTP/1.1 200 OK\r\nx: ", slow),
        ("", Duration::from_secs(20)),
    ] {
        let said = verified(2, TILE, move || Reply::Endless(head.into(), pause));
        assert!(said.contains("--timeout"), "{said}");
    }
    let said =
        verified(2, TILE, || Reply::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), Duration::ZERO));
    assert!(said.contains("cannot be read"), "{said}");
    verified(1, TILE, || {
        Reply::Endless(b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(), Duration::ZERO)
    });
}

#[test]
fn a_server_that_fails_is_asked_three_times() {
    for status in ["500 Internal Server Error", "503 Service Unavailable", "429 Too Many Requests"]
    {
        let said = verified(2, BUNDLE, move || Reply::Status(status));
        assert!(
            said.contains("failed 3 times") && said.contains(status.split(' ').next().unwrap()),
            "{said}"
        );
    }
    let said = verified(2, BUNDLE, || Reply::Status("403 Forbidden"));
    assert!(said.contains("refuses") && said.contains("403"), "{said}");
    for status in ["204 No Content", "206 Partial Content", "302 Found", "418 \u{9b}2J"] {
        let said = verified(2, BUNDLE, move || Reply::Status(status));
        assert!(said.contains(status.split(' ').next().unwrap()), "{said}");
    }
    let dir = published();
    let server = Server::but(&dir.path().join("out"), |_, before| {
        (before < 2).then_some(Reply::Status("503 Service Unavailable\r\nretry-after: 0"))
    });
    // Just so many that the pauses stay short.
    audit(dir.path(), &["prove", &server.url(), "3", "-o", "p"]).ends(0);
    assert!(server.asked("checkpoint") > 2);
}

#[test]
fn redirects_are_followed_a_few_times_and_to_http_alone() {
    let dir = published();
    let real = Server::of(&dir.path().join("out"));
    let to = real.url();
    let lead = |head: String| Reply::Raw(format!("HTTP/1.1 {head}\r\n\r\n").into_bytes());
    let server = Server::but(dir.path(), move |path, _| {
        let head = format!("301 Moved Permanently\r\nlocation: {to}{path}\r\ncontent-length: 0");
        Some(lead(head))
    });
    audit(dir.path(), &["verify", &server.url()]).ends(0);
    let said = verified(2, TILE, || Reply::Status("302 Found\r\nlocation: /tile/0/001"));
    assert!(said.contains("more than 3 times"), "{said}");
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/", "javascript:0", "/\u{1b}[2J", "//\u{202e}"]
    {
        let reply = move || {
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            Reply::Raw(head.into_bytes())
        };
        let said = verified(2, TILE, reply);
        assert!(
            ["not followed", "cannot be read", "status 302"].iter().any(|part| said.contains(part)),
            "{to}: {said}"
        );
    }
}

#[test]
fn what_is_not_http_is_no_log() {
    for garbage in
        [&b"SSH-2.0-OpenSSH_9.9\r\n"[..], b"\x1b[2J\r\n\r\n", b"HTTP/1.1 \xff\r\n\r\n", &[0; 999]]
    {
        verified(2, "checkpoint", move || Reply::Raw(garbage.to_vec()));
        verified(2, BUNDLE, move || Reply::Raw(garbage.to_vec()));
    }
    let said = verified(2, TILE, || Reply::Body("content-encoding: br", vec![1, 2, 3]));
    assert!(said.contains("encoding"), "{said}");
    let said = verified(2, TILE, || Reply::Body("content-encoding: gzip", vec![1; 99]));
    assert!(said.contains("cannot be read"), "{said}");
}

#[test]
fn compressed_files_are_taken() {
    let dir = published();
    let root = dir.path().join("out");
    let server = Server::but(&dir.path().join("out"), move |path, _| {
        let bytes = fs::read(root.join(path)).ok()?;
        Some(Reply::Body("content-encoding: gzip", gzip(&bytes)))
    });
    audit(dir.path(), &["verify", &server.url()]).ends(0);
}

#[test]
fn who_does_not_answer_and_what_is_no_url_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let url = Server::of(dir.path()).url();
    let began = now();
    let said = audit(dir.path(), &["verify", &url]).ends(2);
    assert!(said.contains("cannot be fetched") && said.contains(&url), "{said}");
    assert!(began.elapsed() < Duration::from_secs(10));
    for (url, part) in [
        ("ftp://127.0.0.1/", "https, http or file"),
        ("http://me:secret@127.0.0.1/", "user or password"),
        ("https://", "no URL"),
        ("http://127.0.0.1/\u{1b}[2J", "visible ASCII"),
        ("file://out", "absolute path"),
    ] {
        let said = audit(dir.path(), &["verify", url]).ends(2);
        assert!(said.contains(part), "{said}");
    }
    for verb in ["fsck", "archive"] {
        let more = ["--before", "1", "--to", "x", "--key", "k"];
        let more = if verb == "archive" { &more[..] } else { &[] };
        let said = audit(dir.path(), &[&[verb, url.as_str()], more].concat()).ends(2);
        assert!(said.contains("is a URL"), "{said}");
    }
}

/// The bytes as a gzip file of stored blocks (RFC 1952, RFC 1951 §3.2.4).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for block in bytes.chunks(60_000) {
        let len = u16::try_from(block.len()).unwrap();
        file.push(0);
        file.extend([len.to_le_bytes(), (!len).to_le_bytes()].concat());
        file.extend(block);
    }
    file.extend([1, 0, 0, 0xff, 0xff]);
    let mut sum = !0_u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    file.extend((!sum).to_le_bytes());
    file.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    file
}
