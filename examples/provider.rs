//! A provider's node over HTTP. It founds a space, admits itself and one consumer, publishes an offer, and
//! answers calls until it is stopped. Every document in a call is signed, and verified by the node.
//!
//! `cargo run --bin provider -- DIR CONSUMER` makes DIR, once; `consumer` tells the CONSUMER's DID.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::io::Read as _;
use std::{convert::Infallible, env, error::Error, fs, path::Path, time::Duration};

use dataspace::{
    Action, CALL_LEN_MAX, Call, Clock as _, ColumnMask, Constraint, DataSpace, Did, Duty, Fault,
    MaskMethod, MembershipCredential, NewOffer, NodeKeys, Region, Rule, Setup, Signed, SystemClock,
    Table, Terms, Validity, generate_key, sectors,
};
use http_body_util::{BodyExt as _, Limited, channel::Channel};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, runtime::Handle, task::spawn_blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let [dir, consumer] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: provider DIR CONSUMER".into());
    };
    let node = found(Path::new(dir), &consumer.parse()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let node = node.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(node.clone(), request));
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
                server.serve_connection(TokioIo::new(stream), service).await
            });
        }
    })
}

/// `POST /access`, and so on: the body of an answer is sent as the node gives it out.
async fn answer(
    node: DataSpace,
    request: Request<Incoming>,
) -> Result<Response<Channel<Bytes>>, Infallible> {
    let (mut sender, body) = Channel::new(4);
    let respond = |status: StatusCode| {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    };
    let call = request.uri().path().strip_prefix('/').and_then(|call| call.parse::<Call>().ok());
    let Some(call) = call.filter(|_| request.method() == Method::POST) else {
        return respond(StatusCode::NOT_FOUND);
    };
    let Ok(body) = Limited::new(request.into_body(), CALL_LEN_MAX).collect().await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE);
    };
    match spawn_blocking(move || node.answer(call, &body.to_bytes())).await {
        Ok(Ok(mut answer)) => {
            spawn_blocking(move || {
                let mut piece = vec![0; 1 << 16];
                while let Ok(len @ 1..) = answer.read(&mut piece) {
                    let piece = Bytes::copy_from_slice(piece.get(..len).unwrap_or_default());
                    if Handle::current().block_on(sender.send_data(piece)).is_err() {
                        break; // the consumer has gone
                    }
                }
            });
            respond(StatusCode::OK)
        }
        Ok(Err(error)) => {
            println!("{call} refused: {}", error.words());
            let _gone = sender.send_data(Bytes::from(error.words())).await;
            respond(match error.fault() {
                Fault::Caller => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            })
        }
        Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The authority is in this program too, so that it can be run alone.
fn found(dir: &Path, consumer: &Did) -> Result<DataSpace, Box<dyn Error>> {
    fs::create_dir(dir)?;
    let (authority, keys) = (generate_key()?, NodeKeys::create(&dir.join("keys"), None)?);
    let (now, provider) = (SystemClock.now(), keys.did().clone());
    let until = now.checked_add(Duration::from_secs(365 * 86_400)).ok_or("the year 9999")?;
    let validity = Validity::new(now, until)?;
    let profile = sectors::materials().profile("alloys".parse()?, authority.did().clone());
    let node = Setup::new(dir.join("node"), keys, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, role) in [(&provider, "provider"), (consumer, "consumer")] {
        let (name, roles) = (role.parse()?, [role.parse()?].into());
        let (space, subject, region) = (profile.space_id(), did.clone(), Region::parse("DE")?);
        let (serial, issued_at, attributes) = (1, now, [].into());
        let credential = MembershipCredential {
            space,
            subject,
            name,
            serial,
            issued_at,
            roles,
            attributes,
            region,
            validity,
        };
        node.admit(Signed::sign(&credential, &authority)?)?;
    }
    let table = Table::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/thermoelectrics.csv"))?;
    node.register("iron-oxides".parse()?, "computed-properties".parse()?, table)?;
    let rule = Rule::new([Action::Read]).when(Constraint::Purpose(["research".parse()?].into()));
    let mask = ColumnMask { column: "mp_id".parse()?, method: MaskMethod::Hash };
    let terms = Terms::new().permit(rule.when(Constraint::Count(2))).duty(Duty::Mask(mask));
    let (product, consumer) = ("iron-oxides".parse()?, None);
    let offer = node.offer(NewOffer { product, consumer, terms, validity, expires_at: until })?;
    node.publish_offer(offer)?;
    println!("authority {}", authority.did());
    Ok(node)
}
