//! A file that reserves training, in a node.

use std::path::Path;
use std::time::Duration;

use dataspace::{
    Acceptance, Access, Action, Agreement, ChangeError, Clock as _, DataSpace, DenialReason,
    DidKeys, MediaFile, MembershipCredential, NewOffer, NodeKeys, Offer, Refusal, Region, Rule,
    SecretKey, Setup, Signed, SystemClock, Terms, Validity, Verified, contract_id, generate_key,
    replay_decisions, request_access, sectors,
};
use dataspace_audit_log::Log;
use dataspace_content_credentials::{ContentCredentials, Credentialed, TrustList};
use dataspace_primitives::Name;
use tempfile::TempDir;

use crate::support::{JPEG, file, not_allowed, plain, read, read_path, signed};

fn media(path: &Path) -> MediaFile {
    MediaFile::open(path, name(JPEG)).unwrap()
}

struct World {
    dir: TempDir,
    node: DataSpace,
    authority: SecretKey,
    consumer: SecretKey,
    validity: Validity,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let validity =
            Validity::new(now, now.checked_add(Duration::from_secs(86_400)).unwrap()).unwrap();
        let (authority, consumer) = (generate_key().unwrap(), generate_key().unwrap());
        let keys = NodeKeys::create(&dir.path().join("keys"), Some(b"a passphrase")).unwrap();
        let provider = keys.did().clone();
        let profile = sectors::audio_visual().profile(name("films"), authority.did().clone());
        let node = Setup::new(dir.path().join("node"), keys, authority.did().clone())
            .create(Signed::sign(&profile, &authority).unwrap())
            .unwrap();
        let role = |one: usize| profile.entities.roles.iter().nth(one).unwrap().clone();
        for (serial, did) in [(1, &provider), (2, consumer.did())] {
            let credential = MembershipCredential {
                space: profile.space_id(),
                subject: did.clone(),
                name: name("A member"),
                serial,
                issued_at: now,
                roles: [role(0)].into(),
                attributes: [].into(),
                region: Region::parse("DE").unwrap(),
                validity,
            };
            node.admit(Signed::sign(&credential, &authority).unwrap()).unwrap();
        }
        Self { dir, node, authority, consumer, validity }
    }

    fn class_and_purpose(&self) -> (Name, Name) {
        let profile = sectors::audio_visual().profile(name("films"), self.authority.did().clone());
        let class = profile.data.product_classes.iter().find(|one| one.as_str() == "works");
        let class = class.or(profile.data.product_classes.iter().next()).unwrap().clone();
        (class, name("model-training"))
    }

    fn register(&self, data: impl dataspace::Product + 'static) -> Result<(), ChangeError> {
        self.node.register(name("poster"), self.class_and_purpose().0, data)
    }

    fn offer(&self, terms: Terms) -> Result<Signed<Offer>, ChangeError> {
        self.node.offer(NewOffer {
            product: name("poster"),
            consumer: None,
            terms,
            validity: self.validity,
            expires_at: self.validity.until(),
        })
    }

    fn conclude(&self, offer: Signed<Offer>) -> Verified<Agreement> {
        let now = SystemClock.now();
        let read = Offer::verify(offer.clone(), self.node.provider(), &DidKeys, now).unwrap();
        let acceptance = Acceptance::sign(&read, &self.consumer, now).unwrap();
        self.node.conclude(offer, acceptance).unwrap()
    }

    /// The codes of the denial; `None` if it was released.
    fn ask(&self, agreement: &Verified<Agreement>, action: Action) -> Option<Vec<&'static str>> {
        let purpose = self.class_and_purpose().1;
        let request =
            request_access(&self.consumer, agreement, action, purpose, &SystemClock).unwrap();
        match self.node.access(request).unwrap() {
            Access::Released(_) => None,
            Access::Denied(denied) => {
                Some(denied.reasons().iter().map(DenialReason::code).collect())
            }
        }
    }
}

fn read_and_train() -> Terms {
    Terms::new().permit(Rule::new([Action::Read, Action::Train]))
}

#[test]
fn an_offer_that_permits_training_on_it_is_refused_before_anybody_signs() {
    let world = World::new();
    let path = file(&world.dir, &signed(JPEG, &[not_allowed()]));
    let product = Credentialed::new(media(&path), read_path(&path)).unwrap();
    assert!(!product.credentials().forbids().is_empty());
    world.register(product).unwrap();
    let refused = world.offer(read_and_train()).unwrap_err();
    assert!(
        matches!(refused, ChangeError::Refused(Refusal::ForbiddenByProduct { action, .. })
            if action == Action::Train),
        "{refused}"
    );
    let agreement =
        world.conclude(world.offer(Terms::new().permit(Rule::new([Action::Read]))).unwrap());
    assert_eq!(world.ask(&agreement, Action::Read), None);
    let denied = world.ask(&agreement, Action::Train).unwrap();
    assert!(denied.contains(&"forbidden-by-product"), "{denied:?}");
}

#[test]
fn a_contract_from_before_gives_no_training_and_an_auditor_agrees() {
    let world = World::new();
    let path = file(&world.dir, &signed(JPEG, &[not_allowed()]));
    world.register(media(&path)).unwrap();
    let agreement = world.conclude(world.offer(read_and_train()).unwrap());
    assert_eq!(world.ask(&agreement, Action::Train), None);
    world.register(Credentialed::new(media(&path), read_path(&path)).unwrap()).unwrap();
    assert_eq!(world.ask(&agreement, Action::Train), Some(vec!["forbidden-by-product"]));
    assert_eq!(world.ask(&agreement, Action::Read), None);
    // Nobody takes that back by leaving the credentials out.
    let refused = world.register(media(&path)).unwrap_err();
    assert!(matches!(refused, ChangeError::Refused(Refusal::ForbidsLess { .. })), "{refused}");
    let (used, _) = world.node.uses(contract_id(&agreement)).unwrap();
    assert_eq!(used, 2);
    drop(world.node);
    let origin = agreement.value().log.clone();
    let (log, _) = Log::open_of(&world.dir.path().join("node"), &origin).unwrap();
    let replayed = replay_decisions(&log, world.authority.did(), None).unwrap();
    assert_eq!((replayed.decisions, replayed.denials, replayed.discrepancies), (3, 1, 0));
    assert_eq!(replayed.unrepeatable, 0);
}

#[test]
fn a_file_without_credentials_is_a_product_as_it_was() {
    let world = World::new();
    let path = file(&world.dir, &plain(JPEG, 7));
    world.register(Credentialed::new(media(&path), read_path(&path)).unwrap()).unwrap();
    let agreement = world.conclude(world.offer(read_and_train()).unwrap());
    assert_eq!(world.ask(&agreement, Action::Train), None);
    // The plain file is the same product.
    world.register(media(&path)).unwrap();
}

#[test]
fn credentials_of_another_file_are_not_taken() {
    let world = World::new();
    let path = file(&world.dir, &signed(JPEG, &[not_allowed()]));
    let product = media(&path);
    let other = read(&plain(JPEG, 8));
    let refused = Credentialed::new(product, other.clone()).unwrap_err();
    assert_eq!(refused.credentials, other.file_digest());
    assert_eq!(refused.product, Some(read_path(&path).file_digest()));
    // Nor those that the file had before it was changed.
    let before = ContentCredentials::read(&path, &TrustList::none()).unwrap();
    std::fs::write(&path, signed(JPEG, &[not_allowed()])).unwrap();
    assert!(Credentialed::new(media(&path), before).is_err());
}
