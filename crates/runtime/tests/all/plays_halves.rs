//! Plays between the two halves: a way that breaks, files that are opened elsewhere, two contracts in one access.

use dataspace_identity::DidKeys;
use dataspace_policy::{Action, Constraint, Rule, Terms, facts::Metered};
use dataspace_primitives::Part;
use dataspace_runtime::{
    ConsumerNode, DataSpace, NewOffer, NewRequest, Reply, SealedStore,
    consumer::{Arrived, sealed::Opening},
    request_access_to,
    space::AccessAll,
};
use dataspace_usage_contract::{Acceptance, ContractId, Offer, contract_id};
use tempfile::TempDir;

use crate::plays::{film, plays, stretch};
use crate::reports::{replay, reports};
use crate::resumed::{Broken, breaking};
use crate::sealed::{codes, opened};
use crate::support::consumer::{Half, data, direct};
use crate::support::{
    Node, TestClock, consumer as consumer_key, name, provider, signed_credential,
};

/// Bytes of a second: the film has several pieces.
const RATE: usize = 20_000;

fn new(part: Option<Part>) -> NewRequest {
    NewRequest { part, ..NewRequest::new(Action::Play, name("research")) }
}

fn playing(constraint: Constraint) -> Terms {
    Terms::new().permit(Rule::new([Action::Play]).when(constraint))
}

/// Both halves, and a contract for the film.
fn halves(terms: Terms) -> (Node, Half, ConsumerNode, ContractId, TempDir) {
    let (node, dir) = (Node::new(), tempfile::tempdir().unwrap());
    let film = film(&dir.path().join("film.mp4"), RATE);
    node.space.register(name("film"), name("test-results"), film).unwrap();
    let (half, way) = (Half::new(&node), direct(&node.space));
    let offer = NewOffer { product: name("film"), ..Node::new_offer(terms) };
    node.space.publish_offer(node.space.offer(offer).unwrap()).unwrap();
    let consumer = half.create(&way);
    let offers = consumer.read_catalogue(&way).unwrap();
    let contract = consumer.conclude(&way, offers[0]).unwrap();
    (node, half, consumer, contract, dir)
}

fn metered(space: &DataSpace, contract: ContractId) -> Metered {
    space.metered(contract).unwrap()
}

#[test]
fn a_stretch_that_breaks_off_and_goes_on_is_one_play_and_its_seconds_count_once() {
    let rule = Rule::new([Action::Play]).when(plays(1, 30)).when(Constraint::SecondsCount(100));
    let terms = Terms::new().permit(rule);
    for how in [Broken::BothEnds, Broken::OneEnd] {
        // Nothing came; some of the first piece did; some of the second.
        for after in [0, 5_000, 1_300_000] {
            let (node, _half, consumer, contract, dir) = halves(terms.clone());
            let cut = breaking(&node.space, after, how);
            let asked = new(stretch(0, 100));
            let mut incoming = data(consumer.access(&cut, contract, asked).unwrap());
            let mut came = Vec::new();
            for turn in 0..2 {
                while let Some(Arrived::Bytes { bytes, .. }) = incoming.next_piece() {
                    came.extend(bytes);
                }
                if turn == 0 && incoming.is_cut() {
                    incoming.resume(&direct(&node.space)).unwrap();
                }
            }
            let film = std::fs::read(dir.path().join("film.mp4")).unwrap();
            assert!(came == film[..came.len()] && came.len() == film.len() - 20 * RATE);
            let arrival = incoming.finish().unwrap();
            assert!(arrival.is_whole() && arrival.complaints.is_empty(), "{arrival:?}");

            let expected = Metered { plays: Some(1), played_until: Some(100), seconds: Some(100) };
            assert_eq!(metered(&node.space, contract), expected, "after {after}");
            assert_eq!(reports(&node).len(), 1);
            // Nothing is left, not even of what is free, since each second counts.
            for (from, until) in [(0, 1), (100, 101)] {
                let again =
                    consumer.access(&direct(&node.space), contract, new(stretch(from, until)));
                assert!(matches!(again.unwrap(), Reply::Denied(_)));
            }
            // The way holds the node open.
            drop(cut);
            let replayed = replay(&node.close());
            assert!(replayed.is_sound(), "{:?}", replayed.first);
        }
    }
}

