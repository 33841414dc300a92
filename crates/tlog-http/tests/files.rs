//! A published log, read from a web server of the test's own. That a hostile server is found out is
//! shown by the tests of `dataspace audit`.
#![cfg(test)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{Log, PublishDir, Publisher};
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Event, Fault, LeafIndex, LogReader, Record, StaticFiles as _, StaticLog, published::StaticDir,
};
use dataspace_tlog_http::{HttpError, HttpFiles, LocationError, LogUrl};
use tempfile::TempDir;

const RECORDS: u64 = 600;

/// A log of 600 records, published in a directory.
fn published() -> (TempDir, Origin) {
    let dir = tempfile::tempdir().unwrap();
    let operator = SecretKey::from_seed(&mut [1; 32]).unwrap();
    let origin = Origin::new(operator.did()).unwrap();
    let log = Log::create(&dir.path().join("log"), origin.clone()).unwrap();
    let records: Vec<_> = (0..RECORDS)
        .map(|n| {
            let id = format!("product {n}").parse().unwrap();
            let (class, descriptor) = ("steel".parse().unwrap(), Digest::of(b"columns"));
            let time = "2026-11-23T21:00:00Z".parse().unwrap();
            Record::new(time, Event::Product { id, class, descriptor, forbids: Vec::new() })
        })
        .collect();
    log.append_batch(&records).unwrap();
    let checkpoint = log.checkpoint(&operator).unwrap();
    let store = PublishDir::open(&dir.path().join("public")).unwrap();
    let mut publisher = Publisher::open(store, origin.clone()).unwrap();
    publisher.publish_log(&log, &checkpoint).unwrap();
    (dir, origin)
}

/// What a server answers for a path: the status, and the file.
type Answers = dyn Fn(&str) -> (u16, Vec<u8>) + Send + Sync;
type Asked = Arc<Mutex<HashMap<String, usize>>>;

/// Serves until the test ends; also what was asked for, how often.
fn served(answers: Arc<Answers>) -> (LogUrl, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/steel", listener.local_addr().unwrap());
    let asked = Asked::default();
    let counts = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (answers, counts) = (Arc::clone(&answers), Arc::clone(&counts));
            // A client that has what it wants goes.
            thread::spawn(move || drop(answer(stream, &*answers, &counts)));
        }
    });
    (url.parse().unwrap(), asked)
}

fn answer(stream: TcpStream, answers: &Answers, asked: &Asked) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "\r\n") {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            lines.push(line);
        }
        let path = lines[0].split(' ').nth(1).unwrap_or_default();
        let path = path.strip_prefix("/steel/").unwrap_or_default();
        *asked.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        let (status, body) = answers(path);
        let head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n\r\n", body.len());
        reader.get_mut().write_all(&[head.as_bytes(), &body].concat())?;
    }
}

fn files(dir: &TempDir) -> Arc<Answers> {
    let files = StaticDir::new(&dir.path().join("public"));
    Arc::new(move |path| {
        let mut bytes = Vec::new();
        match files.read_into(path, 1 << 24, &mut bytes) {
            Ok(true) => (200, bytes),
            _ => (404, Vec::new()),
        }
    })
}

#[test]
fn threads_read_one_log_together() {
    let (dir, origin) = published();
    let (url, asked) = served(files(&dir));
    assert!(!url.is_https() && url.to_string().ends_with("/steel/"));
    let log = StaticLog::open(HttpFiles::new(url, Duration::from_secs(20)).unwrap(), &origin);
    let log: Arc<dyn LogReader + Send + Sync> = Arc::new(log.unwrap());
    let threads = (0..4).map(|offset| {
        let log = Arc::clone(&log);
        thread::spawn(move || {
            for n in (offset..RECORDS).step_by(97) {
                let record = Record::from_bytes(&log.record(LeafIndex::new(n)).unwrap()).unwrap();
                let Event::Product { id, .. } = record.event else { panic!("{n}") };
                assert_eq!(id.as_str(), format!("product {n}"));
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(asked.lock().unwrap()["checkpoint"], 1);
}

#[test]
fn a_server_that_failed_is_asked_no_more() {
    let (dir, origin) = published();
    let good = files(&dir);
    let (url, asked) = served(Arc::new(move |path| match path {
        "tile/entries/001" => (503, Vec::new()),
        path => good(path),
    }));
    let files = HttpFiles::new(url, Duration::from_secs(20)).unwrap();
    let log = StaticLog::open(files.clone(), &origin).unwrap();
    let error = LogReader::record(&log, LeafIndex::new(300)).unwrap_err();
    assert_eq!(error.fault(), Fault::Environment, "{error}");
    assert_eq!(asked.lock().unwrap()["tile/entries/001"], 3);
    // Nor is anything else that would have been there.
    let error = files.read_into("tile/entries/000", 1 << 24, &mut Vec::new()).unwrap_err();
    let failure = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert!(matches!(failure, Some(HttpError::Unavailable { status: 503, tries: 3, .. })));
    assert!(!asked.lock().unwrap().contains_key("tile/entries/000"));
}

#[test]
fn a_url_of_a_log_has_http_or_https() {
    for text in ["steel", "/srv/log", "file:///srv/log", "ftp://log.example.org/"] {
        assert_eq!(text.parse::<LogUrl>(), Err(LocationError::Scheme), "{text}");
    }
}
