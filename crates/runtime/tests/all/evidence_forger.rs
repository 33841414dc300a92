//! A generated forger: each part of one genuine file in place of the same part of another one, and
//! each two of them. What comes out is refused, by an error that names a part that was exchanged;
//! or it says nothing but what happened.

use std::collections::BTreeMap;

use dataspace_identity::Origin;
use dataspace_identity::{DidKeys, MembershipCredential, SecretKey, SpaceId};
use dataspace_ledger::evidence::Part;
use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{Access, Clock as _, DataSpace, NewOffer, request_access};
use dataspace_usage_contract::{Acceptance, Offer};

use crate::support::story::Wire;
use crate::support::{
    DAY, Files, TestClock, authority, consumer, counted, credential, days, name, profile, provider,
    research, rival, table,
};

/// A node in one of the authority's spaces.
struct Place {
    files: Files,
    space: DataSpace,
    id: SpaceId,
    provider: SecretKey,
}

impl Place {
    fn new(space: &str, provider: fn() -> SecretKey) -> Self {
        let files = Files::new();
        let mut profile = profile();
        profile.space = name(space);
        let id = profile.space_id();
        let founded = files.setup(provider()).create(Signed::sign(&profile, &authority()).unwrap());
        let place = Self { files, space: founded.unwrap(), id, provider: provider() };
        for (serial, member) in (1..).zip([provider(), consumer(), rival()]) {
            place.admit(&member, |credential| {
                credential.serial = serial;
                // The same participant is somebody else in each space.
                credential.roles =
                    [name(if space == "demo" { "consumer" } else { "provider" })].into();
            });
        }
        let class = name("test-results");
        place.space.register(name("alloys"), class, table(3)).unwrap();
        place
    }

    fn admit(&self, member: &SecretKey, change: impl FnOnce(&mut MembershipCredential)) {
        let mut credential = MembershipCredential { space: self.id.clone(), ..credential(member) };
        change(&mut credential);
        self.space.admit(Signed::sign(&credential, &authority()).unwrap()).unwrap();
    }

    fn advance(&self, secs: u64) {
        self.files.clock.advance(std::time::Duration::from_secs(secs));
    }

    /// Evidence of accesses under one new contract, with these actions for these purposes.
    fn evidence(
        &self,
        consumer: &SecretKey,
        terms: Terms,
        accesses: &[(Action, &str)],
    ) -> Vec<Wire> {
        let clock = TestClock(self.files.clock.clone());
        // No two offers are the same.
        let validity = days(0, 200 + u64::try_from(self.space.contracts().len()).unwrap());
        let (product, expires_at) = (name("alloys"), validity.until());
        let new = NewOffer { product, consumer: None, terms, validity, expires_at };
        let offer = self.space.offer(new).unwrap();
        let now = self.files.clock.now();
        let read = Offer::verify(offer.clone(), self.provider.did(), &DidKeys, now).unwrap();
        let acceptance = Acceptance::sign(&read, consumer, now).unwrap();
        let agreement = self.space.conclude(offer, acceptance).unwrap();
        let access = |&(action, purpose): &(Action, &str)| {
            self.advance(5);
            let request = request_access(consumer, &agreement, action, name(purpose), &clock);
            let receipt = match self.space.access(request.unwrap()).unwrap() {
                Access::Released(release) => release.receipt().clone(),
                Access::Denied(denied) => denied.receipt(),
            };
            Wire::read(&self.space.evidence(&receipt).unwrap().to_bytes().unwrap())
        };
        accesses.iter().map(access).collect()
    }
}

/// What really happened: the records of every log, and what was asked for.
struct World {
    files: Vec<Wire>,
    logs: BTreeMap<Origin, Vec<Vec<u8>>>,
    /// Credentials that were in force in a log, by their bytes.
    members: BTreeMap<Origin, Vec<Vec<u8>>>,
}

