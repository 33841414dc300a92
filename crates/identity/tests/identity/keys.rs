//! Which keys speak for a participant whose DID is not its key.

use dataspace_identity::{
    Did, KeyDocument, KnownKeys, ParticipantKey, Resolver as _, SecretKey, SpaceId,
    keys::{KEY_DOCUMENTS_MAX, KeyDocumentError},
};
use dataspace_primitives::{KeyId, Signed, Signer as _, UnixMillis, Validity};
use proptest::prelude::*;
use serde_bytes::ByteArray;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

fn web() -> Did {
    "did:web:institute.example".parse().unwrap()
}

fn space() -> SpaceId {
    SpaceId::new(key(1).did().clone(), "materials".parse().unwrap())
}

fn id(number: u8) -> KeyId {
    format!("{}#key-{number}", web()).parse().unwrap()
}

/// The participant's key with this number.
fn own(number: u8) -> SecretKey {
    key(100 + number).named(id(number)).unwrap()
}

fn stated(number: u8, from: u64, until: u64) -> ParticipantKey {
    let key = own(number).public_key().unwrap();
    ParticipantKey {
        id: id(number),
        public_key: ByteArray::new(*key.as_bytes()),
        validity: Validity::new(at(from), at(until)).unwrap(),
    }
}

fn document(version: u64, keys: Vec<ParticipantKey>) -> KeyDocument {
    KeyDocument { space: space(), subject: web(), version, keys }
}

fn add(
    known: &mut KnownKeys,
    document: &KeyDocument,
    by: &SecretKey,
    now: u64,
) -> Result<(), KeyDocumentError> {
    let document = known.check(Signed::sign(document, by).unwrap(), &space(), at(now))?;
    known.add(&document, at(now));
    Ok(())
}

fn is_believed(known: &KnownKeys, number: u8, millis: u64) -> bool {
    known.keys(&web()).is_believed(&id(number), at(millis))
}

fn was_believed(known: &KnownKeys, number: u8, millis: u64) -> bool {
    known.past().keys(&web()).is_believed(&id(number), at(millis))
}

/// The authority states key 1, from 0 until 1,000.
fn begun() -> KnownKeys {
    let mut known = KnownKeys::default();
    add(&mut known, &document(1, vec![stated(1, 0, 1_000)]), &key(1), 10).unwrap();
    known
}

#[test]
fn nobody_speaks_for_a_did_web_before_the_authority_states_a_key() {
    let mut known = KnownKeys::default();
    assert!(known.keys(&web()).iter().next().is_none());
    let first = document(1, vec![stated(1, 0, 1_000)]);
    for stranger in [own(1), key(7)] {
        let refused = add(&mut known, &first, &stranger, 10);
        assert!(matches!(
            refused,
            Err(KeyDocumentError::Verify(_) | KeyDocumentError::Stranger { .. })
        ));
    }
    add(&mut known, &first, &key(1), 10).unwrap();
    assert!(is_believed(&known, 1, 10) && is_believed(&known, 1, 999));
    assert!(!is_believed(&known, 1, 1_000) && !is_believed(&known, 2, 10));
    // A did:key goes on to be its key.
    assert!(known.keys(key(7).did()).is_believed(key(7).key_id(), at(0)));
}

#[test]
fn a_participant_rotates_its_keys_itself_with_both_in_force_for_a_while() {
    let mut known = begun();
    let both = document(2, vec![stated(1, 0, 300), stated(2, 200, 5_000)]);
    add(&mut known, &both, &own(1), 100).unwrap();
    for (millis, first, second) in
        [(50, true, false), (150, true, false), (250, true, true), (300, false, true)]
    {
        let found = (is_believed(&known, 1, millis), is_believed(&known, 2, millis));
        assert_eq!(found, (first, second), "at {millis}");
    }
    // The old key states nothing any more, the new one does.
    let third = document(3, vec![stated(2, 200, 5_000), stated(3, 400, 9_000)]);
    let refused = add(&mut known, &third, &own(1), 400);
    assert!(matches!(refused, Err(KeyDocumentError::Verify(_))), "{refused:?}");
    add(&mut known, &third, &own(2), 400).unwrap();
    assert_eq!(known.version(&web()), 3);
}

