//! Evidence verifies only as it was collected, with the request or without it.
//!
//! The input is taken as a file, and as instructions to change a good one.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::{AccessRecord, Event, Evidence, Log, Origin, Record, Verdict};
use dataspace_identity::{Did, MembershipCredential, SecretKey, SpaceId, TrustAnchors};
use dataspace_primitives::{CoSignature, Digest, Payload, Signed, UnixMillis, Validity};
use serde::{Deserialize, Serialize};

use crate::changed::changed;
use crate::disk::Disk;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pact {
    text: String,
}

impl Payload for Pact {
    const TYPE: &'static str = "application/vnd.dataspace.test-agreement+cbor";
    const SIGNATURES: usize = 2;
}

struct World {
    anchors: TrustAnchors,
    /// Two decisions of one log under two checkpoints, each with and without its request.
    good: [Vec<u8>; 4],
}

fn world() -> Result<World, Box<dyn Error>> {
    let key = |byte: u8| SecretKey::from_seed(&mut [byte; 32]);
    let (authority, provider, consumer) = (key(9)?, key(1)?, key(2)?);
    let space = SpaceId::new(authority.did().clone(), "demo".parse()?);
    let anchors = TrustAnchors::new(space.clone());
    let time = |n| UnixMillis::new(1_790_000_000_000 + n).ok_or("a time");
    let admit = |who: &SecretKey| -> Result<_, Box<dyn Error>> {
        let credential = MembershipCredential {
            space: space.clone(),
            subject: who.did().clone(),
            name: "member".parse()?,
            serial: 1,
            issued_at: time(0)?,
            roles: BTreeSet::from(["user".parse()?]),
            attributes: [].into(),
            region: "DE".parse()?,
            validity: Validity::new(time(0)?, time(1000)?)?,
        };
        Ok(anchors.admit(Signed::sign(&credential, &authority)?, time(1)?)?)
    };
    let (one, two) = (admit(&provider)?, admit(&consumer)?);
    let pact = Pact { text: "terms".to_owned() };
    let both = vec![CoSignature::sign(&pact, &provider)?, CoSignature::sign(&pact, &consumer)?];
    let keys = Did::trust_all([provider.did(), consumer.did()]);
    let pact = Signed::assemble(&pact, both)?.verify(&keys, time(1)?)?;
    let log = Log::create_on(Box::new(Disk::default()), Origin::new(provider.did()))?;
    let collect = |at, request: &[u8]| -> Result<_, Box<dyn Error>> {
        let access = AccessRecord {
            contract: pact.digest(),
            program: Digest::of(b"program"),
            profile: 1,
            request: Digest::of(request),
            facts: [].into(),
            verdict: Verdict::Permit { uses: at, duties: vec![] },
        };
        let index = log.append(&Record::new(time(at)?, Event::Access(access)))?.index();
        let checkpoint = log.checkpoint(&provider)?;
        let file = |request| -> Result<_, Box<dyn Error>> {
            let all = [&one, &two];
            Ok(Evidence::collect(&log, index, &checkpoint, &pact, &all, request)?.to_bytes()?)
        };
        Ok([file(Some(request))?, file(None)?])
    };
    let ([a, b], [c, d]) = (collect(1, b"first request")?, collect(2, b"second request")?);
    Ok(World { anchors, good: [a, b, c, d] })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world of good evidence"));

pub(crate) fn check(bytes: &[u8]) {
    let [a, b, c, d] = &WORLD.good;
    assert_verifies_only_if_good(bytes);
    assert_verifies_only_if_good(&changed(a, c, bytes));
    assert_verifies_only_if_good(&changed(d, b, bytes));
}

fn assert_verifies_only_if_good(bytes: &[u8]) {
    let is_good = WORLD.good.iter().any(|good| good == bytes);
    let Ok(evidence) = Evidence::from_bytes(bytes) else {
        assert!(!is_good, "good evidence is refused");
        return;
    };
    assert_eq!(evidence.to_bytes().ok().as_deref(), Some(bytes), "a second encoding");
    let verified = evidence.verify::<Pact>(&WORLD.anchors);
    assert!(verified.is_ok() || !is_good, "good evidence is refused");
    if let Ok(verified) = verified {
        assert!(!verified.findings().is_empty());
        // Anybody may put signatures under the checkpoint that nobody believes; that is all.
        let checkpoint = verified.checkpoint();
        let is_bare = checkpoint.to_bare().is_ok_and(|bare| bare == *checkpoint);
        assert!(is_good || !is_bare, "changed evidence verifies");
    }
}
