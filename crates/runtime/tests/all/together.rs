//! Sixteen threads do everything at once, with a model of what each may see.

use dataspace_identity::DidKeys;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use dataspace_ledger::Refusal;
use dataspace_primitives::{UnixMillis, Verified};
use dataspace_runtime::{Access, AccessError, ChangeError, DataSpace, Setup, request_access};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::{Acceptance, Agreement, Offer, contract_id};

use crate::support::{
    Node, TestClock, authority, consumer, keys, name, provider, research, revocation, rival,
    signed_credential, table,
};

/// How long it runs, in seconds, unless this variable says otherwise.
const SECONDS: (&str, u64) = ("DATASPACE_TOGETHER_SECONDS", 4);
const LIMIT: u32 = 40;

/// A contract, and what is known of it from outside.
struct Seen {
    agreement: Verified<Agreement>,
    is_rivals: bool,
    /// Set once the end was acknowledged.
    has_ended: AtomicBool,
    /// The numbers of the uses that were released.
    uses: Mutex<BTreeSet<u64>>,
}

/// The node, which is closed and opened again meanwhile.
struct World {
    space: RwLock<Option<DataSpace>>,
    contracts: RwLock<Vec<Seen>>,
    clock: TestClock,
    /// Even while the rival's membership is changed; 1 modulo 4 while it is a member, 3 while it is not.
    rival: AtomicU64,
    released: AtomicU64,
    denied: AtomicU64,
    changes: AtomicU64,
    openings: AtomicU64,
    ends: AtomicBool,
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn with<T>(&self, work: impl FnOnce(&DataSpace) -> T) -> T {
        work(read(&self.space).as_ref().unwrap())
    }

