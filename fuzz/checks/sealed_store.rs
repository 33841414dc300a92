//! Whatever lies in a consumer's store in the place of a file or a key, what opens is what came; and whatever
//! comes in answer to a request for a sealed file is recorded.
//!
//! The input is taken as a file, as a key, as an answer, and as instructions to change good ones.

use std::error::Error;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::LazyLock;

use dataspace_identity::{MembershipCredential, SpaceId};
use dataspace_ledger::Refusal;
use dataspace_policy::{Action, Rule, Terms};
use dataspace_primitives::{Digest, Signed, Validity};
use dataspace_runtime::{
    Call, Clock as _, ConsumerNode, ConsumerSetup, DataSpace, NewOffer, NewRequest, Transport as _,
    consumer::{
        ConsumerError, fetch_profile,
        sealed::{Opening, StoreError},
    },
    exchange::CallError,
};
use dataspace_usage_contract::ContractId;

use crate::changed::changed;
use crate::evidence::{clock, founded, key, keys};

struct World {
    consumer: ConsumerNode,
    contract: ContractId,
    /// Of a file and of the key of its contract: where they lie, and what is there.
    places: [(PathBuf, Vec<u8>); 2],
    file: Digest,
    text: Vec<u8>,
    /// A good answer, to another request.
    answer: Vec<u8>,
    /// Kept as long as the process.
    _provider: DataSpace,
    _dir: tempfile::TempDir,
}

fn reading() -> NewRequest {
    NewRequest::new(Action::Read, "research".parse().expect("a name"))
}

fn world() -> Result<World, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let node = founded(dir.path(), 9, |setup| setup)?;
    let (space, authority, now) = (node.space.clone(), key(9)?, clock().now());
    let setup = ConsumerSetup::new(dir.path().join("consumer"), keys(2)?, node.authority.clone());
    let consumer = setup.clock(clock()).create(fetch_profile(&space)?)?;
    let until = now.checked_add(std::time::Duration::from_secs(86_400)).ok_or("a time")?;
    let validity = Validity::new(now, until)?;
    let credential = MembershipCredential {
        space: SpaceId::new(authority.did().clone(), "fuzzed".parse()?),
        subject: consumer.consumer().clone(),
        name: "member".parse()?,
        serial: 9,
        issued_at: now,
        roles: ["user".parse()?].into(),
        attributes: [].into(),
        region: "DE".parse()?,
        validity,
    };
    consumer.admit(&Signed::sign(&credential, &authority)?)?;
    let terms = Terms::new().permit(Rule::new([Action::Read]));
    let (product, expires_at) = ("table".parse()?, until);
    let offer = NewOffer { product, consumer: None, terms, validity, expires_at };
    space.publish_offer(space.offer(offer)?)?;
    let offers = consumer.read_catalogue(&space)?;
    let contract = consumer.conclude(&space, *offers.first().ok_or("an offer")?)?;
    let heard = std::sync::Mutex::new(Vec::new());
    let way = |call: Call, body: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        let mut bytes = Vec::new();
        space.call(call, body)?.read_to_end(&mut bytes)?;
        heard.lock().expect("a lock").clone_from(&bytes);
        Ok(Box::new(Cursor::new(bytes)))
    };
    let store = consumer.sealed_store();
    let file = store.receive(&way, contract, reading())?.file.ok_or("a file")?;
    let Opening::Opened(mut opened) = store.open(&file, reading())? else {
        return Err("denied".into());
    };
    let mut text = Vec::new();
    opened.read_to_end(&mut text)?;
    let at = dir.path().join("consumer");
    let of_key = format!("{}.key", contract.as_digest().to_hex());
    let places = [
        at.join("sealed").join(format!("{}.sealed", file.to_hex())),
        at.join("sealed-keys").join(of_key),
    ];
    let places = places.map(|place| {
        let bytes = std::fs::read(&place).expect("a file that was kept");
        (place, bytes)
    });
    let answer = heard.into_inner()?;
    Ok(World { consumer, contract, places, file, text, answer, _provider: node.space, _dir: dir })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a file in a store"));

pub(crate) fn check(bytes: &[u8]) {
    let World { places: [(of_file, file), (of_key, key)], answer, .. } = &*WORLD;
    for (place, good, other) in [(of_file, file, key), (of_key, key, file)] {
        for bad in [bytes, &changed(good, other, bytes)] {
            std::fs::write(place, bad).expect("a file that is changed");
            assert_opens_only_what_came();
        }
        std::fs::write(place, good).expect("a file as it was");
    }
    for answer in [bytes, &changed(answer, file, bytes)] {
        assert_recorded(answer);
    }
}

fn assert_opens_only_what_came() {
    let World { consumer, file, text, .. } = &*WORLD;
    let Ok(Opening::Opened(mut opened)) = consumer.sealed_store().open(file, reading()) else {
        return;
    };
    let mut read = Vec::new();
    match opened.read_to_end(&mut read) {
        Ok(_) => assert_eq!(read, *text),
        Err(_) => assert!(text.starts_with(&read)),
    }
}

/// An answer, however it is, is recorded, and nothing waits for it any longer. It is of no request of now, so that
/// there is something to complain of.
fn assert_recorded(answer: &[u8]) {
    let World { consumer, contract, .. } = &*WORLD;
    let way = |_: Call, _: Vec<u8>| -> Result<Box<dyn Read + Send>, CallError> {
        Ok(Box::new(Cursor::new(answer.to_vec())))
    };
    let before = consumer.log().size().expect("a log").as_u64();
    match consumer.sealed_store().receive(&way, *contract, reading()) {
        Ok(stored) => {
            assert!(stored.arrival.evidence.is_none() && !stored.arrival.complaints.is_empty());
        }
        // Good answers that come again fill the store in time.
        Err(StoreError::Node(ConsumerError::Refused(Refusal::TooManyFiles { .. }))) => return,
        Err(_) => {}
    }
    assert_eq!(consumer.log().size().expect("a log").as_u64(), before + 2);
    assert_eq!(consumer.waiting(), []);
}