#[test]
fn a_key_that_is_left_out_ends_and_what_it_signed_before_stays() {
    let mut known = begun();
    // Stolen: the authority takes it away, whatever the participant says.
    add(&mut known, &document(2, vec![stated(2, 0, 5_000)]), &key(1), 500).unwrap();
    assert!(was_believed(&known, 1, 500));
    assert!(!is_believed(&known, 1, 499) && !is_believed(&known, 1, 500));
    let refused = add(&mut known, &document(3, vec![stated(1, 0, 9_000)]), &own(1), 600);
    assert!(matches!(refused, Err(KeyDocumentError::Verify(_))));
    // Nobody brings it back: what the thief signed meanwhile must not come to count.
    let again = document(3, vec![stated(1, 0, 9_000), stated(2, 0, 5_000)]);
    let refused = add(&mut known, &again, &key(1), 600);
    assert!(matches!(refused, Err(KeyDocumentError::Key { .. })), "{refused:?}");
}

#[test]
fn nothing_that_was_ever_believed_is_forgotten_and_nothing_new_is_believed_for_the_past() {
    let mut known = begun();
    // It would have ended long ago, or begun later.
    let keys = vec![stated(1, 400, 450), stated(2, 0, 5_000)];
    add(&mut known, &document(2, keys), &own(1), 500).unwrap();
    assert!(was_believed(&known, 1, 10) && was_believed(&known, 1, 999));
    assert!(!is_believed(&known, 1, 460) && !is_believed(&known, 1, 500));
    assert!(!was_believed(&known, 2, 499) && was_believed(&known, 2, 500));
}

#[test]
fn a_key_counts_from_when_the_document_in_force_says() {
    let mut known = KnownKeys::default();
    let first = document(1, vec![stated(1, 0, 1_000), stated(2, 100, 1_000)]);
    add(&mut known, &first, &key(1), 10).unwrap();
    // Suspended, and postponed.
    let later = document(2, vec![stated(1, 500, 1_000), stated(2, 500, 1_000)]);
    add(&mut known, &later, &key(1), 20).unwrap();
    assert!(!is_believed(&known, 1, 150) && !is_believed(&known, 2, 150));
    assert!(is_believed(&known, 1, 500) && is_believed(&known, 2, 500));
    // Brought forward.
    let sooner = document(3, vec![stated(1, 500, 1_000), stated(2, 30, 1_000)]);
    add(&mut known, &sooner, &key(1), 30).unwrap();
    assert!(is_believed(&known, 2, 30) && !is_believed(&known, 1, 30));
}

