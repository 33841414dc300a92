//! What somebody with a stolen key, a wrong clock or good timing tries.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use dataspace_data_plane::MediaFile;
use dataspace_identity::RootSecret;
use dataspace_policy::Terms;
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{
    AccessError, ChangeError, DataSpace, NewOffer, NodeKeys, Release,
    access::{Decision, ReleaseError},
    key_files::KeyFileError,
};
use dataspace_tlog::{Event, LeafIndex, Record};
use dataspace_usage_contract::{Acceptance, Offer, Termination, contract_id};

use crate::rotation::{
    YEAR, conclude, document, founded, institute, key, node_keys, request, setup, steel,
};
use crate::support::{Files, Node, at, authority, name, released, research};

/// Decides on a request by key 1 of which the signature was checked before `meanwhile`.
fn decided_after(meanwhile: impl FnOnce(&Node)) -> Result<(), AccessError> {
    let node = founded();
    let by = key(&institute(), 1);
    let second = document(&institute(), 2, &[(1, 100), (2, YEAR)], &by);
    node.space.record_keys(second).unwrap();
    let agreement = conclude(&node, &by).unwrap();
    let verified = node.space.verify_request(request(&node, &agreement, &by)).unwrap();
    meanwhile(&node);
    let before = node.len();
    let monitor = node.space.enter();
    let decision = monitor.receive(verified)?.decide().map(|decision| match decision {
        Decision::Permit(_) => (),
        Decision::Denial(denial) => panic!("{:?}", denial.reasons()),
    });
    drop(monitor);
    assert_eq!(node.len(), before);
    decision
}

#[test]
fn a_key_that_is_taken_back_or_ends_after_its_signature_was_checked_does_not_count() {
    assert!(decided_after(|_| ()).is_ok());
    let taken_back = decided_after(|node| {
        let without = document(&institute(), 3, &[(2, YEAR)], &authority());
        node.space.record_keys(without).unwrap();
    });
    assert!(matches!(taken_back, Err(AccessError::Signature)), "{taken_back:?}");
    let ended = decided_after(|node| node.advance(150));
    assert!(matches!(ended, Err(AccessError::Signature)), "{ended:?}");
}

#[test]
fn no_decision_stands_behind_the_record_that_takes_its_key_back() {
    let node = founded();
    let agreement = conclude(&node, &key(&institute(), 1)).unwrap();
    for round in 2..=9_u8 {
        let by = key(&institute(), round - 1);
        let requests: Vec<_> = (0..64).map(|_| request(&node, &agreement, &by)).collect();
        let (space, barrier) = (&node.space, &Barrier::new(9));
        thread::scope(|scope| {
            for chunk in requests.chunks(8) {
                scope.spawn(move || {
                    barrier.wait();
                    for one in chunk {
                        let _released_or_refused = space.access(one.clone()).map(drop);
                    }
                });
            }
            barrier.wait();
            thread::sleep(Duration::from_micros(700 * u64::from(round)));
            let next = document(&institute(), round.into(), &[(round, YEAR)], &authority());
            space.record_keys(next).unwrap();
        });
        let records = node.records();
        let is_keys = |record: &Record| matches!(record.event, Event::Keys { .. });
        let removal = records.iter().rposition(is_keys).unwrap();
        for (index, record) in records.iter().enumerate() {
            let Event::Access(access) = &record.event else { continue };
            let is_it = |one: &&Signed<_>| Digest::of(one.as_bytes()) == access.request;
            let Some(request) = requests.iter().find(is_it) else { continue };
            assert!(index < removal);
            let index = LeafIndex::new(u64::try_from(index).unwrap());
            node.space.evidence_at(index, Some(request)).unwrap();
        }
        node.advance(10);
    }
}

fn watched(node: &Node) -> Release {
    let path = node.files.dir.path().join("film.mp4");
    fs::write(&path, vec![1; 3 << 20]).unwrap();
    let film = MediaFile::open(&path, name("video/mp4")).unwrap();
    node.space.register(name("film"), name("test-results"), film).unwrap();
    let (by, now) = (key(&institute(), 1), node.now());
    let new = Node::new_offer(Terms::new().permit(research()));
    let offer = node.space.offer(NewOffer { product: name("film"), ..new }).unwrap();
    let read = Offer::verify(offer.clone(), &steel(), &*node.space.keys(), now).unwrap();
    let accepted = Acceptance::sign(&read, &by, now).unwrap();
    let agreement = node.space.conclude(offer, accepted).unwrap();
    released(node.space.access(request(node, &agreement, &by)).unwrap())
}

#[test]
fn a_release_stops_when_the_key_that_asked_for_it_is_taken_back() {
    let node = founded();
    let mut release = watched(&node);
    assert!(release.next_piece().unwrap().is_some());
    node.space.record_keys(document(&institute(), 2, &[(2, YEAR)], &authority())).unwrap();
    let stopped = release.next_piece();
    assert!(matches!(stopped, Err(ReleaseError::Stopped { .. })), "{stopped:?}");
}

