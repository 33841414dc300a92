//! One space with a provider's node, two consumers and a table; keys are fixed, the clock is ours.

pub(crate) mod consumer;
pub(crate) mod story;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_audit_log::Log;
use dataspace_data_plane::Table;
use dataspace_identity::{
    Did, DidKeys, MembershipCredential, MembershipRevocation, Origin, RootSecret, SecretKey,
    SpaceId,
};
use dataspace_policy::{Action, Constraint, Rule, Terms};
use dataspace_primitives::{Name, Region, Signed, UnixMillis, Validity};
use dataspace_runtime::{
    Access, ChangeError, Clock, DataSpace, ManualClock, NewOffer, NodeKeys, Release, Setup,
    access::{Denial, Recorded, VerifiedRequest},
    request_access,
    setup::SetupError,
};
use dataspace_tlog::{AccessRecord, Event, Record, Verdict};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, ContractId, Offer, SpaceProfile, contract_id,
};
use tempfile::TempDir;

pub(crate) const DAY: u64 = 86_400;

#[derive(Clone, Debug)]
pub(crate) struct TestClock(pub(crate) Arc<ManualClock>);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }
}

pub(crate) fn authority() -> SecretKey {
    SecretKey::from_seed(&mut [1; 32]).unwrap()
}

/// The provider's key with the root of its pseudonyms.
pub(crate) fn keys(key: SecretKey) -> NodeKeys {
    NodeKeys::new(key, RootSecret::from_bytes(&mut [9; 32])).unwrap()
}

pub(crate) fn provider() -> SecretKey {
    SecretKey::from_seed(&mut [2; 32]).unwrap()
}

pub(crate) fn consumer() -> SecretKey {
    SecretKey::from_seed(&mut [3; 32]).unwrap()
}

pub(crate) fn rival() -> SecretKey {
    SecretKey::from_seed(&mut [4; 32]).unwrap()
}

pub(crate) fn stranger() -> SecretKey {
    SecretKey::from_seed(&mut [9; 32]).unwrap()
}

/// Somebody new for each number.
pub(crate) fn newcomer(number: u32) -> SecretKey {
    let mut seed = [100; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&mut seed).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Seconds after the day on which the tests begin.
pub(crate) fn at(secs: u64) -> UnixMillis {
    let start: UnixMillis = "2026-06-01T00:00:00Z".parse().unwrap();
    start.checked_add(Duration::from_secs(secs)).unwrap()
}

pub(crate) fn days(from: u64, until: u64) -> Validity {
    Validity::new(at(from * DAY), at(until * DAY)).unwrap()
}

/// A sector's words; the space itself forbids nothing, unless a test says so.
pub(crate) fn profile() -> SpaceProfile {
    let profile = dataspace_sectors::materials().profile(name("demo"), authority().did().clone());
    SpaceProfile { policies: String::new(), ..profile }
}

pub(crate) fn space_id() -> SpaceId {
    profile().space_id()
}

pub(crate) fn signed_profile(change: impl FnOnce(&mut SpaceProfile)) -> Signed<SpaceProfile> {
    let mut profile = profile();
    change(&mut profile);
    Signed::sign(&profile, &authority()).unwrap()
}

pub(crate) fn credential(subject: &SecretKey) -> MembershipCredential {
    MembershipCredential {
        space: space_id(),
        subject: subject.did().clone(),
        name: name("A member"),
        serial: 1,
        issued_at: at(0),
        roles: [name("consumer")].into(),
        attributes: [].into(),
        region: Region::parse("DE").unwrap(),
        validity: days(0, 365),
    }
}

pub(crate) fn signed_credential(
    subject: &SecretKey,
    change: impl FnOnce(&mut MembershipCredential),
) -> Signed<MembershipCredential> {
    let mut changed = credential(subject);
    change(&mut changed);
    let first = credential(subject);
    if changed != first && (changed.issued_at, changed.serial) == (first.issued_at, first.serial) {
        // Another one is issued later: as it begins to hold.
        changed.issued_at = changed.issued_at.max(changed.validity.from());
        changed.serial += 1;
    }
    Signed::sign(&changed, &authority()).unwrap()
}

pub(crate) fn revocation(subject: &Did, revoked_at: UnixMillis) -> Signed<MembershipRevocation> {
    let (space, reason) = (space_id(), name("left the association"));
    let revocation = MembershipRevocation { space, subject: subject.clone(), revoked_at, reason };
    Signed::sign(&revocation, &authority()).unwrap()
}

/// `rows` rows: an alloy's name, its strength and the furnace, which is the secret.
pub(crate) fn table(rows: i64) -> Table {
    let names: Vec<_> = (0..rows).map(|row| format!("S{row:05}")).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("alloy", Arc::new(StringArray::from(names))),
        ("strength", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| 200 + row)))),
        ("furnace", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 7)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Table::from_batches(&batch.schema(), vec![batch]).unwrap()
}

