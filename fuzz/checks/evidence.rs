//! Evidence verifies only as it was collected, with the request or without it.
//!
//! The input is taken as a file, and as instructions to change a good one.

use std::error::Error;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use dataspace_data_plane::Table;
use dataspace_identity::{Did, DidKeys, MembershipCredential, RootSecret, SecretKey};
use dataspace_ledger::Evidence;
use dataspace_odrl::OdrlOperands;
use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
use dataspace_primitives::{Signed, UnixMillis, Validity, Verified};
use dataspace_runtime::{
    Access, DataSpace, ManualClock, NewOffer, NodeKeys, Receipt, Setup, request_access,
};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::{
    Acceptance, Agreement, DataRules, EntityRules, Offer, Parameters, Scenario, SpaceProfile,
    Suite, profile::DENIALS_PER_MINUTE,
};

use crate::changed::changed;

pub(crate) struct World {
    pub(crate) authority: Did,
    /// A permit and a denial under two checkpoints, each with and without its request; and the permit with the
    /// report of what left.
    pub(crate) good: [Vec<u8>; 5],
}

fn profile(authority: &Did) -> Result<SpaceProfile, Box<dyn Error>> {
    Ok(SpaceProfile {
        space: "fuzzed".parse()?,
        version: 1,
        authority: authority.clone(),
        parameters: Parameters {
            suite: Suite::Intl,
            request_age_secs_max: 600,
            denials_per_minute: DENIALS_PER_MINUTE,
        },
        scenarios: [("research".parse()?, Scenario::new("research".parse()?))].into(),
        entities: EntityRules { roles: ["user".parse()?].into(), regions: [].into() },
        data: DataRules { product_classes: ["tests".parse()?].into() },
        policies: String::new(),
        odrl: OdrlOperands::default(),
        statements: [].into(),
    })
}

/// A node with a contract of one use.
pub(crate) struct Founded {
    pub(crate) space: DataSpace,
    pub(crate) authority: Did,
    consumer: SecretKey,
    agreement: Verified<Agreement>,
    now: UnixMillis,
}

impl Founded {
    /// A permit first, then denials.
    pub(crate) fn access(&self) -> Result<Receipt, Box<dyn Error>> {
        let (action, purpose) = (Action::Read, "research".parse()?);
        let (agreement, clock) = (&self.agreement, ManualClock::new(self.now));
        let request = request_access(&self.consumer, agreement, action, purpose, &clock)?;
        Ok(match self.space.access(request)? {
            Access::Released(release) => release.receipt().clone(),
            Access::Denied(denied) => denied.receipt(),
        })
    }
}

/// The key with this seed: of the provider, 1.
pub(crate) fn key(seed: u8) -> Result<SecretKey, Box<dyn Error>> {
    Ok(SecretKey::from_seed(&mut [seed; 32])?)
}

/// The keys of a node with this seed.
pub(crate) fn keys(seed: u8) -> Result<NodeKeys, Box<dyn Error>> {
    Ok(NodeKeys::new(key(seed)?, RootSecret::from_bytes(&mut [seed; 32]))?)
}

/// When everything happens.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new("2026-06-01T00:00:00Z".parse().expect("a time"))
}

/// A world of good evidence under the authority with this seed.
pub(crate) fn world(authority: u8) -> Result<World, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let node = founded(dir.path(), authority, |setup| setup)?;
    let decide = || -> Result<_, Box<dyn Error>> {
        let receipt = node.access()?;
        let without = node.space.evidence_at(receipt.index, None)?.to_bytes()?;
        Ok((node.space.evidence(&receipt)?.to_bytes()?, without, receipt))
    };
    let ((a, b, permit), (c, d, _)) = (decide()?, decide()?);
    // Nobody read the data, and the release was dropped.
    let report = LeafIndex::new(permit.index.as_u64() + 1);
    let reported = node.space.evidence_at(report, Some(&permit.request))?.to_bytes()?;
    Ok(World { authority: node.authority, good: [a, b, c, d, reported] })
}

/// A node in the directory `node`, under the authority with this seed.
pub(crate) fn founded(
    dir: &Path,
    authority: u8,
    with: impl FnOnce(Setup) -> Setup,
) -> Result<Founded, Box<dyn Error>> {
    let (authority, provider, consumer) = (key(authority)?, key(1)?, key(2)?);
    let (provider_did, authority_did) = (provider.did().clone(), authority.did().clone());
    let now = dataspace_runtime::Clock::now(&clock());
    let year = Duration::from_secs(31_536_000);
    let validity = Validity::new(now, now.checked_add(year).ok_or("a time")?)?;
    let profile = profile(&authority_did)?;
    let setup = Setup::new(dir.join("node"), keys(1)?, authority_did.clone()).clock(clock());
    let space = with(setup).create(Signed::sign(&profile, &authority)?)?;
    for (serial, subject) in (1..).zip([&provider_did, consumer.did()]) {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: subject.clone(),
            name: "member".parse()?,
            serial,
            issued_at: now,
            roles: ["user".parse()?].into(),
            attributes: [].into(),
            region: "DE".parse()?,
            validity,
        };
        space.admit(Signed::sign(&credential, &authority)?)?;
    }
    let csv = dir.join("table.csv");
    std::fs::write(&csv, "a,b\n1,2\n")?;
    space.register("table".parse()?, "tests".parse()?, Table::open(&csv)?)?;
    let research = Constraint::Purpose(["research".parse()?].into());
    let mask = ColumnMask { column: "a".parse()?, method: MaskMethod::Drop };
    let terms = Terms::new()
        .permit(Rule::new([Action::Read]).when(research).when(Constraint::Count(1)))
        .duty(Duty::Mask(mask));
    let (product, expires_at) = ("table".parse()?, validity.until());
    let offer = space.offer(NewOffer { product, consumer: None, terms, validity, expires_at })?;
    let read = Offer::verify(offer.clone(), &provider_did, &DidKeys, now)?;
    let agreement = space.conclude(offer, Acceptance::sign(&read, &consumer, now)?)?;
    Ok(Founded { space, authority: authority_did, consumer, agreement, now })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world(9).expect("a world of good evidence"));

pub(crate) fn check(bytes: &[u8]) {
    let [a, b, c, d, reported] = &WORLD.good;
    assert_verifies_only_if_good(bytes);
    assert_verifies_only_if_good(&changed(a, c, bytes));
    assert_verifies_only_if_good(&changed(d, b, bytes));
    assert_verifies_only_if_good(&changed(reported, c, bytes));
}

fn assert_verifies_only_if_good(bytes: &[u8]) {
    let is_good = WORLD.good.iter().any(|good| good == bytes);
    let Ok(evidence) = Evidence::from_bytes(bytes) else {
        assert!(!is_good, "good evidence is refused");
        return;
    };
    assert_eq!(evidence.to_bytes().ok().as_deref(), Some(bytes), "a second encoding");
    let verified = evidence.verify(&WORLD.authority);
    assert!(verified.is_ok() || !is_good, "good evidence is refused");
    if let Ok(verified) = verified {
        assert!(!verified.findings().is_empty());
        // Anybody may put signatures under the checkpoint that nobody believes; that is all.
        let checkpoint = verified.checkpoint();
        let is_bare = checkpoint.to_bare().is_ok_and(|bare| bare == *checkpoint);
        assert!(is_good || !is_bare, "changed evidence verifies");
    }
}