    fn access(&self, random: u64) {
        let contracts = read(&self.contracts);
        let Some(seen) = contracts.get(usize::try_from(random).unwrap() % contracts.len().max(1))
        else {
            return;
        };
        let by = if seen.is_rivals { rival() } else { consumer() };
        let read = dataspace_policy::Action::Read;
        let (agreement, clock) = (&seen.agreement, &self.clock);
        let request = request_access(&by, agreement, read, name("research"), clock).unwrap();
        let (ended, before) =
            (seen.has_ended.load(Ordering::SeqCst), self.rival.load(Ordering::SeqCst));
        let answer = self.with(|space| space.access(request));
        let same = before == self.rival.load(Ordering::SeqCst);
        let is_no_member = seen.is_rivals && same && before % 4 == 3;
        match answer {
            Ok(Access::Released(release)) => {
                assert!(!ended, "released after its end was acknowledged");
                assert!(!is_no_member, "released to somebody who was revoked");
                assert!(release.uses() <= u64::from(LIMIT));
                assert!(seen.uses.lock().unwrap().insert(release.uses()), "a use came twice");
                self.released.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Access::Denied(denied)) => self.check_denial(seen, before, same, denied.reasons()),
            Err(AccessError::TooManyDenials { reasons, .. }) => {
                self.check_denial(seen, before, same, &reasons);
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A denial has one of the reasons that there can be.
    fn check_denial(
        &self,
        seen: &Seen,
        before: u64,
        same: bool,
        reasons: &[dataspace_ledger::DenialReason],
    ) {
        let is_member = !seen.is_rivals || (same && before % 4 == 1);
        for reason in reasons {
            match reason.code() {
                "membership-revoked" => assert!(!is_member, "a member was denied as revoked"),
                "contract-terminated" | "too-many-open" | "unmet" | "quota-exhausted" => {}
                other => panic!("{other}"),
            }
        }
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    fn conclude(&self, number: u64) {
        let is_rivals = number.is_multiple_of(3);
        let by = if is_rivals { rival() } else { consumer() };
        let terms = dataspace_policy::Terms::new()
            .permit(research().when(dataspace_policy::Constraint::Count(LIMIT)));
        let mut new = Node::new_offer(terms);
        // Each offer is another one.
        let expires_at = new.expires_at.as_millis() - number;
        new.expires_at = UnixMillis::new(expires_at).unwrap();
        let now = dataspace_runtime::Clock::now(&self.clock);
        let concluded = self.with(|space| {
            let offer = space.offer(new).unwrap();
            let verified = Offer::verify(offer.clone(), provider().did(), &DidKeys, now).unwrap();
            let acceptance = Acceptance::sign(&verified, &by, now).unwrap();
            space.conclude(offer, acceptance)
        });
        match concluded {
            Ok(agreement) => {
                let (has_ended, uses) = Default::default();
                let seen = Seen { agreement, is_rivals, has_ended, uses };
                self.contracts.write().unwrap().push(seen);
                self.changes.fetch_add(1, Ordering::Relaxed);
            }
            Err(ChangeError::Refused(Refusal::NotAMember { .. })) => assert!(is_rivals),
            Err(error) => panic!("{error}"),
        }
    }

    fn end(&self, random: u64) {
        let contracts = read(&self.contracts);
        if contracts.len() < 12 {
            return;
        }
        let seen = &contracts[usize::try_from(random).unwrap() % contracts.len()];
        let id = contract_id(&seen.agreement);
        match self.with(|space| space.end_contract(id, name("over"))) {
            Ok(()) => {
                seen.has_ended.store(true, Ordering::SeqCst);
                self.changes.fetch_add(1, Ordering::Relaxed);
            }
            Err(ChangeError::Refused(Refusal::AlreadyTerminated { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Revokes the rival, and admits it again. One thread does this.
    fn change_rival(&self) {
        let now = dataspace_runtime::Clock::now(&self.clock);
        self.rival.fetch_add(1, Ordering::SeqCst);
        self.with(|space| space.revoke(revocation(rival().did(), now)).unwrap());
        self.rival.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(3));
        self.clock.0.advance(Duration::from_millis(2));
        let now = dataspace_runtime::Clock::now(&self.clock);
        self.rival.fetch_add(1, Ordering::SeqCst);
        let again = signed_credential(&rival(), |one| {
            one.issued_at = now;
            one.serial = now.as_millis();
        });
        self.with(|space| space.admit(again).unwrap());
        self.rival.fetch_add(1, Ordering::SeqCst);
        self.changes.fetch_add(2, Ordering::Relaxed);
    }

    /// Closes the node and opens it again, with or without its index, and with little room.
    fn reopen(&self, files: &crate::support::Files, round: u64) {
        let mut space = self.space.write().unwrap();
        drop(space.take());
        if round.is_multiple_of(3) {
            let _may_not_be_there = std::fs::remove_file(files.path().join("index"));
        }
        let setup = Setup::new(files.path(), keys(provider()), authority().did().clone());
        let opened = setup.clock(self.clock.clone()).contracts_in_memory(4).open().unwrap();
        opened.register(name("alloys"), name("test-results"), table(10)).unwrap();
        *space = Some(opened);
        self.openings.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn sixteen_threads_do_everything_at_once() {
    let seconds = std::env::var(SECONDS.0).ok().and_then(|text| text.parse().ok());
    let Node { space, files } = Node::new();
    let world = World {
        space: RwLock::new(Some(space)),
        contracts: RwLock::default(),
        clock: TestClock(files.clock.clone()),
        rival: AtomicU64::new(1),
        released: AtomicU64::new(0),
        denied: AtomicU64::new(0),
        changes: AtomicU64::new(0),
        openings: AtomicU64::new(0),
        ends: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let (world, files) = (&world, &files);
            scope.spawn(move || {
                let mut random = thread;
                for round in 0_u64.. {
                    if world.ends.load(Ordering::Acquire) {
                        break;
                    }
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    match thread {
                        0 => {
                            std::thread::sleep(Duration::from_millis(150));
                            world.reopen(files, round);
                        }
                        1 => world.change_rival(),
                        2 => {
                            std::thread::sleep(Duration::from_millis(20));
                            world.with(|space| space.tend().unwrap());
                            let first = world.with(|space| space.archive(LeafIndex::new(0)));
                            first.unwrap();
                        }
                        3 | 4 => world.conclude(round * 2 + thread - 3),
                        5 if random >> 40 & 1 == 0 => world.end(random >> 33),
                        _ => world.access(random >> 33),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(seconds.unwrap_or(SECONDS.1)));
        world.ends.store(true, Ordering::Release);
    });
    let counts = [&world.released, &world.denied, &world.changes, &world.openings];
    let counts = counts.map(|count| count.load(Ordering::Relaxed));
    println!("released, denied, changes, openings: {counts:?}");
    assert!(counts.iter().all(|count| *count > 3), "{counts:?}");

    let space = world.space.into_inner().unwrap().unwrap();
    let replayed =
        dataspace_runtime::replay_decisions(space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:?}", replayed.first);
    assert_eq!(replayed.permits, counts[0]);
    assert_eq!(replayed.denials + replayed.counted_denials, counts[1]);
    for seen in world.contracts.into_inner().unwrap() {
        let uses = seen.uses.into_inner().unwrap();
        let made = space.uses(contract_id(&seen.agreement)).unwrap();
        assert_eq!(made, (uses.len() as u64, Some(LIMIT.into())));
        assert!(uses.iter().copied().eq(1..=made.0));
    }
}
