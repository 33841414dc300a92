//! Whatever a provider answers, a consumer records what came of it; whatever a consumer calls, a provider
//! answers or refuses.
//!
//! The input is taken as an answer, as a call, and as instructions to change good ones.

use std::error::Error;
use std::io::{Cursor, ErrorKind, Read};
use std::sync::LazyLock;

use dataspace_policy::Action;
use dataspace_runtime::{
    Call, ConsumerNode, ConsumerSetup, DataSpace, NewRequest, Reply, Transport,
    consumer::{ConsumerError, fetch_profile},
    exchange::CallError,
};
use dataspace_usage_contract::ContractId;

use crate::changed::changed;
use crate::evidence::{clock, founded, keys};

struct World {
    space: DataSpace,
    consumer: ConsumerNode,
    contract: ContractId,
    /// Good answers to an access: a release, a denial.
    answers: [Vec<u8>; 2],
    /// Good bodies of the calls, and the catalogue.
    bodies: Vec<(Call, Vec<u8>)>,
    catalogue: Vec<u8>,
    /// Kept as long as the process.
    _dir: tempfile::TempDir,
}

type Answer = Box<dyn Read + Send>;

fn canned(bytes: &[u8]) -> impl Fn(Call, Vec<u8>) -> Result<Answer, CallError> {
    let bytes = bytes.to_vec();
    move |_, _| Ok(Box::new(Cursor::new(bytes.clone())) as Answer)
}

fn reading() -> NewRequest {
    NewRequest::new(Action::Read, "research".parse().expect("a name"))
}

fn world() -> Result<World, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let node = founded(dir.path(), 9, |setup| setup)?;
    let space = node.space.clone();
    let heard = std::sync::Mutex::new(Vec::new());
    let direct = |call: Call, body: Vec<u8>| -> Result<Answer, CallError> {
        let refused = |words| CallError::Refused { words };
        let mut answer = space.answer(call, &body).map_err(|error| refused(error.words()))?;
        let mut bytes = Vec::new();
        answer.read_to_end(&mut bytes)?;
        heard.lock().expect("a lock").push((call, body, bytes.clone()));
        Ok(Box::new(Cursor::new(bytes)))
    };
    let setup = ConsumerSetup::new(dir.path().join("consumer"), keys(2)?, node.authority.clone());
    let consumer = setup.clock(clock()).create(fetch_profile(&direct)?)?;
    let _none = consumer.read_catalogue(&direct)?;
    let agreement = space.agreement(*space.contracts().first().ok_or("a contract")?)?;
    let contract = consumer.hold(agreement.signed())?;
    // The first answer, a release, is lost, and resumed; the second is a denial.
    let lost = |call: Call, body: Vec<u8>| match (direct(call, body)?, call) {
        (_, Call::Access) => Err(CallError::Io(ErrorKind::ConnectionReset.into())),
        (answer, _) => Ok(answer),
    };
    if let Reply::Data(data) = consumer.access(&lost, contract, reading())? {
        assert_eq!(data.finish()?.complaints, []);
    }
    let _denied = consumer.access(&direct, contract, reading())?;
    let heard = heard.into_inner()?;
    let answers = heard.iter().filter(|(call, ..)| *call == Call::Access);
    let answers: Vec<_> = answers.map(|(_, _, answer)| answer.clone()).collect();
    let catalogue = heard.first().ok_or("a catalogue")?.2.clone();
    let bodies = heard.into_iter().map(|(call, body, _)| (call, body)).collect();
    let answers = answers.try_into().map_err(|_| "two answers")?;
    Ok(World { space, consumer, contract, answers, bodies, catalogue, _dir: dir })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("two halves"));

pub(crate) fn check(bytes: &[u8]) {
    let World { space, answers, bodies, catalogue, consumer, .. } = &*WORLD;
    assert_recorded(bytes);
    let [release, denial] = answers;
    assert_recorded(&changed(release, denial, bytes));
    for bytes in [bytes, &changed(catalogue, release, bytes)] {
        let _kept_or_refused = consumer.read_catalogue(&canned(bytes));
    }
    for call in Call::ALL {
        let _refused = space.answer(call, bytes).err();
    }
    for (call, body) in bodies {
        if let Ok(mut answer) = space.answer(*call, &changed(body, bytes, bytes)) {
            let mut read = Vec::new();
            answer.read_to_end(&mut read).expect("an answer to its end");
        }
    }
}

/// An answer, however it is, is recorded, and nothing waits for it any longer.
fn assert_recorded(answer: &[u8]) {
    let World { consumer, contract, .. } = &*WORLD;
    let transport = canned(answer);
    let way: &dyn Transport = &transport;
    let before = consumer.log().size().expect("a log").as_u64();
    let arrival = match consumer.access(way, *contract, reading()) {
        Ok(Reply::Data(data)) => Some(data.finish().expect("a record")),
        Ok(Reply::Denied(denied)) => Some(*denied),
        Err(ConsumerError::Message(_)) => None,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(consumer.log().size().expect("a log").as_u64(), before + 2);
    assert_eq!(consumer.waiting(), []);
    // No evidence of this request exists.
    if let Some(arrival) = arrival {
        assert!(arrival.evidence.is_none() && !arrival.complaints.is_empty(), "{arrival:?}");
    }
}
