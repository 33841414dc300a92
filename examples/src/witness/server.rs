//! HTTP/1 on one thread; what touches the disk runs beside it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use dataspace_audit_log::{AddCheckpointError, REQUEST_LEN_MAX, Witness};
use dataspace_runtime::{Clock as _, SystemClock};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::paint;

/// Connections at a time; more of them wait to be accepted.
const CONNECTIONS_MAX: usize = 128;
/// Requests at a time that verify and store.
const WORKERS_MAX: usize = 4;
/// For the head of a request, from when the connection is ready for it; so an idle one is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// For the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// For answers that are under way when the witness is told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest head of a request, in bytes.
const HEAD_LEN_MAX: usize = 16_384;
/// After a connection could not be accepted, because there are too many files, for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";

/// Serves until the process is told to stop.
pub(crate) fn serve(witness: Witness, listen: SocketAddr) -> Result<()> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(WORKERS_MAX).build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await;
        let listener = listener.with_context(|| format!("--listen: cannot listen on {listen}"))?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        anstream::println!("{} {}", paint::title("Witness"), witness.key().name());
        anstream::println!("   verifier key  {}", witness.key());
        for log in witness.logs() {
            anstream::println!("   log           {log}");
        }
        anstream::println!("   listening on  http://{}", listener.local_addr()?);
        let graceful = GracefulShutdown::new();
        tokio::select! {
            () = accept(listener, Arc::new(witness), &graceful) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Whoever has not got its answer by then asks again; what was cosigned is stored.
        let _late = timeout(STOP_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    })
}

async fn accept(listener: TcpListener, witness: Arc<Witness>, graceful: &GracefulShutdown) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = connection(stream, Arc::clone(&witness), graceful);
        tokio::spawn(async move {
            connection.await;
            drop(permit);
        });
    }
}

fn connection(
    stream: TcpStream,
    witness: Arc<Witness>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let service = service_fn(move |request| {
        let witness = Arc::clone(&witness);
        async move { Ok::<_, Infallible>(answer(request, witness).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_LEN_MAX);
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    // A connection that breaks off concerns the other side alone.
    async move { drop(connection.await) }
}

async fn answer(request: Request<Incoming>, witness: Arc<Witness>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let hash = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint"));
    match (path, hash) {
        ("/add-checkpoint", _) if request.method() == Method::POST => {
            add_checkpoint(request.into_body(), witness).await
        }
        ("/add-checkpoint", _) => not_allowed("POST"),
        (_, Some(_)) if request.method() != Method::GET => not_allowed("GET"),
        (_, Some(hash)) => match witness.checkpoint(hash) {
            Some(checkpoint) => text(StatusCode::OK, TEXT, checkpoint.as_note().to_owned()),
            None => text(StatusCode::NOT_FOUND, TEXT, "no checkpoint of this log\n".to_owned()),
        },
        _ => text(StatusCode::NOT_FOUND, TEXT, "not found\n".to_owned()),
    }
}

async fn add_checkpoint(body: Incoming, witness: Arc<Witness>) -> Response<Full<Bytes>> {
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
        let answer = witness.add_checkpoint(&body, SystemClock.now());
        if let Err(error) = &answer {
            report(error);
        }
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

/// Tells the witness's own operator what it has to know: forks, and failures of its machine.
fn report(error: &AddCheckpointError) {
    if let AddCheckpointError::Refused { fork: Some(found), .. } = error {
        let origin = found.proof.claimed_origin().map_or_else(|_| String::new(), |o| o.to_string());
        let title = paint::bad("fork:");
        anstream::eprintln!("{title} the operator of {origin} signed two histories");
        if let Some(error) = &found.unsaved {
            anstream::eprintln!("{title} the proof could not be stored: {error}");
        }
    } else if error.status() == 500 {
        let mut causes = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            causes.extend([": ", &cause.to_string()]);
            source = cause.source();
        }
        anstream::eprintln!("{} {causes}", paint::bad("error:"));
    }
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
