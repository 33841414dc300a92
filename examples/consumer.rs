//! A consumer's node: over HTTP, it reads a provider's catalogue, accepts an offer, and asks for two accesses.
//!
//! `cargo run --bin consumer -- DIR` makes DIR with keys, and tells the DID; then
//! `cargo run --bin consumer -- DIR URL AUTHORITY`, as often as you like.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::io::{self, Read, Write as _};
use std::{env, error::Error, fs, path::Path};

use dataspace::{
    Action, Arrived, Call, CallError, ConsumerSetup, NewRequest, NodeKeys, OfferFilter, Reply,
    fetch_profile,
};

/// Calls are `POST`s; what is refused comes with a 4xx and words.
fn call(url: &str, call: Call, body: &[u8]) -> Result<Box<dyn Read + Send>, CallError> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = agent.post(format!("{url}/{call}")).send(body).map_err(io::Error::other)?;
    let (status, body) = (answer.status(), answer.into_body().into_reader());
    if status == 200 {
        return Ok(Box::new(body));
    }
    let mut words = String::new();
    body.take(4_096).read_to_string(&mut words)?;
    if status.is_server_error() {
        return Err(io::Error::other(words).into());
    }
    Err(CallError::Refused { words })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (dir, url, authority) = match &arguments[..] {
        [dir] => {
            fs::create_dir(dir)?;
            println!("{}", NodeKeys::create(&Path::new(dir).join("keys"), None)?.did());
            return Ok(());
        }
        [dir, url, authority] => (Path::new(dir), url.clone(), authority.parse()?),
        _ => return Err("usage: consumer DIR [URL AUTHORITY]".into()),
    };
    let provider = move |kind: Call, body: Vec<u8>| call(&url, kind, &body);
    let setup =
        ConsumerSetup::new(dir.join("node"), NodeKeys::open(&dir.join("keys"), None)?, authority);
    let is_new = !dir.join("node").exists();
    let node = if is_new { setup.create(fetch_profile(&provider)?)? } else { setup.open()? };

    node.read_catalogue(&provider)?;
    let offers = node.list_offers(&OfferFilter::default(), None, 1)?;
    let offer = offers.first().ok_or("nothing is offered")?.id;
    for clause in node.offer(offer)?.value().terms.clauses() {
        println!("{}  {} ({})", clause.id, clause.words, clause.assurance);
    }
    let contract = node.conclude(&provider, offer)?;
    println!("holds {contract}");

    for purpose in ["research", "carbon-accounting"] {
        let request = NewRequest::new(Action::Read, purpose.parse()?);
        let arrival = match node.access(&provider, contract, request)? {
            Reply::Data(mut data) => {
                println!("columns {}", data.columns().unwrap_or_default().join(", "));
                while let Some(Arrived::Rows(csv)) = data.next_piece() {
                    io::stdout().write_all(&csv)?; // or wherever the rows are needed
                }
                data.finish()?
            }
            Reply::Denied(denied) => *denied,
        };
        println!("record {}: {}; evidence {}", arrival.index, arrival, arrival.evidence.is_some());
        for complaint in &arrival.complaints {
            println!("complaint: {complaint}");
        }
    }
    println!("closed with {} records", node.close()?.size());
    Ok(())
}
