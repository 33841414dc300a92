//! Ways in which somebody broke what this crate promises, each closed since.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use dataspace_ledger::Refusal;
use dataspace_primitives::UnixMillis;
use dataspace_runtime::{
    Access, AccessError, Applied, ChangeError, Clock, ManualClock, NewOffer, Setup,
    access::{Decision, NotSubmitted},
    replay_decisions, request_access,
};

use crate::clock::set_back;
use crate::support::{
    DAY, Files, Node, at, authority, codes, consumer, counted, days, denied, keys, name, newcomer,
    provider, released, revocation, rival, signed_credential, signed_profile, table, terms,
};
use crate::waiting::{in_time, node, until_it_stands};

fn assert_replays(node: &Node) {
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{} {:#?}", replayed.discrepancies, replayed.first.first());
}

/// More callers than the log has room for: who is inside waits for nobody outside.
#[test]
fn more_callers_than_room_and_a_change_get_on() {
    let node = Node::new();
    let contract = node.contract(terms());
    let requests: Vec<_> = (0..300).map(|_| [(); 2].map(|()| node.request(contract))).collect();
    in_time(move || {
        let stop = AtomicBool::new(false);
        let (stop, node) = (&stop, &node);
        thread::scope(|scope| {
            let changes = scope.spawn(move || {
                let mut made = 0;
                while !stop.load(Ordering::Relaxed) {
                    made += 1;
                    node.space.admit(signed_credential(&newcomer(made), |_| {})).unwrap();
                }
                made
            });
            let threads: Vec<_> = requests
                .into_iter()
                .map(|requests| {
                    scope.spawn(move || {
                        for request in requests {
                            assert!(is_decided(&node.space.access(request)));
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            assert!(changes.join().unwrap() > 0);
        });
        assert_replays(node);
    });
}

/// Whether there was a decision, be it one that is only counted: so many releases are open at once.
fn is_decided(access: &Result<Access, AccessError>) -> bool {
    matches!(access, Ok(_) | Err(AccessError::TooManyDenials { .. }))
}

#[test]
fn submitting_waits_for_nobody_who_waits_for_the_pass() {
    let node = Node::new();
    let contract = node.contract(terms());
    let requests: Vec<_> = (0..300).map(|_| node.request(contract)).collect();
    in_time(move || {
        let mine = node.verified(contract);
        let monitor = node.space.enter();
        let Decision::Permit(permit) = monitor.receive(mine).unwrap().decide().unwrap() else {
            panic!("denied")
        };
        let space = node.space.clone();
        let mut threads =
            vec![thread::spawn(move || drop(space.revoke(revocation(rival().did(), at(0)))))];
        thread::sleep(Duration::from_millis(100));
        for request in requests {
            let space = node.space.clone();
            threads.push(thread::spawn(move || drop(space.access(request))));
        }
        thread::sleep(Duration::from_secs(1));
        drop(permit.submit().unwrap());
        drop(monitor);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_request_that_is_sent_again_after_the_clock_was_set_back_accuses_nobody() {
    let node = Node::new();
    let contract = node.contract(terms());
    let old = node.request(contract);
    drop(released(node.space.access(old.clone()).unwrap()));
    node.files.clock.set(at(2 * DAY));
    drop(node.released(contract));
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    assert_eq!(codes(&denied(node.space.access(old).unwrap())), ["clock-set-back"]);
    assert_replays(&node);
}

/// A clock that goes on by a millisecond whenever it is read.
#[derive(Clone)]
struct Ticking(Arc<AtomicU64>);

impl Clock for Ticking {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

#[test]
fn the_counts_of_midnight_are_those_of_the_log() {
    let files = Files::new();
    let clock = Ticking(Arc::new(AtomicU64::new(at(0).as_millis())));
    let setup = Setup::new(files.path(), keys(provider()), authority().did().clone());
    let space = setup.clock(clock.clone()).create(signed_profile(|_| {})).unwrap();
    for member in [provider(), consumer(), rival()] {
        space.admit(signed_credential(&member, |_| {})).unwrap();
    }
    space.register(name("alloys"), name("test-results"), table(1)).unwrap();
    let node = Node { space, files };
    let validity = days(0, 365);
    let new = NewOffer { validity, expires_at: validity.until(), ..Node::new_offer(terms()) };
    let contract = node.conclude(&node.space.offer(new).unwrap(), &consumer()).unwrap();
    let agreement = node.space.agreement(contract).unwrap();
    for day in 1..100 {
        let request = || {
            let clock = ManualClock::new(at(day * DAY));
            let read = dataspace_policy::Action::Read;
            let request =
                request_access(&consumer(), &agreement, read, name("research"), &clock).unwrap();
            node.space.verify_request(request).unwrap()
        };
        clock.0.store(at(day * DAY).as_millis() - 50, Ordering::SeqCst);
        let requests: Vec<_> = (0..8).map(|_| [(); 4].map(|()| request())).collect();
        clock.0.store(at(day * DAY).as_millis() - 20, Ordering::SeqCst);
        let barrier = Barrier::new(requests.len());
        thread::scope(|scope| {
            for requests in requests {
                let (node, barrier) = (&node, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for request in requests {
                        let monitor = node.space.enter();
                        let mut received = monitor.receive(request).unwrap();
                        loop {
                            let Decision::Permit(permit) = received.decide().unwrap() else {
                                panic!("denied")
                            };
                            received = match permit.submit() {
                                Ok(_) => break,
                                Err(NotSubmitted::Conflict(conflict)) => {
                                    monitor.again(conflict).unwrap()
                                }
                                Err(NotSubmitted::Failed(error)) => panic!("{error}"),
                            };
                        }
                    }
                });
            }
        });
        node.space.log().flush().unwrap();
    }
    assert_replays(&node);
}

/// The authority's clock leapt, too, so that its credentials are of the future.
#[test]
fn a_credential_of_the_leap_is_void_after_it() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.files.clock.set(at(300 * DAY));
    for (subject, validity) in [(provider(), days(300, 400)), (consumer(), days(0, 365))] {
        let wrong = signed_credential(&subject, |one| {
            (one.issued_at, one.serial, one.validity) = (at(300 * DAY), 2, validity);
        });
        node.space.admit(wrong).unwrap();
    }
    drop(node.denied(contract));
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    let answer = node.denied(contract);
    assert!(codes(&answer).contains(&"clock-set-back"));
    node.space.evidence(&answer.receipt()).unwrap();
    // Nobody reads by it, whom no revocation of today reaches.
    let refused = node.conclude(&node.offer(counted(3)), &consumer());
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::NotAMember { .. }))),
        "{refused:?}"
    );
    let old = node.space.admit(signed_credential(&consumer(), |_| {}));
    assert!(matches!(old, Err(ChangeError::Refused(Refusal::OlderCredential { .. }))), "{old:?}");
    for subject in [provider(), consumer()] {
        let right = signed_credential(&subject, |one| (one.issued_at, one.serial) = (at(60), 3));
        assert_eq!(node.space.admit(right).unwrap(), Applied::Now);
    }
    let contract = node.conclude(&node.offer(counted(3)), &consumer()).unwrap();
    drop(node.released(contract));
    node.advance(60);
    let revoked = node.space.revoke(revocation(consumer().did(), at(120))).unwrap();
    assert_eq!(revoked, Applied::Now);
    assert_eq!(codes(&node.denied(contract)), ["membership-revoked"]);
    assert_replays(&node);
    let node = node.close().reopen();
    assert_eq!(codes(&node.denied(contract)), ["membership-revoked"]);
}

#[test]
fn a_credential_that_the_clock_ended_is_not_told_to_be_in_force() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.files.clock.set(at(3650 * DAY));
    drop(node.denied(contract));
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    let again = node.space.admit(signed_credential(&consumer(), |_| {}));
    assert!(
        matches!(again, Err(ChangeError::Refused(Refusal::OlderCredential { .. }))),
        "{again:?}"
    );
}

#[test]
fn nothing_is_told_that_rests_on_what_is_not_durable() {
    let (node, dial) = node();
    let contract = node.contract(terms());
    let (offer, of_consumer) = (node.offer(counted(5)), consumer());
    let begun = dial.begun.load(Ordering::Acquire);
    dial.stands.store(true, Ordering::Release);
    let end = || {
        let space = node.space.clone();
        thread::spawn(move || space.end_contract(contract, name("over")))
    };
    let first = end();
    until_it_stands(&dial, begun);
    let second = end();
    let register = || {
        let space = node.space.clone();
        thread::spawn(move || space.register(name("steel"), name("test-results"), table(3)))
    };
    let registered = [register(), register()];
    let acceptance = node.accept(&offer, &of_consumer);
    let conclude = || {
        let (space, offer, acceptance) = (node.space.clone(), offer.clone(), acceptance.clone());
        thread::spawn(move || space.conclude(offer, acceptance))
    };
    let first_concluded = conclude();
    while node.space.contracts().len() < 2 {
        thread::yield_now();
    }
    let concluded = [first_concluded, conclude()];
    thread::sleep(Duration::from_millis(300));
    assert!(!second.is_finished() && !registered.iter().any(thread::JoinHandle::is_finished));
    assert!(!concluded.iter().any(thread::JoinHandle::is_finished));
    dial.fails.store(true, Ordering::Release);
    dial.stands.store(false, Ordering::Release);
    assert!(first.join().unwrap().is_err());
    let second = second.join().unwrap();
    assert!(matches!(second, Err(ChangeError::Write(_))), "{second:?}");
    for one in registered {
        assert!(one.join().unwrap().is_err());
    }
    // Nor is the second told that the offer was accepted before.
    for one in concluded {
        let one = one.join().unwrap();
        assert!(matches!(one, Err(ChangeError::Write(_))), "{one:?}");
    }
}

#[test]
fn more_tasks_than_room_and_changes_get_on() {
    let node = Node::new();
    let contract = node.contract(terms());
    let requests: Vec<_> = (0..600).map(|_| node.request(contract)).collect();
    let space = node.space.clone();
    in_time(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for request in requests {
            let space = space.clone();
            tasks.spawn_on(
                async move { is_decided(&space.access_async(request).await) },
                runtime.handle(),
            );
        }
        for number in 0..20 {
            space.admit(signed_credential(&newcomer(number), |_| {})).unwrap();
        }
        assert!(runtime.block_on(tasks.join_all()).into_iter().all(|decided| decided));
    });
    assert_replays(&node);
}