#[test]
fn a_film_that_is_changed_in_place_is_given_out_no_further() {
    let node = founded();
    let mut release = watched(&node);
    assert!(release.next_piece().unwrap().is_some());
    let path = node.files.dir.path().join("film.mp4");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    thread::sleep(Duration::from_millis(20));
    fs::write(&path, vec![2; 3 << 20]).unwrap();
    // With the time of before, as some tools leave it.
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert!(matches!(release.next_piece(), Err(ReleaseError::Run(_))));
    assert!(release.next_piece().unwrap().is_none());
}

#[test]
fn whoever_has_stolen_a_key_cannot_keep_the_authority_from_taking_it_back() {
    let node = founded();
    let thief = key(&institute(), 1);
    let mut version = 1;
    let refused = loop {
        version += 1;
        let own = document(&institute(), version, &[(1, YEAR)], &thief);
        if let Err(refused) = node.space.record_keys(own) {
            break refused;
        }
    };
    assert_eq!(version, 34, "{refused:?}");
    // Whatever version the authority had prepared, as long as it is higher.
    node.space.record_keys(document(&institute(), 50, &[(2, YEAR)], &authority())).unwrap();
    assert!(conclude(&node, &thief).is_err());
    conclude(&node, &key(&institute(), 2)).unwrap();
    let lower = node.space.record_keys(document(&institute(), 40, &[(1, YEAR)], &authority()));
    assert!(lower.is_err());
    let files = node.close();
    setup(&files, node_keys(1)).open().unwrap();
}

/// Sets the clock back to the 500th second.
fn set_back(node: Node) -> Node {
    let Node { space, files } = node;
    space.close().unwrap();
    files.clock.set(at(500));
    let space = setup(&files, node_keys(1)).set_clock_back().unwrap();
    Node { space, files }
}

fn reopened(node: Node) -> (DataSpace, Files) {
    let Node { space, files } = node;
    space.close().unwrap();
    (setup(&files, node_keys(1)).open().unwrap(), files)
}

#[test]
fn contracts_of_a_wrong_clock_stay_readable_whatever_keys_are_stated_after_it() {
    let node = founded();
    node.advance(1_000_000);
    let first = conclude(&node, &key(&institute(), 1)).unwrap();
    let next = document(&institute(), 2, &[(2, YEAR)], &key(&institute(), 1));
    node.space.record_keys(next).unwrap();
    node.advance(1_000);
    let second = conclude(&node, &key(&institute(), 2)).unwrap();
    let node = set_back(node);
    // The key of the wrong time can be used once it is stated again.
    node.space.record_keys(document(&institute(), 3, &[(2, YEAR)], &authority())).unwrap();
    let termination = Termination {
        contract: contract_id(&second),
        by: institute(),
        declared_at: node.now(),
        reason: name("over"),
    };
    node.space.terminate(Signed::sign(&termination, &key(&institute(), 2)).unwrap()).unwrap();
    node.space.record_keys(document(&institute(), 4, &[(3, YEAR)], &authority())).unwrap();
    node.space.record_keys(document(&steel(), 2, &[(1, YEAR)], &key(&steel(), 1))).unwrap();
    let (space, _files) = reopened(node);
    for agreement in [first, second] {
        let found = space.agreement(contract_id(&agreement)).unwrap();
        assert_eq!(found.value(), agreement.value());
    }
}

#[test]
fn a_key_that_the_log_called_over_does_not_come_back_with_the_clock() {
    let node = founded();
    let by = key(&institute(), 1);
    node.space.record_keys(document(&institute(), 2, &[(1, 1_000), (2, YEAR)], &by)).unwrap();
    let agreement = conclude(&node, &by).unwrap();
    node.advance(10_000);
    node.space.record_keys(document(&steel(), 2, &[(1, YEAR)], &key(&steel(), 1))).unwrap();
    let node = set_back(node);
    let termination = Termination {
        contract: contract_id(&agreement),
        by: institute(),
        declared_at: node.now(),
        reason: name("over"),
    };
    let refused = node.space.terminate(Signed::sign(&termination, &by).unwrap());
    assert!(matches!(refused, Err(ChangeError::Refused(_))), "{refused:?}");
    node.space.terminate(Signed::sign(&termination, &key(&institute(), 2)).unwrap()).unwrap();
    reopened(node);
}

#[test]
fn an_unsealed_file_in_the_place_of_a_sealed_one_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    drop(NodeKeys::create(&keys, Some(b"correct horse")).unwrap());
    let mine = RootSecret::from_bytes(&mut [9; 32]).to_pem(None).unwrap();
    fs::write(keys.join("root.pem"), mine.as_bytes()).unwrap();
    let opened = NodeKeys::open(&keys, Some(b"correct horse"));
    assert!(matches!(opened, Err(KeyFileError::Text { file: "root.pem", .. })), "{opened:?}");
}