#[test]
fn a_key_that_was_taken_back_comes_back_under_no_name_and_its_name_for_no_other() {
    let mut known = KnownKeys::default();
    let standby = document(1, vec![stated(1, 0, 1_000), stated(2, 500, 1_000)]);
    add(&mut known, &standby, &key(1), 10).unwrap();
    add(&mut known, &document(2, vec![stated(1, 0, 1_000)]), &key(1), 20).unwrap();
    let renamed =
        |name: u8, number: u8| ParticipantKey { id: id(name), ..stated(number, 0, 1_000) };
    for back in [stated(2, 0, 1_000), renamed(2, 3), renamed(7, 2), renamed(7, 1)] {
        let third = document(3, vec![stated(1, 0, 1_000), back]);
        let refused = add(&mut known, &third, &key(1), 30);
        assert!(matches!(refused, Err(KeyDocumentError::Key { .. })), "{refused:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_brings_no_ended_key_back() {
    let mut known = begun();
    add(&mut known, &document(2, vec![stated(2, 0, 5_000)]), &key(1), 900).unwrap();
    // Whatever the time is now.
    assert!((0..2_000).all(|millis| !is_believed(&known, 1, millis)));
}

#[test]
fn documents_that_are_not_the_next_ones_of_this_space_are_refused() {
    let mut known = begun();
    let keys = || vec![stated(1, 0, 1_000), stated(2, 0, 1_000)];
    let mut refused = |change: &dyn Fn(&mut KeyDocument), by: &SecretKey| {
        let mut changed = document(2, keys());
        change(&mut changed);
        add(&mut known, &changed, by, 20).unwrap_err()
    };
    let authority = key(1);
    for version in [0, 1] {
        let error = refused(&|one| one.version = version, &authority);
        assert!(matches!(error, KeyDocumentError::Version { expected: 2, .. }), "{error:?}");
    }
    // Its own is the next one; the authority's may be any higher one.
    let error = refused(&|one| one.version = 3, &own(1));
    assert!(matches!(error, KeyDocumentError::Version { expected: 2, .. }), "{error:?}");
    let elsewhere = SpaceId::new(key(1).did().clone(), "other".parse().unwrap());
    let error = refused(&|one| one.space = elsewhere.clone(), &authority);
    assert!(matches!(error, KeyDocumentError::Space { .. }));
    let error = refused(&|_| {}, &key(9));
    assert!(matches!(error, KeyDocumentError::Stranger { .. }));
    let error = refused(&|one| one.subject = key(5).did().clone(), &authority);
    assert!(matches!(error, KeyDocumentError::OwnKey { .. }));
    let error = refused(&|one| one.keys.clear(), &authority);
    assert!(matches!(error, KeyDocumentError::Count));
    let of_others: KeyId = "did:web:other.example#key-1".parse().unwrap();
    let small_order = ByteArray::new([0; 32]);
    let faults: [&dyn Fn(&mut KeyDocument); 4] = [
        &|one| one.keys[1].id = of_others.clone(),
        &|one| one.keys[1] = one.keys[0].clone(),
        &|one| one.keys[1].public_key = small_order,
        &|one| one.keys[0].public_key = one.keys[1].public_key,
    ];
    for fault in faults {
        let error = refused(fault, &authority);
        assert!(matches!(error, KeyDocumentError::Key { .. }), "{error:?}");
    }
    add(&mut known, &document(2, keys()), &authority, 20).unwrap();
}

#[test]
fn keys_are_counted_at_a_time_and_documents_in_all() {
    let mut known = KnownKeys::default();
    let most = u64::try_from(KEY_DOCUMENTS_MAX).unwrap();
    for version in 1..=most {
        let keys = vec![stated(u8::try_from(version).unwrap(), 0, 1_000)];
        add(&mut known, &document(version, keys), &key(1), version).unwrap();
    }
    let more = document(most + 1, vec![stated(0, 0, 1_000)]);
    assert!(matches!(add(&mut known, &more, &key(1), 100), Err(KeyDocumentError::Count)));
    // More in one document are not even read.
    let keys = (0..9).map(|number| stated(number, 0, 1_000)).collect();
    let refused = add(&mut KnownKeys::default(), &document(1, keys), &key(1), 1);
    assert!(matches!(refused, Err(KeyDocumentError::Verify(_))), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Against the definition: a key is believed at a time if the last document before it names it, and
    /// the time is before the end that this document states.
    #[test]
    fn what_is_believed_at_a_time_follows_from_the_document_of_that_time(
        steps in prop::collection::vec(
            (1..40_u64, prop::collection::btree_map(0..4_u8, 1..300_u64, 1..4)),
            1..8,
        ),
    ) {
        let (mut known, mut now) = (KnownKeys::default(), 0);
        let mut taken = Vec::new();
        for (wait, keys) in steps {
            now += wait;
            let version = known.version(&web()) + 1;
            let stated = keys.iter().map(|(number, until)| stated(*number, 0, *until));
            if add(&mut known, &document(version, stated.collect()), &key(1), now).is_ok() {
                taken.push((now, keys));
            }
        }
        for number in 0..4 {
            for millis in 0..350 {
                // For all the time for which it ever was, from the first document on.
                let named = taken.iter().filter(|(_, keys)| keys.contains_key(&number));
                let spans = named.map(|(recorded, keys)| (*recorded, keys[&number]));
                let spans: Vec<_> = spans.filter(|(from, until)| from < until).collect();
                let from = spans.iter().map(|(from, _)| *from).min();
                let until = spans.iter().map(|(_, until)| *until).max();
                let expected = from.is_some_and(|from| from <= millis)
                    && until.is_some_and(|until| millis < until);
                if !spans.is_empty() {
                    prop_assert_eq!(was_believed(&known, number, millis), expected, "{} at {}", number, millis);
                }
                let last = taken.last().filter(|(recorded, _)| *recorded <= millis);
                let until = last.and_then(|(_, keys)| keys.get(&number));
                if millis >= now {
                    let expected = until.is_some_and(|until| millis < *until);
                    prop_assert_eq!(is_believed(&known, number, millis), expected, "{} now", number);
                }
            }
        }
    }
}
