//! What an owner can put behind a node, and hear of it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use dataspace_audit_log::FileStorage;
use dataspace_data_plane::errors::{PlanError, RunError};
use dataspace_data_plane::product::{Delivery, Piece, ProductError, Recipient};
use dataspace_data_plane::{MediaFile, Product};
use dataspace_identity::{DidKeys, RootSecret, SecretKey};
use dataspace_policy::Duty;
use dataspace_primitives::{Digest, KeyId, Part, Secrets, Signature, Signer, key::SignerError};
use dataspace_runtime::{
    AccessError, NewOffer, Observer, Setup, SystemClock, conformance,
    index::{
        DirectorySnapshots, IndexError, IndexState, MemorySnapshots, Snapshots as _, Unusable,
    },
    observer::{Decided, Ended},
    random::{RandomError, Randomness, SystemRandomness},
    setup::SetupError,
};
use dataspace_tlog::TreeSize;
use dataspace_usage_contract::{ContractId, profile::DENIALS_PER_MINUTE};

use crate::support::{
    Files, Node, authority, consumer, counted, keys, name, provider, signed_credential,
    signed_profile, table, terms,
};

#[test]
fn the_back_ends_of_this_library_are_as_they_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut place = || {
        number += 1;
        dir.path().join(number.to_string())
    };
    conformance::snapshots(&mut || {
        let place = place();
        fs::create_dir(&place)?;
        Ok(Box::new(DirectorySnapshots::new(place)))
    })
    .unwrap();
    conformance::snapshots(&mut || Ok(Box::new(MemorySnapshots::default()))).unwrap();
    dataspace_audit_log::conformance::storage(&mut || {
        Ok(Box::new(FileStorage::create(&place()).unwrap()))
    })
    .unwrap();
    conformance::clock(&SystemClock).unwrap();
    conformance::randomness(&SystemRandomness).unwrap();
}

#[test]
fn keys_secrets_resolvers_and_products_of_this_library_are_as_they_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let key = provider();
    conformance::signer(&key, &key.public_key().unwrap()).unwrap();
    let root = || RootSecret::from_bytes(&mut [3; 32]);
    conformance::secrets(&mut || Box::new(root())).unwrap();
    let web = "did:web:nobody.example".parse().unwrap();
    conformance::resolver(&DidKeys, key.did(), &web).unwrap();
    let node = Node::new();
    conformance::resolver(&*node.space.keys(), key.did(), &web).unwrap();
    conformance::product(&table(3)).unwrap();
    let path = dir.path().join("film");
    fs::write(&path, "a film of some bytes").unwrap();
    conformance::product(&MediaFile::open(&path, name("video/mp4")).unwrap()).unwrap();
}

/// Signs with another key than it says.
struct Impostor(SecretKey);

impl Signer for Impostor {
    fn key_id(&self) -> &KeyId {
        self.0.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        consumer().sign(message)
    }
}

/// Gives everything out, whatever is asked for.
struct Leak;

impl Product for Leak {
    fn descriptor_digest(&self) -> Digest {
        Digest::of(b"leak")
    }

    fn check(&self, _: &[Duty]) -> Result<(), PlanError> {
        Ok(())
    }

    fn open(
        &self,
        _: &[Duty],
        _: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        Product::open(&table(3), &[], None, secrets, recipient)
    }
}

#[test]
fn keys_secrets_resolvers_and_products_that_do_otherwise_are_found_out() {
    let key = provider().public_key().unwrap();
    assert!(conformance::signer(&Impostor(provider()), &key).is_err());
    let mut number = 0;
    let forgetful = conformance::secrets(&mut || {
        number += 1;
        Box::new(RootSecret::from_bytes(&mut [number; 32]))
    });
    assert!(forgetful.is_err());
    assert!(conformance::resolver(&DidKeys, provider().did(), consumer().did()).is_err());
    assert!(conformance::product(&Leak).is_err());
}

/// Draws the same number again and again.
struct Stuck;

impl Randomness for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.fill(7);
        Ok(())
    }
}