fn is_denied(store: &SealedStore, file: &dataspace_primitives::Digest) -> bool {
    match store.open(file, new(None)).unwrap() {
        denied @ Opening::Denied { .. } => codes(denied) == ["unmet"],
        Opening::Opened(_) => false,
    }
}

#[test]
fn each_opening_of_a_sealed_film_is_a_play_at_the_consumers_node() {
    let (node, half, consumer, contract, _dir) = halves(playing(plays(2, 30)));
    consumer.admit(&signed_credential(&consumer_key(), |_| {})).unwrap();
    let store = consumer.sealed_store();
    let stored = store.receive(&direct(&node.space), contract, new(stretch(0, 30))).unwrap();
    let file = stored.file.unwrap();
    // To send the first seconds is no play; to open what was sent is one, as a file is opened whole.
    assert_eq!(metered(&node.space, contract).plays, Some(0));
    let play = |store: &SealedStore| match store.open(&file, new(None)).unwrap() {
        Opening::Opened(file) => drop(file),
        Opening::Denied { reasons, .. } => panic!("{reasons:?}"),
    };
    play(&store);
    drop((store, consumer));
    // Its node counts on, by its log.
    let consumer = half.setup().open().unwrap();
    let store = consumer.sealed_store();
    play(&store);
    assert!(is_denied(&store, &file));
    drop((store, consumer));
    let consumer = half.setup().open().unwrap();
    assert!(is_denied(&consumer.sealed_store(), &file));
}

#[test]
fn seconds_of_a_sealed_film_cannot_be_counted_so_that_it_stays_closed() {
    let (node, _half, consumer, contract, _dir) = halves(playing(Constraint::SecondsCount(60)));
    consumer.admit(&signed_credential(&consumer_key(), |_| {})).unwrap();
    let store = consumer.sealed_store();
    let stored = store.receive(&direct(&node.space), contract, new(stretch(0, 30))).unwrap();
    assert!(is_denied(&store, &stored.file.unwrap()));
    // Where nothing is counted, it opens.
    let (node, _half, consumer, contract, _dir) =
        halves(Terms::new().permit(Rule::new([Action::Read, Action::Play])));
    consumer.admit(&signed_credential(&consumer_key(), |_| {})).unwrap();
    let store = consumer.sealed_store();
    let stored = store.receive(&direct(&node.space), contract, new(stretch(0, 30))).unwrap();
    drop(opened(&store, &stored.file.unwrap()));
}

#[test]
fn of_two_films_in_one_access_both_are_played_or_none() {
    let (node, _half, _consumer, first, dir) = halves(playing(plays(2, 30)));
    let film = film(&dir.path().join("other.mp4"), RATE);
    node.space.register(name("other"), name("test-results"), film).unwrap();
    let offer = NewOffer { product: name("other"), ..Node::new_offer(playing(plays(1, 30))) };
    let offer = node.space.offer(offer).unwrap();
    let now = node.now();
    let verified = Offer::verify(offer.clone(), provider().did(), &DidKeys, now).unwrap();
    let acceptance = Acceptance::sign(&verified, &consumer_key(), now).unwrap();
    let second = contract_id(&node.space.conclude(offer, acceptance).unwrap());

    let ask = |part: Option<Part>| {
        let request = |contract| {
            let agreement = node.space.agreement(contract).unwrap();
            let clock = TestClock(node.files.clock.clone());
            request_access_to(&consumer_key(), &agreement, new(part.clone()), &clock).unwrap()
        };
        let asks = [first, second].map(|contract| (&node.space, request(contract)));
        match DataSpace::access_all(asks.into()).unwrap() {
            AccessAll::Released(releases) => releases.len(),
            AccessAll::Denied(_) => 0,
        }
    };
    let played = || [first, second].map(|one| metered(&node.space, one).plays.unwrap());
    assert_eq!((ask(stretch(0, 30)), played()), (2, [0, 0]));
    assert_eq!((ask(stretch(30, 60)), played()), (2, [1, 1]));
    assert_eq!((ask(stretch(60, 90)), played()), (2, [1, 1]));
    // The second one has none left: the first one keeps its own.
    assert_eq!((ask(None), played()), (0, [1, 1]));
    assert_eq!((ask(stretch(60, 90)), played()), (0, [1, 1]));
    assert_eq!((ask(stretch(90, 91)), played()), (2, [1, 1]));
    let replayed = replay(&node.close());
    assert!(replayed.is_sound(), "{:?}", replayed.first);
}
