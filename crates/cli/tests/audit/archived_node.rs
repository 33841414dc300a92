//! A node whose old segments are archived: it goes on without them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dataspace_audit_log::{FileStorage, Log, reader::ReadError};
use dataspace_data_plane::Table;
use dataspace_identity::{DidKeys, MembershipCredential, Origin, RootSecret, SecretKey, SpaceId};
use dataspace_policy::{Action, Rule, Terms};
use dataspace_primitives::{Name, Region, Signed, Validity};
use dataspace_runtime::{
    Access, Clock as _, DataSpace, NewOffer, NodeKeys, Setup, SystemClock, index::IndexState,
    request_access, setup::SetupError,
};
use dataspace_tlog::{LeafIndex, Record};
use dataspace_usage_contract::{Acceptance, ContractId, Offer, contract_id};

use crate::support::{
    Ran, SmallSegments, audit, copy, files, in_segments, operator, with_open_log, write_key,
};

pub(crate) fn authority() -> SecretKey {
    SecretKey::from_seed(&mut [0x22; 32]).unwrap()
}

pub(crate) fn consumer() -> SecretKey {
    SecretKey::from_seed(&mut [0x23; 32]).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn year() -> Validity {
    let now = SystemClock.now();
    Validity::new(now, now.checked_add(Duration::from_secs(365 * 86_400)).unwrap()).unwrap()
}

pub(crate) fn setup(node: &Path) -> Setup {
    Setup::new(
        node,
        NodeKeys::new(operator(), RootSecret::from_bytes(&mut [9; 32])).unwrap(),
        authority().did().clone(),
    )
}

/// The product, without which there is nothing to access.
pub(crate) fn register(space: &DataSpace, dir: &Path) {
    let file = dir.join("table.csv");
    fs::write(&file, "alloy,strength\nS1,210\nS2,220\n").unwrap();
    space
        .register(name("alloys"), name("computed-properties"), Table::open(&file).unwrap())
        .unwrap();
}

pub(crate) fn contract(space: &DataSpace) -> ContractId {
    // One reading of the clock: an offer does not outlive its contract.
    let validity = year();
    let offer = NewOffer {
        product: name("alloys"),
        consumer: Some(consumer().did().clone()),
        terms: Terms::new().permit(Rule::new([Action::Read])),
        validity,
        expires_at: validity.until(),
    };
    let offer = space.offer(offer).unwrap();
    let now = SystemClock.now();
    let verified = Offer::verify(offer.clone(), space.provider(), &DidKeys, now).unwrap();
    let acceptance = Acceptance::sign(&verified, &consumer(), now).unwrap();
    contract_id(&space.conclude(offer, acceptance).unwrap())
}

/// The use that the access makes.
pub(crate) fn access(space: &DataSpace, contract: ContractId) -> u64 {
    let purpose = name("research");
    let agreement = space.agreement(contract).unwrap();
    let request =
        request_access(&consumer(), &agreement, Action::Read, purpose, &SystemClock).unwrap();
    match space.access(request).unwrap() {
        Access::Released(release) => {
            let uses = release.uses();
            assert_eq!(release.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
            uses
        }
        Access::Denied(denied) => panic!("{denied}"),
    }
}

/// What a credential says of a member that differs.
pub(crate) struct Member {
    pub(crate) role: &'static str,
    pub(crate) serial: u64,
    pub(crate) validity: Validity,
}

impl Member {
    /// The authority's word, as of now.
    pub(crate) fn credential(
        &self,
        space: SpaceId,
        subject: &SecretKey,
    ) -> Signed<MembershipCredential> {
        let credential = MembershipCredential {
            space,
            subject: subject.did().clone(),
            name: name("A member"),
            serial: self.serial,
            issued_at: SystemClock.now(),
            roles: [name(self.role)].into(),
            attributes: [].into(),
            region: Region::parse("DE").unwrap(),
            validity: self.validity,
        };
        Signed::sign(&credential, &authority()).unwrap()
    }
}

/// A node `node` in `dir` whose log has many segments, and the contract of which 30 uses are made.
pub(crate) fn many_segments(dir: &Path) -> ContractId {
    let _open = with_open_log();
    let founded = dir.join("founded");
    let did = authority().did().clone();
    let profile = dataspace_sectors::materials().profile(name("demo"), did.clone());
    let space = setup(&founded).create(Signed::sign(&profile, &authority()).unwrap()).unwrap();
    for (subject, role) in [(operator(), "provider"), (consumer(), "consumer")] {
        let member = Member { role, serial: 1, validity: year() };
        space.admit(member.credential(profile.space_id(), &subject)).unwrap();
    }
    register(&space, dir);
    let contract = contract(&space);
    for uses in 1..=30 {
        assert_eq!(access(&space, contract), uses);
    }
    drop(space);
    // The same records, a few of them in each segment; without an index.
    let (from, _) = Log::open_of(&founded, &Origin::new(operator().did()).unwrap()).unwrap();
    let storage = SmallSegments(FileStorage::create(&dir.join("node")).unwrap());
    let to = Log::create_on(Box::new(storage), from.origin().clone()).unwrap();
    from.replay(|_, bytes| {
        let record = Record::from_bytes(bytes).unwrap();
        drop(to.append(&record).unwrap());
        Ok::<(), ReadError>(())
    })
    .unwrap();
    to.checkpoint(&operator()).unwrap();
    fs::write(dir.join("authority.did"), format!("{did}\n")).unwrap();
    write_key(dir);
    contract
}

fn archive(dir: &Path, before: &str, more: &[&str]) -> Ran {
    let args = ["archive", "node", "--before", before, "--to", "old", "--key", "key"];
    audit(dir, &[&args[..], more].concat())
}

const AUTHORITY: [&str; 2] = ["--authority", "authority.did"];

#[test]
fn a_node_opens_and_releases_data_without_its_archived_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, node) = (dir.path(), dir.path().join("node"));
    let contract = many_segments(dir);
    for (before, uses) in [("20", 31), ("33", 32)] {
        let here = files(&node);
        let said = archive(dir, before, &AUTHORITY).ends(0);
        assert!(said.contains("archived") && said.contains("opens without"), "{said}");
        let gone = here.iter().filter(|(path, _)| !path.exists());
        let gone: Vec<_> = gone.map(|(path, _)| path.file_name().unwrap()).collect();
        assert!(gone.len() >= 2, "{gone:?}");
        assert!(gone.iter().all(|name| dir.join("old").join(name).exists()), "{gone:?}");

        let open = with_open_log();
        let space = setup(&node).open().unwrap();
        assert!(matches!(space.index_state(), Some(IndexState::Used { .. })));
        assert!(space.log().first().unwrap() > LeafIndex::default());
        register(&space, dir);
        assert_eq!(access(&space, contract), uses);
        drop((space, open));
        audit(dir, &["verify", "node"]).ends(0);
    }
    // The index is what stands for them.
    fs::remove_file(node.join("index")).unwrap();
    let open = with_open_log();
    assert!(matches!(setup(&node).open(), Err(SetupError::Archived { .. })));
    drop(open);
    let back = ["set-clock-back", "node", "--key", "key", "--authority", "authority.did"];
    let said = audit(dir, &back).ends(2);
    assert!(said.contains("restore the archived segments"), "{said}");
    copy(&dir.join("old"), &node);
    let _open = with_open_log();
    let space = setup(&node).open().unwrap();
    register(&space, dir);
    assert_eq!(access(&space, contract), 33);
}