struct Dry;

impl Randomness for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

/// Forgets what is stored.
struct Forgetful;

impl dataspace_runtime::index::Snapshots for Forgetful {
    fn load(&self) -> std::io::Result<Option<Box<dyn std::io::Read>>> {
        Ok(None)
    }

    fn store(
        &self,
        write: &mut dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        write(&mut std::io::sink())
    }
}

#[test]
fn a_back_end_that_does_otherwise_is_found_out() {
    assert!(conformance::randomness(&Stuck).is_err());
    assert!(conformance::randomness(&Dry).is_err());
    assert!(conformance::snapshots(&mut || Ok(Box::new(Forgetful))).is_err());
    // One place for all.
    let shared = MemorySnapshots::default();
    assert!(conformance::snapshots(&mut || Ok(Box::new(shared.clone()))).is_err());
}

#[test]
fn a_node_keeps_its_index_where_its_owner_says() {
    let (files, memory) = (Files::new(), MemorySnapshots::default());
    let setup = |files: &Files| files.setup(provider()).snapshots(memory.clone());
    let space = setup(&files).create(signed_profile(|_| {})).unwrap();
    space.admit(signed_credential(&provider(), |_| {})).unwrap();
    drop(space);
    assert!(!files.path().join("index").exists());
    let space = setup(&files).open().unwrap();
    assert!(matches!(space.index_state(), Some(IndexState::Used { replayed: 0, .. })));
    drop(space);
    // The index of a longer log, or none at all, is no index of this one.
    let space = files.setup(provider()).snapshots(MemorySnapshots::default()).open().unwrap();
    let why = space.index_state().unwrap();
    assert!(matches!(why, IndexState::Rebuilt { why: Unusable::Missing, .. }), "{why:?}");
    let stored = memory.load().unwrap();
    assert!(stored.is_some());
}

#[test]
fn random_numbers_come_from_where_the_owner_says() {
    let files = Files::new();
    let setup =
        |files: &Files| Setup::new(files.path(), keys(provider()), authority().did().clone());
    let dry = setup(&files).randomness(Dry).create(signed_profile(|_| {}));
    assert!(matches!(dry, Err(SetupError::Random(_))));
    let stuck = setup(&files).randomness(Stuck).create(signed_profile(|_| {})).unwrap();
    assert!(stuck.log().origin().to_string().ends_with(&"07".repeat(16)));
    drop(stuck);
    assert!(matches!(setup(&files).randomness(Dry).open(), Err(SetupError::Random(_))));
}

/// Writes down what it hears.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn hear(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Ear {
    fn decided(&self, decided: &Decided<'_>) {
        let index = decided.index.map(dataspace_tlog::LeafIndex::as_u64);
        self.hear(format!("decided {index:?} {:?}", decided.reasons));
    }

    fn ended(&self, ended: &Ended<'_>) {
        let report = ended.report.ok().map(dataspace_tlog::LeafIndex::as_u64);
        self.hear(format!("ended {} {:?} {report:?}", ended.access, ended.end));
    }

    fn appended(&self, index: dataspace_tlog::LeafIndex) {
        self.hear(format!("appended {index}"));
    }

    fn mismatch(&self, contract: ContractId) {
        self.hear(format!("mismatch {contract}"));
    }

    fn index(&self, written: Result<TreeSize, &IndexError>) {
        self.hear(format!("index {:?}", written.map(TreeSize::as_u64).ok()));
    }
}

