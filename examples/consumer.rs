//! A consumer's node: over HTTP, it reads a provider's catalogue, accepts the first offer, and asks for two
//! accesses. What comes is compared with what was agreed; evidence and complaints stay in its directory.
//!
//! `cargo run --bin consumer -- DIR` makes keys in DIR, and tells the DID; then
//! `cargo run --bin consumer -- DIR URL AUTHORITY`.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::io::{self, Read, Write as _};
use std::{env, error::Error, path::Path};

use dataspace::{
    Action, Arrived, Call, CallError, ConsumerSetup, NewRequest, NodeKeys, Reply, fetch_profile,
};

/// Calls are `POST`s; what is refused comes with a 4xx and words.
fn call(url: &str, call: Call, body: &[u8]) -> Result<Box<dyn Read + Send>, CallError> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = agent.post(format!("{url}/{call}")).send(body).map_err(io::Error::other)?;
    let (is_good, body) = (answer.status() == 200, answer.into_body().into_reader());
    if is_good {
        return Ok(Box::new(body));
    }
    let mut words = String::new();
    body.take(4_096).read_to_string(&mut words)?;
    Err(CallError::Refused { words })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (dir, url, authority) = match &arguments[..] {
        [dir] => {
            println!("{}", NodeKeys::create(&Path::new(dir).join("keys"), None)?.did());
            return Ok(());
        }
        [dir, url, authority] => (Path::new(dir), url.clone(), authority.parse()?),
        _ => return Err("usage: consumer DIR [URL AUTHORITY]".into()),
    };
    let provider = move |kind: Call, body: Vec<u8>| call(&url, kind, &body);
    let setup =
        ConsumerSetup::new(dir.join("node"), NodeKeys::open(&dir.join("keys"), None)?, authority);
    let node = setup.create(fetch_profile(&provider)?)?; // later: open()

    let offers = node.read_catalogue(&provider)?;
    let offer = *offers.first().ok_or("the catalogue is empty")?;
    for clause in node.offer(offer)?.value().terms.clauses() {
        println!("{}  {} ({})", clause.id, clause.words, clause.assurance);
    }
    let contract = node.conclude(&provider, offer)?;
    println!("holds {contract}");

    for purpose in ["research", "carbon-accounting"] {
        let arrival = match node.access(
            &provider,
            contract,
            NewRequest::new(Action::Read, purpose.parse()?),
        )? {
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