pub(crate) fn research() -> Rule {
    Rule::new([Action::Read]).when(Constraint::Purpose([name("research")].into()))
}

pub(crate) fn read_only() -> Rule {
    Rule::new([Action::Read])
}

pub(crate) fn terms() -> Terms {
    Terms::new().permit(research())
}

pub(crate) fn counted(count: u32) -> Terms {
    Terms::new().permit(research().when(Constraint::Count(count)))
}

/// A node, open.
pub(crate) struct Node {
    pub(crate) space: DataSpace,
    pub(crate) files: Files,
}

/// A node, closed.
pub(crate) struct Files {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Files {
    pub(crate) fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self { dir, clock: Arc::new(ManualClock::new(at(0))) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("node")
    }

    pub(crate) fn segment(&self) -> PathBuf {
        self.path().join("segment-00000000000000000000")
    }

    /// What is written in the segment, without the room that it has taken in advance.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.segment()).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
        bytes
    }

    /// The files as they are now, as a crash would leave them if a node has them open.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { clock: Arc::new(ManualClock::new(self.clock.now())), ..Self::new() };
        std::fs::create_dir_all(copy.path()).unwrap();
        for file in std::fs::read_dir(self.path()).unwrap() {
            let file = file.unwrap();
            if file.path().is_dir() {
                continue;
            }
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        copy
    }

    pub(crate) fn setup(&self, key: SecretKey) -> Setup {
        let setup = Setup::new(self.path(), keys(key), authority().did().clone());
        setup.clock(TestClock(Arc::clone(&self.clock)))
    }

    /// As it is, without attaching tables.
    pub(crate) fn open(&self) -> Result<DataSpace, SetupError> {
        self.setup(provider()).open()
    }

    pub(crate) fn reopen(self) -> Node {
        let space = self.open().unwrap();
        space.register(name("alloys"), name("test-results"), table(10)).unwrap();
        Node { space, files: self }
    }

    /// Without registering anything, which a wrong clock keeps from happening.
    pub(crate) fn reopen_as_it_is(self) -> Node {
        let space = self.open().unwrap();
        Node { space, files: self }
    }

    /// The log by itself, as somebody sees it who can write to the directory.
    pub(crate) fn log(&self) -> Log {
        Log::open_of(&self.path(), &Origin::new(provider().did()).unwrap()).unwrap().0
    }

    pub(crate) fn forge(&self, event: Event) {
        let time = self.clock.now();
        let _appended = self.log().append(&Record::new(time, event)).unwrap();
    }
}

impl Node {
    /// Founded, with two consumers and ten rows of alloys.
    pub(crate) fn new() -> Self {
        Self::with_table(table(10))
    }

    pub(crate) fn with_table(table: Table) -> Self {
        let files = Files::new();
        let space = files.setup(provider()).create(signed_profile(|_| {})).unwrap();
        for member in [provider(), consumer(), rival()] {
            space.admit(signed_credential(&member, |_| {})).unwrap();
        }
        space.register(name("alloys"), name("test-results"), table).unwrap();
        Self { space, files }
    }

    pub(crate) fn close(self) -> Files {
        self.files
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.files.clock.advance(Duration::from_secs(secs));
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.files.clock.now()
    }