#[test]
fn a_node_is_not_archived_without_the_authority_of_its_space() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, node) = (dir.path(), dir.path().join("node"));
    many_segments(dir);
    let segments = || {
        let all = files(&node).into_iter();
        all.filter(|(path, _)| path.to_string_lossy().contains("segment-")).collect::<Vec<_>>()
    };
    // Founded, but never opened since; and with the index that it leaves when it closes.
    for has_index in [false, true] {
        if has_index {
            let open = with_open_log();
            drop(setup(&node).open().unwrap());
            drop(open);
            assert!(node.join("index").exists());
        }
        let whole = segments();
        let said = archive(dir, "20", &[]).ends(2);
        assert!(said.contains("a node's log") && said.contains("--authority"), "{said}");
        let other = operator().did().to_string();
        let said = archive(dir, "20", &["--authority", &other]).ends(2);
        let own = authority().did().to_string();
        assert!(said.contains("nothing was changed") && said.contains(&own), "{said}");
        assert!(archive(dir, "20", &["--authority", "no-file"]).ends(2).contains("no-file"));
        assert_eq!(segments(), whole);
        assert!(!dir.join("old").exists());
    }
}

#[test]
fn a_log_of_no_node_has_no_authority() {
    let dir = tempfile::tempdir().unwrap();
    in_segments(&dir.path().join("node"));
    write_key(dir.path());
    let did = authority().did().to_string();
    let said = archive(dir.path(), "20", &["--authority", &did]).ends(2);
    assert!(said.contains("nothing in node is of a node"), "{said}");
    assert!(!dir.path().join("old").exists());
    archive(dir.path(), "20", &[]).ends(0);
    assert!(!dir.path().join("node/index").exists());
}
