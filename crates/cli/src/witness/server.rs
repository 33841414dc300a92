//! HTTP/1 on one thread; what touches the disk runs beside it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use dataspace_primitives::shown;
use dataspace_runtime::{Clock as _, SystemClock};
use dataspace_tlog::{Witness, witness::REQUEST_LEN_MAX};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use crate::out::say;
use crate::paint;
use crate::witness::clients::{Clients, Connected, Limits};
use crate::witness::impatient::Impatient;
use crate::witness::journal;

/// Requests at a time that verify and store.
const WORKERS_MAX: usize = 4;
/// For the head of a request, from when the connection is ready for it; so an idle one is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// For the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// For all requests of one connection; a client with more to ask connects again.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(300);
/// For answers that are under way when the witness is told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest head of a request, in bytes.
const HEAD_LEN_MAX: usize = 16_384;
/// After a connection could not be accepted, because there are too many files, for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";

/// A witness, and the directory where it keeps what it has seen.
pub(crate) struct Kept {
    pub(crate) witness: Witness,
    pub(crate) state: PathBuf,
}

/// Serves until the process is told to stop.
pub(crate) fn serve(kept: Kept, listen: SocketAddr, limits: Limits) -> Result<()> {
    let kept = Arc::new(kept);
    let witness = &kept.witness;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(WORKERS_MAX).build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await;
        let listener = listener.with_context(|| format!("--listen: cannot listen on {listen}"))?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        say!("{} {}", paint::title("Witness"), shown(witness.key().name()));
        say!("   verifier key  {}", witness.key());
        for log in witness.logs() {
            say!("   log           {log}");
        }
        say!("   listening on  http://{}", listener.local_addr()?);
        let graceful = GracefulShutdown::new();
        tokio::select! {
            () = accept(listener, Arc::clone(&kept), Clients::new(limits), &graceful) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // A client without an answer by then asks again; what was cosigned is stored.
        let _late = timeout(STOP_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    })
}

async fn accept(
    listener: TcpListener,
    kept: Arc<Kept>,
    clients: Arc<Clients>,
    graceful: &GracefulShutdown,
) {
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connected = Arc::new(clients.connect(address.ip()));
        tokio::spawn(connection(stream, connected, Arc::clone(&kept), graceful));
    }
}

fn connection(
    stream: TcpStream,
    connected: Arc<Connected>,
    kept: Arc<Kept>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let asking = Arc::clone(&connected);
    let service = service_fn(move |request| {
        let (kept, asking) = (Arc::clone(&kept), Arc::clone(&asking));
        async move {
            if asking.may_ask(Instant::now()) {
                return Ok::<_, Infallible>(answer(request, kept).await);
            }
            Ok(too_many())
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_LEN_MAX);
    let stream = TokioIo::new(Impatient::new(stream));
    let connection = graceful.watch(builder.serve_connection(stream, service));
    // A connection that breaks off, or is broken off, concerns the other side alone.
    async move {
        tokio::select! {
            _broken = timeout(CONNECTION_TIMEOUT, connection) => {}
            () = connected.must_end() => {}
        }
    }
}

async fn answer(request: Request<Incoming>, kept: Arc<Kept>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let hash = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint"));
    match (path, hash) {
        ("/add-checkpoint", _) if request.method() == Method::POST => {
            add_checkpoint(request.into_body(), kept).await
        }
        ("/add-checkpoint", _) => not_allowed("POST"),
        // To HEAD hyper answers without the body.
        (_, Some(_)) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            not_allowed("GET, HEAD")
        }
        (_, Some(hash)) => match kept.witness.checkpoint(hash) {
            Some(checkpoint) => text(StatusCode::OK, TEXT, checkpoint.as_note().to_owned()),
            None => text(StatusCode::NOT_FOUND, TEXT, "no checkpoint of this log\n".to_owned()),
        },
        _ => text(StatusCode::NOT_FOUND, TEXT, "not found\n".to_owned()),
    }
}

async fn add_checkpoint(body: Incoming, kept: Arc<Kept>) -> Response<Full<Bytes>> {
    let body = Limited::new(body, REQUEST_LEN_MAX);
    let body = match timeout(BODY_TIMEOUT, body.collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            let reason = format!("a request has at most {REQUEST_LEN_MAX} bytes\n");
            return text(StatusCode::PAYLOAD_TOO_LARGE, TEXT, reason);
        }
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, TEXT, "too slow\n".to_owned()),
    };
    let work = move || {
        let now = SystemClock.now();
        let answer = kept.witness.add_checkpoint(&body, now);
        journal::note(now, &body, answer.as_ref().err(), &kept.state);
        answer
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(cosignature)) => text(StatusCode::OK, TEXT, cosignature.as_line().to_owned()),
        Ok(Err(error)) => {
            let status = StatusCode::from_u16(error.status());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            text(status, error.content_type(), error.body())
        }
        Err(_) => {
            let reason = "the witness cannot cosign now\n".to_owned();
            text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, reason)
        }
    }
}

/// The connection ends with it, and what its client has sent ahead.
fn too_many() -> Response<Full<Bytes>> {
    let reason = "too many requests; ask again in a minute\n".to_owned();
    let mut response = text(StatusCode::TOO_MANY_REQUESTS, TEXT, reason);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn not_allowed(method: &'static str) -> Response<Full<Bytes>> {
    let reason = format!("this takes {method}\n");
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, reason);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    response
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