    pub(crate) fn new_offer(terms: Terms) -> NewOffer {
        let validity = days(0, 30);
        let (product, expires_at) = (name("alloys"), validity.until());
        NewOffer { product, consumer: None, terms, validity, expires_at }
    }

    pub(crate) fn offer(&self, terms: Terms) -> Signed<Offer> {
        self.space.offer(Self::new_offer(terms)).unwrap()
    }

    pub(crate) fn accept(&self, offer: &Signed<Offer>, by: &SecretKey) -> Signed<Acceptance> {
        let now = self.now();
        let offer = Offer::verify(offer.clone(), provider().did(), &DidKeys, now).unwrap();
        Acceptance::sign(&offer, by, now).unwrap()
    }

    pub(crate) fn conclude(
        &self,
        offer: &Signed<Offer>,
        by: &SecretKey,
    ) -> Result<ContractId, ChangeError> {
        let acceptance = self.accept(offer, by);
        self.space.conclude(offer.clone(), acceptance).map(|agreement| contract_id(&agreement))
    }

    /// A contract with the consumer.
    pub(crate) fn contract(&self, terms: Terms) -> ContractId {
        self.conclude(&self.offer(terms), &consumer()).unwrap()
    }

    pub(crate) fn request(&self, contract: ContractId) -> Signed<AccessRequest> {
        self.request_for(contract, Action::Read, "research")
    }

    /// A request whose signature was checked, for a pass.
    pub(crate) fn verified(&self, contract: ContractId) -> VerifiedRequest {
        self.space.verify_request(self.request(contract)).unwrap()
    }

    pub(crate) fn request_for(
        &self,
        contract: ContractId,
        action: Action,
        purpose: &str,
    ) -> Signed<AccessRequest> {
        let clock = TestClock(Arc::clone(&self.files.clock));
        let agreement = self.space.agreement(contract).unwrap();
        let by = if agreement.value().consumer == *rival().did() { rival() } else { consumer() };
        request_access(&by, &agreement, action, name(purpose), &clock).unwrap()
    }

    pub(crate) fn released(&self, contract: ContractId) -> Release {
        released(self.space.access(self.request(contract)).unwrap())
    }

    pub(crate) fn denied(&self, contract: ContractId) -> Recorded<Denial<'static>> {
        denied(self.space.access(self.request(contract)).unwrap())
    }

    pub(crate) fn len(&self) -> u64 {
        self.space.log().size().unwrap().as_u64()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        records(self.space.log())
    }

    pub(crate) fn decisions(&self) -> Vec<AccessRecord> {
        self.records().into_iter().filter_map(decision).collect()
    }
}

pub(crate) fn records(log: &Log) -> Vec<Record> {
    let mut records = Vec::new();
    log.replay(|_, bytes| {
        records.push(Record::from_bytes(bytes).unwrap());
        Ok::<_, dataspace_audit_log::reader::ReadError>(())
    })
    .unwrap();
    records
}

pub(crate) fn decision(record: Record) -> Option<AccessRecord> {
    match record.event {
        Event::Access(access) => Some(access),
        _ => None,
    }
}

pub(crate) fn permitted(access: &AccessRecord) -> Option<u64> {
    match access.verdict {
        Verdict::Permit { uses, .. } => Some(uses),
        Verdict::Deny { .. } => None,
    }
}

pub(crate) fn released(access: Access) -> Release {
    match access {
        Access::Released(release) => release,
        Access::Denied(denied) => panic!("denied: {denied}"),
    }
}

pub(crate) fn denied(access: Access) -> Recorded<Denial<'static>> {
    match access {
        Access::Released(_) => panic!("released"),
        Access::Denied(denied) => denied,
    }
}

pub(crate) fn codes(denied: &Recorded<Denial<'_>>) -> Vec<&'static str> {
    denied.reasons().iter().map(dataspace_ledger::DenialReason::code).collect()
}

pub(crate) fn rows(release: Release) -> usize {
    release.map(|batch| batch.unwrap().num_rows()).sum()
}