fn world() -> World {
    let duty = Duty::Mask(ColumnMask { column: name("furnace"), method: MaskMethod::Drop });
    let strict = Terms::new()
        .permit(research().when(Constraint::Count(5)))
        .prohibit(Rule::new([Action::Train]))
        .duty(duty);
    let places = [
        Place::new("demo", provider),
        // A second node of the provider, a second space of the authority, another provider.
        Place::new("demo", provider),
        Place::new("annexe", provider),
        Place::new("demo", rival),
    ];
    let [first, second, annexe, other] = &places;
    let mut files = Vec::new();
    let (ours, theirs) = (consumer(), rival());
    let twice = [(Action::Read, "research"), (Action::Read, "research")];
    files.extend(first.evidence(&ours, strict.clone(), &twice));
    files.extend(first.evidence(&theirs, counted(2), &[(Action::Read, "alloy-design")]));
    files.extend(second.evidence(&ours, strict.clone(), &twice[..1]));
    files.extend(annexe.evidence(&ours, strict.clone(), &[(Action::Train, "research")]));
    files.extend(other.evidence(&ours, counted(3), &twice[..1]));
    // The consumer comes back with another role.
    first.advance(DAY);
    first.admit(&ours, |one| {
        (one.serial, one.issued_at) = (9, first.files.clock.now());
        one.roles = [name("provider")].into();
    });
    files.extend(first.evidence(&ours, strict, &twice[..1]));
    let (mut logs, mut members) = (BTreeMap::new(), BTreeMap::new());
    for place in &places {
        let mut records = Vec::new();
        place
            .space
            .log()
            .replay(|_, bytes| {
                records.push(bytes.to_vec());
                Ok::<_, dataspace_audit_log::reader::ReadError>(())
            })
            .unwrap();
        logs.insert(place.space.log().origin().clone(), records);
    }
    for file in &files {
        let origin = file.verify().unwrap().checkpoint().origin().clone();
        let all: &mut Vec<_> = members.entry(origin).or_default();
        all.extend([file.provider.to_vec(), file.consumer.to_vec()]);
    }
    World { files, logs, members }
}

type Exchange = (Part, fn(&mut Wire, &Wire));

/// Every field of the file.
const FIELDS: [Exchange; 10] = [
    (Part::Checkpoint, |to, from| to.checkpoint.clone_from(&from.checkpoint)),
    (Part::Conclusion, |to, from| to.conclusion.index = from.conclusion.index),
    (Part::Conclusion, |to, from| to.conclusion.path.clone_from(&from.conclusion.path)),
    (Part::Conclusion, |to, from| to.conclusion.record.clone_from(&from.conclusion.record)),
    (Part::Decision, |to, from| to.decision.index = from.decision.index),
    (Part::Decision, |to, from| to.decision.path.clone_from(&from.decision.path)),
    (Part::Decision, |to, from| to.decision.record.clone_from(&from.decision.record)),
    (Part::Provider, |to, from| to.provider.clone_from(&from.provider)),
    (Part::Consumer, |to, from| to.consumer.clone_from(&from.consumer)),
    (Part::Request, |to, from| to.request.clone_from(&from.request)),
];

/// Whole parts, where a field alone would not do.
const PARTS: [Exchange; 4] = [
    (Part::Conclusion, |to, from| to.conclusion.clone_from(&from.conclusion)),
    (Part::Decision, |to, from| to.decision.clone_from(&from.decision)),
    (Part::Request, |to, from| to.request.clone_from(&from.request)),
    (Part::Request, |to, _| to.request = None),
];

impl World {
    /// Verifies a file of which some parts were exchanged.
    fn try_out(&self, file: &Wire, exchanged: &[Part]) -> bool {
        match file.verify() {
            Err(error) => {
                let named = error.parts().iter().any(|part| exchanged.contains(part));
                assert!(named, "{exchanged:?} were exchanged, the error is: {error}");
                false
            }
            Ok(verified) => {
                let origin = verified.checkpoint().origin();
                let log = &self.logs[origin];
                for entry in [&file.conclusion, &file.decision] {
                    let at = usize::try_from(entry.index).unwrap();
                    assert_eq!(log[at], entry.record.to_vec(), "{exchanged:?}");
                }
                for credential in [&file.provider, &file.consumer] {
                    assert!(self.members[origin].contains(&credential.to_vec()), "{exchanged:?}");
                }
                if let Some(request) = &file.request {
                    assert_eq!(verified.access().request, Digest::of(request));
                }
                assert_eq!(file.request.is_some(), verified.request().is_some());
                true
            }
        }
    }
}

#[test]
fn no_part_of_a_file_can_be_exchanged_for_that_of_another() {
    let world = world();
    let (mut refused, mut same) = (0, 0);
    for (a, to) in world.files.iter().enumerate() {
        for (b, from) in world.files.iter().enumerate() {
            if a == b {
                continue;
            }
            let all: Vec<_> = FIELDS.iter().chain(&PARTS).collect();
            for (number, one) in all.iter().enumerate() {
                // Alone, and with each other one.
                for two in &all[number..] {
                    let mut forged = to.clone();
                    (one.1)(&mut forged, from);
                    (two.1)(&mut forged, from);
                    if forged == *to {
                        continue;
                    }
                    if world.try_out(&forged, &[one.0, two.0]) {
                        same += 1;
                    } else {
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 3_000, "{refused} refused, {same} as it happened");
}

#[test]
fn what_is_left_out_is_not_proved() {
    let world = world();
    for file in &world.files {
        let without = Wire { request: None, ..file.clone() };
        let told = |wire: &Wire| {
            let findings = wire.verify().unwrap().findings();
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert!(told(file).contains("proved: the consumer signed the request"));
        let told = told(&without);
        assert!(told.contains("not proved: what the consumer asked for"), "{told}");
        assert!(!told.contains("proved: the consumer signed the request"), "{told}");
    }
}
