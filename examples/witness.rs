//! A witness cosigns two checkpoints of a log, refuses one of another history, and holds the proof that
//! the log's operator signed both.
//!
//! `cargo run --bin witness -- DIR` makes DIR, with the operator's logs and what the witness has seen.
//! `dataspace witness` answers the same over HTTP.
#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_runtime::{Clock as _, SystemClock, generate_key};
use dataspace_tlog::{
    Checkpoint, Event, Finding, ForkProof, Record, TreeSize, Witness,
    note::WitnessKey,
    witness::{AddCheckpoint, AddCheckpointError, SeenDirectory, WitnessPolicy},
};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or("usage: witness DIR")?);
    fs::create_dir(&dir)?;

    // The witness has a key of its own, a name, and a directory that is its memory.
    let secret = generate_key()?;
    let key = WitnessKey::new("witness.example/one", secret.did().public_key()?)?;
    let operator = generate_key()?;
    let origin = Origin::named(operator.did(), "steel")?;
    let store = SeenDirectory::open(&dir.join("seen"))?;
    let logs = [origin.clone()];
    let witness = Witness::open(key.clone(), Box::new(secret), &logs, Box::new(store))?;

    // The operator's log grows to three records, and then to five. Each time it asks for a cosignature of
    // its checkpoint, with the proof that this extends the one before.
    let log = Log::create(&dir.join("log"), origin.clone())?;
    let mut cosigned = TreeSize::EMPTY;
    for products in [&["rails", "beams", "sheets"][..], &["wire", "tubes"]] {
        append(&log, products)?;
        let checkpoint = log.checkpoint(&operator)?;
        let proof = log.consistency_proof(cosigned, checkpoint.size())?;
        let request = AddCheckpoint::body(&proof, &checkpoint);
        let cosignature = witness.add_checkpoint(request.as_bytes(), SystemClock.now())?;
        println!("cosigned {} records, at {}", checkpoint.size(), cosignature.time());

        // The operator puts the cosignature under the checkpoint. Others ask for it, by the witness's key.
        let keys = std::slice::from_ref(&key);
        let shown = checkpoint.with_cosignatures(cosignature.as_line(), keys)?;
        let witnessed = WitnessPolicy::new(1, vec![key.clone()])?.require(shown)?;
        cosigned = witnessed.checkpoint().size();
    }

    // Another history under the same name: it leaves out the third record.
    let other = Log::create(&dir.join("other"), origin.clone())?;
    append(&other, &["rails", "beams", "wire", "tubes", "plates", "coils"])?;
    let checkpoint: Checkpoint = other.checkpoint(&operator)?;
    let proof = other.consistency_proof(cosigned, checkpoint.size())?;
    let request = AddCheckpoint::body(&proof, &checkpoint);
    let Err(error) = witness.add_checkpoint(request.as_bytes(), SystemClock.now()) else {
        return Err("the witness cosigned a fork".into());
    };
    println!("refused {} records: {error}", checkpoint.size());

    // What the operator signed twice is a proof, for anybody who has its DID.
    let AddCheckpointError::Refused { fork: Some(fork), .. } = error else {
        return Err("a fork was not found".into());
    };
    let file = dir.join("fork.cbor");
    fs::write(&file, fork.proof.to_bytes()?)?;
    let verified = ForkProof::from_bytes(&fs::read(&file)?)?.verify(&origin)?;
    for finding in verified.findings() {
        match finding {
            Finding::Proved(words) => println!("proved: {words}"),
            Finding::NotProved(words) => println!("not proved: {words}"),
        }
    }
    Ok(())
}

fn append(log: &Log, products: &[&str]) -> Result<(), Box<dyn Error>> {
    for product in products {
        let event = Event::Product {
            id: product.parse()?,
            class: "steel".parse()?,
            descriptor: Digest::of(product.as_bytes()),
            forbids: Vec::new(),
        };
        let _durable = log.append(&Record::new(SystemClock.now(), event))?;
    }
    Ok(())
}