#[test]
fn an_observer_hears_decisions_changes_and_the_index() {
    let (node, ear) = (Node::new(), Ear::default());
    let files = node.close();
    let space = files.setup(provider()).observer(ear.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    ear.heard();
    let contract = node.contract(counted(1));
    let first = node.len();
    assert_eq!(ear.heard(), [format!("appended {}", first - 1)]);
    drop(node.released(contract));
    drop(node.denied(contract));
    let (report, denied) = (first + 1, first + 2);
    let decided = [
        format!("decided Some({first}) []"),
        format!("ended {first} Dropped Some({report})"),
        format!("decided Some({denied}) [\"unmet\"]"),
    ];
    assert_eq!(ear.heard(), decided);
    for _ in 1..DENIALS_PER_MINUTE {
        drop(node.denied(contract));
    }
    ear.heard();
    let counted = node.space.access(node.request(contract));
    assert!(matches!(counted, Err(AccessError::TooManyDenials { .. })));
    assert_eq!(ear.heard(), ["decided None [\"unmet\"]"]);
    node.space.write_index().unwrap();
    assert_eq!(ear.heard(), [format!("index Some({})", node.len())]);
    drop(node.close());
    // The sum of the denials, and the index of it.
    assert_eq!(ear.heard().len(), 1);
}

/// Stores, and then says so or not: a disk whose sync fails after the rename.
#[derive(Clone, Default)]
struct Doubtful {
    memory: MemorySnapshots,
    fails: Arc<AtomicBool>,
}

impl dataspace_runtime::index::Snapshots for Doubtful {
    fn load(&self) -> std::io::Result<Option<Box<dyn std::io::Read>>> {
        self.memory.load()
    }

    fn store(
        &self,
        write: &mut dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        self.memory.store(write)?;
        if self.fails.load(Ordering::Acquire) {
            Err(std::io::ErrorKind::Other.into())
        } else {
            Ok(())
        }
    }
}

#[test]
fn an_index_that_was_stored_without_word_of_it_is_gone_on_from() {
    let (files, stored) = (Files::new(), Doubtful::default());
    let setup = |files: &Files| files.setup(provider()).snapshots(stored.clone());
    let space = setup(&files).create(signed_profile(|_| {})).unwrap();
    space.admit(signed_credential(&provider(), |_| {})).unwrap();
    stored.fails.store(true, Ordering::Release);
    assert!(space.write_index().is_err());
    stored.fails.store(false, Ordering::Release);
    space.admit(signed_credential(&consumer(), |_| {})).unwrap();
    space.write_index().unwrap();
    space.close().unwrap();
    let space = setup(&files).open().unwrap();
    let state = space.index_state();
    assert!(matches!(state, Some(IndexState::Used { replayed: 0, .. })), "{state:?}");
}

/// Takes its time to be looked over, and cannot be opened before.
struct Slow {
    begun: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
    is_looked_over: AtomicBool,
}

impl Product for Slow {
    fn descriptor_digest(&self) -> Digest {
        Digest::of(b"slow")
    }

    fn check(&self, _: &[Duty]) -> Result<(), PlanError> {
        Ok(())
    }

    fn look_over(&self) {
        self.begun.send(()).unwrap();
        self.goes_on.lock().unwrap().recv().unwrap();
        self.is_looked_over.store(true, Ordering::SeqCst);
    }

    fn open(
        &self,
        _: &[Duty],
        _: Option<&Part>,
        _: &dyn Secrets,
        _: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        assert!(self.is_looked_over.load(Ordering::SeqCst));
        Ok(Box::new(Nothing))
    }
}

struct Nothing;

impl Delivery for Nothing {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        Ok(None)
    }
}

#[test]
fn changes_do_not_wait_for_data_that_are_looked_over() {
    let node = Node::new();
    let ((begun, has_begun), (go_on, goes_on)) = (channel(), channel());
    let goes_on = Mutex::new(goes_on);
    let slow = Slow { begun, goes_on, is_looked_over: AtomicBool::new(false) };
    node.space.register(name("slow"), name("test-results"), slow).unwrap();
    let offer = NewOffer { product: name("slow"), ..Node::new_offer(terms()) };
    let offer = node.space.offer(offer).unwrap();
    let contract = node.conclude(&offer, &consumer()).unwrap();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| node.released(contract));
        has_begun.recv().unwrap();
        // Changes, and accesses to other data.
        let other = node.contract(terms());
        drop(node.released(other));
        node.space.end_contract(other, name("over")).unwrap();
        go_on.send(()).unwrap();
        drop(reading.join().unwrap());
    });
}
